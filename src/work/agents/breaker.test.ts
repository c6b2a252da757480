import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailureClass } from '../../engine/kernel/plan.ts';
import { Breaker } from './breaker.ts';
import { createBreakers } from './breakers.ts';

const COOL_DOWN = 60_000;

/** An attempt that is admitted, begins and ends at one time; undefined when it was not admitted. */
const attempt = (breaker: Breaker, result: 'success' | 'failure' | 'none', now: number): 'success' | 'failure' | 'none' | undefined => {
  if (!breaker.admit(now)) return undefined;
  breaker.end(breaker.begin(now), result, now);
  return result;
};
const opened = (now = 0): Breaker => {
  const breaker = new Breaker();
  for (let failures = 0; failures < 5; failures += 1) attempt(breaker, 'failure', now);
  return breaker;
};

// req A4
describe('a breaker', () => {
  test('opens after five failures in a row, not after four and a success', () => {
    const breaker = new Breaker();
    for (const result of ['failure', 'failure', 'failure', 'failure', 'success', 'failure', 'failure', 'failure', 'failure'] as const)
      attempt(breaker, result, 0);
    expect(breaker.state(0)).toEqual({ status: 'closed', failuresInRow: 4, failures: 8, results: 9 });
    attempt(breaker, 'failure', 0);
    expect(breaker.state(0)).toMatchObject({ status: 'open', openUntil: COOL_DOWN });
    expect(breaker.admit(COOL_DOWN - 1)).toBe(false);
  });

  test('opens when half of the last twenty failed, and not before there are twenty', () => {
    const breaker = new Breaker();
    for (let result = 0; result < 19; result += 1) attempt(breaker, result % 2 === 0 ? 'failure' : 'success', 0);
    expect(breaker.state(0).status).toBe('closed');
    attempt(breaker, 'success', 0);
    expect(breaker.state(0)).toMatchObject({ status: 'open', failures: 10, results: 20 });
  });

  test('forgets what is older than the last twenty', () => {
    const breaker = new Breaker();
    const results = [
      ...Array<'success'>(11).fill('success'),
      ...Array.from({ length: 9 }, (_, at) => (at % 3 === 2 ? 'success' : 'failure') as 'success' | 'failure'),
    ];
    for (const result of [...results, ...results, ...results]) attempt(breaker, result, 0);
    expect(breaker.state(0)).toMatchObject({ status: 'closed', results: 20 });
  });

  test('lets exactly one of twenty callers probe after the cool-down', () => {
    const breaker = opened();
    const admitted = Array.from({ length: 20 }, () => breaker.admit(COOL_DOWN));
    expect(admitted.filter(Boolean)).toHaveLength(1);
    expect(breaker.state(COOL_DOWN).status).toBe('half-open');
    const ticket = breaker.begin(COOL_DOWN);
    expect(Array.from({ length: 20 }, () => breaker.admit(COOL_DOWN + 5000))).not.toContain(true);
    breaker.end(ticket, 'success', COOL_DOWN + 6000);
    expect(Array.from({ length: 20 }, () => breaker.admit(COOL_DOWN + 6000)).filter(Boolean)).toHaveLength(1);
  });

  test('closes after two probes that succeed, and opens again after one that fails', () => {
    const breaker = opened();
    attempt(breaker, 'success', COOL_DOWN);
    expect(breaker.state(COOL_DOWN).status).toBe('half-open');
    attempt(breaker, 'failure', COOL_DOWN + 1);
    expect(breaker.state(COOL_DOWN + 1)).toMatchObject({ status: 'open', openUntil: 2 * COOL_DOWN + 1 });
    attempt(breaker, 'success', 2 * COOL_DOWN + 1);
    attempt(breaker, 'success', 2 * COOL_DOWN + 1);
    expect(breaker.state(2 * COOL_DOWN + 1)).toEqual({ status: 'closed', failuresInRow: 0, failures: 0, results: 0 });
  });

  test('ignores what comes late from before it opened', () => {
    const breaker = new Breaker();
    const early = Array.from({ length: 7 }, () => breaker.begin(0));
    for (const ticket of early.slice(0, 5)) breaker.end(ticket, 'failure', 0);
    breaker.end(early[5] ?? { probe: false }, 'success', COOL_DOWN + 1);
    breaker.end(early[6] ?? { probe: false }, 'failure', COOL_DOWN + 1);
    expect(breaker.state(COOL_DOWN + 1)).toMatchObject({ status: 'half-open', openUntil: COOL_DOWN });
  });

  test('does not wait for ever for a probe that never began, never ended, or was cancelled', () => {
    const never = opened();
    expect(never.admit(COOL_DOWN)).toBe(true);
    expect(never.admit(2 * COOL_DOWN - 1)).toBe(false);
    expect(never.admit(2 * COOL_DOWN)).toBe(true);
    const lost = opened();
    lost.admit(COOL_DOWN);
    lost.begin(COOL_DOWN);
    expect(lost.admit(COOL_DOWN + 600_000)).toBe(true);
    const cancelled = opened();
    expect(attempt(cancelled, 'none', COOL_DOWN)).toBe('none');
    expect(cancelled.admit(COOL_DOWN)).toBe(true);
  });

  test('whatever happens, lets somebody through within a cool-down and a probe of the last result', () => {
    const step = fc.record({
      result: fc.constantFrom('success', 'failure', 'none', 'never begins', 'never ends'),
      afterMs: fc.nat(120_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const breaker = new Breaker();
        let now = 0;
        for (const { result, afterMs } of steps) {
          now += afterMs;
          if (!breaker.admit(now) || result === 'never begins') continue;
          const ticket = breaker.begin(now);
          if (result !== 'never ends') breaker.end(ticket, result as 'success' | 'failure' | 'none', now);
        }
        expect(breaker.admit(now + 600_000 + COOL_DOWN)).toBe(true);
      }),
    );
  });
});

// req A4
describe('breakers', () => {
  const fail = (breakers: ReturnType<typeof createBreakers>, capability: string, failure: FailureClass | undefined, times = 5) => {
    for (let time = 0; time < times; time += 1) breakers.begin('claude', capability, 0).end(failure, 0);
  };

  test('are kept for each agent and capability, and tell every reader the same', () => {
    const changes: unknown[] = [];
    const breakers = createBreakers({ onChange: (view) => changes.push(view) });
    fail(breakers, 'code', 'permanent');
    expect(breakers.admit('claude', 'code', 0)).toBe(false);
    expect(breakers.admit('claude', 'text', 0)).toBe(true);
    expect(breakers.admit('codex', 'code', 0)).toBe(true);
    expect(changes).toEqual(breakers.states(0).filter(({ status }) => status === 'open'));
  });

  test.each(['transient', 'timeout', 'invalid-output', 'permanent'] as const)('count a %s failure against the agent', (failure) => {
    const breakers = createBreakers();
    fail(breakers, 'code', failure);
    expect(breakers.admit('claude', 'code', 0)).toBe(false);
  });

  test.each(['throttled', 'gate-failed', 'lost', 'budget', 'policy', 'unsafe', 'cancelled'] as const)(
    'do not count a %s failure',
    (failure) => {
      const breakers = createBreakers();
      fail(breakers, 'code', failure, 50);
      expect(breakers.admit('claude', 'code', 0)).toBe(true);
    },
  );
});
