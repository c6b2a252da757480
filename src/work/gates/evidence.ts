/** What a check found, and what exactly it looked at. Made by Baton alone; bound to one result by its hash. */
import { createHash } from 'node:crypto';
import type { Commit, Failure, Hash } from '../../engine/kernel/plan.ts';
import type { Green } from '../../engine/kernel/state.ts';
import type { CommandText } from '../processes/command-text.ts';
import type { Output } from '../processes/output.ts';

export interface Evidence {
  readonly version: 1;
  /** Name of the gate; the id of the owed check where not even that could be read. */
  readonly gate: string;
  /** The handoff content that was checked. */
  readonly result: Hash;
  /** The tree that was checked out for it. */
  readonly tree?: Commit;
  /** Hash of all that it was given, where another check that is given the same may rest on it. */
  readonly given?: Hash;
  /** The green verdict it rests on: nothing was run for this one, and what follows is what was seen then. */
  readonly reuses?: Green;
  /** What was run, and how it ended; missing when nothing was. */
  readonly command?: CommandText;
  readonly exitCode?: number;
  readonly stdout?: StoredOutput;
  readonly stderr?: StoredOutput;
  readonly ms?: number;
  /** Why it could not be judged. */
  readonly failure?: Failure;
  /** What the agent is told when the check sends its work back. */
  readonly feedback?: string;
}

/** Where evidence and long outputs go. */
export interface PayloadStore {
  put(payload: Uint8Array | string): Hash;
}

/** The hash of the whole, and its end. The whole is a blob of that hash where it is longer than `text`. */
export interface StoredOutput {
  readonly sha256: Hash;
  readonly size: number;
  readonly text: string;
}

export const storeOutput = ({ text, size, whole }: Output, blobs: PayloadStore): StoredOutput => ({
  sha256: whole === undefined ? createHash('sha256').update(text).digest('hex') : blobs.put(whole),
  size,
  text,
});

/** What a check said to the agent; any other text as it is. */
export const feedbackIn = (payload: Uint8Array): string => {
  const text = Buffer.from(payload).toString('utf8');
  try {
    const evidence: unknown = JSON.parse(text);
    if (typeof evidence === 'object' && evidence !== null && 'feedback' in evidence && typeof evidence.feedback === 'string')
      return evidence.feedback;
  } catch {
    // Not evidence: a person wrote it.
  }
  return text;
};
