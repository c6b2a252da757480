/**
 * Small plans are improved: a task goes to another agent, or stands elsewhere in the order, or both, as long as that makes the
 * whole plan worth more. Every best schedule can be written as an order with agents, each task as early as it can be
 * (waiting is never rewarded), so nothing is out of reach; where it stops, no single step helps.
 */
import type { Candidate } from './candidates.ts';
import { compareTied, type Decision, type Problem, play, SAME, sumOfWorth } from './schedule.ts';

/** Larger plans keep the schedule they have: here each further task costs its cube. */
export const IMPROVED_TASKS_MAX = 12;
/** Schedules that are looked at, at most. */
const TRIES_MAX = 20_000;

/** @param starts where to begin from; the best that any of them leads to is given */
export function improve(problem: Problem, starts: readonly Decision[]): Decision {
  const search = new Search(problem);
  let best: { readonly decision: Decision; readonly value: number } | undefined;
  for (const start of starts) {
    const found = search.climb(start);
    if (best === undefined || found.value > best.value + SAME) best = found;
  }
  if (best === undefined) throw new Error('nowhere to begin');
  return { order: best.decision.order, chosen: settleTies(problem, best.decision, best.value) };
}

class Search {
  private readonly problem: Problem;
  private left = TRIES_MAX;

  constructor(problem: Problem) {
    this.problem = problem;
  }

  climb(start: Decision): { decision: Decision; value: number } {
    let decision = start;
    let value = worthOf(this.problem, start);
    for (let better = this.step(decision, value); better; better = this.step(decision, value)) ({ decision, value } = better);
    return { decision, value };
  }

  /** The best of all neighbours, if it is better. */
  private step(from: Decision, value: number): { decision: Decision; value: number } | undefined {
    let best: { decision: Decision; value: number } | undefined;
    for (const [at, task] of from.order.entries())
      for (const candidate of this.optionsOf(task)) {
        const chosen = candidate === from.chosen[task] ? from.chosen : from.chosen.with(task, candidate);
        for (const order of this.ordersWith(from.order, at)) {
          if (order === from.order && chosen === from.chosen) continue;
          if (this.left-- <= 0) return best;
          const decision = { order, chosen };
          const found = worthOf(this.problem, decision);
          if (found > (best?.value ?? value) + SAME) best = { decision, value: found };
        }
      }
    return best;
  }

  private optionsOf(task: number): readonly (Candidate | undefined)[] {
    const candidates = this.problem.candidates[task] ?? [];
    return candidates.length > 0 ? candidates : [undefined];
  }

  /** The order itself, and with one task moved as far as its needs and its dependents let it. */
  private *ordersWith(order: readonly number[], at: number): Generator<readonly number[]> {
    yield order;
    const { needs } = this.problem.graph;
    const task = order[at] ?? 0;
    for (let to = at - 1; to >= 0 && !needs[task]?.includes(order[to] ?? 0); to--) yield moved(order, at, to);
    for (let to = at + 1; to < order.length && !needs[order[to] ?? 0]?.includes(task); to++) yield moved(order, at, to);
  }
}

const moved = (order: readonly number[], from: number, to: number): number[] => {
  const next = order.toSpliced(from, 1);
  next.splice(to, 0, order[from] ?? 0);
  return next;
};

const worthOf = (problem: Problem, decision: Decision): number => sumOfWorth(problem, decision, play(problem, decision));

/** Where another agent gives the same value, the tie goes to less cost, then to the name. */
function settleTies(problem: Problem, { order, chosen }: Decision, value: number): readonly (Candidate | undefined)[] {
  let settled = chosen;
  for (const task of order)
    for (const candidate of problem.candidates[task] ?? []) {
      const now = settled[task];
      if (now === undefined || compareTied(candidate, now) >= 0) continue;
      const other = settled.with(task, candidate);
      if (Math.abs(worthOf(problem, { order, chosen: other }) - value) <= SAME) settled = other;
    }
  return settled;
}
