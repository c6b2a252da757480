// req K8: facts that were stored together come back one by one, and a line that was touched is told from the others.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { genesis } from './codec.ts';
import type { NewFact } from './journal.ts';
import { brokenLine, decodeRow, encodeRow, factsIn, linesFor, ROW_FACTS_MAX } from './rows.ts';

const newFact = fc
  .record({ at: fc.integer({ min: 1, max: 3 }), timer: fc.string({ unit: 'binary' }), id: fc.option(fc.string()) })
  .map(
    ({ at, timer, id }): NewFact => ({ at, fact: { type: 'timer.fired', timer }, ...(id === null ? {} : { command: { id, args: 'a' } }) }),
  );

const chain = genesis('s');
function rowsOf(facts: readonly NewFact[], epoch: number) {
  const [rows, lines] = [[], linesFor(facts, epoch)] as [ReturnType<typeof encodeRow>[], string[]];
  for (let from = 0; from < facts.length; from = rows.at(-1)?.upTo ?? 0) rows.push(encodeRow(lines, from, chain));
  return rows;
}

test('facts are the same after they were stored together, whatever their texts', () => {
  fc.assert(
    fc.property(fc.array(newFact, { minLength: 1, maxLength: 2 * ROW_FACTS_MAX + 1 }), fc.nat(), (facts, epoch) => {
      const rows = rowsOf(facts, epoch);
      expect(rows.map(({ text }) => factsIn(text)).reduce((sum, count) => sum + count, 0)).toBe(facts.length);
      for (const { text } of rows) expect(factsIn(text)).toBeLessThanOrEqual(ROW_FACTS_MAX);
      const stored = rows.flatMap(({ text, upTo }) => decodeRow('s', upTo, text));
      expect(stored).toEqual(facts.map((fact, i) => ({ stream: 's', seq: i + 1, epoch, ...fact })));
    }),
  );
});

const fired = (timer: string, at = 5): NewFact => ({ at, fact: { type: 'timer.fired', timer } });
const textOf = (...facts: readonly NewFact[]): string => encodeRow(linesFor(facts, 2), 0, chain).text;

test('what facts share is written once', () => {
  expect(textOf(fired('a'))).toBe('{"at":5,"epoch":2,"fact":{"type":"timer.fired","timer":"a"}}');
  expect(textOf(fired('a'), fired('b'), fired('c', 6)).split('\n')).toEqual([
    expect.stringMatching(/^\{"at":5,"epoch":2,"fact":\{"type":"timer\.fired","timer":"a"\}\}[0-9a-f]{8}$/),
    expect.stringMatching(/^[0-9a-f]{8}\{"fact":\{"type":"timer\.fired","timer":"b"\}\}[0-9a-f]{8}$/),
    expect.stringMatching(/^[0-9a-f]{8}\{"at":6,"fact":\{"type":"timer\.fired","timer":"c"\}\}$/),
  ]);
});

test('the sums tell which line was edited, dropped, moved or added', () => {
  const facts = Array.from({ length: 6 }, (_, i) => fired(`t${i}`));
  const text = textOf(...facts);
  expect(brokenLine(text, chain)).toBeUndefined();
  expect(brokenLine(textOf(fired('alone')), chain)).toBeUndefined();
  expect(brokenLine(text, genesis('t'))).toBe(0);
  const lines = text.split('\n');
  const of = (some: readonly (string | undefined)[]) => brokenLine(some.join('\n'), chain);
  for (let i = 0; i < lines.length; i++) {
    const edited = lines.map((line, at) => (at === i ? line.replace('"timer":"', '"timer":"x') : line));
    // No sum follows the last line: that it was touched is told by the hash alone.
    expect(of(edited), `line ${i} edited`).toBe(i === lines.length - 1 ? undefined : i);
    expect(of(lines.toSpliced(i, 1)), `line ${i} dropped`).toBe(i);
    for (let j = i + 1; j < lines.length; j++) {
      const moved = lines.with(i, lines[j] ?? '').with(j, lines[i] ?? '');
      expect(of(moved), `lines ${i} and ${j} exchanged`).toBe(i);
    }
    expect(of(lines.toSpliced(i, 0, lines[0] ?? '')), `a line added before ${i}`).toBe(i === 0 ? 1 : i);
  }
});
