// req K1, K2, K4, K6, K10, K12, K18, H1, H2, B1, B2
import { describe, expect, it } from 'vitest';
import { disagreement } from '../../src/testing/simulation/agreement.ts';
import { PLANTED, type Planted } from '../../src/testing/simulation/faults.ts';
import { simulate } from '../../src/testing/simulation/simulate.ts';

it('breaks no rule in 400 worlds', async () => {
  const { failed, factsLeast, crashesLeast } = await simulate(1, 400);
  expect(failed && `seed ${failed.seed}: ${failed.error.message}`).toBeUndefined();
  expect(factsLeast).toBeGreaterThanOrEqual(200);
  expect(crashesLeast).toBeGreaterThanOrEqual(1);
});

it('plays the same world for the same seed', async () => {
  const [one, other] = [await simulate(77, 3), await simulate(77, 3)];
  expect(one.coverage.counts).toEqual(other.coverage.counts);
});

describe('catches every planted fault within 1,000 seeds', () => {
  it.each(Object.keys(PLANTED) as Planted[])('%s', async (fault) => {
    const { failed } = await simulate(1, 1_000, { fault });
    expect(failed, `no seed noticed: ${PLANTED[fault]}`).toBeDefined();
  });
});

it('agrees with the independent model in 600 worlds of some four plans each', () => {
  for (let seed = 1; seed <= 600; seed++) expect(disagreement(seed), `seed ${seed}`).toBeUndefined();
});
