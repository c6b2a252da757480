/** How the end of a process becomes a failure: by exit code, signal and system error, never by what it printed. */
import { access } from 'node:fs/promises';
import type { Failure } from '../../engine/kernel/plan.ts';
import { type CommandText, nameOf } from './command-text.ts';
import { failure, failureOfAbort } from './failure.ts';
import { lastLines } from './output.ts';

/** Why a process was stopped: an aborted signal, its own time limit, or more output than may be kept. */
export type Stop = AbortSignal | 'timeout' | 'output';

export interface HowItEnded {
  readonly stop?: Stop;
  readonly timeoutMs?: number;
  readonly exitCode?: number | null;
  readonly endedBy?: NodeJS.Signals | null;
  readonly stderr?: string;
  readonly dispatched?: boolean;
}

/** EX_TEMPFAIL of `sysexits.h`: the program says that another try may help. */
const EX_TEMPFAIL = 75;

export const failureOfEnd = (run: CommandText, end: HowItEnded): Failure | undefined => {
  const name = nameOf(run);
  const { stop, exitCode, dispatched } = end;
  if (stop === 'timeout') return failure('timeout', 'TIMEOUT', `${name} was ended after its limit of ${end.timeoutMs} ms.${said(end)}`);
  if (stop === 'output')
    return failure(
      'permanent',
      'PAYLOAD_TOO_LARGE',
      `${name} was ended because it printed more than Baton keeps. Write large results to a file.`,
    );
  if (stop !== undefined) {
    const { class: why, code, message } = failureOfAbort(stop);
    return failure(why, code, dispatched === false ? message : `${name} was ended: ${message}`, { dispatched });
  }
  if (exitCode === 0) return undefined;
  if (exitCode === EX_TEMPFAIL)
    return failure('transient', 'EXIT_CODE', `${name} exited with code ${EX_TEMPFAIL}, which asks to try again.${said(end)}`);
  if (typeof exitCode === 'number') return failure('permanent', 'EXIT_CODE', `${name} exited with code ${exitCode}.${said(end)}`);
  return failure('transient', 'ENDED_BY_SIGNAL', `${name} was ended by ${end.endedBy ?? 'a signal'} from outside Baton.${said(end)}`);
};

/** It could not be started: proof that nothing was dispatched. */
export const failureOfStart = async (run: CommandText, cwd: string, error: unknown): Promise<Failure> => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const program = typeof run === 'string' ? 'bash' : (run[0] ?? '');
  const never = (failureCode: string, message: string): Failure => failure('permanent', failureCode, message, { dispatched: false });
  if ((code === 'ENOENT' || code === 'ENOTDIR') && !(await exists(cwd)))
    return never('FOLDER_MISSING', `There is no folder ${cwd} to run ${nameOf(run)} in.`);
  if (code === 'ENOENT')
    return never(
      'COMMAND_NOT_FOUND',
      `There is no program "${program}". Install it, or correct the name; PATH is what Baton was started with.`,
    );
  if (code === 'EACCES') return never('COMMAND_NOT_EXECUTABLE', `"${program}" may not be executed. Try chmod +x.`);
  if (code === 'E2BIG')
    return never(
      'ENVIRONMENT_TOO_LARGE',
      `The arguments or environment of ${nameOf(run)} are too long for the system. Pass large values in a file.`,
    );
  if (code === 'EAGAIN' || code === 'ENOMEM' || code === 'EMFILE' || code === 'ENFILE') {
    return failure('transient', code, `${nameOf(run)} could not be started: the system is short of processes, memory or files.`, {
      dispatched: false,
    });
  }
  return never('COMMAND_NOT_STARTED', `${nameOf(run)} could not be started: ${error instanceof Error ? error.message : String(error)}`);
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const said = ({ stderr }: HowItEnded): string => (stderr === undefined || stderr.trim() === '' ? '' : `\n${lastLines(stderr)}`);
