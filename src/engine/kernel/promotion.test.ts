import { describe, expect, it } from 'vitest';
import type { TaskSpec, TreeRule } from './plan.ts';
import { KernelPlay, ME } from './play.ts';

/** A run of tasks that each change the tree, up to the last commit. */
function changed(tree: TreeRule, tasks: readonly Partial<TaskSpec>[] = [{}]): KernelPlay {
  const play = new KernelPlay(
    tasks.map((task) => ({ tree: true, ...task })),
    {},
    undefined,
    tree,
  );
  play.ask({ type: 'tree.open', tree: 'base' });
  return play;
}
function commit(play: KernelPlay, task = 't0'): string[] {
  const onto = play.state.tree?.head ?? '';
  play.start(task);
  play.ok(task, 1, 'change');
  return play.ask({ type: 'integrate.end', task, attempt: 1, onto, outcome: { to: 'merged', tree: `${onto}+${task}` } });
}
const done = (play: KernelPlay, n = 1) =>
  play.ask({ type: 'promote.end', promotion: `promotion-${n}`, outcome: { ok: true, report: 'report' } });
const refused = (play: KernelPlay, n = 1) =>
  play.ask({ type: 'promote.end', promotion: `promotion-${n}`, outcome: { ok: false, code: 'PROMOTION_CONFLICT', message: 'edited' } });

// req W5: when a promotion happens, and what it means for the run.
describe('a promotion', () => {
  it('comes at the end of a run that succeeded, which ends after it', () => {
    const play = changed({ promote: 'end' });
    expect(commit(play)).toContain('promotion.started');
    expect(play.state.status).toBe('running');
    expect(play.state.owed).toMatchObject([{ type: 'promote', base: 'base', tree: 'base+t0', undo: false }]);
    expect(done(play)).toEqual(['promotion.done', 'run.ended']);
    expect(play.state.status).toBe('succeeded');
  });

  it('does not come where nothing changed, where a task failed, or where the plan says never', () => {
    const same = changed({ promote: 'end' });
    same.start();
    expect(same.ok()).toContain('run.ended');
    const broken = changed({ promote: 'end' }, [{}, {}]);
    commit(broken);
    broken.start('t1');
    broken.fail({}, 't1');
    expect(broken.state.status).toBe('failed');
    expect(commit(changed({ promote: 'never' }))).toContain('run.ended');
  });

  it('comes after each commit where the plan says so, one at a time, each on top of the last', () => {
    const play = changed({ promote: 'each' }, [{}, {}]);
    commit(play);
    commit(play, 't1');
    expect(play.state.tree?.promotion).toMatchObject({ id: 'promotion-1', tree: 'base+t0' });
    expect(done(play)).toEqual(['promotion.done', 'promotion.started']);
    expect(play.state.owed).toMatchObject([{ base: 'base+t0', tree: 'base+t0+t1' }]);
    done(play, 2);
    expect(play.state.status).toBe('succeeded');
  });

  it('that was refused fails the run, and may be asked for again', () => {
    const play = changed({ promote: 'end' });
    commit(play);
    expect(refused(play)).toEqual(['promotion.refused', 'run.ended']);
    expect(play.state.status).toBe('failed');
    expect(play.ask({ type: 'run.promote', by: ME })).toEqual(['promotion.started']);
    expect(play.state.status).toBe('running');
    done(play, 2);
    expect(play.state.status).toBe('succeeded');
    expect(play.ask({ type: 'run.promote', by: ME })).toEqual(['NOTHING_TO_PROMOTE']);
  });

  it('is approved for the very tree, where the plan says so', () => {
    const play = changed({ promote: 'end', approval: { at: 'task', by: [] } });
    commit(play);
    expect(play.state.status).toBe('waiting');
    const decide = (binds: string, decision: 'approve' | 'reject' = 'approve') =>
      play.ask({ type: 'approval.decide', by: ME, approval: 'promotion-1', binds, decision });
    expect(decide('base')).toEqual(['APPROVAL_STALE']);
    expect(decide('base+t0')).toEqual(['approval.voted', 'approval.granted', 'promotion.started']);
    done(play);
    expect(play.state.status).toBe('succeeded');
  });

  // req W5
  it('is committed on the branch that was asked for, also when a person has to approve it first', () => {
    const branchOwed = ({ state }: KernelPlay) => state.owed.flatMap((owed) => (owed.type === 'promote' ? [owed.branch] : []));
    for (const approval of [undefined, { at: 'task', by: [] } as const]) {
      const play = changed({ promote: 'never', ...(approval ? { approval } : {}) });
      commit(play);
      play.ask({ type: 'run.promote', by: ME, branch: 'mine' });
      if (approval) play.ask({ type: 'approval.decide', by: ME, approval: 'promotion-1', binds: 'base+t0', decision: 'approve' });
      expect(branchOwed(play)).toEqual(['mine']);
      done(play);
      play.ask({ type: 'promotion.undo', by: ME });
      expect(branchOwed(play)).toEqual([undefined]);
    }
  });

  it('that a person rejects leaves the run failed, and one that waits is withdrawn with a cancel', () => {
    const tree = { promote: 'end', approval: { at: 'task', by: [] } } as const;
    const play = changed(tree);
    commit(play);
    play.ask({ type: 'approval.decide', by: ME, approval: 'promotion-1', binds: 'base+t0', decision: 'reject' });
    expect(play.state.status).toBe('failed');
    const other = changed(tree);
    commit(other);
    other.ask({ type: 'run.cancel', by: ME });
    expect(other.state.status).toBe('cancelled');
    expect(other.state.approvals.get('promotion-1')?.status).toBe('withdrawn');
  });

  it('that is under way finishes when the run is cancelled', () => {
    const play = changed({ promote: 'each' }, [{}, {}]);
    commit(play);
    play.ask({ type: 'run.cancel', by: ME });
    expect(play.state.status).toBe('cancelling');
    done(play);
    expect(play.state.status).toBe('cancelled');
  });

  it('waits, with the end of the run, while the run is paused', () => {
    const play = changed({ promote: 'end' });
    play.start();
    play.ask({ type: 'run.pause', by: ME });
    play.ok('t0', 1, 'change');
    play.ask({ type: 'integrate.end', task: 't0', attempt: 1, onto: 'base', outcome: { to: 'merged', tree: 'new' } });
    expect(play.state.status).toBe('paused');
    expect(play.ask({ type: 'run.resume', by: ME })).toContain('promotion.started');
  });

  it('is undone once, after the run has ended as well, and does not come back by itself', () => {
    const play = changed({ promote: 'end' });
    commit(play);
    done(play);
    expect(play.ask({ type: 'promotion.undo', by: ME })).toEqual(['promotion.undoing']);
    expect(play.state.owed).toMatchObject([{ undo: true, promotion: 'promotion-1' }]);
    expect(play.ask({ type: 'promotion.undo', by: ME })).toEqual(['PROMOTION_OPEN']);
    expect(done(play)).toEqual(['promotion.undone', 'run.ended']);
    expect(play.state.status).toBe('succeeded');
    expect(play.ask({ type: 'promotion.undo', by: ME })).toEqual(['NOTHING_TO_UNDO']);
  });

  it('of a cancelled run leaves it cancelled', () => {
    const play = changed({ promote: 'never' }, [{}, {}]);
    commit(play);
    play.ask({ type: 'run.cancel', by: ME });
    expect(play.ask({ type: 'run.promote', by: ME })).toEqual(['promotion.started']);
    expect(play.ask({ type: 'run.cancel', by: ME })).toEqual(['RUN_ENDED']);
    done(play);
    expect(play.state.status).toBe('cancelled');
  });
});
