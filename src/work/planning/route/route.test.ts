import { describe, expect, test } from 'vitest';
import { bestUtility, overCapacity, randomInstance, tooEarly, utilityOf } from '../../../../tests/support/exact-routing.ts';
import { Random } from '../../../testing/simulation/random.ts';
import { createRegistry } from '../../agents/registry.ts';
import type { DraftTask } from '../draft.ts';
import { route } from './route.ts';
import type { RouteAgent, RouteTask } from './routing.ts';

const agent = (name: string, more: Partial<RouteAgent> = {}): RouteAgent => ({
  name,
  kind: 'model',
  capabilities: ['code'],
  slots: 1,
  figures: { quality: 0.7, costUsd: 0.1, latencyMs: 1_000 },
  ...more,
});
const task = (id: string, more: Partial<RouteTask> = {}): RouteTask => ({ id, needs: [], capability: 'code', ...more });
const chain = (length: number): RouteTask[] => Array.from({ length }, (_, i) => task(`t${i}`, { needs: i === 0 ? [] : [`t${i - 1}`] }));

describe('capacity over time', () => {
  // req P5: PL1, 30 sequential tasks on one slot.
  test('a chain of 30 on an agent with one slot is assigned, one after another', () => {
    const tasks = chain(30);
    const agents = [agent('a')];
    const routing = route(tasks, agents);
    expect(routing.complete).toBe(true);
    expect(routing.assignments).toHaveLength(30);
    expect(routing.endMs).toBe(30_000);
    expect(overCapacity(routing, agents)).toBe(0);
  });

  // req P5: PL1, 1,000 tasks on 70 slots.
  test('1,000 independent tasks on 7 agents with 10 slots are all assigned, in waves', () => {
    const agents = Array.from({ length: 7 }, (_, i) => agent(`a${i}`, { slots: 10 }));
    const tasks = Array.from({ length: 1_000 }, (_, i) => task(`t${i}`));
    const routing = route(tasks, agents);
    expect(routing.complete).toBe(true);
    expect(overCapacity(routing, agents)).toBe(0);
    expect(routing.endMs).toBe(Math.ceil(1_000 / 70) * 1_000);
  });

  // req P5
  test('within 5 % of the exact optimum, never over capacity, never before a need has ended', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed);
      const { tasks, agents, weights, options } = randomInstance(() => random.next(), 7);
      const routing = route(tasks, agents, options);
      const [utility, best] = [utilityOf(routing, agents, weights), bestUtility(tasks, agents, weights)];
      expect(routing.utility).toBeCloseTo(utility, 9);
      expect((best - utility) / Math.abs(best), `seed ${seed}`).toBeLessThanOrEqual(0.05);
      expect([overCapacity(routing, agents), tooEarly(routing, tasks), routing.complete]).toEqual([0, 0, true]);
    }
  });

  // req P5: the exact optimum of the test leaves nothing out.
  test('what the exact search prunes is nothing it needs', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const { tasks, agents, weights } = randomInstance(() => random.next(), 4);
      expect(bestUtility(tasks, agents, weights)).toBeCloseTo(bestUtility(tasks, agents, weights, false), 12);
    }
  });

  // req P5: PL16, a plan is not worth less for being larger.
  test('the same work on as many slots is worth the same in a plan of any size', () => {
    const worth = (count: number) =>
      route(
        Array.from({ length: count }, (_, i) => task(`t${i}`)),
        [agent('a', { slots: count })],
      ).utility;
    for (const count of [5, 20, 100, 1_000]) expect(worth(count)).toBeCloseTo(worth(1), 9);
  });
});

describe('whom a task goes to', () => {
  // req P5: PL11
  test('ties go to less cost, then to the name', () => {
    const free = { weights: { cost: 0 } };
    const dear = agent('a', { figures: { quality: 0.7, costUsd: 0.2, latencyMs: 1_000 } });
    const cheap = agent('b', { figures: { quality: 0.7, costUsd: 0.1, latencyMs: 1_000 } });
    expect(route([task('t')], [dear, cheap], free).assignments[0]?.agent).toBe('b');
    expect(route([task('t')], [agent('z'), agent('y')], free).assignments[0]?.agent).toBe('y');
    const many = Array.from({ length: 40 }, (_, i) => task(`t${i}`, { needs: i === 0 ? [] : [`t${i - 1}`] }));
    expect(new Set(route(many, [dear, cheap], free).assignments.map((each) => each.agent))).toEqual(new Set(['b']));
  });

  // req P5
  test('weights move the choice', () => {
    const good = agent('good', { figures: { quality: 0.9, costUsd: 1, latencyMs: 9_000 } });
    const quick = agent('quick', { figures: { quality: 0.5, costUsd: 0.5, latencyMs: 100 } });
    const cheap = agent('cheap', { figures: { quality: 0.4, costUsd: 0.001, latencyMs: 9_000 } });
    const all = [good, quick, cheap];
    const chosen = (weights: { quality: number; cost: number; latency: number }) =>
      route([task('t')], all, { weights }).assignments[0]?.agent;
    expect(chosen({ quality: 1, cost: 0, latency: 0 })).toBe('good');
    expect(chosen({ quality: 0, cost: 0, latency: 1 })).toBe('quick');
    expect(chosen({ quality: 0, cost: 1, latency: 0 })).toBe('cheap');
  });

  // req P5
  test('an agent whose breaker is open is left alone, as long as another can do it', () => {
    const health = (name: string) => (name === 'a' ? ('open' as const) : ('closed' as const));
    const good = agent('a', { figures: { quality: 1, costUsd: 0, latencyMs: 1 } });
    expect(route([task('t')], [good, agent('b')], { health }).assignments[0]?.agent).toBe('b');
    expect(route([task('t')], [good], { health }).assignments[0]?.agent).toBe('a');
  });

  // req P5
  test('labels and the context window decide who can', () => {
    const agents = [
      agent('small', { contextWindow: 8_000 }),
      agent('large', { contextWindow: 200_000, labels: ['eu'], figures: { quality: 0.1 } }),
    ];
    expect(route([task('t', { contextTokens: 20_000 })], agents).assignments[0]?.agent).toBe('large');
    expect(route([task('t', { labels: ['eu'] })], agents).assignments[0]?.agent).toBe('large');
    expect(route([task('t', { contextTokens: 300_000 })], agents).findings[0]?.message).toContain('8000 tokens is smaller than the 300000');
  });

  // req P5
  test('a named agent keeps its task; commands and decisions take nobody', () => {
    const tasks: RouteTask[] = [task('t', { agent: 'poor' }), { id: 'build', kind: 'command', needs: ['t'], durationMs: 500 }];
    const routing = route(tasks, [
      agent('good', { figures: { quality: 1 } }),
      agent('poor', { capabilities: [], figures: { quality: 0.1, latencyMs: 100 } }),
    ]);
    expect(routing.assignments.map((each) => [each.task, each.agent, each.startMs, each.endMs])).toEqual([
      ['t', 'poor', 0, 100],
      ['build', undefined, 100, 600],
    ]);
    expect(routing.complete).toBe(true);
  });

  test('a task of a draft is a task to be routed', () => {
    const draft: DraftTask = { id: 'a', kind: 'agent', title: 'A', needs: [], text: 'do it', capability: 'code' };
    expect(route([draft], [agent('a')]).complete).toBe(true);
  });
});

describe('nobody', () => {
  // req P6
  test('what is missing, who comes nearest, who is blocked, and the others go on', () => {
    const tasks = [task('a', { capability: 'cods' }), task('b', { needs: ['a'] }), task('c', { needs: ['b'] }), task('d')];
    const routing = route(tasks, [agent('writer', { capabilities: ['text', 'mail'] }), agent('coder')]);
    expect(routing.assignments.map((each) => each.task)).toEqual(['d']);
    expect(routing.complete).toBe(false);
    expect(routing.blocked).toEqual([
      { task: 'b', by: 'a' },
      { task: 'c', by: 'a' },
    ]);
    expect(routing.findings).toHaveLength(1);
    const [finding] = routing.findings;
    expect(finding).toMatchObject({ code: 'UNROUTABLE', level: 'refuse', tasks: ['a'] });
    expect(finding?.message).toContain('no agent has the capability "cods". Nearest: "coder" (code); "writer" (text, mail)');
    expect(finding?.message).toContain('Blocked by it: "b", "c"');
  });

  // req P6: PL9
  test('an empty list of agents means nobody', () => {
    const routing = route([task('a')], []);
    expect(routing.assignments).toEqual([]);
    expect(routing.findings[0]).toMatchObject({ code: 'UNROUTABLE', tasks: ['a'] });
    expect(routing.findings[0]?.message).toContain('there are no agents, and it needs the capability "code"');
  });

  // req P6: PL10
  test('an agent that has come is used by the next route, and one that has gone is not', () => {
    const scripted = (name: string, capability: string) => ({
      ...agent(name, { capabilities: [capability] }),
      kind: 'scripted' as const,
      config: {},
    });
    const registry = createRegistry([scripted('a', 'code')], { check: () => undefined });
    const next = () => route([task('t', { capability: 'sql' })], registry.all());
    expect(next().complete).toBe(false);
    registry.register(scripted('b', 'sql'));
    expect(next().assignments[0]?.agent).toBe('b');
    registry.remove('b');
    expect(next().complete).toBe(false);
  });

  // req P6
  test('a named agent that is not there', () => {
    const { findings } = route([task('t', { agent: 'coser' })], [agent('coder')]);
    expect(findings[0]).toMatchObject({ code: 'UNROUTABLE', fix: 'Did you mean "coder"?' });
  });

  test('10,000 tasks that miss the same are one finding', () => {
    const tasks = Array.from({ length: 10_000 }, (_, i) => task(`t${i}`, { capability: 'sql' }));
    const { findings } = route(tasks, [agent('a')]);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.tasks).toHaveLength(10_000);
    expect(findings[0]?.message.length).toBeLessThan(500);
  });
});

describe('graphs', () => {
  // req P3, P12: PL3, a plan with a circle is never an empty one that calls itself complete.
  test('tasks in a circle are named, and the plan is not complete', () => {
    const routing = route([task('a', { needs: ['b'] }), task('b', { needs: ['a'] }), task('c', { needs: ['a'] }), task('d')], [agent('x')]);
    expect(routing.complete).toBe(false);
    expect(routing.assignments.map((each) => each.task)).toEqual(['d']);
    expect(routing.findings).toMatchObject([{ code: 'CYCLE', level: 'refuse', tasks: ['a', 'b'] }]);
    expect(routing.findings[0]?.message).toContain('a → b → a');
    expect(routing.findings[0]?.message).toContain('3 tasks can never start');
  });

  // req P12: PL13
  test.each([
    ['a chain of 10,000', chain(10_000), 10_000],
    ['10,000 at once', Array.from({ length: 10_000 }, (_, i) => task(`t${i}`)), 10_000],
    [
      '24 layers of 2',
      Array.from({ length: 48 }, (_, i) => task(`t${i}`, { needs: i < 2 ? [] : [`t${i - 2 - (i % 2)}`, `t${i - 1 - (i % 2)}`] })),
      48,
    ],
  ])('%s: all assigned', (_, tasks, count) => {
    const agents = [agent('a', { slots: 10 }), agent('b', { slots: 3 })];
    const routing = route(tasks, agents);
    expect([routing.assignments.length, routing.complete]).toEqual([count, true]);
    expect(overCapacity(routing, agents)).toBe(0);
    expect(tooEarly(routing, tasks)).toBe(0);
  });

  test('two tasks with one id are both routed: neither is lost', () => {
    expect(route([task('a'), task('a')], [agent('x')]).assignments).toHaveLength(2);
  });

  test('nothing to do is done', () => {
    expect(route([], [])).toMatchObject({ assignments: [], findings: [], utility: 0, complete: true });
  });
});
