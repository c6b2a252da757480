/**
 * What is known of a run before it starts: the tasks that its files make, what agents will take for them, and what of that is
 * more than it may have. That is refused here, before the first call.
 */
import type { Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import type { Finding } from '../planning/draft.ts';
import { type Caps, type Estimate, estimate } from '../planning/route/estimate.ts';
import { type Solved, solve } from '../planning/route/route.ts';
import type { RouteTask } from '../planning/route/routing.ts';
import { readSource } from './document.ts';
import { readInputs } from './inputs.ts';
import type { CheckedFile, Loaded } from './load.ts';
import { needsOf } from './names.ts';
import { agentsOf } from './plan.ts';
import { chosen, type RouteSettings, routed, routeOptions, type World } from './routes.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';
import { bareExpression } from './sites.ts';
import { isPlain } from './with.ts';

type Inputs = Readonly<Record<string, unknown>>;
export type Agents = ReadonlyMap<string, AgentConfig>;

export interface Placed {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}

export interface Foreseen {
  /** Of the tasks of the file itself. */
  readonly estimate: Omit<Estimate, 'findings'>;
  /** What forbids the run. */
  readonly refused: readonly Placed[];
  readonly warnings: readonly Placed[];
}

export interface Begun {
  readonly loaded: Loaded;
  readonly main: CheckedFile;
  readonly agents: Agents;
  readonly inputs: Inputs;
  readonly limits: Limits;
  readonly routing?: RouteSettings;
  readonly world?: World;
}

export function foreseen(begun: Begun): Foreseen {
  const { findings, ...expected } = estimate(itemised(begun), capsOf(begun.limits));
  const all = [...tooMany(begun), ...placed(begun, findings)];
  return {
    estimate: {
      ...expected,
      criticalPath: unique(expected.criticalPath),
      costUsd: { ...expected.costUsd, unknown: unique(expected.costUsd.unknown) },
      timeMs: { ...expected.timeMs, unknown: unique(expected.timeMs.unknown) },
    },
    refused: ofLevel(all, 'refuse'),
    warnings: ofLevel(all, 'note'),
  };
}

/** The same, as far as a start asks for it: without a cap on money or time nothing has to be routed for that. */
export function refusals(begun: Begun): readonly Placed[] {
  const caps = capsOf(begun.limits);
  const findings = Object.keys(caps).length === 0 ? [] : estimate(itemised(begun), caps).findings;
  return ofLevel([...tooMany(begun), ...placed(begun, findings)], 'refuse');
}

type Level = Finding['level'];
type Leveled = Placed & { readonly level: Level };

const placed = ({ main }: Begun, findings: readonly Finding[]): Leveled[] =>
  findings.map(({ code, level, tasks: [id], message, fix }) => ({
    level,
    ...placeOf(main, id === undefined ? ['limits'] : ['tasks', withoutIndex(id)]),
    code,
    message: `${message} ${fix}`,
  }));
const ofLevel = (all: readonly Leveled[], which: Level): Placed[] =>
  all.filter(({ level }) => level === which).map(({ level: _, ...rest }) => rest);

const capsOf = ({ costUsd, wallTimeMs }: Limits): Caps => ({
  ...(costUsd === undefined ? {} : { costUsd }),
  ...(wallTimeMs === undefined ? {} : { wallTimeMs }),
});
const withoutIndex = (id: string): string => id.replace(/\[\d+\]$/, '');
const unique = (ids: readonly string[]): string[] => [...new Set(ids.map(withoutIndex))];
const placeOf = ({ file, text }: CheckedFile, path: readonly string[]) => ({ file, ...readSource(file, Buffer.from(text)).atKey(path) });

/** The tasks of the main file with those that lists make, as far as the lists are known: each item is done by whoever was chosen for all. */
function itemised({ main: { value }, agents, inputs, limits, routing, world }: Begun): Solved {
  const solved = routed(value, agents, routing, world);
  const who = chosen(solved);
  let room = limits.tasks;
  const tasks = solved.tasks.flatMap((task): RouteTask[] => {
    const entry = value.tasks[task.id];
    const count = entry?.foreach === undefined ? undefined : fanOutOf(entry, inputs);
    if (!entry || count === undefined || count > room) return [task];
    room -= count;
    const agent = who.get(task.id);
    const item = (i: number): RouteTask => ({
      ...task,
      id: `${task.id}[${i}]`,
      needs: i < (entry.maxParallel ?? count) ? task.needs : [...task.needs, `${task.id}[${i - (entry.maxParallel ?? count)}]`],
      ...(agent === undefined ? {} : { agent }),
    });
    const items = Array.from({ length: count }, (_, i) => item(i));
    return [...items, { id: task.id, kind: 'command', needs: count === 0 ? task.needs : items.map(({ id }) => id), durationMs: 0 }];
  });
  return tasks.length === solved.tasks.length ? solved : solve(tasks, [...agents.values()], routeOptions(agents, routing, world));
}

/** A task of the main file, or of one that it uses, with what it sees. */
export interface Reached {
  readonly file: CheckedFile;
  readonly agents: Agents;
  readonly inputs: Inputs;
  readonly prefix: string;
  readonly id: string;
  readonly entry: TaskEntry;
  /** Nothing decides in the run whether it is made. */
  readonly certain: boolean;
}

/** The tasks of the file in an order that they can run in, those of a used file after the task that uses it; hardly more than a run may have. */
export function* reached({ loaded, main, agents, inputs, limits }: Begun): Generator<Reached> {
  type Level = Omit<Reached, 'id' | 'entry'> & { readonly ids: string[] };
  const open: Level[] = [{ file: main, agents, inputs, prefix: '', ids: order(main.value).reverse(), certain: true }];
  const most = Math.max(limits.tasks, Object.keys(main.value.tasks).length);
  let found = 0;
  for (let level = open.at(-1); level && found <= most; level = open.at(-1)) {
    const id = level.ids.pop();
    const { ids: _, ...rest } = level;
    const entry = id === undefined ? undefined : level.file.value.tasks[id];
    if (id === undefined || !entry) {
      open.pop();
      continue;
    }
    found++;
    yield { ...rest, id, entry };
    const used = loaded.files[level.file.uses[id] ?? ''];
    if (!used || open.length > limits.depth) continue;
    const given = Object.fromEntries(Object.entries(entry.with ?? {}).filter(([, value]) => isPlain(value)));
    open.push({
      file: used,
      agents: agentsOf(used.value, level.agents.values()),
      inputs: readInputs(used.value, given).inputs,
      prefix: `${level.prefix}${id}/`,
      ids: order(used.value).reverse(),
      certain: level.certain && entry.when === undefined && entry.foreach === undefined,
    });
  }
}

/** How many tasks a list or rounds become, where the file and its inputs tell. */
export function fanOutOf(entry: TaskEntry, inputs: Inputs): number | undefined {
  if (entry.until) return entry.until.maxRounds;
  if (Array.isArray(entry.foreach)) return entry.foreach.length;
  const name = entry.foreach === undefined ? undefined : /^inputs\.(\w+)$/.exec(bareExpression(entry.foreach) ?? '')?.[1];
  const value = name === undefined ? undefined : inputs[name];
  return Array.isArray(value) ? value.length : undefined;
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

/** More tasks than a run may have: certainly, or perhaps. */
function tooMany(begun: Begun): Leveled[] {
  const { main, limits } = begun;
  let [certain, perhaps] = [0, 0];
  for (const each of reached(begun)) {
    const fanOut = fanOutOf(each.entry, each.inputs) ?? 0;
    perhaps += 1 + fanOut;
    if (each.certain) certain += 1 + (each.entry.when === undefined && each.entry.foreach !== undefined ? fanOut : 0);
  }
  if (perhaps <= limits.tasks) return [];
  const level = certain > limits.tasks ? 'refuse' : 'note';
  const message =
    level === 'refuse'
      ? `limit tasks = ${limits.tasks}: it makes ${certain} tasks.`
      : `limit tasks = ${limits.tasks}: this may become ${perhaps} tasks`;
  return [{ level, ...placeOf(main, ['limits', 'tasks']), code: 'FANOUT_EXCEEDED', message }];
}
