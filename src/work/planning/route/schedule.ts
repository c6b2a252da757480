/**
 * Tasks on slots over time. `listSchedule` takes the tasks as they become ready, the one with the longest chain below it
 * first, and gives each the agent that is worth most at that moment, waiting for a slot included. So capacity is counted per
 * moment: whoever was busy with one task does the next when it is free. `play` gives times to a decision made before.
 */
import type { Candidate } from './candidates.ts';
import { Earliest } from './earliest.ts';
import type { Graph } from './graph.ts';
import { Slots } from './slots.ts';

/** Everything that deciding needs, by position of the task. */
export interface Problem {
  readonly graph: Graph;
  /** Empty for tasks that no agent does. */
  readonly candidates: readonly (readonly Candidate[])[];
  /** How long the tasks take that no agent does. */
  readonly ownMs: (task: number) => number;
  /** Tasks that are not scheduled at all: nobody can do them, or they wait for one that nobody can do. */
  readonly left: Uint8Array;
  /** Of each agent. */
  readonly slots: readonly number[];
  /** What an assignment is worth before time is counted. */
  readonly worth: (candidate: Candidate) => number;
  /** What a millisecond of `end` takes from it. */
  readonly perMs: number;
}

/** An order in which every task stands after its needs, and whom each goes to. */
export interface Decision {
  readonly order: readonly number[];
  readonly chosen: readonly (Candidate | undefined)[];
}

export interface Times {
  readonly start: Float64Array;
  readonly end: Float64Array;
}

/** Differences below this are none: sums of the same terms in another order. */
export const SAME = 1e-9;

/** Whom the ties go to: less cost, then the name. */
export function compareTied(a: Candidate, b: Candidate): number {
  return a.expected.cost.mean - b.expected.cost.mean || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** @param below how many tasks at least wait for each: what delays it delays them */
export function listSchedule(problem: Problem, below: Int32Array): Decision {
  const { graph, candidates, ownMs, left, worth, perMs } = problem;
  const slots = problem.slots.map((capacity) => new Slots(capacity));
  const open = Int32Array.from(graph.needs, (needs) => needs.length);
  const readyAt = new Float64Array(graph.size);
  const waiting = new Earliest(readyAt, below);
  const order: number[] = [];
  const chosen: (Candidate | undefined)[] = new Array(graph.size).fill(undefined);
  for (const task of graph.order) if (open[task] === 0 && left[task] === 0) waiting.add(task);
  for (let task = waiting.take(); task !== undefined; task = waiting.take()) {
    const ready = readyAt[task] ?? 0;
    const delays = perMs * (1 + (below[task] ?? 0));
    let best: Candidate | undefined;
    let [bestWorth, end] = [Number.NEGATIVE_INFINITY, ready];
    for (const candidate of candidates[task] ?? []) {
      const over = Math.max(ready, slots[candidate.agent]?.freeAt() ?? 0) + candidate.expected.latency.mean;
      const value = worth(candidate) - delays * over;
      const better = best === undefined || value > bestWorth + SAME || (value > bestWorth - SAME && compareTied(candidate, best) < 0);
      if (better) [best, bestWorth, end] = [candidate, value, over];
    }
    if (best === undefined) end = ready + ownMs(task);
    else slots[best.agent]?.take(end);
    order.push(task);
    chosen[task] = best;
    for (const dependent of graph.dependents[task] ?? []) {
      readyAt[dependent] = Math.max(readyAt[dependent] ?? 0, end);
      const missing = (open[dependent] ?? 0) - 1;
      open[dependent] = missing;
      if (missing === 0 && left[dependent] === 0) waiting.add(dependent);
    }
  }
  return { order, chosen };
}

/** Each task as early as it can be, in the order of the decision. */
export function play(
  { graph, ownMs, slots: capacities }: Pick<Problem, 'graph' | 'ownMs' | 'slots'>,
  { order, chosen }: Decision,
  durationMs: (candidate: Candidate) => number = ({ expected }) => expected.latency.mean,
): Times {
  const slots = capacities.map((capacity) => new Slots(capacity));
  const [start, end] = [new Float64Array(graph.size), new Float64Array(graph.size)];
  for (const task of order) {
    let from = 0;
    for (const need of graph.needs[task] ?? []) from = Math.max(from, end[need] ?? 0);
    const candidate = chosen[task];
    const own = candidate && slots[candidate.agent];
    if (own) from = Math.max(from, own.freeAt());
    start[task] = from;
    end[task] = from + (candidate ? durationMs(candidate) : ownMs(task));
    if (own) own.take(end[task] ?? 0);
  }
  return { start, end };
}

/** The sum of `u` over the tasks that agents do, by the definition in `routing.ts`. */
export function sumOfWorth({ worth, perMs }: Pick<Problem, 'worth' | 'perMs'>, { order, chosen }: Decision, { end }: Times): number {
  let sum = 0;
  for (const task of order) {
    const candidate = chosen[task];
    if (candidate) sum += worth(candidate) - perMs * (end[task] ?? 0);
  }
  return sum;
}
