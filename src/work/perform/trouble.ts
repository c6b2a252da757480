/**
 * Trouble of the machine with a workspace: a step that takes too long, a full disk. Some of it passes by itself, so a step is
 * tried three times in a row. What does not pass is nobody's fault: the task waits as it is, a person is asked, and
 * others go on.
 */
import { BatonError } from '../../errors.ts';
import { AttemptError } from '../processes/failure.ts';

/** Failures in a row that are for a person; a success between two begins the count anew. */
export const TROUBLES_MAX = 3;

const PASSES: ReadonlySet<string> = new Set(['WORKSPACE_TIMEOUT', 'GIT_FAILED']);
const LASTS: ReadonlySet<string> = new Set(['WORKSPACE_TIMEOUT', 'GIT_FAILED', 'DISK_FULL', 'QUOTA_EXCEEDED']);

export const isTrouble = (error: unknown): error is BatonError => error instanceof BatonError && LASTS.has(error.code);

/** A lock or a slow disk passes; what doesn't is thrown to whoever asked. */
export async function tried<T>(act: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++)
    try {
      return await act();
    } catch (error) {
      if (n >= TROUBLES_MAX || !(error instanceof BatonError && PASSES.has(error.code))) throw error;
    }
}

/** Ends an attempt so that its task waits for a person, with its workspace as it is. */
export const heldBack = (error: BatonError, dispatched: boolean): AttemptError =>
  new AttemptError('cancelled', error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
    holds: true,
    ...(dispatched ? {} : { dispatched: false }),
  });
