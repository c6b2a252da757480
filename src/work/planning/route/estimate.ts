/**
 * What a routed plan will ask for, before anything of it starts: how many agents at once, the chain that decides when it is
 * over, what it costs and how long it takes, and whom it will ask. What nobody knows is said instead of guessed. Above a cap
 * the plan is refused here, before the first call.
 */
import type { Finding } from '../draft.ts';
import { type Candidate, needsAgent } from './candidates.ts';
import { longestChain } from './graph.ts';
import type { Solved } from './route.ts';
import type { RouteTask, Spread } from './routing.ts';
import { play } from './schedule.ts';

/** Each is left out where nothing is to be limited. */
export interface Caps {
  readonly costUsd?: number;
  readonly wallTimeMs?: number;
  /** Tasks of the plan. */
  readonly tasks?: number;
  /** Tasks that agents do. */
  readonly agents?: number;
  /** How deep plans may lie in each other. */
  readonly depth?: number;
}

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Tasks it says nothing of, because neither outcomes nor figures do. Then the range is only of the others. */
  readonly unknown: readonly string[];
}

export interface Estimate {
  readonly tasks: number;
  readonly byAgents: number;
  /** Most tasks that agents do at one moment. */
  readonly widest: number;
  readonly depth: number;
  /** Ids, first to last: the chain of needs that takes longest. */
  readonly criticalPath: readonly string[];
  readonly costUsd: Range;
  readonly timeMs: Range;
  /** Whom it will ask, and when. */
  readonly approvals: readonly { readonly task: string; readonly at: 'start' | 'result' | 'task' }[];
  readonly writes: readonly { readonly task: string; readonly globs: readonly string[] }[];
  /** `OVER_BUDGET`, `FANOUT_EXCEEDED`, `DEPTH_EXCEEDED`. */
  readonly findings: readonly Finding[];
}

/** @param depth of this plan: 1 unless it was made by a task of another */
export function estimate(solved: Solved, caps: Caps = {}, depth = 1): Estimate {
  const { tasks, problem, decision, times } = solved;
  const ids = (of: (task: RouteTask, chosen: Candidate | undefined) => boolean) =>
    decision.order
      .toSorted((a, b) => a - b)
      .flatMap((at) => {
        const task = tasks[at];
        return task !== undefined && of(task, decision.chosen[at]) ? [task.id] : [];
      });
  const durationOf = (at: number) => (times.end[at] ?? 0) - (times.start[at] ?? 0);
  const figures = {
    tasks: tasks.length,
    byAgents: tasks.filter(needsAgent).length,
    widest: widestOf(solved),
    depth: tasks.some(({ kind }) => kind === 'composite') ? depth + 1 : depth,
    criticalPath: longestChain(problem.graph, durationOf).tasks.map((at) => tasks[at]?.id ?? ''),
    costUsd: {
      ...costOf(solved),
      unknown: ids((task, chosen) => chosen?.expected.from.cost === 'assumed' && needsAgent(task)),
    },
    timeMs: {
      low: knownEnd(solved, 'low'),
      high: knownEnd(solved, 'high'),
      unknown: ids((task, chosen) => (chosen ? chosen.expected.from.latency === 'assumed' : task.durationMs === undefined)),
    },
    approvals: tasks.flatMap(approvalOf),
    writes: tasks.flatMap(({ id, writes = [] }) => (writes.length > 0 ? [{ task: id, globs: writes }] : [])),
  };
  return { ...figures, findings: [...aboveCaps(figures, solved, caps), ...aboveOwnBudget(solved)] };
}

function approvalOf({ id, kind, approval }: RouteTask): Estimate['approvals'] {
  if (kind === 'approve') return [{ task: id, at: 'task' }];
  return approval === undefined ? [] : [{ task: id, at: approval }];
}

function widestOf({ decision: { order, chosen }, times: { start, end } }: Solved): number {
  const byAgents = order.filter((task) => chosen[task] !== undefined);
  const starts = byAgents.map((task) => start[task] ?? 0).sort((a, b) => a - b);
  const ends = byAgents.map((task) => end[task] ?? 0).sort((a, b) => a - b);
  let [widest, over] = [0, 0];
  for (const [begun, at] of starts.entries()) {
    while ((ends[over] ?? Number.POSITIVE_INFINITY) <= at) over++;
    widest = Math.max(widest, begun + 1 - over);
  }
  return widest;
}

const costOf = (solved: Solved) => ({ low: knownCost(solved, 'low'), high: knownCost(solved, 'high') });

const knownCost = ({ decision: { order, chosen } }: Solved, which: keyof Spread): number =>
  order.reduce((sum, task) => {
    const expected = chosen[task]?.expected;
    return expected === undefined || expected.from.cost === 'assumed' ? sum : sum + expected.cost[which];
  }, 0);

const knownEnd = ({ problem, decision }: Solved, which: keyof Spread): number =>
  play(problem, decision, ({ expected: { from, latency } }) => (from.latency === 'assumed' ? 0 : latency[which])).end.reduce(
    (last, end) => Math.max(last, end),
    0,
  );

type Figures = Omit<Estimate, 'findings'>;

function aboveCaps(figures: Figures, solved: Solved, caps: Caps): Finding[] {
  const { costUsd, wallTimeMs, tasks, agents, depth } = caps;
  const findings: Finding[] = [];
  const say = (code: Finding['code'], level: Finding['level'], message: string, fix: string) =>
    findings.push({ code, level, tasks: [], message, fix });
  if (tasks !== undefined && figures.tasks > tasks)
    say('FANOUT_EXCEEDED', 'refuse', `limit tasks = ${tasks}: the plan has ${figures.tasks}.`, 'Plan less at once, or raise the limit.');
  if (agents !== undefined && figures.byAgents > agents)
    say(
      'FANOUT_EXCEEDED',
      'refuse',
      `limit agents = ${agents}: agents would do ${figures.byAgents} tasks.`,
      'Plan less at once, or raise the limit.',
    );
  if (depth !== undefined && figures.depth > depth)
    say(
      'DEPTH_EXCEEDED',
      'refuse',
      `limit depth = ${depth}: plans would lie ${figures.depth} deep in each other.`,
      'Plan the last level whole, without composite tasks.',
    );
  const usd = (value: number) => `${Number(value.toPrecision(3))} USD`;
  const [cost, end] = [knownCost(solved, 'mean'), wallTimeMs === undefined ? 0 : knownEnd(solved, 'mean')];
  if (costUsd !== undefined && cost > costUsd)
    say(
      'OVER_BUDGET',
      'refuse',
      `limit costUsd = ${costUsd}: the plan is expected to cost ${usd(cost)}.`,
      'Raise the budget, ask for less, or let cheaper agents do more.',
    );
  else if (costUsd !== undefined && figures.costUsd.high > costUsd)
    say(
      'OVER_BUDGET',
      'note',
      `limit costUsd = ${costUsd}: the plan may cost up to ${usd(figures.costUsd.high)}.`,
      'It is paused when the budget is used up.',
    );
  if (wallTimeMs !== undefined && end > wallTimeMs)
    say(
      'OVER_BUDGET',
      'refuse',
      `limit wallTimeMs = ${wallTimeMs}: the plan is expected to take ${Math.round(end)} ms.`,
      'Raise the limit, or shorten the chain that takes longest.',
    );
  return findings;
}

/** A task with a budget of its own that its agent is expected to use up. */
function aboveOwnBudget({ tasks, decision: { order, chosen } }: Solved): Finding[] {
  return order.flatMap((at): Finding[] => {
    const task = tasks[at];
    const expected = chosen[at]?.expected.cost.mean ?? 0;
    if (task?.budgetUsd === undefined || expected <= task.budgetUsd) return [];
    const message = `"${task.id}" may cost ${task.budgetUsd} USD, and "${chosen[at]?.name}" is expected to cost ${Number(expected.toPrecision(3))}.`;
    return [
      { code: 'OVER_BUDGET', level: 'note', tasks: [task.id], message, fix: 'Raise its budget, make it smaller, or name a cheaper agent.' },
    ];
  });
}
