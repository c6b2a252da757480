/** What a run of a checked file would be, without running it: tasks in order, agents, fan-out, approvals, claims, findings. */
import { globsMeet } from '../../engine/kernel/grants.ts';
import type { Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import type { Finding } from '../planning/draft.ts';
import { type Estimate, estimate } from '../planning/route/estimate.ts';
import { type Explained, explain, type Weighing } from '../planning/route/explain.ts';
import type { Solved } from '../planning/route/route.ts';
import { narrowLimits } from './compile.ts';
import { readSource } from './document.ts';
import { readInputs, resolveInputs } from './inputs.ts';
import type { CheckedFile, Loaded } from './load.ts';
import { gatesOf, kindsOf, needsAmong, needsOf } from './names.ts';
import { agentsOf, limitsOf } from './plan.ts';
import { type Turns, turnsAmong, worksInTree } from './plan-trees.ts';
import { isRouted, type RouteSettings, routed, type World } from './routes.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';
import { bareExpression } from './sites.ts';
import { isPlain } from './with.ts';

export interface Described {
  readonly name: string;
  readonly description?: string;
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  readonly tasks: readonly DescribedTask[];
  readonly turns: readonly Turns[];
  /** Of the tasks of the file itself. */
  readonly estimate: Omit<Estimate, 'findings'>;
  readonly warnings: readonly Warning[];
}
export interface Warning {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}
export interface DescribedTask {
  readonly id: string;
  readonly kind: string;
  readonly needs: readonly string[];
  readonly agent?: string;
  readonly why?: string;
  /** Of a task that was routed: everybody, with what speaks for them and why they were not chosen. */
  readonly candidates?: readonly Weighing[];
  readonly text?: string;
  readonly fanOut?: number;
  readonly approval?: string;
  readonly gates: readonly string[];
  readonly writes: readonly string[];
  readonly tree?: true;
}

type Agents = ReadonlyMap<string, AgentConfig>;
type Inputs = Readonly<Record<string, unknown>>;

/** @throws BatonError for inputs that are missing or wrong, as `resolveInputs` */
export function describe(
  loaded: Loaded,
  options: {
    readonly agents: readonly AgentConfig[];
    readonly limits: Limits;
    readonly inputs: Inputs;
    readonly routing?: RouteSettings;
    readonly world?: () => World;
  },
): Described {
  const main = loaded.files[loaded.main];
  if (!main) throw new Error(`${loaded.main} was not loaded`);
  const inputs = resolveInputs(main.value, options.inputs);
  const limits = narrowLimits(limitsOf(main.value.limits), options.limits);
  const agents = agentsOf(main.value, options.agents);
  const { findings, ...expected } = estimate(routed(main.value, agents, options.routing, isRouted(main.value) ? options.world?.() : {}), {
    ...(limits.costUsd === undefined ? {} : { costUsd: limits.costUsd }),
    ...(limits.wallTimeMs === undefined ? {} : { wallTimeMs: limits.wallTimeMs }),
  });
  const tasks = describeAll(loaded, main, agents, inputs, limits, options);
  return {
    name: main.value.name,
    ...(main.value.description === undefined ? {} : { description: main.value.description }),
    file: main.file,
    inputs,
    limits,
    tasks,
    turns: turnsAmong(tasks),
    estimate: expected,
    warnings: [
      ...Object.values(loaded.files).flatMap(overlaps),
      ...tooMany(main, tasks, limits),
      ...findings.map((each) => warning(main, each)),
    ],
  };
}

/** The tasks of the file, those of a used file after the task that uses it; never more than a run may have. */
function describeAll(
  loaded: Loaded,
  main: CheckedFile,
  agents: Agents,
  inputs: Inputs,
  limits: Limits,
  { routing, world }: { readonly routing?: RouteSettings; readonly world?: () => World },
): DescribedTask[] {
  interface Level {
    readonly file: CheckedFile;
    readonly agents: Agents;
    readonly inputs: Inputs;
    readonly prefix: string;
    readonly ids: string[];
    readonly routes: Solved | undefined;
  }
  const routesOf = ({ value }: CheckedFile, who: Agents) => (isRouted(value) ? routed(value, who, routing, world?.()) : undefined);
  const found: DescribedTask[] = [];
  const open: Level[] = [{ file: main, agents, inputs, prefix: '', ids: order(main.value).reverse(), routes: routesOf(main, agents) }];
  for (let level = open.at(-1); level && found.length <= limits.tasks; level = open.at(-1)) {
    const id = level.ids.pop();
    const entry = id === undefined ? undefined : level.file.value.tasks[id];
    if (id === undefined || !entry) {
      open.pop();
      continue;
    }
    const { file, prefix } = level;
    const route = level.routes && explain(level.routes, id);
    found.push(describeTask(prefix, id, entry, level.agents, level.inputs, entry.capability === undefined ? undefined : route));
    const used = loaded.files[file.uses[id] ?? ''];
    if (!used || open.length > limits.depth) continue;
    const given = Object.fromEntries(Object.entries(entry.with ?? {}).filter(([, value]) => isPlain(value)));
    const around = agentsOf(used.value, level.agents.values());
    open.push({
      file: used,
      agents: around,
      routes: routesOf(used, around),
      inputs: readInputs(used.value, given).inputs,
      prefix: `${prefix}${id}/`,
      ids: order(used.value).reverse(),
    });
  }
  return found;
}

function describeTask(
  prefix: string,
  id: string,
  entry: TaskEntry,
  agents: Agents,
  inputs: Inputs,
  route: Explained | undefined,
): DescribedTask {
  const agent = agents.get(entry.agent ?? route?.agent ?? '');
  const text = textOf(entry);
  const fanOut = fanOutOf(entry, inputs);
  const approval = entry.approve === undefined ? entry.approval?.at : 'decision';
  return {
    id: prefix + id,
    kind: entry.foreach !== undefined ? 'foreach' : entry.until ? 'until' : (kindsOf(entry)[0] ?? ''),
    needs: needsOf(entry).map((need) => prefix + need),
    ...(agent ? { agent: agent.name, why: `${agentText(agent)}, ${route?.candidates[0]?.reason ?? 'named by the file'}` } : {}),
    ...(route ? { candidates: route.candidates } : {}),
    ...(text === undefined ? {} : { text }),
    ...(fanOut === undefined ? {} : { fanOut }),
    ...(approval === undefined ? {} : { approval }),
    gates: gatesOf(entry).flatMap((gate) => ('run' in gate ? [gate.name ?? commandText(gate.run)] : [])),
    writes: entry.writes ?? [],
    ...(worksInTree(entry, agent) ? { tree: true as const } : {}),
  };
}

const agentText = ({ kind, config: { model } }: AgentConfig): string => (typeof model === 'string' ? `${kind} ${model}` : kind);
const commandText = (command: string | readonly string[]): string => (typeof command === 'string' ? command : command.join(' '));

function fanOutOf(entry: TaskEntry, inputs: Inputs): number | undefined {
  if (entry.until) return entry.until.maxRounds;
  if (Array.isArray(entry.foreach)) return entry.foreach.length;
  const name = entry.foreach === undefined ? undefined : /^inputs\.(\w+)$/.exec(bareExpression(entry.foreach) ?? '')?.[1];
  const value = name === undefined ? undefined : inputs[name];
  return Array.isArray(value) ? value.length : undefined;
}

function textOf(entry: TaskEntry): string | undefined {
  const text = entry.run ?? entry.prompt ?? entry.approve ?? entry.uses ?? entry.plan ?? entry.call ?? entry.tool;
  return text === undefined ? undefined : commandText(text).trim().split('\n')[0];
}

/** Tasks so that every need comes first, in the order of the file where it is free. */
function order({ tasks }: WorkflowFile): string[] {
  const waits = new Map(Object.entries(tasks).map(([id, task]) => [id, new Set(needsOf(task)).size]));
  const dependents = new Map<string, string[]>();
  for (const [id, task] of Object.entries(tasks))
    for (const need of new Set(needsOf(task))) {
      const list = dependents.get(need);
      if (list) list.push(id);
      else dependents.set(need, [id]);
    }
  const sorted = [...waits].flatMap(([id, count]) => (count === 0 ? [id] : []));
  for (const id of sorted)
    for (const dependent of dependents.get(id) ?? []) {
      const left = (waits.get(dependent) ?? 0) - 1;
      waits.set(dependent, left);
      if (left === 0) sorted.push(dependent);
    }
  return sorted;
}

/** Pairs of tasks that are compared for claims in common. */
const PAIRS_MAX = 200_000;

/** Tasks that claim a path in common and are ordered by nothing else: they will wait for each other. */
function overlaps({ file, text, value }: CheckedFile): Warning[] {
  const claiming = Object.entries(value.tasks).flatMap(([id, { writes }]) => (writes ? [{ id, writes }] : []));
  if (claiming.length < 2) return [];
  const needs = needsAmong(value.tasks);
  const source = readSource(file, Buffer.from(text));
  const found: Warning[] = [];
  let pairs = 0;
  for (const [i, one] of claiming.entries())
    for (const other of claiming.slice(i + 1)) {
      if (pairs++ > PAIRS_MAX) return found;
      const meeting = one.writes.flatMap((a) => other.writes.filter((b) => globsMeet(a, b)).map((b) => (a === b ? a : `${a} and ${b}`)))[0];
      if (meeting === undefined || needs(one.id, other.id) || needs(other.id, one.id)) continue;
      const message = `"${one.id}" and "${other.id}" claim ${meeting} and don't need each other: they will run one after the other`;
      found.push({ file, ...source.atKey(['tasks', other.id, 'writes']), code: 'WRITE_CONFLICT', message });
    }
  return found;
}

const warning = ({ file, text }: CheckedFile, { code, tasks: [id], message }: Finding): Warning => ({
  file,
  ...readSource(file, Buffer.from(text)).atKey(id === undefined ? ['limits'] : ['tasks', id]),
  code,
  message,
});

function tooMany({ file, text }: CheckedFile, tasks: readonly DescribedTask[], limits: Limits): Warning[] {
  const atMost = tasks.reduce((sum, { fanOut = 0 }) => sum + 1 + fanOut, 0);
  if (atMost <= limits.tasks) return [];
  const place = readSource(file, Buffer.from(text)).atKey(['limits', 'tasks']);
  return [{ file, ...place, code: 'FANOUT_EXCEEDED', message: `limit tasks = ${limits.tasks}: this may become ${atMost} tasks` }];
}
