import { describe, expect, test } from 'vitest';
import { Random } from '../../../testing/simulation/random.ts';
import { route } from '../route/route.ts';
import type { RouteAgent } from '../route/routing.ts';
import { HALF_LIFE_MS, type Outcome, Outcomes } from './outcomes.ts';
import { brier, replay } from './replay.ts';
import { Sketch } from './sketch.ts';

const agent = (name: string, quality: number): RouteAgent => ({
  name,
  kind: 'model',
  capabilities: ['code'],
  slots: 1,
  figures: { quality, costUsd: 0.1, latencyMs: 60_000 },
});
/** A is said to be the better one. */
const AGENTS = [agent('A', 0.75), agent('B', 0.65)];

/** 500 outcomes of both in turn. @param chance of success, by agent */
function past(chance: Readonly<Record<string, number>>, count = 500, seed = 7): Outcome[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const who = i % 2 === 0 ? 'A' : 'B';
    const success = random.chance(chance[who] ?? 0);
    return {
      agent: who,
      capability: 'code',
      size: 2,
      success,
      costUsd: 0.05 + random.next() / 10,
      latencyMs: 1_000 * (1 + random.next()),
      at: 1_000 * (i + 1),
    };
  });
}
const learnedFrom = (outcomes: readonly Outcome[]) => {
  const known = new Outcomes();
  for (const each of outcomes) known.add(each);
  return known;
};
const choice = (known?: Outcomes) =>
  route([{ id: 't', needs: [], capability: 'code' }], AGENTS, known ? { learned: (...of) => known.learned(...of) } : {}).assignments[0]
    ?.agent;
const heldOut = (outcomes: readonly Outcome[], known?: Outcomes) =>
  brier(outcomes, (each) => known?.learned(each.agent, each.capability, each.size)?.success ?? 0.8);

describe('outcomes move routing', () => {
  const favouring = { A: 0.35, B: 0.95 };

  // req P11: PL15
  test('after 500 that favour B routing moves to B, and forecasts of held-out ones are better', () => {
    const known = learnedFrom(past(favouring));
    expect(choice(known)).toBe('B');
    const later = past(favouring, 400, 8);
    expect(heldOut(later, known)).toBeLessThan(heldOut(later) - 0.05);
  });

  // req P11
  test('switched off, it stays with A', () => {
    expect(choice()).toBe('A');
  });

  // req P11
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('random outcomes change nothing of weight (seed %i)', (seed) => {
    const known = learnedFrom(past({ A: 0.8, B: 0.8 }, 500, seed));
    expect(choice(known)).toBe('A');
    const later = past({ A: 0.8, B: 0.8 }, 400, seed + 100);
    expect(Math.abs(heldOut(later, known) - heldOut(later))).toBeLessThan(0.01);
  });

  // req P11
  test('an agent without outcomes is judged as before, and gets its chance when the others fail', () => {
    const onlyA = past({ A: 0.2, B: 0 }).filter((each) => each.agent === 'A');
    const known = learnedFrom(onlyA);
    expect(known.learned('B', 'code', 2)).toBeUndefined();
    expect(known.learned('A', 'text', 2)).toBeUndefined();
    expect(choice(known)).toBe('B');
  });

  // req P11
  test('what is old weighs less', () => {
    const bad = past({ A: 0, B: 0 });
    const good = past({ A: 1, B: 1 }, 40).map((each) => ({ ...each, at: each.at + 6 * HALF_LIFE_MS }));
    expect(learnedFrom([...bad, ...good]).learned('A', 'code', 2)?.success).toBeGreaterThan(0.7);
    expect(learnedFrom([...bad, ...past({ A: 1, B: 1 }, 40)]).learned('A', 'code', 2)?.success).toBeLessThan(0.2);
  });

  // req P11
  test('sizes share what they have in common, and differ where their own outcomes say so', () => {
    const known = learnedFrom(
      Array.from({ length: 200 }, (_, i) => ({
        agent: 'A',
        capability: 'code',
        size: i % 2 === 0 ? 1 : 5,
        success: i % 2 === 0,
        latencyMs: i % 2 === 0 ? 300 : 20_000,
        at: i + 1,
      })),
    );
    expect(known.learned('A', 'code', 1)?.success).toBeGreaterThan(0.85);
    expect(known.learned('A', 'code', 5)?.success).toBeLessThan(0.15);
    expect(known.learned('A', 'code', 3)?.success).toBeCloseTo(0.5, 1);
    expect(known.learned('A', 'code', 5)?.latencyMs?.mean).toBeCloseTo(20_000, 6);
  });

  // req P11: it survives a restart.
  test('what was stored and read again says the same', () => {
    const known = learnedFrom(past(favouring));
    const again = Outcomes.from(JSON.parse(JSON.stringify(known)));
    expect(again.learned('A', 'code', 2)).toEqual(known.learned('A', 'code', 2));
    expect([...again.counts('A')]).toEqual([['code', 250]]);
    for (const each of past(favouring, 20, 9)) [known, again].map((one) => one.add(each));
    expect(again.learned('B', 'code', 2)).toEqual(known.learned('B', 'code', 2));
  });
});

// req P11
test('replayed over the past, routing shows what it would have done', () => {
  const found = replay(past({ A: 0.35, B: 0.95 }), AGENTS);
  expect(found.tasks).toBe(500);
  expect(found.moved).toBeGreaterThan(200);
  expect(found.compared?.routed.success).toBeGreaterThan((found.compared?.done.success ?? 1) + 0.2);
  expect(found.brier?.learned).toBeLessThan(found.brier?.assumed ?? 0);
  expect(replay([], AGENTS)).toEqual({ tasks: 0, named: 0, moved: 0, unknown: 0, nobody: 0 });
});

// req P11: who was named keeps the task, and what cannot be known is not compared.
test('a replay moves only what routing decides, and compares only what is known', () => {
  const outcomes = past({ A: 0.5, B: 0.5 }, 10);
  const named = replay(
    outcomes.map((each) => ({ ...each, named: true })),
    [agent('C', 1)],
  );
  expect(named).toMatchObject({ named: 10, moved: 0, compared: { tasks: 10 } });
  expect(named.compared?.routed).toEqual(named.compared?.done);
  const stranger = replay(outcomes, [agent('C', 1)]);
  expect(stranger).toMatchObject({ moved: 10, unknown: 10, nobody: 0 });
  expect(stranger.compared).toBeUndefined();
  const nobody = replay(outcomes, [{ ...agent('A', 1), capabilities: ['text'] }]);
  expect(nobody).toMatchObject({ moved: 0, unknown: 0, nobody: 10 });
  expect(nobody.compared).toBeUndefined();
});

// req P11: one that did the small tasks, and one that told no costs.
test('a replay weighs tasks by their size, and costs only where both sides have them', () => {
  const small = { agent: 'A', capability: 'code', size: 1, success: true, costUsd: 0.3, latencyMs: 300, at: 1 };
  const large = { agent: 'B', capability: 'code', size: 3, success: true, latencyMs: 9_000, at: 2 };
  const { moved, compared } = replay([small, large], [agent('A', 1), agent('B', 0.1)]);
  expect([moved, compared?.tasks]).toEqual([1, 2]);
  // The large one by A would have taken as long as its size says, and nobody knows what it did cost.
  expect(compared?.done).toEqual({ success: 1, costUsd: 0.3, latencyMs: 4_650 });
  expect(compared?.routed).toEqual({ success: 1, costUsd: 0.3, latencyMs: 1_650 });
});

// req P11
test('quantiles are right within 5 %, on any scale, and after fading', () => {
  const sketch = new Sketch();
  const random = new Random(3);
  const values = Array.from({ length: 5_000 }, () => 10 ** (8 * random.next() - 3));
  for (const value of values) sketch.add(value);
  values.sort((a, b) => a - b);
  const check = (of: Sketch) => {
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const exact = values[Math.ceil(share * values.length) - 1] ?? 0;
      expect(Math.abs(of.quantile(share) / exact - 1)).toBeLessThanOrEqual(0.0501);
    }
  };
  check(sketch);
  sketch.fade(0.001);
  check(Sketch.from(JSON.parse(JSON.stringify(sketch))));
  expect(sketch.mean()).toBeCloseTo(values.reduce((sum, each) => sum + each, 0) / values.length, 3);
  expect(new Sketch().quantile(0.5)).toBe(0);
});
