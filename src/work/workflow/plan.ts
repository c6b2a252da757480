/** A checked workflow with its inputs, as the plan of a run. Everything needed to resolve and audit it is in one blob. */

import { type Hash, LIMITS_DEFAULT, type Limits, type Plan } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { agentConfig } from './agents.ts';
import { compileTasks, defined, narrowLimits } from './compile.ts';
import { durationMs } from './duration.ts';
import type { Loaded } from './load.ts';
import type { InputEntry, SettingsFile, WorkflowFile } from './schema.ts';

/** What the blob `plan.source` holds. Secrets are named, never valued. */
export interface RunSource {
  readonly main: string;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly text: string }>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly agents: readonly AgentConfig[];
  readonly secrets: readonly string[];
}

export interface PlanOptions {
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Agents of the project and the user. */
  readonly agents: readonly AgentConfig[];
  readonly limits?: Limits;
  /** What `writes` are relative to. */
  readonly scope: string;
  readonly priority?: number;
  readonly now: number;
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
    secrets: main.value.secrets ?? [],
  };
  const deadline = main.value.deadline === undefined ? undefined : durationMs(main.value.deadline);
  const priority = options.priority ?? main.value.priority;
  return {
    name: main.value.name,
    source: options.put(JSON.stringify(source)),
    tasks: compileTasks({ file: main, agents, scope: { prefix: '' }, put: options.put }),
    limits: narrowLimits(limitsOf(main.value.limits), options.limits ?? LIMITS_DEFAULT),
    scope: options.scope,
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadlineAt: options.now + deadline }),
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

const JSON_KIND: Readonly<Record<InputEntry['type'], (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** @throws BatonError `INPUT_UNKNOWN`, `INPUT_MISSING`, `INPUT_TYPE`, naming the input */
export function resolveInputs(file: WorkflowFile, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const declared = file.inputs ?? {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(declared, name)) {
      const guess = didYouMean(name, Object.keys(declared));
      throw new BatonError('INPUT_UNKNOWN', `The workflow has no input "${name}".`, {
        where: name,
        hint: guess ? `Did you mean "${guess}"?` : `It has ${Object.keys(declared).join(', ') || 'none'}.`,
      });
    }
  const inputs: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? read(given[name], entry) : entry.default;
    if (value === undefined)
      throw new BatonError('INPUT_MISSING', `The input "${name}" has no value and no default.`, {
        where: name,
        hint: `Give one: --input ${name}=…`,
      });
    if (!JSON_KIND[entry.type](value) || (entry.enum && !entry.enum.some((each) => JSON.stringify(each) === JSON.stringify(value))))
      throw new BatonError(
        'INPUT_TYPE',
        `The input "${name}" must be ${entry.enum ? `one of ${entry.enum.map((each) => JSON.stringify(each)).join(', ')}` : `of type ${entry.type}`}, not ${JSON.stringify(value)}.`,
        { where: name },
      );
    inputs[name] = value;
  }
  return inputs;
}

/** Values from a command line are texts: what the declared type needs is read from them. */
function read(value: unknown, entry: InputEntry): unknown {
  if (typeof value !== 'string' || entry.type === 'string') return value;
  if (entry.type === 'array' && !value.trimStart().startsWith('[')) return value === '' ? [] : value.split(',').map((item) => item.trim());
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
