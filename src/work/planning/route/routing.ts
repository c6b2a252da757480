/**
 * Who does what, and when: the shapes that routing reads and gives. `route.ts` tells how it is done.
 *
 * What a routing is worth. For every task that an agent does, with the moment `end` at which it ends, counted from the start
 * of the plan, so that waiting for needs and for a free slot counts like the work itself:
 *
 *   u(task) = wq · quality · p(success) − wc · cost / (budget / n) − wl · end / deadline
 *
 * and the utility of the plan is the mean of `u` over its `n` tasks that agents do. So it means the same for plans of any
 * size: a large plan is not worse for being large.
 */
import type { AgentConfig } from '../../agents/agent.ts';
import type { DraftTask, Finding } from '../draft.ts';

/** A task of a draft is one of these. Without a kind an agent does it. */
export interface RouteTask extends Pick<DraftTask, 'id' | 'needs'>, Partial<Omit<DraftTask, 'id' | 'needs'>> {
  /** Its agent must have all of them. */
  readonly labels?: readonly string[];
  /** Tokens that it must be able to hold at once. */
  readonly contextTokens?: number;
  /** How long it takes where no agent does it, in milliseconds. Default 0. */
  readonly durationMs?: number;
}

/** What routing reads of an agent. */
export type RouteAgent = Omit<AgentConfig, 'config'>;

/** From nine in ten being more to nine in ten being less. */
export interface Spread {
  readonly low: number;
  readonly mean: number;
  readonly high: number;
}

/** What outcomes say of an agent at a capability. */
export interface Learned {
  /** Chance that an attempt is accepted. */
  readonly success: number;
  readonly costUsd?: Spread;
  readonly latencyMs?: Spread;
}

export interface Weights {
  readonly quality: number;
  readonly cost: number;
  readonly latency: number;
}
export const WEIGHTS_DEFAULT: Weights = { quality: 1, cost: 0.3, latency: 0.2 };

export type Health = 'closed' | 'half-open' | 'open';

/** Whom a rule lets do a task. */
export interface Ruling {
  readonly verb: 'prefer' | 'require' | 'avoid';
  readonly agents: readonly string[];
  /** As it was written. */
  readonly when: string;
}

export interface RouteOptions {
  readonly weights?: Partial<Weights>;
  /** What the plan may cost. Default: what it would cost with the dearest candidate for each task. */
  readonly budgetUsd?: number;
  /** When it should be over. Default, with the slowest candidate for each task: its longest chain, or all work shared by all slots, whichever is more. */
  readonly deadlineMs?: number;
  /** The rule that applies to a task; see `rules.ts`. */
  readonly rules?: { match(task: RouteTask): Ruling | undefined };
  /** Of the breaker. Default `closed`. */
  readonly health?: (agent: string, capability: string) => Health;
  /** Of outcomes. Nothing where there are none, or where learning is switched off. */
  readonly learned?: (agent: string, capability: string, size: number) => Learned | undefined;
}

export interface Assignment {
  readonly task: string;
  /** None where no agent is needed. */
  readonly agent?: string;
  /** From the start of the plan, in milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly costUsd: number;
}

export interface Blocked {
  readonly task: string;
  /** The task that nobody can do, and that this one waits for. */
  readonly by: string;
}

export interface Routing {
  /** In the order of the tasks. */
  readonly assignments: readonly Assignment[];
  /** `UNROUTABLE`, and `CYCLE` for tasks that can never start. */
  readonly findings: readonly Finding[];
  readonly blocked: readonly Blocked[];
  readonly utility: number;
  readonly endMs: number;
  readonly costUsd: number;
  /** Every task is assigned. */
  readonly complete: boolean;
}
