/** What a run of a checked file would be, without running it: tasks in order, agents, fan-out, approvals, claims, findings. */
import type { Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { type Explained, explain, type Weighing } from '../planning/route/explain.ts';
import type { Solved } from '../planning/route/route.ts';
import { narrowLimits } from './compile.ts';
import { type Begun, type Foreseen, fanOutOf, foreseen, type Reached, reached } from './foreseen.ts';
import { resolveInputs } from './inputs.ts';
import type { Loaded } from './load.ts';
import { gatesOf, kindsOf, needsOf } from './names.ts';
import { agentsOf, limitsOf } from './plan.ts';
import { type Turns, turnsAmong, worksInTree } from './plan-trees.ts';
import { isRouted, type RouteSettings, routed, type World } from './routes.ts';
import type { TaskEntry } from './schema.ts';

export interface Described extends Foreseen {
  readonly name: string;
  readonly description?: string;
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  readonly tasks: readonly DescribedTask[];
  readonly turns: readonly Turns[];
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

/** @throws BatonError for inputs that are missing or wrong, as `resolveInputs` */
export function begin(
  loaded: Loaded,
  options: {
    readonly agents: readonly AgentConfig[];
    readonly limits: Limits;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly routing?: RouteSettings;
    readonly world?: () => World;
    /** Somebody wants to know what it will take. */
    readonly isAsked?: boolean;
  },
): Begun {
  const main = loaded.files[loaded.main];
  if (!main) throw new Error(`${loaded.main} was not loaded`);
  const agents = agentsOf(main.value, options.agents);
  const limits = narrowLimits(limitsOf(main.value.limits), options.limits);
  const { costUsd, wallTimeMs } = limits;
  const isForeseeable =
    options.isAsked === true ||
    costUsd !== undefined ||
    wallTimeMs !== undefined ||
    Object.values(loaded.files).some((file) => isRouted(file.value));
  return {
    loaded,
    main,
    agents,
    inputs: resolveInputs(main.value, options.inputs),
    limits,
    ...(options.routing ? { routing: options.routing } : {}),
    // What was learned is read from the journal, and most runs have nothing to ask of it.
    ...(options.world && isForeseeable ? { world: options.world() } : {}),
  };
}

export function describe(begun: Begun): Described {
  const { main, inputs, limits } = begun;
  const tasks = describeAll(begun);
  return {
    name: main.value.name,
    ...(main.value.description === undefined ? {} : { description: main.value.description }),
    file: main.file,
    inputs,
    limits,
    tasks,
    turns: turnsAmong(tasks),
    ...foreseen(begun),
  };
}

function describeAll(begun: Begun): DescribedTask[] {
  const routes = new Map<string, Solved | undefined>();
  const routesOf = ({ prefix, file: { value }, agents }: Reached) => {
    if (!routes.has(prefix)) routes.set(prefix, isRouted(value) ? routed(value, agents, begun.routing, begun.world) : undefined);
    return routes.get(prefix);
  };
  return [...reached(begun)].map((each) => {
    const solved = each.entry.capability === undefined ? undefined : routesOf(each);
    return describeTask(each, solved && explain(solved, each.id));
  });
}

function describeTask({ prefix, id, entry, agents, inputs }: Reached, route: Explained | undefined): DescribedTask {
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

function textOf(entry: TaskEntry): string | undefined {
  const text = entry.run ?? entry.prompt ?? entry.approve ?? entry.uses ?? entry.plan ?? entry.call ?? entry.tool;
  return text === undefined ? undefined : commandText(text).trim().split('\n')[0];
}
