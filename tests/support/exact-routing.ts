/**
 * The best routing there is, by trying every one: each task with each agent that can do it, in every order of their starts.
 * It shares nothing with the router but the definition of what a plan is worth. A branch is given up where even everything
 * still open at its best, started at once, could not reach what was found.
 */
import type { RouteAgent, RouteTask, Routing } from '../../src/work/planning/route/routing.ts';

export interface Weighed {
  readonly quality: number;
  readonly cost: number;
  readonly latency: number;
  readonly budgetUsd: number;
  readonly deadlineMs: number;
}
/** Of every agent of an instance: figures for a task of size 2, given as numbers, and its chance of success. */
export interface ExactAgent extends RouteAgent {
  readonly figures: { readonly quality: number; readonly costUsd: number; readonly latencyMs: number };
  readonly success: number;
}

const worthOf = (agent: ExactAgent, tasks: number, { quality, cost, budgetUsd }: Weighed): number =>
  quality * agent.figures.quality * agent.success - (cost * agent.figures.costUsd) / (budgetUsd / tasks);

/** What a routing is worth, from its times alone. */
export function utilityOf({ assignments }: Routing, agents: readonly ExactAgent[], weights: Weighed): number {
  const sum = assignments.reduce((all, { agent, endMs }) => {
    const who = agents.find(({ name }) => name === agent)!;
    return all + worthOf(who, assignments.length, weights) - (weights.latency * endMs) / weights.deadlineMs;
  }, 0);
  return sum / assignments.length;
}

/** @param prune off for comparing with what pruning leaves out */
export function bestUtility(tasks: readonly RouteTask[], agents: readonly ExactAgent[], weights: Weighed, prune = true): number {
  const perMs = weights.latency / weights.deadlineMs;
  const able = tasks.map((task) =>
    agents.filter(({ name, capabilities }) => (task.agent === undefined ? capabilities.includes(task.capability!) : task.agent === name)),
  );
  const needs = tasks.map((task) => task.needs.map((need) => tasks.findIndex(({ id }) => id === need)));
  const worth = agents.map((agent) => worthOf(agent, tasks.length, weights));
  const free = agents.map(({ slots }) => new Array<number>(slots).fill(0));
  const end = new Array<number>(tasks.length).fill(-1);
  let best = Number.NEGATIVE_INFINITY;
  const reachable = (from: number) =>
    tasks.reduce((sum, _, task) => {
      if (end[task]! >= 0) return sum;
      const values = able[task]!.map((agent) => worth[agents.indexOf(agent)]! - perMs * (from + agent.figures.latencyMs));
      return sum + Math.max(...values);
    }, 0);
  const place = (placed: number, value: number, from: number): void => {
    if (placed === tasks.length) {
      best = Math.max(best, value);
      return;
    }
    if (prune && value + reachable(from) <= best) return;
    for (const task of tasks.keys()) {
      if (end[task]! >= 0 || needs[task]!.some((need) => end[need]! < 0)) continue;
      const ready = Math.max(0, ...needs[task]!.map((need) => end[need]!));
      for (const agent of able[task]!) {
        const at = agents.indexOf(agent);
        const slots = free[at]!;
        const slot = slots.indexOf(Math.min(...slots));
        const start = Math.max(ready, slots[slot]!);
        if (start < from) continue;
        const before = slots[slot]!;
        slots[slot] = end[task] = start + agent.figures.latencyMs;
        place(placed + 1, value + worth[at]! - perMs * end[task]!, start);
        slots[slot] = before;
        end[task] = -1;
      }
    }
  };
  place(0, 0, 0);
  return best / tasks.length;
}

/** Moments at which an agent does more at once than it has slots. */
export function overCapacity({ assignments }: Routing, agents: readonly RouteAgent[]): number {
  let violations = 0;
  for (const { name, slots } of agents) {
    const own = assignments.filter(({ agent }) => agent === name);
    const changes = own.flatMap(({ startMs, endMs }) => [
      { at: startMs, by: 1 },
      { at: endMs, by: -1 },
    ]);
    let busy = 0;
    for (const { by } of changes.sort((a, b) => a.at - b.at || a.by - b.by)) {
      busy += by;
      if (busy > slots) violations++;
    }
  }
  return violations;
}

/** Tasks that start before one of their needs has ended. */
export function tooEarly({ assignments }: Routing, tasks: readonly RouteTask[]): number {
  const times = new Map(assignments.map((each) => [each.task, each]));
  return tasks.filter(({ id, needs }) => needs.some((need) => times.get(id)!.startMs < times.get(need)!.endMs)).length;
}

/** A small plan drawn at random: up to 8 tasks, up to 3 agents, tight and loose deadlines. @param random 0 to 1 */
export function randomInstance(random: () => number, tasksMax = 8) {
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const capabilities = ['code', 'text'];
  const agents: ExactAgent[] = Array.from({ length: upTo(3) }, (_, i) => ({
    name: `a${i}`,
    kind: 'model' as const,
    capabilities: i === 0 || random() < 0.4 ? capabilities : [capabilities[Math.floor(random() * 2)]!],
    slots: upTo(3),
    figures: { quality: 0.3 + 0.7 * random(), costUsd: random() ** 2, latencyMs: 1 + Math.floor(random() * 60) },
    success: 0.4 + 0.6 * random(),
  }));
  const tasks: RouteTask[] = Array.from({ length: upTo(tasksMax) }, (_, i) => ({
    id: `t${i}`,
    capability: capabilities[Math.floor(random() * 2)]!,
    needs: Array.from({ length: i }, (_, j) => `t${j}`).filter(() => random() < 0.25),
    ...(random() < 0.1 ? { agent: 'a0' } : {}),
  }));
  const weights: Weighed = {
    quality: 1,
    cost: random(),
    latency: random(),
    budgetUsd: tasks.length * (0.2 + random()),
    deadlineMs: 30 + 300 * random(),
  };
  const learned = (name: string) => ({ success: agents.find((agent) => agent.name === name)!.success });
  return { tasks, agents, weights, options: { weights, budgetUsd: weights.budgetUsd, deadlineMs: weights.deadlineMs, learned } };
}
