/** The bars Baton is held to, judged on the figures of one run of the bench. */
import type { Entrant } from './entrant.ts';
import type { Figures } from './figures.ts';
import { REFERENCE_MS } from './machine.ts';
import { BATON, LARGE, LAYERS, lineOf } from './workloads/alone.ts';
import { CLI, IDLE, SERVER, STATUS, VERSION } from './workloads/command-line.ts';
import { kindName, PLAIN, STEADY, W1, W2, W3 } from './workloads/compared.ts';
import { CRASH, CRASH_1000, FINISHED, FIRST } from './workloads/crash.ts';
import { PLAN_SHAPES, PLANNING, planLine } from './workloads/planning.ts';

export interface Judged {
  readonly what: string;
  readonly bar: string;
  readonly figure: string;
  readonly holds: boolean;
  /** How much of its bar's time it takes: 1 is just on it, 1.5 is half as long again. NaN when it was not measured. */
  readonly share: number;
}

const line = kindName(PLAIN);

/** @param cpuFactor of the machine, for bars in milliseconds */
export function judge(figures: Figures, entrants: readonly Entrant[], cpuFactor: number): Judged[] {
  const peers = entrants.filter(({ name, durable }) => name !== BATON && durable === true);
  const own = (group: string, of = line) => figures.median(group, of, BATON);
  const best = (group: string, of: string, better: 'less' | 'more') => {
    const found = peers.map(({ name }) => ({ name, value: figures.median(group, of, name) })).filter(({ value }) => !Number.isNaN(value));
    return found.sort((a, b) => (better === 'less' ? a.value - b.value : b.value - a.value))[0];
  };
  /** At least `times` as good as the best peer. */
  const against = (what: string, group: string, of: string, times: number, better: 'less' | 'more', unit: string): Judged => {
    const peer = best(group, of, better);
    const value = own(group, of);
    const factor = peer === undefined ? Number.NaN : better === 'less' ? peer.value / value : value / peer.value;
    const beside = peer === undefined ? 'no peer was measured' : `${factor.toFixed(1)}× ${peer.name} (${number(peer.value)})`;
    return judged(what, `≥ ${times}× the best peer that makes every step durable`, `${number(value)} ${unit}: ${beside}`, times / factor);
  };
  const atMost = (what: string, value: number, most: number, unit: string, more = ''): Judged =>
    judged(what, `≤ ${number(most)} ${unit}${more}`, `${number(value)} ${unit}`, value / most);

  /** On the machine that the bars were set for. */
  const routed = (size: number) => Math.max(...PLAN_SHAPES.map((shape) => own(PLANNING, planLine(size, shape)))) * REFERENCE_MS;
  const task = (tasks: number) => own(LARGE, lineOf(LAYERS, tasks));
  const grown = task(100_000) / task(1_000);
  const scaled = cpuFactor === 1 ? '' : ` (500 ms × ${cpuFactor.toFixed(2)} for this processor)`;
  return [
    against('200 runs × 20 steps at once', W2, line, 10, 'more', 'steps/s'),
    against('200 runs × 1,000 steps, steady', STEADY, line, 10, 'more', 'steps/s'),
    against('one run of 100 sequential steps', W1, line, 3, 'less', 'ms a step'),
    atMost('one run of 100 sequential steps', own(W1, `${line}: × one overwrite + fdatasync`), 4, '× one overwrite + fdatasync'),
    against('1,000-wide fan-out and join', W3, line, 20, 'less', 'ms'),
    judged(
      '100,000 tasks in one run',
      '≤ 2× the cost of a task in a run of 1,000',
      `${grown.toFixed(2)}×: ${task(100_000).toFixed(1)} µs against ${task(1_000).toFixed(1)} µs`,
      grown / 2,
    ),
    atMost('recovery of 1,000 runs, to the first new step', own(CRASH_1000, FIRST), 500 * cpuFactor, 'ms', scaled),
    against('recovery of W2, to the end of all runs', CRASH, FINISHED, 2, 'less', 'ms'),
    atMost('a plan of 1,000 tasks validated and routed, all assigned', routed(1_000), 10, 'ms', ' on the machine of the bars'),
    atMost('a plan of 10,000 tasks validated and routed, all assigned', routed(10_000), 150, 'ms', ' on the machine of the bars'),
    atMost('baton --version', own(CLI, VERSION), 1.5, '× node -e 0'),
    atMost('baton status with 100 runs', own(CLI, STATUS), 5, '× node -e 0'),
    atMost('memory of an idle server with 1,000 finished runs', own(IDLE, SERVER), 120, 'MB'),
  ];
}

const judged = (what: string, bar: string, figure: string, share: number): Judged => ({ what, bar, figure, share, holds: share <= 1 });

/** Three digits that count, with separators. */
export const number = (value: number): string =>
  Number.isNaN(value) ? '–' : value >= 1_000 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(3)).toString();
