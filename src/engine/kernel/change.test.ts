// req K2, K4, K13
import { describe, expect, it, test } from 'vitest';
import type { RunCommand } from './commands.ts';
import type { TaskSpec } from './plan.ts';
import { KernelPlay, ME } from './play.ts';

const task = (id: string, needs: readonly string[] = [], more: Partial<TaskSpec> = {}): TaskSpec => ({
  id,
  kind: 'work',
  needs,
  work: 'w',
  ...more,
});
type Change = Partial<Extract<RunCommand, { type: 'plan.change' }>>;
const change = (play: KernelPlay, more: Change) => play.ask({ type: 'plan.change', by: ME, base: play.state.version, add: [], ...more });

describe('a change is refused', () => {
  it.each<[string, Change]>([
    ['DUPLICATE_ID', { add: [task('t0')] }],
    ['DUPLICATE_ID', { add: [task('x'), task('x')] }],
    ['PLAN_INVALID', { add: [task('x', [], { parent: 't3' })] }],
    ['PLAN_INVALID', { add: [task('x', [], { parent: 'nobody' })] }],
    ['TASK_NOT_FOUND', { drop: ['nobody'] }],
    ['TASK_NOT_FOUND', { rewire: { nobody: [] } }],
    ['PLAN_INVALID', { drop: ['t1'], rewire: { t1: [] } }],
    ['PLAN_INVALID', { drop: ['t1'] }],
    ['PLAN_INVALID', { drop: ['t1'], rewire: { t2: ['t0', 't1'] } }],
    ['UNKNOWN_DEPENDENCY', { drop: ['t1'], rewire: { t2: [] }, add: [task('x', ['t1'])] }],
    ['UNKNOWN_DEPENDENCY', { rewire: { t2: ['nobody'] } }],
    ['CYCLE', { add: [task('x', ['x'])] }],
    ['CYCLE', { add: [task('x', ['y']), task('y', ['x'])] }],
    ['CYCLE', { rewire: { t1: ['t2'] } }],
  ])('%s: %o', (code, more) => {
    const play = new KernelPlay([{}, { needs: ['t0'] }, { needs: ['t1'] }, { kind: 'container' }]);
    const before = JSON.stringify([...play.state.tasks]);
    expect(change(play, more)).toEqual([code]);
    expect(JSON.stringify([...play.state.tasks])).toBe(before);
  });

  it('at the limits, not before', () => {
    const play = new KernelPlay([{}], { tasks: 3 });
    expect(change(play, { add: [task('a'), task('b'), task('c')] })).toEqual(['TASKS_EXCEEDED']);
    expect(change(play, { add: [task('a'), task('b')] })).toEqual(['plan.changed']);
    expect(change(play, { add: [task('c')] })).toEqual(['TASKS_EXCEEDED']);
  });

  it('of what was begun, resolved, approved or claimed', () => {
    const play = new KernelPlay([{}, { resolve: true }, { approval: { at: 'start', by: [] } }, { claims: ['src/**'] }, {}]);
    play.start();
    play.ask({ type: 'task.resolve', task: 't1', round: 0, resolution: { to: 'inputs', inputs: 'i' } });
    play.ask({ type: 'approval.decide', by: ME, approval: 'start:t2', binds: 'w', decision: 'approve' });
    for (const id of ['t0', 't1', 't2', 't3']) expect([id, change(play, { rewire: { [id]: ['t4'] } })]).toEqual([id, ['PLAN_INVALID']]);
    for (const id of ['t0', 't3']) expect([id, change(play, { drop: [id] })]).toEqual([id, ['PLAN_INVALID']]);
    expect(change(play, { drop: ['t1', 't2'], rewire: { t4: ['t0'] } })).toEqual(['plan.changed']);
    expect([...play.state.tasks.keys()]).toEqual(['t0', 't3', 't4']);
  });

  it('of a plan that waits for approval, and of a run that ends', () => {
    const waiting = new KernelPlay([{}], {}, { at: 'task', by: [] });
    expect(change(waiting, { add: [task('x')] })).toEqual(['PLAN_INVALID']);
    const play = new KernelPlay([{}]);
    play.start();
    play.ask({ type: 'run.cancel', by: ME });
    expect(change(play, { add: [task('x')] })).toEqual(['RUN_ENDED']);
    play.ok();
    expect(play.state.status).toBe('cancelled');
    expect(change(play, { add: [task('x')] })).toEqual(['RUN_ENDED']);
  });

  it('of what a container made, and for what a retry has replaced', () => {
    const play = new KernelPlay([{ kind: 'container' }, {}]);
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add: [task('t0/a', [], { parent: 't0' })] } });
    expect(change(play, { drop: ['t0/a'] })).toEqual(['PLAN_INVALID']);
    expect(change(play, { rewire: { 't0/a': [] } })).toEqual(['PLAN_INVALID']);
    const again = new KernelPlay([{}, {}]);
    again.start();
    again.fail({});
    again.start('t1');
    again.ok('t1');
    again.ask({ type: 'run.retry', by: ME });
    expect(change(again, { add: [task('x', ['t0'])] })).toEqual(['UNKNOWN_DEPENDENCY']);
    expect(change(again, { add: [task('x', ['t0^2', 't1'])] })).toEqual(['plan.changed']);
  });
});

describe('a rewired task', () => {
  it('is skipped when its new need has failed, and free when it has none any more', () => {
    const play = new KernelPlay([{}, {}, { needs: ['t1'] }]);
    play.start();
    play.fail({});
    expect(change(play, { rewire: { t1: ['t0'], t2: [] } })).toEqual(['plan.changed', 'task.skipped']);
    expect(play.task('t2').status).toBe('ready');
  });
  it('that was blocked gets another chance', () => {
    const play = new KernelPlay([{}, {}]);
    play.ask({ type: 'task.block', task: 't1', reason: 'nobody' });
    expect(change(play, { rewire: { t1: ['t0'] } })).toEqual(['plan.changed']);
    expect([play.task('t1').status, play.task('t1').reason]).toEqual(['pending', undefined]);
  });
});

describe('a task that is replaced', () => {
  it('is resolved anew, keeps who waits for it, and may need others', () => {
    const play = new KernelPlay([{}, { resolve: true }, { needs: ['t1'] }]);
    play.ask({ type: 'task.resolve', task: 't1', round: 0, resolution: { to: 'inputs', inputs: 'old' } });
    expect(change(play, { replace: [task('t1', ['t0'], { resolve: true, agent: 'other', work: 'w2' })] })).toEqual(['plan.changed']);
    expect(play.task('t1')).toMatchObject({ status: 'pending', spec: { agent: 'other', work: 'w2' }, dependents: ['t2'] });
    play.start();
    play.ok();
    expect(play.owed()).toEqual(['resolve:t1:0']);
    play.ask({ type: 'task.resolve', task: 't1', round: 0, resolution: { to: 'inputs', inputs: 'new' } });
    expect(play.task('t1').inputs).toBe('new');
  });
  it('that waits for a slot waits for that of its new agent', () => {
    const play = new KernelPlay([{}]);
    expect(play.owed()).toEqual(['start:t0:1']);
    change(play, { replace: [task('t0', [], { agent: 'other' })] });
    expect(play.task().owed).toMatchObject([{ id: 'start:t0:1:1', agent: 'other' }]);
  });
  it('was not approved, did not begin, and stays of one kind', () => {
    const play = new KernelPlay([{}, { approval: { at: 'start', by: [] } }, {}, { kind: 'container' }]);
    play.start();
    play.ask({ type: 'approval.decide', by: ME, approval: 'start:t1', binds: 'w', decision: 'approve' });
    for (const replace of [task('t0'), task('t1'), task('t2', [], { kind: 'container' }), task('t3'), task('t2', [], { tree: true })])
      expect([replace.id, change(play, { replace: [replace] })]).toEqual([replace.id, ['PLAN_INVALID']]);
    expect(change(play, { replace: [task('t9')] })).toEqual(['TASK_NOT_FOUND']);
    expect(change(play, { replace: [task('t2', ['t2'])] })).toEqual(['CYCLE']);
    expect(change(play, { replace: [task('t2')], drop: ['t2'] })).toEqual(['PLAN_INVALID']);
  });
});

// req P10
describe('the tasks of a container at work', () => {
  const child = (id: string, needs: readonly string[] = []) => task(`t0/${id}`, needs, { parent: 't0' });
  const begun = (more: Partial<TaskSpec> = {}) => {
    const play = new KernelPlay([{ kind: 'container', ...more }]);
    const add = [child('a'), child('b', ['t0/a'])];
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add } });
    return play;
  };
  it('are changed as those at the top are', () => {
    const play = begun();
    play.start('t0/a');
    play.ok('t0/a');
    const inserted = { parent: 't0', add: [child('c', ['t0/a'])], rewire: { 't0/b': ['t0/a', 't0/c'] }, file: 'f' };
    expect(change(play, inserted)).toEqual(['plan.changed']);
    expect(play.owed()).toEqual(['start:t0/c:1']);
    expect(play.state.plan.files).toEqual({ t0: 'f' });
    expect(play.task().children).toMatchObject({ open: 2, round: 1, ids: ['t0/a', 't0/b', 't0/c'] });
  });
  it('may all be dropped: then it is visited again', () => {
    const play = begun();
    expect(change(play, { parent: 't0', drop: ['t0/a', 't0/b'] })).toEqual(['plan.changed']);
    expect(play.owed()).toEqual(['resolve:t0:1']);
    expect(change(play, { parent: 't0', add: [child('c')] })).toEqual(['PLAN_INVALID']);
  });
  it('give their place to others when they are dropped, or wait again', () => {
    const play = new KernelPlay([{ kind: 'container', maxParallel: 1 }]);
    const add = [child('a'), child('b'), child('c')];
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add } });
    expect(play.owed()).toEqual(['start:t0/a:1']);
    expect(change(play, { parent: 't0', drop: ['t0/a'] })).toEqual(['plan.changed']);
    expect(play.owed()).toEqual(['start:t0/b:1']);
    expect(change(play, { parent: 't0', rewire: { 't0/b': ['t0/c'] } })).toEqual(['plan.changed']);
    expect(play.owed()).toEqual(['start:t0/c:1']);
  });
  it('are of no other container, and of none that has ended', () => {
    const play = begun();
    expect(change(play, { parent: 't0', add: [task('x')] })).toEqual(['PLAN_INVALID']);
    expect(change(play, { parent: 't0', drop: ['t0'] })).toEqual(['PLAN_INVALID']);
    expect(change(play, { parent: 't9', drop: ['t0'] })).toEqual(['PLAN_INVALID']);
    expect(change(play, { drop: ['t0/b'] })).toEqual(['PLAN_INVALID']);
  });
});

describe('a container', () => {
  const expand = (play: KernelPlay, add: readonly TaskSpec[], round = 0) =>
    play.ask({ type: 'task.resolve', task: 't0', round, resolution: { to: 'expand', add } });

  it('fails with the code of what it may not make', () => {
    const nothing = new KernelPlay([{ kind: 'container' }]);
    expect(expand(nothing, [])).toEqual(['task.failed', 'run.ended']);
    expect(nothing.task().failure?.code).toBe('PLAN_INVALID');
    const much = new KernelPlay([{ kind: 'container' }], { tasks: 1 });
    expand(much, [task('x', [], { parent: 't0' })]);
    expect(much.task().failure?.code).toBe('TASKS_EXCEEDED');
    const deep = new KernelPlay([{ kind: 'container' }], { depth: 1 });
    expect(expand(deep, [task('x', [], { parent: 't0', kind: 'container' })])).toEqual(['plan.changed']);
    const below = [task('y', [], { parent: 'x' })];
    deep.ask({ type: 'task.resolve', task: 'x', round: 0, resolution: { to: 'expand', add: below } });
    expect(deep.task('x').failure?.code).toBe('DEPTH_EXCEEDED');
    const others = new KernelPlay([{ kind: 'container' }, { kind: 'container' }]);
    expand(others, [task('x', [], { parent: 't1' })]);
    expect(others.task().failure?.code).toBe('PLAN_INVALID');
  });
  it('can’t be resolved to values', () => {
    const play = new KernelPlay([{ kind: 'container' }]);
    expect(play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'inputs', inputs: 'i' } })).toEqual(['PLAN_INVALID']);
  });
  it('makes a long list in one change of several facts, and comes back when all of it is over', () => {
    const play = new KernelPlay([{ kind: 'container' }], { tasks: 5_000 });
    const many = Array.from({ length: 2_001 }, (_, i) => task(`t0[${i}]`, [], { parent: 't0' }));
    expect(expand(play, many)).toEqual(['plan.changed', 'plan.changed', 'plan.changed']);
    expect(play.state.version).toBe(2);
    expect(play.task().children).toMatchObject({ open: 2_001, round: 1 });
    for (const { id } of many) play.ask({ type: 'task.resolve', task: id, round: 0, resolution: { to: 'skip' } });
    expect(play.owed()).not.toContain('resolve:t0:1');
  });
  it('is asked again after each round', () => {
    const play = new KernelPlay([{ kind: 'container' }]);
    expand(play, [task('a', [], { parent: 't0', resolve: true })]);
    expect(expand(play, [task('b', [], { parent: 't0' })], 1)).toEqual(['TASK_NOT_READY']);
    play.ask({ type: 'task.resolve', task: 'a', round: 0, resolution: { to: 'skip' } });
    expect(play.owed()).toEqual(['resolve:t0:1']);
    expect(expand(play, [task('b', [], { parent: 't0' })], 0)).toEqual(['TASK_NOT_READY']);
    expect(expand(play, [task('b', [], { parent: 't0' })], 1)).toEqual(['plan.changed']);
    play.start('b');
    expect(play.ok('b')).toEqual(['task.committed']);
    expect(play.owed()).toEqual(['resolve:t0:2']);
  });
});

test('retry repeats what failed and all that came after, or what is named', () => {
  const play = new KernelPlay([{}, { needs: ['t0'] }, {}, { needs: ['t2'] }]);
  for (const id of ['t2', 't3']) {
    play.start(id);
    play.ok(id);
  }
  expect(play.ask({ type: 'run.retry', by: ME })).toEqual(['RUN_NOT_ENDED']);
  play.start();
  play.fail({});
  expect(play.ask({ type: 'run.retry', by: ME, task: 'nobody' })).toEqual(['TASK_NOT_FOUND']);
  expect(play.ask({ type: 'run.retry', by: ME, task: 't2' })).toEqual(['run.reopened', 'plan.changed']);
  expect([...play.state.tasks.keys()]).toEqual(['t0', 't1', 't2', 't3', 't2^2', 't3^2']);
  for (const id of ['t2^2', 't3^2']) {
    play.start(id);
    play.ok(id);
  }
  expect(play.state.status).toBe('failed');
  expect(play.ask({ type: 'run.retry', by: ME, task: 't2' })).toEqual(['run.reopened', 'plan.changed']);
  expect([...play.state.tasks.keys()].slice(-2)).toEqual(['t2^3', 't3^3']);
});

test('a run without failures has nothing to retry, and a plan that was refused never runs', () => {
  const play = new KernelPlay([{}]);
  play.start();
  play.ok();
  expect(play.ask({ type: 'run.retry', by: ME })).toEqual(['NOTHING_TO_RETRY']);
  const refused = new KernelPlay([{}], {}, { at: 'task', by: [] });
  refused.ask({ type: 'approval.decide', by: ME, approval: 'plan', binds: 's', decision: 'reject' });
  expect(refused.state.status).toBe('cancelled');
  expect(refused.ask({ type: 'run.retry', by: ME })).toEqual(['NOTHING_TO_RETRY']);
  expect(refused.ask({ type: 'run.retry', by: ME, task: 't0' })).toEqual(['NOTHING_TO_RETRY']);
});
