/**
 * A gate that is a command, run by Baton itself on the result of an attempt. Exit code 0 passes. Any other code sends
 * the work back with what the command printed. A command that could not do its job (missing, not executable, out of
 * time, asking to try again) judges nothing.
 */

import { defined } from '../../defined.ts';
import type { Commit, Hash } from '../../engine/kernel/plan.ts';
import { type CommandText, nameOf } from '../processes/command-text.ts';
import { lastLines } from '../processes/output.ts';
import { type Command, type Ended, runProcess } from '../processes/process.ts';
import { type Evidence, type PayloadStore, storeOutput } from './evidence.ts';

export interface CommandGate extends Pick<Command, 'cwd' | 'env' | 'walls' | 'signal' | 'redactor' | 'timeoutMs'> {
  readonly name: string;
  readonly run: CommandText;
  readonly result: Hash;
  /** What it looks at, over a repository. */
  readonly tree?: Commit;
  /** Hash of all that it is given. */
  readonly given?: Hash;
}

export interface Judged {
  readonly verdict: 'pass' | 'fail' | 'error';
  readonly evidence: Hash;
  readonly given?: Hash;
}

/** Limit of a check that names none. */
const TIMEOUT_MS = 30 * 60_000;
/** Codes of a shell for a command that is not executable, or not there; and EX_TEMPFAIL. */
const NOT_RUN = new Set([126, 127, 75]);
const FEEDBACK_LINES = 60;
const FEEDBACK_MAX = 6000;

export const judgeByCommand = async (gate: CommandGate, blobs: PayloadStore): Promise<Judged> => {
  const ended = await runProcess({ ...gate, timeoutMs: gate.timeoutMs ?? TIMEOUT_MS });
  const verdict = verdictOf(ended);
  const evidence: Evidence = defined({
    version: 1,
    gate: gate.name,
    result: gate.result,
    tree: gate.tree,
    given: gate.given,
    command: gate.run,
    exitCode: ended.exitCode,
    stdout: storeOutput(ended.stdout, blobs),
    stderr: storeOutput(ended.stderr, blobs),
    ms: ended.ms,
    failure: verdict === 'error' ? ended.failure : undefined,
    feedback: verdict === 'fail' ? feedbackOf(gate, ended) : undefined,
  });
  return defined({ verdict, evidence: blobs.put(JSON.stringify(evidence)), given: gate.given });
};

const verdictOf = ({ exitCode, failure }: Ended): Judged['verdict'] => {
  if (failure === undefined) return 'pass';
  return failure.code === 'EXIT_CODE' && exitCode !== undefined && !NOT_RUN.has(exitCode) ? 'fail' : 'error';
};

const feedbackOf = ({ name, run }: CommandGate, { exitCode, stdout, stderr }: Ended): string => {
  const printed = [stdout, stderr].map(({ text }) => lastLines(text, FEEDBACK_LINES, FEEDBACK_MAX)).filter((text) => text !== '');
  return [`The check "${name}" failed: ${nameOf(run)} exited with code ${exitCode}.`, ...printed].join('\n');
};
