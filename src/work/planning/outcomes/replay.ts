/** Is learning worth it? Forecasts are held against what came, and routing is replayed over the past. */
import { SUCCESS_ASSUMED } from '../route/figures.ts';
import { route } from '../route/route.ts';
import type { RouteAgent, RouteOptions } from '../route/routing.ts';
import { type Outcome, Outcomes } from './outcomes.ts';

/** Mean squared error of forecasts of success; 0 is certainty that came true, 0.25 a thrown coin (Brier, 1950). */
export function brier(outcomes: readonly Outcome[], forecast: (outcome: Outcome) => number): number {
  return outcomes.reduce((sum, each) => sum + (forecast(each) - (each.success ? 1 : 0)) ** 2, 0) / outcomes.length;
}

/** What agents gave on average. `tasks` without costs or times are not in those means. */
export interface Given {
  readonly success: number;
  readonly costUsd: number;
  readonly latencyMs: number;
}

export interface Replay {
  readonly tasks: number;
  /** Tasks that would have gone to another agent. */
  readonly moved: number;
  /** Tasks that would have gone to one of whom nothing is known at that capability; not in `routed`. */
  readonly unknown: number;
  readonly done: Given;
  /** As the agents chosen did on average over the whole past. */
  readonly routed: Given;
  /** Of forecasts made before each outcome was known. */
  readonly brier: { readonly learned: number; readonly assumed: number };
}

/** What routing would have done with each past task, knowing only what came before it. */
export function replay(past: readonly Outcome[], agents: readonly RouteAgent[], options: RouteOptions = {}): Replay {
  const known = new Outcomes();
  const learned: RouteOptions['learned'] = (...of) => known.learned(...of);
  const averages = Map.groupBy(past, ({ agent, capability }) => JSON.stringify([agent, capability]));
  const chosen: Outcome[][] = [];
  let [moved, unknown] = [0, 0];
  const forecasts = new Map<Outcome, number>();
  for (const outcome of past) {
    const { agent, capability, size } = outcome;
    const { assignments } = route([{ id: 'task', needs: [], capability, size }], agents, { ...options, learned });
    const whom = assignments[0]?.agent;
    const like = averages.get(JSON.stringify([whom, capability]));
    if (whom !== agent) moved++;
    if (like === undefined) unknown++;
    else chosen.push(whom === agent ? [outcome] : like);
    forecasts.set(outcome, known.learned(agent, capability, size)?.success ?? SUCCESS_ASSUMED);
    known.add(outcome);
  }
  return {
    tasks: past.length,
    moved,
    unknown,
    done: mean(past.map((outcome) => given([outcome]))),
    routed: mean(means(averages, chosen)),
    brier: { learned: brier(past, (each) => forecasts.get(each) ?? SUCCESS_ASSUMED), assumed: brier(past, () => SUCCESS_ASSUMED) },
  };
}

/** Each group is averaged once, however often it was chosen. */
function means(groups: ReadonlyMap<string, readonly Outcome[]>, chosen: readonly (readonly Outcome[])[]): Partial<Given>[] {
  const known = new Map([...groups.values()].map((group) => [group, given(group)]));
  return chosen.map((group) => known.get(group) ?? given(group));
}

const given = (outcomes: readonly Outcome[]): Partial<Given> => {
  const of = (pick: (outcome: Outcome) => number | undefined) => average(outcomes.flatMap((each) => pick(each) ?? []));
  const [success, costUsd, latencyMs] = [of((each) => (each.success ? 1 : 0)), of((each) => each.costUsd), of((each) => each.latencyMs)];
  return {
    ...(success === undefined ? {} : { success }),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
  };
};

const mean = (all: readonly Partial<Given>[]): Given => {
  const of = (key: keyof Given) => average(all.flatMap((each) => each[key] ?? [])) ?? 0;
  return { success: of('success'), costUsd: of('costUsd'), latencyMs: of('latencyMs') };
};
const average = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, each) => sum + each, 0) / values.length;
