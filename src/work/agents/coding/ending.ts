/** How a turn or a process of an agent ended badly, as a failure of the right class: by status, code and signal. */
import type { Failure, FailureClass } from '../../../engine/kernel/plan.ts';
import { AttemptError, failureOfAbort } from '../../processes/failure.ts';
import { lastLines } from '../../processes/output.ts';
import type { Ended } from '../../processes/process.ts';
import type { ModelsInside } from '../walls.ts';

export const throwIfAborted = (signal: AbortSignal): void => {
  if (!signal.aborted) return;
  throw errorOf(failureOfAbort(signal));
};

const errorOf = ({ class: failureClass, code, message }: Failure): AttemptError => new AttemptError(failureClass, code, message);

/** The agent says that its turn failed. What its provider said counts more than what it makes of it. */
export const turnFailed = (name: string, says: string, status: number | undefined, models: Pick<ModelsInside, 'failing'>): AttemptError => {
  const failing = models.failing();
  if (failing !== undefined) return errorOf(failing.failure);
  const text = `${name} gave up its turn: ${says === '' ? 'it does not say why' : says}`;
  if (status === undefined) return new AttemptError('transient', 'AGENT_ERROR', text);
  const [failureClass, code] = meaningOf(status);
  return new AttemptError(failureClass, code, text);
};

const meaningOf = (status: number): readonly [FailureClass, string] => {
  if (status === 401 || status === 403) return ['permanent', 'AUTH'];
  if (status === 429) return ['throttled', 'HTTP_429'];
  const passing = status >= 500 || status === 408 || status === 409 || status === 425;
  return [passing ? 'transient' : 'permanent', `HTTP_${status}`];
};

/** Shells and sandboxes report a signal as 128 and its number. */
const SIGNAL_MIN = 128;

/** The process is gone, and the turn was not over. `begun`: it had done something. */
export const endedEarly = (name: string, { failure, exitCode, stderr }: Ended, begun: boolean): AttemptError => {
  const said = stderr.text.trim() === '' ? '' : `\n${lastLines(stderr.text)}`;
  if (failure === undefined)
    return new AttemptError('transient', 'NO_TERMINAL_EVENT', `${name} exited with code 0 and never said that its work is done.${said}`);
  if (failure.code === 'EXIT_CODE' && exitCode !== undefined && exitCode > SIGNAL_MIN)
    return new AttemptError('transient', 'ENDED_BY_SIGNAL', `${name} was ended by signal ${exitCode - SIGNAL_MIN}.${said}`);
  if (failure.code === 'EXIT_CODE' && begun)
    return new AttemptError('transient', 'EXIT_CODE', `${name} exited with code ${exitCode} in the middle of its work.${said}`);
  return errorOf(failure);
};
