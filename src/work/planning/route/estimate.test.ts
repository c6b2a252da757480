import { describe, expect, test } from 'vitest';
import { type Caps, estimate } from './estimate.ts';
import { solve } from './route.ts';
import type { RouteAgent, RouteOptions, RouteTask } from './routing.ts';

const coder: RouteAgent = {
  name: 'coder',
  kind: 'model',
  capabilities: ['code'],
  slots: 2,
  figures: { quality: 0.8, costUsd: 0.5, latencyMs: 60_000 },
};
const unknown: RouteAgent = { name: 'unknown', kind: 'model', capabilities: ['text'], slots: 2 };
const tasks: RouteTask[] = [
  { id: 'design', needs: [], capability: 'code', approval: 'result', writes: ['docs/**'] },
  { id: 'left', needs: ['design'], capability: 'code', writes: ['src/a/**'] },
  { id: 'right', needs: ['design'], capability: 'code', size: 3 },
  { id: 'text', needs: [], capability: 'text' },
  { id: 'test', kind: 'command', needs: ['left', 'right'], durationMs: 5_000 },
  { id: 'ship', kind: 'approve', needs: ['test'] },
];
const of = (caps?: Caps, options?: RouteOptions) => estimate(solve(tasks, [coder, unknown], options), caps);

describe('what a plan will ask for', () => {
  // req P5, P11: declared figures, and what nobody knows is said.
  test('fan-out, the critical path, cost and time, approvals and write-sets', () => {
    const found = of();
    expect(found).toMatchObject({
      tasks: 6,
      byAgents: 4,
      widest: 2,
      depth: 1,
      criticalPath: ['design', 'right', 'test', 'ship'],
      approvals: [
        { task: 'design', at: 'result' },
        { task: 'ship', at: 'task' },
      ],
      writes: [
        { task: 'design', globs: ['docs/**'] },
        { task: 'left', globs: ['src/a/**'] },
      ],
      findings: [],
    });
    expect(found.costUsd).toEqual({ low: 2.5, high: 2.5, unknown: ['text'] });
    expect(found.timeMs).toEqual({ low: 245_000, high: 245_000, unknown: ['text', 'ship'] });
  });

  // req P11
  test('ranges come from outcomes where there are some', () => {
    const learned = (agent: string) =>
      agent === 'coder'
        ? { success: 0.9, costUsd: { low: 0.2, mean: 0.4, high: 1 }, latencyMs: { low: 10_000, mean: 20_000, high: 60_000 } }
        : undefined;
    const found = of({}, { learned });
    expect(found.costUsd.low).toBeCloseTo(0.6, 9);
    expect(found.costUsd.high).toBeCloseTo(3, 9);
    expect(found.timeMs).toMatchObject({ low: 25_000, high: 125_000 });
  });
});

describe('caps', () => {
  // req P8: a plan of 547 agents under a cap of 50 is refused before the first call.
  test('547 tasks of agents under a cap of 50', () => {
    const many = Array.from({ length: 547 }, (_, i) => ({ id: `t${i}`, needs: [], capability: 'code' }));
    expect(estimate(solve(many, [coder]), { agents: 50 }).findings).toMatchObject([
      { code: 'FANOUT_EXCEEDED', level: 'refuse', message: 'limit agents = 50: agents would do 547 tasks.' },
    ]);
    expect(estimate(solve(many, [coder]), { agents: 547, tasks: 500 }).findings).toMatchObject([
      { code: 'FANOUT_EXCEEDED', message: 'limit tasks = 500: the plan has 547.' },
    ]);
  });

  // req P8
  test('money and time', () => {
    expect(of({ costUsd: 2 }).findings).toMatchObject([{ code: 'OVER_BUDGET', level: 'refuse' }]);
    expect(of({ costUsd: 10 }).findings).toEqual([]);
    expect(of({ wallTimeMs: 100_000 }).findings).toMatchObject([{ code: 'OVER_BUDGET', level: 'refuse' }]);
    const learned = () => ({ success: 0.9, costUsd: { low: 0.1, mean: 0.2, high: 3 } });
    expect(of({ costUsd: 2 }, { learned }).findings).toMatchObject([
      { code: 'OVER_BUDGET', level: 'note', message: 'limit costUsd = 2: the plan may cost up to 12 USD.' },
    ]);
    expect(estimate(solve([{ id: 'a', needs: [], capability: 'code', budgetUsd: 0.1 }], [coder])).findings).toMatchObject([
      { code: 'OVER_BUDGET', level: 'note', tasks: ['a'] },
    ]);
  });

  // req P8: what is only assumed of an agent refuses nothing
  test('what nobody knows', () => {
    const assumed = solve([{ id: 'a', needs: [], capability: 'text' }], [unknown]);
    expect(estimate(assumed, { costUsd: 1e-6, wallTimeMs: 1 }).findings).toEqual([]);
  });

  // req P8: PL2, how long a chain is is no depth.
  test('plans in plans', () => {
    const chain: RouteTask[] = Array.from({ length: 200 }, (_, i) => ({
      id: `t${i}`,
      needs: i === 0 ? [] : [`t${i - 1}`],
      capability: 'code',
    }));
    expect(estimate(solve(chain, [coder]), { depth: 1 }).findings).toEqual([]);
    const nested = solve([{ id: 'more', kind: 'composite', needs: [] }], [coder]);
    expect(estimate(nested, { depth: 1 }).findings).toMatchObject([{ code: 'DEPTH_EXCEEDED', level: 'refuse' }]);
    expect(estimate(nested, { depth: 2 }).findings).toEqual([]);
    expect(estimate(nested, { depth: 4 }, 4).findings).toMatchObject([{ code: 'DEPTH_EXCEEDED' }]);
  });
});
