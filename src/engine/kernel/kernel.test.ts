// req K1, K2, K10, K12, B1, B2, H1, H2
import { describe, expect, it, test } from 'vitest';
import type { RunCommand } from './commands.ts';
import type { TaskSpec } from './plan.ts';
import { KernelPlay, ME } from './play.ts';
import { CLASS_RULES } from './retry.ts';
import { restore, save } from './snapshot.ts';
import { type RunState, touch } from './state.ts';
import { move, taskOf } from './task.ts';

test('a step and the next are two facts in one decision', () => {
  const play = new KernelPlay([{}, { needs: ['t0'] }]);
  expect(play.start()).toEqual(['task.started']);
  expect(play.ok()).toEqual(['task.committed']);
  expect(play.start('t1')).toEqual(['task.started']);
  expect(play.ok('t1')).toEqual(['task.committed', 'run.ended']);
  expect(play.state.status).toBe('succeeded');
});

test('an illegal step can’t be made', () => {
  const play = new KernelPlay([{}]);
  expect(() => move(taskOf(play.state, 't0'), 'validating')).toThrow('can’t go'.replace('’', "'"));
  expect(play.ok()).toEqual(['ATTEMPT_OVER']);
  play.start();
  play.ok();
  expect(play.ok()).toEqual(['ATTEMPT_OVER']);
  expect(play.start()).toEqual(['TASK_NOT_READY']);
});

describe('failures', () => {
  it.each(['permanent', 'policy', 'unsafe', 'invalid-output', 'cancelled'] as const)(
    '%s runs once, and what needs it is skipped with the cause',
    (kind) => {
      const play = new KernelPlay([{}, { needs: ['t0'] }, { needs: ['t1'] }]);
      play.start();
      expect(play.fail({ class: kind })).toEqual(['task.failed', 'task.skipped', 'task.skipped', 'run.ended']);
      expect(taskOf(play.state, 't2').cause).toEqual({ cause: 'need', task: 't1', status: 'skipped' });
      expect(play.state.status).toBe('failed');
    },
  );

  it.each(['transient', 'throttled', 'timeout'] as const)('%s is tried again as often as its class says', (kind) => {
    const play = new KernelPlay([{}]);
    for (let attempt = 1; attempt < CLASS_RULES[kind].attempts; attempt++) {
      play.start('t0', attempt);
      expect(play.fail({ class: kind }, 't0', attempt)).toEqual(['attempt.failed']);
      const [owed] = taskOf(play.state, 't0').owed;
      if (owed?.type !== 'timer') throw new Error('a retry waits');
      expect(owed.at - play.at).toBeGreaterThanOrEqual(CLASS_RULES[kind].backoffMs / 2);
      play.at = owed.at;
      play.ask({ type: 'timer.fire', timer: owed.timer });
    }
    play.start('t0', CLASS_RULES[kind].attempts);
    expect(play.fail({ class: kind }, 't0', CLASS_RULES[kind].attempts)).toContain('task.failed');
  });

  it('waits as long as the other side asks', () => {
    const play = new KernelPlay([{}]);
    play.start();
    play.fail({ class: 'throttled', retryAfterMs: 7_000 });
    expect(taskOf(play.state, 't0').retryAt).toBe(play.at + 7_000);
  });

  it('does not repeat what is not idempotent, unless nothing was dispatched', () => {
    const play = new KernelPlay([{ idempotent: false }, { idempotent: false }]);
    play.start();
    play.start('t1');
    play.fail({ class: 'transient' });
    play.fail({ class: 'transient', dispatched: false }, 't1');
    expect(taskOf(play.state, 't0').status).toBe('undecided');
    expect(taskOf(play.state, 't1').status).toBe('ready');
  });
});

test('money is reserved before, settled after, and a refused reservation pauses the run until the limit is raised', () => {
  const play = new KernelPlay([{}], { calls: 2 });
  play.start();
  const reserve = (step: string) => play.ask({ type: 'step.reserve', task: 't0', attempt: 1, step, amounts: { calls: 1 } });
  const record = (step: string) => play.ask({ type: 'step.record', task: 't0', attempt: 1, step, output: 'o', usage: { calls: 1 } });
  expect(reserve('one')).toEqual(['step.reserved']);
  expect(record('one')).toEqual(['step.recorded']);
  expect(record('one')).toEqual(['STEP_OVER']);
  expect(reserve('two')).toEqual(['budget.warned', 'step.reserved']);
  expect(reserve('three')).toEqual(['budget.exhausted', 'run.paused']);
  expect(play.state.spent.calls + play.state.reserved.calls).toBe(2);
  record('two');
  expect(play.fail({ class: 'budget' })).toEqual(['attempt.failed']);
  expect(play.start('t0', 2)).toEqual(['TASK_NOT_READY']);
  expect(play.ask({ type: 'run.resume', by: ME, limits: { calls: 10 } })).toEqual(['run.resumed']);
  expect(play.start('t0', 2)).toEqual(['task.started']);
});

describe('approvals', () => {
  const rule = { at: 'start', by: ['approver'], quorum: 2, notAuthor: true } as const;
  const decision = (id: string, roles: string[], binds = 'w'): RunCommand => ({
    type: 'approval.decide',
    by: { id, roles },
    approval: 'start:t0',
    binds,
    decision: 'approve',
  });

  it('are bound to what was seen, decided once by each, by those who may', () => {
    const play = new KernelPlay([{ approval: rule }]);
    expect(play.ask(decision('ann', ['approver'], 'other'))).toEqual(['APPROVAL_STALE']);
    expect(play.ask(decision('ann', ['viewer']))).toEqual(['APPROVAL_FORBIDDEN']);
    expect(play.ask(decision('me', ['approver']))).toEqual(['APPROVAL_FORBIDDEN']);
    expect(play.ask(decision('ann', ['approver']))).toEqual(['approval.voted']);
    expect(play.ask(decision('ann', ['approver']))).toEqual(['ALREADY_VOTED']);
    expect(play.ask(decision('bob', ['approver']))).toEqual(['approval.voted', 'approval.granted']);
    expect(play.ask(decision('cyd', ['approver']))).toEqual(['APPROVAL_OVER']);
    expect(play.start()).toEqual(['task.started']);
  });

  it('are denied or handed on when nobody answers', () => {
    const denied = new KernelPlay([{ approval: { at: 'start', by: [], timeoutMs: 100, onTimeout: 'deny' } }]);
    denied.at += 100;
    expect(denied.ask({ type: 'timer.fire', timer: 'approval:start:t0' })).toEqual([
      'timer.fired',
      'approval.denied',
      'task.failed',
      'run.ended',
    ]);
    const escalated = new KernelPlay([
      { approval: { at: 'start', by: ['boss'], timeoutMs: 100, onTimeout: 'escalate', escalateTo: ['approver'] } },
    ]);
    expect(escalated.ask(decision('ann', ['approver']))).toEqual(['APPROVAL_FORBIDDEN']);
    escalated.at += 100;
    expect(escalated.ask({ type: 'timer.fire', timer: 'approval:start:t0' })).toEqual(['timer.fired', 'approval.escalated']);
    expect(escalated.ask(decision('ann', ['approver']))).toEqual(['approval.voted', 'approval.granted']);
  });

  it('a plan that nobody approved runs nothing when its run is cancelled', () => {
    const play = new KernelPlay([{ always: true }], {}, { at: 'task', by: [] });
    expect(play.state.status).toBe('awaiting-approval');
    expect(play.ask({ type: 'run.cancel', by: ME })).toEqual(['run.cancelling', 'task.cancelled', 'run.ended']);
    expect(taskOf(play.state, 't0').status).toBe('cancelled');
  });
});

test('red gates send the work back with their evidence, so often and no more', () => {
  const play = new KernelPlay([{ gates: ['tests'], reworkMax: 1 }]);
  const judge = (attempt: number, verdict: 'pass' | 'fail' | 'error') =>
    play.ask({ type: 'gate.end', task: 't0', attempt, gate: 0, verdict, evidence: `e${attempt}` });
  play.start();
  expect(play.ok()).toEqual(['attempt.succeeded']);
  expect(judge(1, 'fail')).toEqual(['gate.judged', 'task.reworked']);
  expect(taskOf(play.state, 't0').feedback).toEqual(['e1']);
  play.start('t0', 2);
  play.ok('t0', 2);
  expect(judge(2, 'fail')).toEqual(['gate.judged', 'task.failed', 'run.ended']);
});

test('a change of the plan is whole or not at all', () => {
  const play = new KernelPlay([{}, { needs: ['t0'] }]);
  play.start();
  const before = JSON.stringify(save(structured(play.state)).header);
  const add: TaskSpec = { id: 'x', kind: 'work', needs: ['t0'], work: 'w' };
  const change = (more: object): RunCommand => ({ type: 'plan.change', by: ME, base: 1, add: [add], ...more });
  expect(play.ask(change({ base: 0 }))).toEqual(['PLAN_STALE']);
  expect(play.ask(change({ add: [{ ...add, needs: ['nobody'] }] }))).toEqual(['UNKNOWN_DEPENDENCY']);
  expect(play.ask(change({ add: [{ ...add, needs: ['t1'] }], rewire: { t1: ['x'] } }))).toEqual(['CYCLE']);
  expect(play.ask(change({ rewire: { t0: [] } }))).toEqual(['PLAN_INVALID']);
  expect(play.ask(change({ drop: ['t0'] }))).toEqual(['PLAN_INVALID']);
  expect(play.ask(change({ add: Array.from({ length: 200 }, (_, i) => ({ ...add, id: `y${i}` })) }))).toEqual(['TASKS_EXCEEDED']);
  expect(JSON.stringify(save(structured(play.state)).header)).toBe(before);
  expect(play.ask(change({ rewire: { t1: ['x'] } }))).toEqual(['plan.changed']);
  play.ok();
  expect(taskOf(play.state, 't1').status).toBe('pending');
  play.start('x');
  play.ok('x');
  expect(taskOf(play.state, 't1').status).toBe('ready');
});

test('retry puts a new segment beside the old facts', () => {
  const play = new KernelPlay([{}, { needs: ['t0'] }, {}]);
  play.start();
  play.start('t2');
  play.ok('t2');
  play.fail({});
  expect(play.state.status).toBe('failed');
  expect(play.ask({ type: 'run.retry', by: ME })).toEqual(['run.reopened', 'plan.changed']);
  expect([...play.state.tasks.keys()]).toEqual(['t0', 't1', 't2', 't0^2', 't1^2']);
  expect(taskOf(play.state, 't0').status).toBe('failed');
  play.start('t0^2');
  play.ok('t0^2');
  play.start('t1^2');
  expect(play.ok('t1^2')).toEqual(['task.committed', 'run.ended']);
  expect(play.state.status).toBe('succeeded');
});

/** A copy that shares nothing, by way of a snapshot. */
function structured(state: RunState): RunState {
  for (const id of state.tasks.keys()) touch(state, taskOf(state, id));
  const copy = restore(save(state));
  for (const id of copy.tasks.keys()) touch(copy, taskOf(copy, id));
  return copy;
}
