/**
 * The one reducer behind every way of watching a run. Events of the stream go in; the state of the run, the last words
 * of each task and lines for people come out. A terminal draws the state, a pipe gets the lines, `--json` the events.
 */
import type { StreamEvent } from '../api/events.ts';
import { fold } from '../api/fold.ts';
import { RUN_TERMINAL, type RunState } from '../api/states.ts';
import { factLine, type Line, outputLines } from './lines.ts';
import { printable } from './width.ts';

export interface Progress {
  readonly run: string;
  state: RunState | undefined;
  /** Last line each running task printed. */
  readonly words: Map<string, string>;
  /** Output of a task that has no end of line yet. */
  readonly unfinished: Map<string, string>;
  /** The stream has given everything there was. */
  caughtUp: boolean;
}

export const newProgress = (run: string): Progress => ({
  run,
  state: undefined,
  words: new Map(),
  unfinished: new Map(),
  caughtUp: false,
});

/** Changes `progress` and returns the lines that the event is worth. */
export function reduce(progress: Progress, event: StreamEvent): Line[] {
  if (event.type === 'output') {
    const { task } = event.output;
    const lines = outputLines(event.output, progress.unfinished);
    const last = lines.at(-1)?.text ?? progress.unfinished.get(task);
    if (last !== undefined && last.trim() !== '') progress.words.set(task, printable(last).trim());
    return lines;
  }
  const lines: Line[] = [];
  for (const stored of event.facts) {
    progress.state = fold(progress.state, stored);
    lines.push(...factLine(stored, progress.state));
    if (stored.fact.type === 'task.started') progress.words.delete(stored.fact.task);
  }
  progress.caughtUp = !event.more;
  return lines;
}

/** How things stand for whoever waits: over, only a person can go on, or it moves. */
export function standing({ state, caughtUp }: Progress): 'over' | 'person' | 'moving' {
  if (!state || !caughtUp) return 'moving';
  if (RUN_TERMINAL.has(state.status)) return 'over';
  if (state.status === 'waiting' || state.status === 'awaiting-approval') return 'person';
  if (state.status !== 'paused') return 'moving';
  // What runs may finish; the run then stands still.
  const working = [...state.tasks.values()].some(
    ({ status, spec }) => status === 'validating' || (status === 'running' && spec.kind === 'work'),
  );
  return working ? 'moving' : 'person';
}
