/** What a plan is made for: what there is to do it with, and how much may be used. */
import type { AgentConfig } from '../agents/agent.ts';
import type { ProjectContext } from './context.ts';
import type { RouteOptions } from './route/routing.ts';

/** Checked before each call of a planner and each change of a plan, by whoever is at it. */
export interface PlanLimits {
  /** Tasks of one plan. */
  readonly tasks: number;
  /** Plans within plans. */
  readonly depth: number;
  /** Calls of the planning model in one run. */
  readonly calls: number;
  /** Tokens that the planning model may use in one run. */
  readonly tokens: number;
  /** Milliseconds that planning may take in one run. */
  readonly timeMs: number;
}
export const PLAN_LIMITS_DEFAULT: PlanLimits = { tasks: 50, depth: 3, calls: 50, tokens: 1_000_000, timeMs: 30 * 60_000 };

/** What settings say of planning. */
export interface PlanningSettings {
  /** The agent that is asked for plans. */
  readonly agent?: string;
  /** Who may be given planned tasks; everybody where it is left out. */
  readonly agents?: readonly string[];
  readonly limits: PlanLimits;
  /** Domains that planned tasks may ask for. */
  readonly network: readonly string[];
}

/** The model that is asked for plans: the one that is named, else one that says it can plan, else any. */
export function plannerAmong(agents: readonly AgentConfig[], named?: string): AgentConfig | undefined {
  if (named !== undefined) return agents.find(({ name }) => name === named);
  const models = agents.filter(({ kind }) => kind === 'model');
  return models.find(({ capabilities }) => capabilities.includes('plan')) ?? models[0];
}

/** Whom a planner may give tasks to. */
export const delegatesAmong = <T extends Pick<AgentConfig, 'name'>>(agents: Iterable<T>, allowed?: readonly string[]): T[] =>
  [...agents].filter(({ name }) => allowed?.includes(name) ?? true);

export interface Situation {
  readonly goal: string;
  readonly agents: readonly AgentConfig[];
  /** How agents are chosen. */
  readonly routing?: RouteOptions;
  /** What the run may still cost, in US dollars. */
  readonly budgetUsd?: number;
  /** Names of the tools that a task may be. */
  readonly tools: ReadonlySet<string>;
  /** Domains that a planned task may ask for. */
  readonly network: ReadonlySet<string>;
  readonly project: ProjectContext;
  readonly limits: PlanLimits;
  /** How deep this plan lies in others; 1 for that of a goal. */
  readonly depth: number;
  /** Goals of the plans that this one lies in. */
  readonly above?: readonly string[];
}
