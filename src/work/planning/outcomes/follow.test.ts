import { expect, test } from 'vitest';
import type { Fact } from '../../../engine/kernel/facts.ts';
import type { Failure } from '../../../engine/kernel/plan.ts';
import { OutcomeFollower } from './follow.ts';

const asked = (work: string) => (work === 'gone' ? undefined : { capability: work, size: 3 });
const failure = (is: Failure['class']): Failure => ({ class: is, code: 'X', message: 'x' });
const plan: Fact = {
  type: 'plan.changed',
  version: 1,
  by: 'me',
  add: [
    { id: 'a', kind: 'work', needs: [], work: 'code', agent: 'coder' },
    { id: 'b', kind: 'work', needs: [], work: 'text', agent: 'writer' },
    { id: 'c', kind: 'work', needs: [], work: 'code', agent: 'command' },
    { id: 'd', kind: 'work', needs: [], work: 'gone', agent: 'coder' },
  ],
};
const start = (task: string): Fact => ({ type: 'task.started', task, attempt: 1 });
const commit = (task: string): Fact => ({ type: 'task.committed', task, attempt: 1, result: 'r' });

/** What comes of facts that are a second apart. */
function outcomes(facts: readonly Fact[], follower = new OutcomeFollower(asked)) {
  return facts.flatMap((fact, i) => follower.follow({ stream: 'run', fact, at: 1_000 * (i + 1) }) ?? []);
}

// req P11
test('a commit is a success, with everything the attempt cost and the time of the work alone', () => {
  const facts: Fact[] = [
    plan,
    start('a'),
    { type: 'step.recorded', task: 'a', attempt: 1, step: 's', output: 'o', usage: { costUsd: 0.25 } },
    { type: 'attempt.succeeded', task: 'a', attempt: 1, result: 'r', ms: 700, usage: { costUsd: 0.5 } },
    { type: 'gate.judged', task: 'a', attempt: 1, gate: 0, verdict: 'pass', evidence: 'e' },
    commit('a'),
  ];
  expect(outcomes(facts)).toEqual([
    { agent: 'coder', capability: 'code', size: 3, success: true, costUsd: 0.75, latencyMs: 700, at: 6_000 },
  ]);
});

// req P11
test('of a task that named its agent the outcome says so', () => {
  const named = new OutcomeFollower(() => ({ capability: 'code', size: 2, named: true }));
  expect(outcomes([plan, start('a'), commit('a')], named)).toMatchObject([{ agent: 'coder', named: true }]);
});

// req P11
test('work that a check sent back is a failure, and the attempt after it counts for itself', () => {
  const done: Fact = { type: 'attempt.succeeded', task: 'b', attempt: 1, result: 'r' };
  const facts: Fact[] = [
    plan,
    start('b'),
    done,
    { type: 'task.reworked', task: 'b', rework: 1, feedback: [] },
    start('b'),
    done,
    commit('b'),
  ];
  expect(outcomes(facts).map(({ agent, success, latencyMs }) => [agent, success, latencyMs])).toEqual([
    ['writer', false, 1_000],
    ['writer', true, 1_000],
  ]);
});

// req P11
test.each([
  ['permanent', 1],
  ['invalid-output', 1],
  ['gate-failed', 1],
  ['throttled', 0],
  ['lost', 0],
  ['budget', 0],
  ['cancelled', 0],
] as const)('a failure of the class %s says this much of the agent: %i', (is, count) => {
  expect(outcomes([plan, start('a'), { type: 'task.failed', task: 'a', failure: failure(is) }])).toHaveLength(count);
  expect(outcomes([plan, start('a'), { type: 'attempt.failed', task: 'a', attempt: 1, failure: failure(is) }])).toHaveLength(count);
});

// req P11
test('conflicts, lost attempts, cancelled tasks, commands and what can not be read any more are no outcomes', () => {
  const conflict: Fact = { type: 'change.refused', task: 'a', attempt: 1, onto: 'o', why: 'conflict', feedback: 'f' };
  const rework: Fact = { type: 'task.reworked', task: 'a', rework: 1, feedback: [] };
  expect(outcomes([plan, start('a'), conflict, rework])).toEqual([]);
  expect(outcomes([plan, start('a'), { ...conflict, why: 'rules' }, rework])).toHaveLength(1);
  expect(outcomes([plan, start('a'), { type: 'attempt.lost', task: 'a', attempt: 1, again: false }, commit('a')])).toEqual([]);
  expect(outcomes([plan, start('a'), { type: 'task.cancelled', task: 'a' }])).toEqual([]);
  expect(outcomes([plan, start('c'), commit('c'), start('d'), commit('d')])).toEqual([]);
  expect(outcomes([plan, start('a'), { type: 'run.ended', outcome: 'failed' }, commit('a')])).toEqual([]);
});

// req P11
test('stored in the middle of an attempt and read again, it goes on', () => {
  const first = new OutcomeFollower(asked);
  outcomes([plan, start('a')], first);
  const again = new OutcomeFollower(asked, JSON.parse(JSON.stringify(first)));
  expect(again.follow({ stream: 'run', fact: commit('a'), at: 9_000 })).toMatchObject({ agent: 'coder', success: true, latencyMs: 7_000 });
  expect(new OutcomeFollower(asked).follow({ stream: 'run', fact: commit('a'), at: 9_000 })).toBeUndefined();
});
