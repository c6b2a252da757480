// req K2, K12, K18
import { describe, expect, it, test } from 'vitest';
import { KernelPlay, ME } from './play.ts';

const hold = (play: KernelPlay, task = 't0') => play.ask({ type: 'grant.received', task, epoch: 1 });
const resolve = (play: KernelPlay, task = 't0') =>
  play.ask({ type: 'task.resolve', task, round: 0, resolution: { to: 'inputs', inputs: 'i' } });

describe('what a ready task owes, one after the other', () => {
  it('is to be resolved, approved, given its claims, and then a slot', () => {
    const play = new KernelPlay([{ resolve: true, approval: { at: 'start', by: [] }, claims: ['src/**'] }]);
    expect(play.owed()).toEqual(['resolve:t0:0']);
    resolve(play);
    expect(play.owed()).toEqual([]);
    expect(play.task().claim).toBeUndefined();
    play.ask({ type: 'approval.decide', by: ME, approval: 'start:t0', binds: 'i', decision: 'approve' });
    expect(play.owed()).toEqual(['acquire:t0']);
    expect(hold(play)).toEqual(['claim.held']);
    expect(play.owed()).toEqual(['start:t0:1']);
    expect(hold(play)).toEqual([]);
  });
  it('names who does it, where and with what', () => {
    const play = new KernelPlay([{ claims: ['a', 'b'] }, { agent: 'ann' }]);
    expect(play.task().owed).toMatchObject([{ request: 'r/t0', scope: '', claims: ['a', 'b'] }]);
    expect(play.task('t1').owed).toMatchObject([{ agent: 'ann', attempt: 1, index: 1 }]);
    play.start('t1');
    expect(play.task('t1').owed).toMatchObject([{ type: 'attempt', agent: 'ann', attempt: 1 }]);
  });
  it('is nothing while its run is paused', () => {
    const play = new KernelPlay([{ resolve: true }, { claims: ['a'] }, {}, { kind: 'container' }]);
    play.ask({ type: 'run.pause', by: ME });
    expect(play.owed()).toEqual([]);
    expect(play.start('t2')).toEqual(['TASK_NOT_READY']);
    play.ask({ type: 'run.resume', by: ME });
    expect(play.owed()).toEqual(['resolve:t0:0', 'acquire:t1', 'start:t2:1', 'resolve:t3:0']);
  });
  it('is asked of a person only when its claims are held', () => {
    const play = new KernelPlay([{ kind: 'question', claims: ['a'] }]);
    expect([play.task().status, play.owed()]).toEqual(['ready', ['acquire:t0']]);
    expect(hold(play)).toEqual(['claim.held', 'task.started']);
  });
});

test('claims are given back by the end of their task, whether they were held or only asked for', () => {
  const play = new KernelPlay([{ claims: ['a'] }, { claims: ['a'] }]);
  hold(play);
  play.start();
  expect(play.ask({ type: 'grant.returned', task: 't0' })).toEqual([]);
  play.ok();
  expect(play.owed()).toEqual(['release:t0', 'acquire:t1']);
  expect(hold(play)).toEqual([]);
  expect(play.ask({ type: 'grant.returned', task: 't0' })).toEqual(['claim.returned']);
  expect(play.ask({ type: 'grant.returned', task: 't0' })).toEqual([]);
  play.ask({ type: 'run.cancel', by: ME });
  expect(play.owed()).toEqual(['release:t1']);
});

describe('needs', () => {
  const after = (spec: object, dependent: object = {}) => {
    const play = new KernelPlay([spec, { needs: ['t0'], ...dependent }]);
    play.start();
    play.fail({});
    return play.task('t1');
  };
  it('that failed forbid what depends on them, unless either side tolerates it', () => {
    expect(after({})).toMatchObject({ status: 'skipped', cause: { cause: 'need', task: 't0', status: 'failed' } });
    expect(after({ continueOnError: true }).status).toBe('ready');
    expect(after({}, { always: true }).status).toBe('ready');
  });
  it('that were skipped by their own `when` forbid nothing', () => {
    const play = new KernelPlay([{ resolve: true }, { needs: ['t0'] }]);
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'skip' } });
    expect([play.task().cause, play.task('t1').status]).toEqual([{ cause: 'when' }, 'ready']);
  });
  it('named twice count once', () => {
    const play = new KernelPlay([{}, { needs: ['t0', 't0'] }]);
    play.start();
    play.ok();
    expect(play.task('t1').status).toBe('ready');
  });
  it('are all waited for before a task is skipped', () => {
    const play = new KernelPlay([{}, {}, { needs: ['t0', 't1'] }]);
    play.start();
    play.fail({});
    expect(play.task('t2').status).toBe('pending');
    play.start('t1');
    expect(play.ok('t1')).toEqual(['task.committed', 'task.skipped', 'run.ended']);
  });
});

describe('a cancel', () => {
  it('asks running attempts to stop, ends the rest, and lets what always runs go on', () => {
    const play = new KernelPlay([{}, { needs: ['t0'] }, { always: true, needs: ['t1'] }, {}]);
    play.start();
    expect(play.ask({ type: 'run.cancel', by: ME, reason: 'enough' })).toEqual(['run.cancelling', 'task.cancelled', 'task.cancelled']);
    expect(play.state.status).toBe('cancelling');
    expect(play.task().owed).toMatchObject([{ type: 'stop', attempt: 1 }]);
    expect(play.start('t2')).toEqual(['task.started']);
    expect(play.ok()).toEqual(['task.cancelled']);
    expect(play.task().result).toBeUndefined();
    expect(play.ask({ type: 'run.cancel', by: ME })).toEqual(['RUN_ENDED']);
    expect(play.ok('t2')).toEqual(['task.committed', 'run.ended']);
    expect(play.state.status).toBe('cancelled');
  });
  it('ends a container after its children', () => {
    const play = new KernelPlay([{ kind: 'container' }]);
    const add = [{ id: 'a', kind: 'work', needs: [], work: 'w', parent: 't0', idempotent: true }] as const;
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add } });
    play.start('a');
    expect(play.ask({ type: 'run.cancel', by: ME })).toEqual(['run.cancelling']);
    expect(play.ok('a')).toEqual(['task.cancelled', 'task.cancelled', 'run.ended']);
  });
});

describe('children', () => {
  const expand = (maxParallel: number, more: object = {}) => {
    const play = new KernelPlay([{ kind: 'container', maxParallel, ...more }]);
    const add = ['a', 'b', 'c'].map((id) => ({ id, kind: 'work', needs: [], work: 'w', parent: 't0', idempotent: true }) as const);
    play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add } });
    return play;
  };
  it('are let in one after the other, as many at once as the container says', () => {
    const play = expand(2);
    expect(play.owed()).toEqual(['start:a:1', 'start:b:1']);
    play.start('a');
    play.lose('a');
    expect(play.owed()).toEqual(['start:a:2', 'start:b:1']);
    play.start('a', 2);
    play.ok('a', 2);
    expect(play.owed()).toEqual(['start:b:1', 'start:c:1']);
  });
  it('that failed are their container’s business', () => {
    const play = expand(3);
    for (const id of ['a', 'b', 'c']) play.start(id);
    play.fail({}, 'a');
    play.ok('b');
    play.ok('c');
    expect(play.owed()).toEqual(['resolve:t0:1']);
    expect(play.ask({ type: 'task.resolve', task: 't0', round: 1, resolution: { to: 'commit', result: 'r' } })).toEqual([
      'task.committed',
      'run.ended',
    ]);
    expect(play.state.status).toBe('succeeded');
  });
  it('of what always runs run always', () => {
    const play = expand(1, { always: true });
    play.ask({ type: 'run.cancel', by: ME });
    expect(play.owed()).toEqual(['start:a:1']);
  });
});

test('a run waits when only people can move it on', () => {
  const play = new KernelPlay([{ kind: 'question' }, {}]);
  expect(play.state.status).toBe('running');
  play.start('t1');
  play.ok('t1');
  expect(play.state.status).toBe('waiting');
  expect(play.ask({ type: 'run.pause', by: ME, note: 'lunch' })).toEqual(['run.paused']);
  expect(play.ask({ type: 'run.pause', by: ME })).toEqual(['RUN_PAUSED']);
  play.ask({ type: 'run.resume', by: ME });
  expect(play.state.status).toBe('waiting');
  expect(play.ask({ type: 'run.resume', by: ME })).toEqual(['RUN_NOT_PAUSED']);
});
