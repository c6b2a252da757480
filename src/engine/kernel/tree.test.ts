import { describe, expect, it } from 'vitest';
import type { ApprovalRule, TaskSpec, TreeRule } from './plan.ts';
import { KernelPlay, ME } from './play.ts';

const NEVER: TreeRule = { promote: 'never' };

/** A run whose tree is open at `base`. */
function grove(tasks: readonly Partial<TaskSpec>[], tree: TreeRule = NEVER): KernelPlay {
  const play = new KernelPlay(
    tasks.map((task) => ({ tree: true, ...task })),
    {},
    undefined,
    tree,
  );
  play.ask({ type: 'tree.open', tree: 'base' });
  return play;
}
const merge = (play: KernelPlay, task: string, onto: string, tree: string, attempt = 1) =>
  play.ask({ type: 'integrate.end', task, attempt, onto, outcome: { to: 'merged', tree } });
const refuseChange = (play: KernelPlay, task: string, onto: string, attempt = 1) =>
  play.ask({ type: 'integrate.end', task, attempt, onto, outcome: { to: 'refused', why: 'conflict', feedback: 'words' } });
const green = (play: KernelPlay, task: string, attempt = 1) =>
  play.ask({ type: 'gate.end', task, attempt, gate: 0, verdict: 'pass', evidence: 'e' });
const gatesOf = (play: KernelPlay, task: string) => play.task(task).owed.map((owed) => (owed.type === 'gate' ? owed.tree : owed.type));

// req W1a, W10: the integration tree as the kernel sees it.
describe('the integration tree', () => {
  it('begins with a snapshot, before which no task of a tree starts', () => {
    const play = new KernelPlay([{ tree: true }, {}], {}, undefined, NEVER);
    expect(play.owed()).toEqual(['snapshot:1', 'start:t1:1']);
    play.ask({ type: 'tree.open', tree: 'base' });
    expect(play.owed()).toEqual(['start:t0:1', 'start:t1:1']);
    expect(play.ask({ type: 'tree.open', tree: 'other' })).toEqual(['TREE_OVER']);
  });

  it('fails the tasks that wait for a snapshot which can’t be had, and takes another with a retry', () => {
    const play = new KernelPlay([{ tree: true }, {}], {}, undefined, NEVER);
    play.ask({ type: 'tree.fail', failure: { class: 'permanent', code: 'NOT_A_REPOSITORY', message: 'none' } });
    expect(play.task().failure?.code).toBe('NOT_A_REPOSITORY');
    play.start('t1');
    play.ok('t1');
    expect(play.state.status).toBe('failed');
    play.ask({ type: 'run.retry', by: ME });
    expect(play.owed()).toEqual(['snapshot:2']);
  });

  it('is what each attempt starts from, with all that was committed before', () => {
    const play = grove([{}, { needs: ['t0'] }]);
    play.start();
    expect(play.task().base).toBe('base');
    play.ok('t0', 1, 'change');
    merge(play, 't0', 'base', 'base+t0');
    play.start('t1');
    expect(play.task('t1').base).toBe('base+t0');
  });

  it('takes one change after the other, and shows gates the merged tree', () => {
    const play = grove([{ gates: ['g'] }, { gates: ['g'] }]);
    for (const task of ['t0', 't1']) {
      play.start(task);
      play.ok(task, 1, `change of ${task}`);
    }
    expect(gatesOf(play, 't0')).toEqual(['integrate']);
    expect(gatesOf(play, 't1')).toEqual([]);
    merge(play, 't0', 'base', 'base+t0');
    expect(gatesOf(play, 't0')).toEqual(['base+t0']);
    expect(green(play, 't0')).toContain('task.committed');
    expect(play.owed()).toEqual(['integrate:t1:1:base+t0']);
    expect(merge(play, 't1', 'base', 'old')).toEqual(['TREE_OVER']);
    merge(play, 't1', 'base+t0', 'base+t0+t1');
    green(play, 't1');
    expect(play.state.tree?.head).toBe('base+t0+t1');
    expect(play.state.status).toBe('succeeded');
  });

  it('shows the gates of an attempt that changed nothing the tree it started from, beside whoever merges', () => {
    const play = grove([{ gates: ['g'] }, { gates: ['g'] }]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'change');
    play.ok('t1');
    expect(gatesOf(play, 't1')).toEqual(['base']);
  });

  it('sends a change that conflicts back, and the task goes on from the tree as it is then', () => {
    const play = grove([{}, {}]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    play.ok('t1', 1, 'b');
    merge(play, 't0', 'base', 'base+t0');
    expect(refuseChange(play, 't1', 'base+t0')).toEqual(['change.refused', 'task.reworked']);
    play.start('t1', 2);
    expect(play.task('t1')).toMatchObject({ base: 'base+t0', reworks: 1, feedback: ['words'] });
    play.ok('t1', 2, 'b2');
    merge(play, 't1', 'base+t0', 'all', 2);
    expect(play.state.tree?.head).toBe('all');
  });

  it('fails a task whose change is refused as often as it may be reworked, and lets the next one merge', () => {
    const play = grove([{ reworkMax: 0 }, {}]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    play.ok('t1', 1, 'b');
    expect(refuseChange(play, 't0', 'base')).toContain('task.failed');
    expect(play.task().failure?.code).toBe('MERGE_CONFLICT');
    expect(play.owed()).toEqual(['integrate:t1:1:base']);
  });

  it('lets a change that the machine can’t merge stand aside until a person says so', () => {
    const play = grove([{}, {}]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    play.ok('t1', 1, 'b');
    const failure = { class: 'permanent', code: 'DISK_FULL', message: 'no space' } as const;
    play.ask({ type: 'integrate.end', task: 't0', attempt: 1, onto: 'base', outcome: { to: 'stalled', failure } });
    merge(play, 't1', 'base', 'base+t1');
    expect(play.state.status).toBe('waiting');
    expect(play.ask({ type: 'run.retry', by: ME, task: 't0' })).toEqual(['change.resumed']);
    merge(play, 't0', 'base+t1', 'both');
    expect(play.state.status).toBe('succeeded');
  });

  it('merges and checks a result anew when the tree grew while a person looked at it, and asks nobody again', () => {
    const approval: ApprovalRule = { at: 'result', by: [] };
    const play = grove([{ gates: ['g'], approval }, {}]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    merge(play, 't0', 'base', 'base+t0');
    green(play, 't0');
    expect(play.task().status).toBe('awaiting-result');
    play.ok('t1', 1, 'b');
    merge(play, 't1', 'base', 'base+t1');
    const decided = play.ask({ type: 'approval.decide', by: ME, approval: 'result:t0:1', binds: 't01@base+t0', decision: 'approve' });
    expect(decided).toEqual(['approval.voted', 'approval.granted']);
    merge(play, 't0', 'base+t1', 'both');
    expect(green(play, 't0')).toContain('task.committed');
    expect(play.state.tree?.head).toBe('both');
  });

  it('begins the merge of the first in the queue again when an accepted result comes before it', () => {
    const approval: ApprovalRule = { at: 'result', by: [] };
    const play = grove([{ approval }, { gates: ['g'] }]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    merge(play, 't0', 'base', 'base+t0');
    play.ok('t1', 1, 'b');
    merge(play, 't1', 'base', 'base+t1');
    play.ask({ type: 'approval.decide', by: ME, approval: 'result:t0:1', binds: 't01@base+t0', decision: 'approve' });
    expect(play.state.tree?.head).toBe('base+t0');
    expect(gatesOf(play, 't1')).toEqual(['integrate']);
  });

  it('starts a task that a person let start from the tree that person saw', () => {
    const play = grove([{ approval: { at: 'start', by: [] } }, {}]);
    play.start('t1');
    play.ok('t1', 1, 'b');
    merge(play, 't1', 'base', 'base+t1');
    play.ask({ type: 'approval.decide', by: ME, approval: 'start:t0', binds: 'w@base', decision: 'approve' });
    play.start('t0');
    expect(play.task('t0').base).toBe('base');
  });

  it('knows whether an agent has changed it', () => {
    const play = grove([{ agent: 'command' }, { agent: 'coder', needs: ['t0'] }]);
    play.start('t0');
    play.ok('t0', 1, 'a');
    merge(play, 't0', 'base', 'one');
    expect(play.state.tree?.touched).toBeUndefined();
    play.start('t1');
    play.ok('t1', 1, 'b');
    merge(play, 't1', 'one', 'two');
    expect(play.state.tree?.touched).toBe(true);
  });

  it('refuses a task of a tree in a run without one', () => {
    expect(() => new KernelPlay([{ tree: true }]).state).toThrow('no run');
  });
});

// req W14
describe('a check that the machine is in the way of', () => {
  it('is no verdict: the change stands aside with all its checks, others go on, and it is merged and checked anew', () => {
    const play = grove([{ gates: ['g', 'h'] }, {}]);
    play.start('t0');
    play.start('t1');
    play.ok('t0', 1, 'a');
    play.ok('t1', 1, 'b');
    merge(play, 't0', 'base', 'base+t0');
    const failure = { class: 'cancelled', code: 'DISK_FULL', message: 'no space' } as const;
    expect(play.ask({ type: 'gate.stall', task: 't0', attempt: 1, gate: 9, failure })).toEqual(['GATE_OVER']);
    expect(play.ask({ type: 'gate.stall', task: 't0', attempt: 1, gate: 1, failure })).toEqual(['change.stalled']);
    expect(green(play, 't0')).toEqual(['GATE_OVER']);
    expect(play.owed()).toEqual(['integrate:t1:1:base']);
    merge(play, 't1', 'base', 'base+t1');
    expect(play.state.status).toBe('waiting');
    expect(play.ask({ type: 'run.retry', by: ME, task: 't0' })).toEqual(['change.resumed']);
    expect(play.owed()).toEqual(['integrate:t0:1:base+t1']);
    merge(play, 't0', 'base+t1', 'both');
    expect(gatesOf(play, 't0')).toEqual(['both', 'both']);
  });
});

// req W10, G2: what stands for a gate over a tree.
describe('a verdict that rests on an earlier one', () => {
  const judge = (play: KernelPlay, task: string, more: object) =>
    play.ask({ type: 'gate.end', task, attempt: 1, gate: 0, verdict: 'pass', evidence: `of ${task}`, given: 'tests in base', ...more });
  const three = () => {
    const play = grove([{ gates: ['g'] }, { gates: ['g'] }, { gates: ['g'] }]);
    for (const task of ['t0', 't1', 't2']) {
      play.start(task);
      play.ok(task);
    }
    return play;
  };

  it('names the evidence of one that was green and was given the same', () => {
    const play = three();
    judge(play, 't0', {});
    expect(judge(play, 't1', { reuses: 'of t0' })).toContain('task.committed');
    expect(play.task('t1').verdicts[0]).toEqual({ verdict: 'pass', evidence: 'of t1', reuses: 'of t0' });
    expect(judge(play, 't2', { reuses: 'of t1' })).toEqual(['EVIDENCE_STALE']);
    expect(judge(play, 't2', { reuses: 'of t0' })).toContain('task.committed');
  });

  it('is refused where there is none, where it was given something else, and where it would be red', () => {
    const play = three();
    expect(judge(play, 't1', { reuses: 'of t0' })).toEqual(['EVIDENCE_STALE']);
    judge(play, 't0', {});
    for (const more of [{ given: 'tests in other' }, { given: undefined }, { verdict: 'fail' }, { given: 'toString' }])
      expect(judge(play, 't1', { reuses: 'of t0', ...more })).toEqual(['EVIDENCE_STALE']);
    expect(play.owed()).toContain('gate:t1:1:0:base');
  });

  it('is refused once another was red that was given the same; one that could not be run says nothing', () => {
    const play = three();
    judge(play, 't0', {});
    judge(play, 't1', { verdict: 'error' });
    expect(play.state.tree?.green).toEqual({ 'tests in base': { task: 't0', attempt: 1, evidence: 'of t0' } });
    const red = three();
    judge(red, 't0', {});
    judge(red, 't1', { verdict: 'fail' });
    expect(judge(red, 't2', { reuses: 'of t0' })).toEqual(['EVIDENCE_STALE']);
    expect(judge(red, 't2', { verdict: 'fail' })).toContain('task.reworked');
  });
});

// req W4: rolling back is a command whose effect is on record.
describe('a workspace', () => {
  it('is put back while nobody works in it, and its task waits for that', () => {
    const play = grove([{ gates: ['g'] }]);
    play.start();
    play.ask({ type: 'checkpoint.take', task: 't0', attempt: 1, checkpoint: 'c1', why: 'command', files: 2 });
    const restore = { type: 'workspace.restore', by: ME, task: 't0', to: 'c1', paths: ['a'] } as const;
    expect(play.ask(restore)).toEqual(['TASK_RUNNING']);
    play.fail({ class: 'transient' });
    expect(play.ask(restore)).toEqual(['restore.asked']);
    expect(play.owed()).toEqual(['restore:t0:c1']);
    expect(play.ask({ type: 'restore.end', task: 't0', to: 'c1', outcome: { ok: true, before: 'b', checkpoint: 'c2' } })).toEqual([
      'restore.ended',
    ]);
    expect(play.task()).toMatchObject({ checkpoint: 'c2', checkpoints: 2 });
  });

  it('that was put back has words for whoever goes on in it, who begins with the first step and says when they are taken', () => {
    const play = grove([{}]);
    play.start();
    play.ask({ type: 'step.record', task: 't0', attempt: 1, step: 'write', output: 'o' });
    expect(play.task().steps).toEqual({ write: 'o' });
    play.fail({ class: 'transient' });
    play.ask({ type: 'workspace.restore', by: ME, task: 't0', to: 'c1' });
    const outcome = { ok: true, before: 'b', checkpoint: 'c2', feedback: 'words' } as const;
    play.ask({ type: 'restore.end', task: 't0', to: 'c1', outcome });
    expect([play.task().feedback, play.task().steps]).toEqual([['words'], {}]);
    const take = (attempt: number, count: number) => play.ask({ type: 'feedback.acknowledge', task: 't0', attempt, count });
    expect(take(1, 1)).toEqual(['ATTEMPT_OVER']);
    play.at += 60_000;
    play.ask({ type: 'timer.fire', timer: 'retry:t0:1' });
    play.start('t0', 2);
    expect(take(2, 2)).toEqual(['ATTEMPT_OVER']);
    expect(take(2, 1)).toEqual(['feedback.acknowledged']);
    expect(take(2, 1)).toEqual([]);
    expect(play.task().acknowledged).toBe(1);
  });
});
