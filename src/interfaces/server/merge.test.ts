import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Stored } from '../../engine/kernel/facts.ts';
import type { Position, StreamEvent } from '../api/events.ts';
import { merge } from './merge.ts';
import type { OutputLine } from './output-log.ts';

const fact = (seq: number, at: number, type: 'task.started' | 'timer.fired' = 'timer.fired'): Stored => ({
  stream: 'r',
  seq,
  at,
  epoch: 1,
  fact: type === 'timer.fired' ? { type, timer: 't' } : { type, task: 'a', attempt: 1 },
});
const line = (end: number, at: number): OutputLine => ({ end, output: { at, task: 'a', attempt: 1, kind: 'stdout', text: `${end}` } });
const short = (events: readonly StreamEvent[]) =>
  events.flatMap((event) => (event.type === 'facts' ? event.facts.map(({ seq }) => `f${seq}`) : [`o${event.output.text}`]));

test('in the order of time; in one millisecond a start, then output, then an end', () => {
  const facts = { items: [fact(1, 5), fact(2, 10, 'task.started'), fact(3, 20)], whole: true };
  const outputs = { items: [line(7, 10), line(9, 15), line(12, 20), line(15, 30)], whole: true };
  const events = merge({ facts: 0, output: 0 }, facts, outputs);
  expect(short(events)).toEqual(['f1', 'f2', 'o7', 'o9', 'o12', 'f3', 'o15']);
  expect(events.map(({ position }) => position)).toEqual([
    { facts: 2, output: 0 },
    { facts: 2, output: 7 },
    { facts: 2, output: 9 },
    { facts: 2, output: 12 },
    { facts: 3, output: 12 },
    { facts: 3, output: 15 },
  ]);
  expect(events.flatMap((event) => (event.type === 'facts' ? [event.more] : []))).toEqual([true, false]);
});

// req V1
test('whatever the pages and the clocks, going on from the last position loses and repeats nothing', () => {
  const times = fc.array(fc.nat(40), { maxLength: 30 });
  fc.assert(
    fc.property(
      times,
      times,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (factTimes, lineTimes, factPage, linePage) => {
        const facts = factTimes.sort((a, b) => a - b).map((at, i) => fact(i + 1, at));
        const lines = lineTimes.map((at, i) => line(i + 1, at));
        const seen: StreamEvent[] = [];
        let position: Position = { facts: 0, output: 0 };
        const page = <T>(all: readonly T[], from: number, size: number) => ({
          items: all.slice(from, from + size),
          whole: from + size >= all.length,
        });
        for (;;) {
          const events = merge(position, page(facts, position.facts, factPage), page(lines, position.output ?? 0, linePage));
          if (events.length === 0) break;
          // A connection may break behind any event.
          const cut = events.slice(0, 1 + (seen.length % events.length));
          seen.push(...cut);
          position = cut.at(-1)?.position ?? position;
        }
        const all = short(seen);
        expect(all.filter((each) => each.startsWith('f'))).toEqual(facts.map(({ seq }) => `f${seq}`));
        expect(all.filter((each) => each.startsWith('o'))).toEqual(lines.map(({ end }) => `o${end}`));
      },
    ),
  );
});
