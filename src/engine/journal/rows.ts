/**
 * Facts that one append brings a stream are stored together, as a row with a line for each: the end of a step and the
 * start of the next are one insert and one hash. The row has the number and the position of its last fact. What its
 * facts share is written once, in the first line.
 *
 * The hash says that something in a row was touched. Where, is told by sums: between two lines stands the sum of all lines
 * up to there, at the end of one and again at the beginning of the next. So each line has a side that tells that it is
 * another, or that a neighbour is gone. The sums go on from the chain, so that no line fits another row either. A row of one
 * fact has no sums and is what rows were before there were longer ones.
 */
import { crc32 } from 'node:zlib';
import type { Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { decode, encode, encodeNext } from './codec.ts';
import type { NewFact } from './journal.ts';

/** Facts of one row at most: whoever reads some facts of a stream reads whole rows. */
export const ROW_FACTS_MAX = 64;
const SUM_LENGTH = 8;

/** What is appended to a stream, as the lines of its rows: each begins with what the first line of its row does not say for it. */
export function linesFor(facts: readonly NewFact[], epoch: number): string[] {
  let at = 0;
  return facts.map((fact, i) => {
    if (i % ROW_FACTS_MAX !== 0) return encodeNext(fact, at);
    at = fact.at;
    return encode(fact, epoch);
  });
}

/**
 * The next row of what is appended to a stream: the lines from `from` on, as many as it may hold.
 * @param before the end of the chain so far
 */
export function encodeRow(lines: readonly string[], from: number, before: Hash): { text: string; upTo: number } {
  const upTo = Math.min(from + ROW_FACTS_MAX, lines.length);
  let line = lines[from] ?? '';
  let text = line;
  for (let i = from + 1, sum = seedOf(before); i < upTo; i++) {
    sum = crc32(line, sum);
    line = lines[i] ?? '';
    const between = written(sum);
    text += `${between}\n${between}${line}`;
  }
  return { text, upTo };
}

const seedOf = (before: Hash): number => Number.parseInt(before.slice(0, SUM_LENGTH), 16);
const written = (sum: number): string => sum.toString(16).padStart(SUM_LENGTH, '0');

export function factsIn(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** The facts of a row, whose last one has the number `seq`. @throws BatonError as `decode` */
export function decodeRow(stream: string, seq: number, text: string): Stored[] {
  if (!text.includes('\n')) return [decode(stream, seq, text)];
  const lines = linesOf(text);
  const number = seq - lines.length + 1;
  const first = decode(stream, number, lines[0] ?? '');
  return lines.map((line, i) => (i === 0 ? first : decode(stream, number + i, line, first)));
}

/** What each line of a row says, without its sums. */
export const linesOf = (text: string): string[] => {
  const lines = text.split('\n');
  return lines.map((line, i) => line.slice(i === 0 ? 0 : SUM_LENGTH, i === lines.length - 1 ? undefined : -SUM_LENGTH));
};

/**
 * Index of the first line that is not what it was, or is missing; undefined when the sums say nothing of the kind. Where the
 * chain before is another, none fits.
 */
export function brokenLine(text: string, before: Hash): number | undefined {
  const lines = text.split('\n');
  let sum = seedOf(before);
  for (const [i, line] of lines.entries()) {
    const said = line.slice(i === 0 ? 0 : SUM_LENGTH, i === lines.length - 1 ? undefined : -SUM_LENGTH);
    if (i > 0 && !line.startsWith(written(sum))) return i;
    sum = crc32(said, sum);
    if (i < lines.length - 1 && !line.endsWith(written(sum))) return i;
  }
  const last = lines.at(-1) ?? '';
  // One that begins or ends with a sum that should not be there has lost a neighbour.
  if (!(lines[0] ?? '').startsWith('{')) return 0;
  return last.endsWith('}') ? undefined : lines.length;
}
