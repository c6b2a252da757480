/** Recomputes a chain from stored bytes and says where it first does not hold, and in which way. */
import type { Hash } from '../kernel/plan.ts';
import { decode, genesis, link } from './codec.ts';
import type { ChainBreak, ChainHead } from './journal.ts';

export interface ChainRow {
  readonly seq: number;
  readonly text: string;
  readonly hash: Hash;
}

/**
 * @param rows in the order in which they were stored; read one after another, so a long stream needs no memory
 * @param kept heads of this stream that were kept elsewhere: what is stored has to contain them
 */
export function chainBreak(stream: string, rows: Iterable<ChainRow>, kept: readonly ChainHead[] = []): ChainBreak | undefined {
  const found = (seq: number, problem: ChainBreak['problem'], message: string): ChainBreak => ({ stream, seq, problem, message });
  const heads = new Map(kept.map((head) => [head.seq, head.hash]));
  let before = genesis(stream);
  let last = 0;
  let suspect: ChainBreak | undefined;
  for (const { seq, text, hash } of rows) {
    const whole = link(before, seq, text) === hash;
    // A fact that was only edited leaves the next link whole; one that changed places breaks that as well.
    if (suspect)
      return whole
        ? suspect
        : { ...suspect, problem: 'reordered', message: `Fact ${suspect.seq} of ${stream} is not where it was stored.` };
    if (seq <= last) return found(last + 1, 'reordered', `Fact ${seq} of ${stream} is not where it was stored.`);
    if (seq > last + 1) return found(last + 1, 'missing', `Fact ${last + 1} of ${stream} is missing; ${seq} follows ${last}.`);
    if (!whole) suspect = found(seq, 'changed', `Fact ${seq} of ${stream} is not what was stored.`);
    else if ((heads.get(seq) ?? hash) !== hash)
      return found(seq, 'changed', `${stream} was written anew: fact ${seq} is not the one whose head was kept.`);
    else
      try {
        decode(stream, seq, text);
      } catch (error) {
        return found(seq, 'unreadable', error instanceof Error ? error.message : String(error));
      }
    before = hash;
    last = seq;
  }
  const longest = Math.max(0, ...heads.keys());
  if (!suspect && longest > last) return found(last + 1, 'missing', `${stream} ends with fact ${last}; it had ${longest}.`);
  return suspect;
}
