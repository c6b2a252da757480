/**
 * Why a task went to an agent: every agent with its terms, and why it was not chosen. What another choice would have been
 * worth is told exactly: the whole plan is played again with it, everything else as it is. That costs one walk over the plan
 * for each candidate, so it is done for the tasks somebody asks about.
 */
import { type Candidate, needsAgent, unable } from './candidates.ts';
import type { Source } from './figures.ts';
import type { Solved } from './route.ts';
import type { RouteAgent, RouteTask } from './routing.ts';
import { play, SAME, sumOfWorth } from './schedule.ts';

export interface Weighing {
  readonly agent: string;
  readonly chosen: boolean;
  /** Why not, or why this one. */
  readonly reason: string;
  /** Of those that could do it. */
  readonly terms?: {
    readonly quality: number;
    readonly success: number;
    readonly costUsd: number;
    /** The work itself. */
    readonly latencyMs: number;
    /** Until a slot is free. */
    readonly waitMs: number;
    readonly from: Readonly<Record<'quality' | 'success' | 'cost' | 'latency', Source>>;
    /** What the whole plan would be worth with it. */
    readonly utility: number;
  };
}

export interface Explained {
  readonly task: string;
  readonly agent?: string;
  /** The one that was chosen first, then by what the plan would be worth. */
  readonly candidates: readonly Weighing[];
}

/** Nothing for a task that there is not, or that no agent does. */
export function explain(solved: Solved, id: string): Explained | undefined {
  const at = solved.tasks.findIndex((task) => task.id === id);
  const task = solved.tasks[at];
  if (task === undefined || !needsAgent(task)) return undefined;
  const chosen = solved.decision.chosen[at];
  const candidates = solved.agents.map((agent, position) => weigh(solved, at, task, agent, position));
  const rank = ({ chosen: is, terms }: Weighing) => (is ? Number.POSITIVE_INFINITY : (terms?.utility ?? Number.NEGATIVE_INFINITY));
  candidates.sort((a, b) => (rank(a) === rank(b) ? 0 : rank(b) > rank(a) ? 1 : -1));
  return chosen === undefined ? { task: id, candidates } : { task: id, agent: chosen.name, candidates };
}

function weigh(solved: Solved, at: number, task: RouteTask, agent: RouteAgent, position: number): Weighing {
  const missing = unable(task, agent);
  if (missing !== undefined) return { agent: agent.name, chosen: false, reason: missing };
  const own = solved.decision.chosen[at];
  const { utility, waitMs, candidate } = withAgent(solved, at, solved.candidates.candidate(task, position, agent));
  const { expected } = candidate;
  const terms = {
    quality: expected.quality,
    success: candidate.success,
    costUsd: expected.cost.mean,
    latencyMs: expected.latency.mean,
    waitMs,
    from: expected.from,
    utility,
  };
  const weighing = { agent: agent.name, chosen: own?.agent === position, terms };
  const ruling = solved.candidates.ruling(task);
  const allowed = solved.problem.candidates[at]?.some((each) => each.agent === position) ?? false;
  if (!allowed && solved.candidates.healthOf(agent.name, task) === 'open') return { ...weighing, reason: 'its breaker is open' };
  if (!allowed) return { ...weighing, reason: `the rule \`${ruling?.when}\` says ${ruling?.verb} ${ruling?.agents.join(', ')}` };
  if (own === undefined) return { ...weighing, reason: 'the task waits for one that nobody can do' };
  if (weighing.chosen) return { ...weighing, reason: chosenBecause(task, solved, at) };
  return { ...weighing, reason: otherwise(utility - solved.routing.utility, own, candidate) };
}

function withAgent(solved: Solved, at: number, candidate: Candidate): { utility: number; waitMs: number; candidate: Candidate } {
  const { problem, decision } = solved;
  const other = { order: decision.order, chosen: decision.chosen.with(at, candidate) };
  const times = play(problem, other);
  const count = other.order.reduce((sum, task) => sum + (other.chosen[task] ? 1 : 0), 0);
  const ready = (problem.graph.needs[at] ?? []).reduce((latest, need) => Math.max(latest, times.end[need] ?? 0), 0);
  return { utility: count === 0 ? 0 : sumOfWorth(problem, other, times) / count, waitMs: (times.start[at] ?? 0) - ready, candidate };
}

function chosenBecause(task: RouteTask, { problem, candidates }: Solved, at: number): string {
  if (task.agent !== undefined) return 'the task names it';
  const ruling = candidates.ruling(task);
  const by = ruling === undefined ? '' : `, and the rule \`${ruling.when}\` says ${ruling.verb} ${ruling.agents.join(', ')}`;
  return problem.candidates[at]?.length === 1 ? `nobody else can${by}` : `the plan is worth most with it${by}`;
}

function otherwise(gain: number, chosen: Candidate, candidate: Candidate): string {
  if (Math.abs(gain) > SAME)
    return gain < 0
      ? `the plan would be worth ${-gain < 0.0005 ? (-gain).toExponential(1) : (-gain).toFixed(3)} less`
      : `it would be worth ${gain.toFixed(3)} more by itself; a plan of this size is decided task by task, in order`;
  return candidate.expected.cost.mean > chosen.expected.cost.mean + SAME
    ? 'worth the same, and costs more'
    : 'worth the same; the name decides';
}
