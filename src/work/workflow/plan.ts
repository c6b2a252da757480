/** A checked workflow with its inputs, as the plan of a run. Everything needed to resolve and audit it is in one blob. */

import { defined } from '../../defined.ts';
import { type ApprovalRule, type Hash, LIMITS_DEFAULT, type Limits, type Plan } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import type { AgentConfig } from '../agents/agent.ts';
import type { PlanningSettings } from '../planning/situation.ts';
import { agentConfig } from './agents.ts';
import { compileTasks, narrowLimits } from './compile.ts';
import { durationMs } from './duration.ts';
import { resolveInputs } from './inputs.ts';
import type { Loaded } from './load.ts';
import type { RouteSettings, World } from './routes.ts';
import type { SettingsFile, WorkflowFile } from './schema.ts';

/** What the blob `plan.source` holds. Secrets are named, never valued. */
export interface RunSource {
  readonly main: string;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly text: string }>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly agents: readonly AgentConfig[];
  readonly secrets: readonly string[];
  /** For tasks that are made while it runs. */
  readonly routing?: RouteSettings;
  readonly planning?: PlanningSettings;
}

export interface PlanOptions {
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Agents of the project and the user. */
  readonly agents: readonly AgentConfig[];
  readonly limits?: Limits;
  readonly routing?: RouteSettings;
  readonly planning?: PlanningSettings;
  /** What routing is told of the world, as of now. */
  readonly world?: () => World;
  /** The top of the repository, else the project. */
  readonly scope: string;
  /** Where in it the project lies, when that is not its top. */
  readonly folder?: string;
  readonly priority?: number;
  readonly now: number;
  /** The project is a repository; and who has to approve what goes back into it, if anybody. */
  readonly repository?: { readonly approval?: ApprovalRule };
  /** Who has to approve changes of the plan, if anybody. */
  readonly changes?: ApprovalRule;
  /** Ask a person before anything starts. */
  readonly approvePlan?: boolean;
  put(payload: string): Hash;
}

export function planOf(loaded: Loaded, options: PlanOptions): Plan {
  const main = loaded.files[loaded.main];
  if (!main) throw new Error(`${loaded.main} was not loaded`);
  const inputs = resolveInputs(main.value, options.inputs ?? {});
  const agents = agentsOf(main.value, options.agents);
  const source: RunSource = {
    main: loaded.main,
    files: Object.fromEntries(Object.entries(loaded.files).map(([key, { sha256, text }]) => [key, { sha256, text }])),
    inputs,
    agents: options.agents,
    ...(options.routing ? { routing: options.routing } : {}),
    ...(options.planning ? { planning: options.planning } : {}),
    secrets: [...new Set(Object.values(loaded.files).flatMap(({ value }) => value.secrets ?? []))],
  };
  if (!options.repository && main.value.promote !== undefined && main.value.promote !== 'never')
    throw new BatonError('NOT_A_REPOSITORY', `${loaded.main} is to be promoted, and ${options.scope} is no git repository.`, {
      where: loaded.main,
      hint: 'Make it one with `git init`, or leave `promote` out.',
    });
  const deadline = main.value.deadline === undefined ? undefined : durationMs(main.value.deadline);
  const priority = options.priority ?? main.value.priority;
  return {
    name: main.value.name,
    source: options.put(JSON.stringify(source)),
    tasks: compileTasks({
      file: main,
      agents,
      scope: { prefix: '' },
      tree: options.repository !== undefined,
      put: options.put,
      ...(options.routing ? { routing: options.routing } : {}),
      ...(options.world ? { world: options.world } : {}),
    }),
    limits: narrowLimits(limitsOf(main.value.limits), options.limits ?? LIMITS_DEFAULT),
    scope: options.scope,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadlineAt: options.now + deadline }),
    ...(options.repository ? { tree: { promote: main.value.promote ?? 'end', ...options.repository } } : {}),
    ...(options.changes ? { changes: options.changes } : {}),
    ...(options.approvePlan ? { approval: { at: 'task', by: [] } } : {}),
  };
}

export const agentsOf = (file: WorkflowFile, outer: Iterable<AgentConfig>): Map<string, AgentConfig> =>
  new Map([
    ...[...outer].map((agent): [string, AgentConfig] => [agent.name, agent]),
    ...Object.entries(file.agents ?? {}).map(([name, entry]): [string, AgentConfig] => [name, agentConfig(name, entry)]),
  ]);

export function limitsOf(entry: WorkflowFile['limits'] | SettingsFile['limits']): Partial<Limits> {
  const { wallTime, ...rest } = entry ?? {};
  return defined({ ...rest, wallTimeMs: wallTime === undefined ? undefined : durationMs(wallTime) }) as Partial<Limits>;
}
