import { describe, expect, test } from 'vitest';
import { explain } from './explain.ts';
import { route, solve } from './route.ts';
import type { RouteAgent, RouteTask } from './routing.ts';
import { loadRules, type RouteRule } from './rules.ts';

const agents: RouteAgent[] = ['a', 'b', 'c'].map((name, i) => ({
  name,
  kind: 'model',
  capabilities: name === 'c' ? ['text'] : ['code', 'text'],
  slots: 2,
  figures: { quality: 0.9 - i / 10, costUsd: 0.1, latencyMs: 1_000 },
}));
const names = agents.map(({ name }) => name);
const task = (more: Partial<RouteTask> = {}): RouteTask => ({ id: 't', needs: [], capability: 'code', ...more });

function load(...rules: RouteRule[]) {
  const loaded = loadRules(rules, names);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.rules;
}
const chosen = (rules: RouteRule[], more: Partial<RouteTask> = {}) =>
  route([task(more)], agents, { rules: load(...rules) }).assignments[0]?.agent;
const problems = (...rules: RouteRule[]) => {
  const loaded = loadRules(rules, names);
  return loaded.ok ? [] : loaded.problems;
};

describe('what rules do', () => {
  // req P4: PL9, a rule without a condition on the kind of task applies.
  test('any predicate over the fields of a task', () => {
    expect(chosen([])).toBe('a');
    expect(chosen([{ when: 'true', prefer: 'b' }])).toBe('b');
    expect(chosen([{ when: 'task.size >= 3', require: 'b' }], { size: 4 })).toBe('b');
    expect(chosen([{ when: 'task.size >= 3', require: 'b' }])).toBe('a');
    expect(chosen([{ when: "task.writes.exists(w, w.startsWith('db/'))", avoid: 'a' }], { writes: ['db/**'] })).toBe('b');
    expect(chosen([{ when: "'eu' in task.labels || task.title.contains('reset')", prefer: ['b'] }], { title: 'password reset' })).toBe('b');
    expect(chosen([{ when: 'task.budgetUsd > 0.5 && !task.irreversible', prefer: 'b' }], { budgetUsd: 1 })).toBe('b');
  });

  // req P4
  test('the highest priority decides alone, of equal ones the first', () => {
    expect(
      chosen([
        { when: 'true', prefer: 'a' },
        { when: 'task.size == 2', prefer: 'b', priority: 1 },
      ]),
    ).toBe('b');
    expect(
      chosen([
        { when: 'task.size == 2', prefer: 'b' },
        { when: 'true', prefer: 'a' },
      ]),
    ).toBe('b');
  });

  // req P4, P6
  test('prefer and avoid give way where nobody else can; require does not', () => {
    expect(chosen([{ when: 'true', prefer: 'c' }])).toBe('a');
    expect(chosen([{ when: 'true', avoid: ['a', 'b'] }])).toBe('a');
    const routing = route([task()], agents, { rules: load({ when: 'true', require: 'c' }) });
    expect(routing.findings[0]).toMatchObject({ code: 'UNROUTABLE', tasks: ['t'] });
    expect(routing.findings[0]?.message).toContain('the rule `true` requires "c", and "c" can\'t: it does not have the capability "code"');
  });

  // req P4
  test('a task that names its agent keeps it', () => {
    expect(chosen([{ when: 'true', require: 'b' }], { agent: 'a' })).toBe('a');
  });

  // req P4
  test('a condition that fails on a task says so, and is no silent no', () => {
    expect(() => chosen([{ when: "task.labels[0] == 'x'", prefer: 'b' }])).toThrow(
      expect.objectContaining({ code: 'ROUTE_RULE_FAILED', where: 't' }),
    );
  });
});

describe('what is refused when rules are loaded', () => {
  // req P4: PL9
  test('an agent that nobody defines', () => {
    expect(problems({ when: 'true', prefer: 'a' }, { when: 'true', avoid: ['a', 'bb'] })).toEqual([
      {
        code: 'UNKNOWN_AGENT',
        rule: 1,
        key: 'avoid',
        item: 1,
        at: 0,
        message: 'the rule names the agent "bb", which nobody defines. Did you mean "b"?',
      },
    ]);
  });

  // req P4
  test.each([
    ['task.size >', 'EXPRESSION_SYNTAX'],
    ['task.sise > 3', 'EXPRESSION_TYPE'],
    ['job.size > 3', 'EXPRESSION_TYPE'],
    ['task.size', 'EXPRESSION_TYPE'],
    ["task.text.matches('^(a+)+$')", 'EXPRESSION_TYPE'],
    ['', 'EXPRESSION_SYNTAX'],
  ])('the condition %j', (when, code) => {
    expect(problems({ when, prefer: 'a' })).toMatchObject([{ code, rule: 0, key: 'when' }]);
  });

  // req P4
  test('where in the condition it is', () => {
    expect(problems({ when: 'task.size > 3 && task.sise > 3', prefer: 'a' })[0]?.at).toBeGreaterThanOrEqual(17);
  });

  // req P4
  test('a rule that says nothing, and one that says two things', () => {
    expect(problems({ when: 'true' }, { when: 'true', prefer: 'a', avoid: 'b' }, { when: 'true', prefer: [] })).toMatchObject([
      { code: 'MISSING_KEY', rule: 0 },
      { code: 'SEVERAL_KINDS', rule: 1 },
      { code: 'MISSING_KEY', rule: 2 },
    ]);
  });
});

// req P4
test('a rule that can never apply is reported', () => {
  const shadowed = (...rules: RouteRule[]) => load(...rules).shadowed.map(({ rule, by }) => [rule, by]);
  expect(shadowed({ when: 'task.size > 3', prefer: 'a' }, { when: 'task.size>3', prefer: 'b' })).toEqual([[1, 0]]);
  expect(shadowed({ when: "task.id == 'a b'", prefer: 'a' }, { when: "task.id == 'ab'", prefer: 'b' })).toEqual([]);
  expect(shadowed({ when: 'task.size > 3', prefer: 'a' }, { when: '1 < 2', prefer: 'b', priority: 5 })).toEqual([[0, 1]]);
  expect(shadowed({ when: 'task.size > 3', prefer: 'a' }, { when: 'true', prefer: 'b' })).toEqual([]);
  expect(load({ when: 'true', prefer: 'a' }, { when: 'true', avoid: 'a' }).shadowed[0]?.message).toBe(
    'rule 2 (`true`) can never apply: rule 1 (`true`) always decides before it',
  );
});

describe('explaining', () => {
  // req P7
  test('every candidate has its terms and the reason it was not chosen', () => {
    const explained = explain(solve([task()], agents), 't');
    expect(explained?.candidates.map(({ agent, chosen }) => [agent, chosen])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
    const [a, b, c] = explained?.candidates ?? [];
    expect(a?.terms).toMatchObject({ quality: 0.9, success: 0.8, costUsd: 0.1, latencyMs: 1_000, waitMs: 0 });
    expect(a?.reason).toBe('the plan is worth most with it');
    expect(b?.reason).toBe('the plan would be worth 0.080 less');
    expect((a?.terms?.utility ?? 0) - (b?.terms?.utility ?? 0)).toBeCloseTo(0.08, 9);
    expect(c).toMatchObject({ reason: 'it does not have the capability "code"' });
  });

  // req P7
  test('rules, ties, waiting and what nobody can do', () => {
    const rules = load({ when: 'true', avoid: 'a' });
    expect(explain(solve([task()], agents, { rules }), 't')?.candidates.find(({ agent }) => agent === 'a')?.reason).toBe(
      'the rule `true` says avoid a',
    );
    const health = (name: string) => (name === 'a' ? ('open' as const) : ('closed' as const));
    expect(explain(solve([task()], agents, { health }), 't')?.candidates[1]?.reason).toBe('its breaker is open');
    const twins = agents.slice(0, 2).map((each) => ({ ...each, slots: 1, figures: { quality: 0.5, costUsd: 0.1, latencyMs: 1_000 } }));
    expect(explain(solve([task()], twins), 't')?.candidates[1]?.reason).toBe('worth the same; the name decides');
    const two = [task(), task({ id: 'u' })];
    expect(explain(solve(two, twins), 'u')?.candidates.find(({ chosen }) => !chosen)?.terms?.waitMs).toBe(1_000);
    expect(explain(solve([task({ capability: 'sql' })], agents), 't')).toMatchObject({ task: 't', candidates: [{}, {}, {}] });
    expect(explain(solve([{ id: 'run', kind: 'command', needs: [] }], agents), 'run')).toBeUndefined();
  });
});
