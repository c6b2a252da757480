/** Recomputes a chain from stored bytes and says where it first does not hold, and in which way. */
import type { Hash } from '../kernel/plan.ts';
import { decode, genesis, link } from './codec.ts';
import type { ChainBreak } from './journal.ts';

export interface ChainRow {
  readonly seq: number;
  readonly text: string;
  readonly hash: Hash;
}

/** @param rows in order of `seq`; read one after another, so a long stream needs no memory */
export function chainBreak(stream: string, rows: Iterable<ChainRow>): ChainBreak | undefined {
  let before = genesis(stream);
  let last = 0;
  let suspect: ChainBreak | undefined;
  for (const { seq, text, hash } of rows) {
    if (suspect) {
      // A row that was only edited leaves the next link whole; one that changed places breaks that as well.
      return link(before, seq, text) === hash
        ? suspect
        : { ...suspect, problem: 'reordered', message: `Fact ${suspect.seq} of ${stream} is not where it was stored.` };
    }
    if (seq !== last + 1)
      return { stream, seq: last + 1, problem: 'missing', message: `Fact ${last + 1} of ${stream} is missing; ${seq} follows ${last}.` };
    if (link(before, seq, text) !== hash)
      suspect = { stream, seq, problem: 'changed', message: `Fact ${seq} of ${stream} is not what was stored.` };
    else
      try {
        decode(stream, seq, text);
      } catch (error) {
        return { stream, seq, problem: 'unreadable', message: error instanceof Error ? error.message : String(error) };
      }
    before = hash;
    last = seq;
  }
  return suspect;
}
