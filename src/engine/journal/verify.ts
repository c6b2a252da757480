/** Recomputes a chain from stored bytes and says where it first does not hold, and in which way. */
import type { Hash } from '../kernel/plan.ts';
import { decode, genesis, link } from './codec.ts';
import type { ChainBreak, ChainHead } from './journal.ts';
import { brokenLine, linesOf } from './rows.ts';

/** Facts that were stored together; the number is that of the last. */
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
    const lines = linesOf(text);
    const first = seq - lines.length + 1;
    if (seq <= last) return found(last + 1, 'reordered', `Fact ${seq} of ${stream} is not where it was stored.`);
    if (first > last + 1) {
      const line = brokenLine(text, before) ?? 0;
      const missing = last + 1 + line;
      const where = line === 0 ? `${first} follows ${last}.` : `${last + 1} to ${seq} were stored together.`;
      return found(missing, 'missing', `Fact ${missing} of ${stream} is missing; ${where}`);
    }
    if (!whole) {
      // More lines than there were facts, or as many and one of them is another.
      const changed = Math.min(last + 1 + (brokenLine(text, before) ?? lines.length - 1), seq);
      suspect = found(changed, 'changed', `Fact ${changed} of ${stream} is not what was stored.`);
    } else {
      const other = [...heads.keys()].find((head) => head >= first && head <= seq && (head < seq || heads.get(head) !== hash));
      if (other !== undefined)
        return found(other, 'changed', `${stream} was written anew: fact ${other} is not the one whose head was kept.`);
      for (const [i, line] of lines.entries())
        try {
          decode(stream, first + i, line);
        } catch (error) {
          return found(first + i, 'unreadable', error instanceof Error ? error.message : String(error));
        }
    }
    before = hash;
    last = seq;
  }
  const longest = Math.max(0, ...heads.keys());
  if (!suspect && longest > last) return found(last + 1, 'missing', `${stream} ends with fact ${last}; it had ${longest}.`);
  return suspect;
}
