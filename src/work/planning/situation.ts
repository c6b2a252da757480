/** What a plan is made for: what there is to do it with, and how much may be used. */
import type { AgentConfig } from '../agents/agent.ts';
import type { ProjectContext } from './context.ts';

/** Checked before each call of a planner and each change of a plan, by whoever is at it. */
export interface PlanLimits {
  /** Tasks of one plan. */
  readonly tasks: number;
  /** Plans within plans. */
  readonly depth: number;
  /** Calls of the planning model in one run. */
  readonly calls: number;
  /** Milliseconds that planning may take in one run. */
  readonly timeMs: number;
}
export const PLAN_LIMITS_DEFAULT: PlanLimits = { tasks: 50, depth: 3, calls: 50, timeMs: 30 * 60_000 };

export interface Situation {
  readonly goal: string;
  readonly agents: readonly Pick<AgentConfig, 'name' | 'kind' | 'capabilities'>[];
  /** Names of the tools that a task may be. */
  readonly tools: ReadonlySet<string>;
  /** Domains that a planned task may ask for. */
  readonly network: ReadonlySet<string>;
  readonly project: ProjectContext;
  readonly limits: PlanLimits;
  /** How deep this plan lies in others; 1 for that of a goal. */
  readonly depth: number;
}
