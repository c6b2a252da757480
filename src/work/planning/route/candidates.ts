/**
 * Who can do a task, and why the others can't. Tasks that ask for the same share one list, since a plan of 10,000 tasks
 * asks for few different things.
 */
import { type Expected, expectedOf, sizeOf } from './figures.ts';
import type { Health, RouteAgent, RouteOptions, RouteTask, Ruling } from './routing.ts';

export interface Candidate {
  /** Position in the list of agents. */
  readonly agent: number;
  readonly name: string;
  readonly expected: Expected;
  /** Chance of success, less where the breaker doubts the agent. */
  readonly success: number;
}

/** Chance that an attempt comes about, by the state of the breaker. */
const HEALTH: Readonly<Record<Health, number>> = { closed: 1, 'half-open': 0.5, open: 0.1 };
const NONE: readonly string[] = [];

/** Commands, tools and decisions take no agent; a composite task is planned when its turn comes. */
export const needsAgent = ({ kind = 'agent' }: RouteTask): boolean => kind === 'agent';

export class Candidates {
  private readonly agents: readonly RouteAgent[];
  private readonly options: RouteOptions;
  private readonly known = new Map<string, readonly Candidate[]>();
  private readonly leastWindow: number;

  constructor(agents: readonly RouteAgent[], options: RouteOptions) {
    this.agents = agents;
    this.options = options;
    this.leastWindow = Math.min(...agents.map(({ contextWindow }) => contextWindow ?? Number.POSITIVE_INFINITY));
  }

  /** In the order of agents. Empty means nobody. */
  of(task: RouteTask): readonly Candidate[] {
    const ruling = this.ruling(task);
    // A number of tokens of its own is no reason for a list of its own, as long as everybody can hold it.
    const tokens = (task.contextTokens ?? 0) > this.leastWindow ? task.contextTokens : 0;
    const key = JSON.stringify([task.agent, task.capability, sizeOf(task), task.labels, tokens, ruling?.verb, ruling?.agents]);
    const before = this.known.get(key);
    if (before) return before;
    const made = this.make(task, ruling);
    this.known.set(key, made);
    return made;
  }

  /** A pinned task is its author's decision; no rule moves it. */
  ruling(task: RouteTask): Ruling | undefined {
    return task.agent === undefined ? this.options.rules?.match(task) : undefined;
  }

  private make(task: RouteTask, ruling: Ruling | undefined): readonly Candidate[] {
    const able: Candidate[] = [];
    for (const [agent, each] of this.agents.entries())
      if (unable(task, each) === undefined && !(ruling?.verb === 'require' && !ruling.agents.includes(each.name)))
        able.push(this.candidate(task, agent, each));
    // An open breaker lets nobody in: whoever is well goes before, whatever a rule prefers.
    const well = able.filter(({ name }) => this.healthOf(name, task) !== 'open');
    return this.ruled(well.length > 0 ? well : able, ruling);
  }

  private ruled(able: readonly Candidate[], ruling: Ruling | undefined): readonly Candidate[] {
    if (ruling === undefined || ruling.verb === 'require') return able;
    const favoured = able.filter(({ name }) => ruling.agents.includes(name) === (ruling.verb === 'prefer'));
    return favoured.length > 0 ? favoured : able;
  }

  candidate(task: RouteTask, agent: number, each: RouteAgent): Candidate {
    const size = sizeOf(task);
    const expected = expectedOf(each, size, this.options.learned?.(each.name, task.capability ?? '', size));
    return { agent, name: each.name, expected, success: expected.success * HEALTH[this.healthOf(each.name, task)] };
  }

  healthOf(agent: string, { capability = '' }: RouteTask): Health {
    return this.options.health?.(agent, capability) ?? 'closed';
  }
}

/** Why an agent can't do a task, or nothing. */
export function unable(task: RouteTask, agent: RouteAgent): string | undefined {
  if (task.agent !== undefined && task.agent !== agent.name) return `the task names "${task.agent}"`;
  // Whoever is named by the author need not have said that it can.
  if (task.agent === undefined && task.capability !== undefined && !agent.capabilities.includes(task.capability))
    return `it does not have the capability "${task.capability}"`;
  const label = task.labels?.find((each) => !(agent.labels ?? NONE).includes(each));
  if (label !== undefined) return `it does not have the label "${label}"`;
  if (agent.contextWindow !== undefined && (task.contextTokens ?? 0) > agent.contextWindow)
    return `its window of ${agent.contextWindow} tokens is smaller than the ${task.contextTokens} that are needed`;
  if (!(agent.slots >= 1)) return 'it has no slots';
  return undefined;
}
