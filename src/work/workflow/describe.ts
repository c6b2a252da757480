/** What a run of a checked file would be, without running it: tasks in order, agents, fan-out, approvals, claims, findings. */

import { globsMeet } from '../../engine/kernel/grants.ts';
import type { Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { narrowLimits } from './compile.ts';
import type { CheckedFile, Loaded } from './load.ts';
import { kindsOf, neededBy, needsOf } from './names.ts';
import { agentsOf, limitsOf, resolveInputs } from './plan.ts';
import type { TaskEntry } from './schema.ts';

export interface Described {
  readonly name: string;
  readonly description?: string;
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  readonly tasks: readonly DescribedTask[];
  readonly warnings: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly code: string;
    readonly message: string;
  }[];
}
export interface DescribedTask {
  readonly id: string;
  readonly kind: string;
  readonly needs: readonly string[];
  readonly agent?: string;
  readonly why?: string;
  readonly text?: string;
  readonly fanOut?: number;
  readonly approval?: string;
  readonly gates: readonly string[];
  readonly writes: readonly string[];
}

export function describe(
  loaded: Loaded,
  options: { readonly agents: readonly AgentConfig[]; readonly limits: Limits; readonly inputs: Readonly<Record<string, unknown>> },
): Described {
  const main = loaded.files[loaded.main];
  if (!main) throw new Error(`${loaded.main} was not loaded`);
  const agents = agentsOf(main.value, options.agents);
  const inputs = resolveInputs(main.value, options.inputs);
  const tasks = describeFile(loaded, main, agents, inputs, '');
  return {
    name: main.value.name,
    ...(main.value.description === undefined ? {} : { description: main.value.description }),
    file: main.file,
    inputs,
    limits: narrowLimits(limitsOf(main.value.limits), options.limits),
    tasks,
    warnings: overlaps(main),
  };
}

function describeFile(
  loaded: Loaded,
  file: CheckedFile,
  agents: ReadonlyMap<string, AgentConfig>,
  inputs: Readonly<Record<string, unknown>>,
  prefix: string,
): DescribedTask[] {
  return order(file).flatMap((id) => {
    const entry = file.value.tasks[id];
    if (!entry) return [];
    const agent = entry.agent === undefined ? undefined : agents.get(entry.agent);
    const text = textOf(entry);
    const fanOut = fanOutOf(entry, inputs);
    const task: DescribedTask = {
      id: prefix + id,
      kind: entry.foreach !== undefined ? 'foreach' : entry.until ? 'until' : (kindsOf(entry)[0] ?? ''),
      needs: needsOf(entry).map((need) => prefix + need),
      ...(agent
        ? {
            agent: agent.name,
            why: `${agent.kind}${typeof agent.config['model'] === 'string' ? ` ${agent.config['model']}` : ''}, named by the file`,
          }
        : {}),
      ...(text === undefined ? {} : { text }),
      ...(fanOut === undefined ? {} : { fanOut }),
      ...(entry.approve !== undefined ? { approval: 'decision' } : entry.approval ? { approval: entry.approval.at } : {}),
      gates: gateNames(entry),
      writes: entry.writes ?? [],
    };
    const used = loaded.files[file.uses[id] ?? ''];
    return used ? [task, ...describeFile(loaded, used, agentsOf(used.value, agents.values()), {}, `${prefix}${id}/`)] : [task];
  });
}

function fanOutOf(entry: TaskEntry, inputs: Readonly<Record<string, unknown>>): number | undefined {
  if (entry.until) return entry.until.maxRounds;
  if (Array.isArray(entry.foreach)) return entry.foreach.length;
  const name = /^(?:\$\{\{)?\s*inputs\.(\w+)\s*(?:\}\})?$/.exec(String(entry.foreach ?? ''))?.[1];
  const value = name === undefined ? undefined : inputs[name];
  return Array.isArray(value) ? value.length : undefined;
}

const gateNames = (entry: TaskEntry): string[] =>
  (entry.gate === undefined ? [] : Array.isArray(entry.gate) ? entry.gate : [entry.gate]).flatMap((gate) =>
    'run' in gate ? [gate.name ?? (typeof gate.run === 'string' ? gate.run : gate.run.join(' '))] : [],
  );

function textOf(entry: TaskEntry): string | undefined {
  const text = entry.run ?? entry.prompt ?? entry.approve ?? entry.uses ?? entry.call;
  const whole = typeof text === 'string' ? text : text?.join(' ');
  return whole?.trim().split('\n')[0];
}

/** Tasks so that every need comes first, in the order of the file where it is free. */
function order({ value }: CheckedFile): string[] {
  const waiting = new Map(Object.keys(value.tasks).map((id) => [id, new Set(needsOf(value.tasks[id] ?? {}))]));
  const sorted: string[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, needs]) => needs.size === 0).map(([id]) => id);
    if (ready.length === 0) break;
    for (const id of ready) {
      waiting.delete(id);
      sorted.push(id);
    }
    for (const needs of waiting.values()) for (const id of ready) needs.delete(id);
  }
  return sorted;
}

/** Tasks that claim a path in common and are ordered by nothing else: they will wait for each other. */
function overlaps(file: CheckedFile): Described['warnings'] {
  const claiming = Object.entries(file.value.tasks).filter(([, task]) => task.writes !== undefined);
  const found: Described['warnings'][number][] = [];
  for (const [i, [id, task]] of claiming.entries())
    for (const [other, entry] of claiming.slice(i + 1)) {
      if (neededBy(file.value.tasks, other).has(id) || neededBy(file.value.tasks, id).has(other)) continue;
      const pair = task.writes?.flatMap((a) => (entry.writes ?? []).filter((b) => globsMeet(a, b)).map((b) => `${a} and ${b}`))[0];
      if (pair === undefined) continue;
      found.push({
        file: file.file,
        line: 1,
        column: 1,
        code: 'WRITE_CONFLICT',
        message: `"${id}" and "${other}" claim ${pair}: they will run one after the other`,
      });
    }
  return found;
}
