/** Plays many seeds and adds up what occurred. */
import { Coverage } from './coverage.ts';
import type { Planted } from './faults.ts';
import { World } from './world.ts';

export interface Summary {
  readonly seeds: number;
  readonly facts: number;
  readonly factsLeast: number;
  readonly crashes: number;
  readonly crashesLeast: number;
  readonly coverage: Coverage;
  readonly failed?: { readonly seed: number; readonly error: Error };
}

/** Stops at the first seed that breaks a rule. */
export async function simulate(
  from: number,
  seeds: number,
  options: { readonly fault?: Planted; readonly step?: number } = {},
): Promise<Summary> {
  const coverage = new Coverage();
  let [facts, crashes, played] = [0, 0, 0];
  let [factsLeast, crashesLeast] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const { step = 1 } = options;
  for (let seed = from; seed < from + seeds * step; seed += step) {
    try {
      const result = await new World(seed, coverage, options).play();
      facts += result.facts;
      crashes += result.crashes;
      factsLeast = Math.min(factsLeast, result.facts);
      crashesLeast = Math.min(crashesLeast, result.crashes);
      played++;
    } catch (error) {
      return {
        seeds: played,
        facts,
        factsLeast,
        crashes,
        crashesLeast,
        coverage,
        failed: { seed, error: error instanceof Error ? error : new Error(String(error)) },
      };
    }
  }
  return { seeds: played, facts, factsLeast, crashes, crashesLeast, coverage };
}
