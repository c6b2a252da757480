/**
 * Is learning worth it? Forecasts are held against what came, and routing is replayed over the past: each task goes to
 * whom it would have gone to by what was known before it, and gets what that agent gave on average, whenever that was.
 * What was done and what would have been done are compared over the same tasks, else the hard ones would lie on one side.
 */
import { SIZE_FACTORS, SUCCESS_ASSUMED } from '../route/figures.ts';
import { route } from '../route/route.ts';
import type { RouteAgent, RouteOptions } from '../route/routing.ts';
import { type Outcome, Outcomes } from './outcomes.ts';

/** Mean squared error of forecasts of success; 0 is certainty that came true, 0.25 a thrown coin (Brier, 1950). */
export function brier(outcomes: readonly Outcome[], forecast: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, each) => sum + (forecast(each) - (each.success ? 1 : 0)) ** 2, 0) / outcomes.length;
}

/** What agents gave on average. Costs and times are of the tasks where they are known on both sides of a comparison. */
export interface Given {
  readonly success: number;
  readonly costUsd?: number;
  readonly latencyMs?: number;
}

export interface Replay {
  readonly tasks: number;
  /** Tasks that named their agent: they stay with it. */
  readonly named: number;
  /** Tasks that would have gone to another agent. */
  readonly moved: number;
  /** Of those, to one of whom nothing is known at that capability; not compared. */
  readonly unknown: number;
  /** Tasks that none of these agents can do; not compared. */
  readonly nobody: number;
  /** Left out where nothing can be compared. */
  readonly compared?: { readonly tasks: number; readonly done: Given; readonly routed: Given };
  /** Of forecasts made before each outcome was known. Left out where there are none. */
  readonly brier?: { readonly learned: number; readonly assumed: number };
}

/** Takes outcomes one after the other, as they came, so that whoever replays a long past can do other things in between. */
export class Replaying {
  private readonly agents: readonly RouteAgent[];
  private readonly options: RouteOptions;
  private readonly known = new Outcomes();
  /** Nobody where no agent can do it. */
  private readonly whom = new Map<Outcome, string | undefined>();
  private readonly forecasts = new Map<Outcome, number>();

  constructor(agents: readonly RouteAgent[], options: RouteOptions = {}) {
    this.agents = agents;
    this.options = { ...options, learned: (...of) => this.known.learned(...of) };
  }

  /** What is known from then on, without being replayed. */
  teach(outcome: Outcome): void {
    this.known.add(outcome);
  }

  add(outcome: Outcome): void {
    const { agent, capability, size, named } = outcome;
    const routed = () => route([{ id: 'task', needs: [], capability, size }], this.agents, this.options).assignments[0]?.agent;
    this.whom.set(outcome, named ? agent : routed());
    this.forecasts.set(outcome, this.known.learned(agent, capability, size)?.success ?? SUCCESS_ASSUMED);
    this.teach(outcome);
  }

  result(): Replay {
    const past = [...this.whom.keys()];
    const usual = usualOf(past);
    const pairs: Pair[] = [];
    let [moved, unknown, nobody] = [0, 0, 0];
    for (const [outcome, whom] of this.whom) {
      const done = amountsOf(outcome);
      if (whom === undefined) nobody++;
      else if (whom === outcome.agent) pairs.push({ size: outcome.size, done, routed: done });
      else {
        moved++;
        const routed = usual.get(keyOf(whom, outcome.capability));
        if (routed === undefined) unknown++;
        else pairs.push({ size: outcome.size, done, routed });
      }
    }
    const named = past.filter((each) => each.named).length;
    return {
      ...{ tasks: past.length, named, moved, unknown, nobody },
      ...(pairs.length === 0 ? {} : { compared: { tasks: pairs.length, done: sideOf(pairs, 'done'), routed: sideOf(pairs, 'routed') } }),
      ...(past.length === 0 ? {} : { brier: this.brier(past) }),
    };
  }

  private brier(past: readonly Outcome[]): { readonly learned: number; readonly assumed: number } {
    return {
      learned: brier(past, (each) => this.forecasts.get(each) ?? SUCCESS_ASSUMED),
      assumed: brier(past, () => SUCCESS_ASSUMED),
    };
  }
}

/** What routing would have done with each past task, knowing only what came before it. */
export function replay(past: readonly Outcome[], agents: readonly RouteAgent[], options?: RouteOptions): Replay {
  const replaying = new Replaying(agents, options);
  for (const outcome of past) replaying.add(outcome);
  return replaying.result();
}

/** Costs and times as if the task were of size 2: nobody looks quick for having done the small ones. */
interface Amounts {
  readonly success: number;
  readonly costUsd: number | undefined;
  readonly latencyMs: number | undefined;
}
/** One task on both sides. */
interface Pair {
  readonly size: number;
  readonly done: Amounts;
  readonly routed: Amounts;
}

const keyOf = (agent: string, capability: string): string => JSON.stringify([agent, capability]);
const factorOf = (size: number): number => SIZE_FACTORS[size - 1] ?? 1;

const amountsOf = ({ success, costUsd, latencyMs, size }: Outcome): Amounts => ({
  success: success ? 1 : 0,
  costUsd: costUsd === undefined ? undefined : costUsd / factorOf(size),
  latencyMs: latencyMs === undefined ? undefined : latencyMs / factorOf(size),
});

/** What each agent gave on average at each capability. */
function usualOf(past: readonly Outcome[]): ReadonlyMap<string, Amounts> {
  const groups = Map.groupBy(past, ({ agent, capability }) => keyOf(agent, capability));
  return new Map(
    [...groups].map(([key, group]) => {
      const all = group.map(amountsOf);
      const of = (amount: keyof Amounts) => average(all.flatMap((each) => each[amount] ?? []));
      return [key, { success: of('success') ?? 0, costUsd: of('costUsd'), latencyMs: of('latencyMs') }];
    }),
  );
}

function sideOf(pairs: readonly Pair[], side: 'done' | 'routed'): Given {
  const of = (amount: 'costUsd' | 'latencyMs') =>
    average(
      pairs.flatMap((pair) => {
        const [own, other] = side === 'done' ? [pair.done, pair.routed] : [pair.routed, pair.done];
        return own[amount] === undefined || other[amount] === undefined ? [] : own[amount] * factorOf(pair.size);
      }),
    );
  const [costUsd, latencyMs] = [of('costUsd'), of('latencyMs')];
  return {
    success: average(pairs.map((pair) => pair[side].success)) ?? 0,
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
  };
}

const average = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, each) => sum + each, 0) / values.length;
