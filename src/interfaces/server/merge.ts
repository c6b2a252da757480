/** Facts and output of a run in the order in which they happened, each with the position behind it. */
import type { Stored } from '../../engine/kernel/facts.ts';
import type { Position, StreamEvent } from '../api/events.ts';
import type { OutputLine } from './output-log.ts';
import type { Page } from './pages.ts';

/** Events for two pages; what may come before something that is not in its page yet is left for the next time. */
export function merge(from: Position, facts: Page<Stored>, outputs: Page<OutputLine>): StreamEvent[] {
  const events: StreamEvent[] = [];
  const factsUntil = facts.whole ? Number.POSITIVE_INFINITY : (facts.items.at(-1)?.at ?? 0);
  const outputsUntil = outputs.whole ? Number.POSITIVE_INFINITY : (outputs.items.at(-1)?.output.at ?? 0);
  const lines = prefix(outputs.items, ({ output }) => output.at <= factsUntil);
  const allowed = prefix(facts.items, ({ at }) => at <= outputsUntil);
  // A clock that was set back may put each before the other: facts go first then.
  const stored = allowed.length + lines.length > 0 ? allowed : facts.items;
  let { facts: seq, output } = from;
  let run: Stored[] = [];
  const close = (more: boolean) => {
    const last = run.at(-1);
    if (!last) return;
    seq = last.seq;
    events.push({ type: 'facts', position: { facts: seq, ...(output === undefined ? {} : { output }) }, facts: run, more });
    run = [];
  };
  let next = 0;
  for (const fact of stored) {
    for (let line = lines[next]; line && isBefore(line, fact); line = lines[++next]) {
      close(true);
      output = line.end;
      events.push({ type: 'output', position: { facts: seq, output }, output: line.output });
    }
    run.push(fact);
  }
  close(!facts.whole || stored.length < facts.items.length);
  for (const line of lines.slice(next)) {
    output = line.end;
    events.push({ type: 'output', position: { facts: seq, output }, output: line.output });
  }
  return events;
}

function prefix<T>(items: readonly T[], keep: (item: T) => boolean): readonly T[] {
  const end = items.findIndex((item) => !keep(item));
  return end < 0 ? items : items.slice(0, end);
}

/** In the same millisecond a start comes before what is printed, and an end after it. */
const isBefore = ({ output }: OutputLine, { at, fact }: Stored): boolean =>
  output.at < at || (output.at === at && fact.type !== 'task.started');
