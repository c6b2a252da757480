/**
 * Routing: who does each task of a plan, and when. Every task that somebody can do is assigned, whatever it costs; budgets
 * are `estimate.ts`. What a routing is worth is told in `routing.ts`.
 *
 * Nothing is kept between two routes: an agent that has come is used by the next one, and one that has gone is not.
 */
import { findCycle } from '../../../engine/kernel/graph.ts';
import type { Finding } from '../draft.ts';
import { type Candidate, Candidates, needsAgent } from './candidates.ts';
import { type Graph, graphOf, longestChain, tasksBelow } from './graph.ts';
import { IMPROVED_TASKS_MAX, improve } from './improve.ts';
import { type Blocked, type RouteAgent, type RouteOptions, type RouteTask, type Routing, WEIGHTS_DEFAULT } from './routing.ts';
import { type Decision, listSchedule, type Problem, play, sumOfWorth, type Times } from './schedule.ts';
import { unroutable } from './unroutable.ts';

export function route(tasks: readonly RouteTask[], agents: readonly RouteAgent[], options?: RouteOptions): Routing {
  return solve(tasks, agents, options).routing;
}

/** A routing with what it was made of, for those who explain or estimate it. */
export interface Solved {
  readonly tasks: readonly RouteTask[];
  readonly agents: readonly RouteAgent[];
  readonly routing: Routing;
  readonly problem: Problem;
  readonly decision: Decision;
  readonly times: Times;
  readonly candidates: Candidates;
}

export function solve(tasks: readonly RouteTask[], agents: readonly RouteAgent[], options: RouteOptions = {}): Solved {
  const graph = graphOf(tasks);
  const candidates = new Candidates(agents, options);
  const able = tasks.map((task) => (needsAgent(task) ? candidates.of(task) : []));
  const { left, blocked, alone } = leftOut(tasks, graph, able);
  const problem: Problem = {
    graph,
    candidates: able,
    ownMs: (task) => tasks[task]?.durationMs ?? 0,
    left,
    slots: agents.map(({ slots }) => slots),
    ...valuation(
      tasks,
      graph,
      able.map((each, task) => (left[task] === 1 ? [] : each)),
      agents.reduce((sum, { slots }) => sum + slots, 0),
      options,
    ),
  };
  const listed = listSchedule(problem, tasksBelow(graph));
  const decision = listed.order.length > IMPROVED_TASKS_MAX ? listed : improve(problem, [listed, ...otherStarts(problem, listed)]);
  const times = play(problem, decision);
  const findings = [...cycleFinding(tasks, graph), ...unroutable(tasks, alone, blocked, agents, candidates)];
  return { tasks, agents, routing: routingOf(tasks, problem, decision, times, findings, blocked), problem, decision, times, candidates };
}

/** What `wq`, `wc`, `wl`, the budget and the deadline make of one assignment. */
function valuation(
  tasks: readonly RouteTask[],
  graph: Graph,
  able: readonly (readonly Candidate[])[],
  slots: number,
  { weights, budgetUsd, deadlineMs }: RouteOptions,
): Pick<Problem, 'worth' | 'perMs'> {
  const { quality, cost, latency } = { ...WEIGHTS_DEFAULT, ...weights };
  const count = able.reduce((sum, each) => sum + (each.length > 0 ? 1 : 0), 0);
  const most = (task: number, of: (candidate: Candidate) => number) => (able[task] ?? []).reduce((top, each) => Math.max(top, of(each)), 0);
  const budget = budgetUsd ?? able.reduce((sum, _, task) => sum + most(task, ({ expected }) => expected.cost.mean), 0);
  const slowest = (task: number) =>
    (able[task]?.length ?? 0) > 0 ? most(task, ({ expected }) => expected.latency.mean) : (tasks[task]?.durationMs ?? 0);
  const deadline = deadlineMs ?? Math.max(longestChain(graph, slowest).ms, tasks.reduce((sum, _, task) => sum + slowest(task), 0) / slots);
  const perUsd = budget > 0 ? (cost * count) / budget : 0;
  return {
    worth: ({ expected, success }) => quality * expected.quality * success - perUsd * expected.cost.mean,
    perMs: deadline > 0 ? latency / deadline : 0,
  };
}

/** Tasks that nobody can do, and all that wait for them. Those in a circle are left out too: they never become ready. */
function leftOut(
  tasks: readonly RouteTask[],
  graph: Graph,
  able: readonly (readonly Candidate[])[],
): { left: Uint8Array; blocked: readonly Blocked[]; alone: readonly number[] } {
  const left = new Uint8Array(graph.size);
  const cause = new Int32Array(graph.size).fill(-1);
  const alone: number[] = [];
  const blocked: Blocked[] = [];
  for (const task of graph.order) {
    const own = tasks[task];
    if (own === undefined) continue;
    if (needsAgent(own) && able[task]?.length === 0) {
      alone.push(task);
      cause[task] = task;
    } else for (const need of graph.needs[task] ?? []) if (cause[task] === -1) cause[task] = cause[need] ?? -1;
    if (cause[task] === -1) continue;
    left[task] = 1;
    if (cause[task] !== task) blocked.push({ task: own.id, by: tasks[cause[task] ?? 0]?.id ?? '' });
  }
  return { left, blocked, alone: alone.sort((a, b) => a - b) };
}

/** For small plans: each task with whom it is worth most, each with the quickest, and all that one agent can do with that one. */
function otherStarts({ candidates, worth, slots }: Problem, { order, chosen }: Decision): Decision[] {
  const by = (value: (candidate: Candidate) => number): Decision => ({
    order,
    chosen: chosen.map((own, task) =>
      own === undefined ? undefined : (candidates[task] ?? []).reduce((best, each) => (value(each) > value(best) ? each : best), own),
    ),
  });
  const alone = slots.map((_, at) => by(({ agent }) => (agent === at ? 1 : 0)));
  return [by(worth), by(({ expected }) => -expected.latency.mean), ...alone];
}

function cycleFinding(tasks: readonly RouteTask[], { size, order }: Graph): Finding[] {
  if (order.length === size) return [];
  const cycle = findCycle(new Map(tasks.map(({ id, needs }) => [id, needs])));
  const path = (cycle ?? []).join(' → ');
  return [
    {
      code: 'CYCLE',
      level: 'refuse',
      tasks: cycle?.slice(0, -1) ?? [],
      message: `These tasks wait for each other: ${path}. ${size - order.length} tasks can never start.`,
      fix: 'Drop one of these dependencies.',
    },
  ];
}

function routingOf(
  tasks: readonly RouteTask[],
  problem: Problem,
  decision: Decision,
  times: Times,
  findings: readonly Finding[],
  blocked: readonly Blocked[],
): Routing {
  const { start, end } = times;
  const placed = [...decision.order].sort((a, b) => a - b);
  let [endMs, costUsd, byAgents] = [0, 0, 0];
  const assignments = placed.map((task) => {
    const chosen = decision.chosen[task];
    const cost = chosen?.expected.cost.mean ?? 0;
    if (chosen) byAgents++;
    costUsd += cost;
    endMs = Math.max(endMs, end[task] ?? 0);
    const placing = { task: tasks[task]?.id ?? '', startMs: start[task] ?? 0, endMs: end[task] ?? 0, costUsd: cost };
    return chosen ? { ...placing, agent: chosen.name } : placing;
  });
  return {
    assignments,
    findings,
    blocked,
    utility: byAgents === 0 ? 0 : sumOfWorth(problem, decision, times) / byAgents,
    endMs,
    costUsd,
    complete: assignments.length === tasks.length,
  };
}
