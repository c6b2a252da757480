/**
 * What outcomes say of every agent at every capability: how often its work was accepted, what it cost and how long it took.
 *
 * Success is a Beta distribution that begins at what routing assumes of strangers. Two agents whose outcomes differ no more than
 * chance does are told apart by chance alone, so each is drawn to what all of them reach, by as much as its own figure is in
 * doubt (the positive part of James and Stein, 1961): a small difference of few outcomes becomes none, a large one stays.
 * Sizes share what they have in common in the same way. Half of what an outcome weighs is gone after a month, so an agent that
 * has become better or worse is soon judged by what it does now.
 */
import { SIZE_FACTORS, SUCCESS_ASSUMED } from '../route/figures.ts';
import type { Learned, Spread } from '../route/routing.ts';
import { Sketch, type SketchJson } from './sketch.ts';

/** One attempt that was accepted, or that failed by what the agent did. */
export interface Outcome {
  readonly agent: string;
  readonly capability: string;
  /** 1 to 5. */
  readonly size: number;
  readonly success: boolean;
  readonly costUsd?: number;
  readonly latencyMs?: number;
  /** The task named its agent: it was not routed, and never would be. */
  readonly named?: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Time in which an outcome loses half of its weight. */
export const HALF_LIFE_MS = 30 * 24 * 3_600_000;
/** Outcomes that what is assumed of strangers weighs as much as. */
const PRIOR_WEIGHT = 5;
/** Weight from which on costs and times are believed. */
const SPREAD_WEIGHT_MIN = 3;
/** Doubt up to which a difference is taken for chance, in squared standard deviations. */
const CHANCE = 2;

class Tally {
  /** How many there were; nothing of it fades. */
  count = 0;
  good = 0;
  bad = 0;
  at = 0;
  /** As if every task were of size 2. */
  cost = new Sketch();
  latency = new Sketch();

  add({ success, costUsd, latencyMs, size, at }: Outcome): void {
    this.fadeTo(at);
    this.count++;
    if (success) this.good++;
    else this.bad++;
    const factor = factorOf(size);
    if (costUsd !== undefined) this.cost.add(costUsd / factor);
    if (latencyMs !== undefined) this.latency.add(latencyMs / factor);
  }

  private fadeTo(at: number): void {
    // What comes late does not make the others younger.
    const factor = this.at === 0 ? 1 : 0.5 ** (Math.max(0, at - this.at) / HALF_LIFE_MS);
    this.at = Math.max(this.at, at);
    if (factor === 1) return;
    this.good *= factor;
    this.bad *= factor;
    this.cost.fade(factor);
    this.latency.fade(factor);
  }
}

const factorOf = (size: number): number => SIZE_FACTORS[size - 1] ?? 1;
const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

interface TallyJson {
  readonly count: number;
  readonly good: number;
  readonly bad: number;
  readonly at: number;
  readonly cost: SketchJson;
  readonly latency: SketchJson;
}
export type OutcomesJson = readonly (readonly [key: string, tally: TallyJson])[];

export class Outcomes {
  /** By capability; by capability and agent; by capability, agent and size. */
  private readonly tallies = new Map<string, Tally>();

  add(outcome: Outcome): void {
    const { agent, capability, size } = outcome;
    for (const key of [keyOf(capability), keyOf(capability, agent), keyOf(capability, agent, size)]) {
      const tally = this.tallies.get(key) ?? new Tally();
      this.tallies.set(key, tally);
      tally.add(outcome);
    }
  }

  /** How many outcomes an agent has at each capability that it has any at. */
  counts(agent: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [key, { count }] of this.tallies) {
      const [capability = '', who, ...more] = JSON.parse(key) as [string, string?, number?];
      if (who === agent && more.length === 0) counts.set(capability, count);
    }
    return counts;
  }

  /** Nothing of an agent that has no outcomes at the capability. */
  learned(agent: string, capability: string, size: number): Learned | undefined {
    const [all, own] = [this.tallies.get(keyOf(capability)), this.tallies.get(keyOf(capability, agent))];
    if (all === undefined || own === undefined) return undefined;
    const common = drawn(own, SUCCESS_ASSUMED, mean(all, SUCCESS_ASSUMED));
    const sized = this.tallies.get(keyOf(capability, agent, size));
    const success = sized === undefined ? common : drawn(sized, common, common);
    const [costUsd, latencyMs] = [spreadOf(own.cost, size), spreadOf(own.latency, size)];
    return { success, ...(costUsd ? { costUsd } : {}), ...(latencyMs ? { latencyMs } : {}) };
  }

  toJSON(): OutcomesJson {
    return [...this.tallies].map(([key, { count, good, bad, at, cost, latency }]) => [
      key,
      { count, good, bad, at, cost: cost.toJSON(), latency: latency.toJSON() },
    ]);
  }

  static from(json: OutcomesJson): Outcomes {
    const outcomes = new Outcomes();
    for (const [key, { cost, latency, ...counts }] of json)
      outcomes.tallies.set(key, Object.assign(new Tally(), counts, { cost: Sketch.from(cost), latency: Sketch.from(latency) }));
    return outcomes;
  }
}

/** Of the Beta distribution that began at `prior`. */
const mean = ({ good, bad }: Tally, prior: number): number => (good + PRIOR_WEIGHT * prior) / (good + bad + PRIOR_WEIGHT);

/** The mean, drawn to `common` by as much as chance alone explains the difference. */
function drawn(tally: Tally, prior: number, common: number): number {
  const own = mean(tally, prior);
  const difference = own - common;
  if (difference === 0) return own;
  const variance = (own * (1 - own)) / (tally.good + tally.bad + PRIOR_WEIGHT + 1);
  return common + difference * Math.max(0, 1 - (CHANCE * variance) / difference ** 2);
}

function spreadOf(sketch: Sketch, size: number): Spread | undefined {
  if (sketch.weight < SPREAD_WEIGHT_MIN) return undefined;
  const factor = factorOf(size);
  return { low: sketch.quantile(0.1) * factor, mean: sketch.mean() * factor, high: sketch.quantile(0.9) * factor };
}
