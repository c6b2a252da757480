// req H1, H2, H3
import { describe, expect, it, test } from 'vitest';
import type { RunCommand } from './commands.ts';
import type { ApprovalRule, Principal } from './plan.ts';
import { KernelPlay, ME } from './play.ts';

const ANN: Principal = { id: 'ann', roles: ['approver'] };
const BOB: Principal = { id: 'bob', roles: ['boss'] };
const DEE: Principal = { id: 'dee', roles: [] };
type Decision = Partial<Extract<RunCommand, { type: 'approval.decide' }>>;
const decide = (play: KernelPlay, by: Principal, more: Decision = {}) =>
  play.ask({ type: 'approval.decide', by, approval: 'start:t0', binds: 'w', decision: 'approve', ...more });
const asked = (rule: Partial<ApprovalRule>) => new KernelPlay([{ approval: { at: 'start', by: [], ...rule } }]);

describe('who may decide', () => {
  it('is anybody where no role is named, also once escalated', () => {
    expect(decide(asked({}), DEE)).toEqual(['approval.voted', 'approval.granted']);
    const escalated = asked({ timeoutMs: 10, onTimeout: 'escalate', escalateTo: ['boss'] });
    escalated.at += 10;
    escalated.ask({ type: 'timer.fire', timer: 'approval:start:t0' });
    expect(decide(escalated, DEE)).toEqual(['approval.voted', 'approval.granted']);
  });
  it('is not who asked for the run, where the rule says so', () => {
    expect(decide(asked({ notAuthor: true }), ME)).toEqual(['APPROVAL_FORBIDDEN']);
    expect(decide(asked({}), ME)).toEqual(['approval.voted', 'approval.granted']);
  });
  it('needs enough different people, and one no is enough', () => {
    const play = asked({ quorum: 2 });
    expect(decide(play, ANN)).toEqual(['approval.voted']);
    expect(decide(play, DEE, { decision: 'reject' })).toEqual(['approval.voted', 'approval.denied', 'task.failed', 'run.ended']);
    expect(play.task().failure).toMatchObject({ class: 'policy', code: 'REJECTED', message: 'Rejected by dee.' });
    const why = asked({});
    decide(why, DEE, { decision: 'reject', note: 'too dear' });
    expect(why.task().failure?.message).toBe('Rejected by dee: too dear');
  });
});

describe('when nobody answers', () => {
  const timer = (rule: Partial<ApprovalRule>) =>
    asked({ timeoutMs: 100, ...rule })
      .state.approvals.get('start:t0')
      ?.owed.map((owed) => owed.id);
  it.each<[Partial<ApprovalRule>, boolean]>([
    [{}, false],
    [{ onTimeout: 'wait' }, false],
    [{ onTimeout: 'deny' }, true],
    [{ onTimeout: 'escalate' }, true],
  ])('%o has a timer: %s', (rule, has) => {
    expect(timer(rule)).toEqual(['notify:approval:start:t0', ...(has ? ['timer:approval:start:t0'] : [])]);
  });
  it('more people are told, once', () => {
    const play = asked({ by: ['approver'], timeoutMs: 100, onTimeout: 'escalate', escalateTo: ['boss'] });
    expect(decide(play, BOB)).toEqual(['APPROVAL_FORBIDDEN']);
    expect(play.ask({ type: 'timer.fire', timer: 'approval:start:t0' })).toEqual(['TIMER_OVER']);
    play.at += 100;
    play.ask({ type: 'timer.fire', timer: 'approval:start:t0' });
    expect(play.state.approvals.get('start:t0')?.owed.map((owed) => owed.id)).toEqual(['notify:approval:start:t0:escalated']);
    expect(play.ask({ type: 'timer.fire', timer: 'approval:start:t0' })).toEqual(['TIMER_OVER']);
    expect(decide(play, BOB)).toEqual(['approval.voted', 'approval.granted']);
  });
});

test('a start is approved as it was resolved', () => {
  const play = new KernelPlay([{ approval: { at: 'start', by: [] }, resolve: true }]);
  expect(play.state.approvals.size).toBe(0);
  expect(play.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'inputs', inputs: 'resolved' } })).toEqual([
    'task.resolved',
    'approval.requested',
  ]);
  expect(play.start()).toEqual(['TASK_NOT_READY']);
  expect(decide(play, ANN)).toEqual(['APPROVAL_STALE']);
  expect(decide(play, ANN, { binds: 'resolved' })).toEqual(['approval.voted', 'approval.granted']);
  expect(play.start()).toEqual(['task.started']);
  expect(decide(play, ANN, { approval: 'start:t9' })).toEqual(['APPROVAL_NOT_FOUND']);
});

describe('a result', () => {
  const result = (rework?: number) => {
    const play = new KernelPlay([{ approval: { at: 'result', by: [] }, ...(rework === undefined ? {} : { reworkMax: rework }) }]);
    play.start();
    expect(play.ok()).toEqual(['attempt.succeeded', 'approval.requested']);
    expect(play.task().status).toBe('awaiting-result');
    return play;
  };
  const about = (attempt: number) => ({ approval: `result:t0:${attempt}`, binds: `t0${attempt}` });
  it('is committed when it is approved', () => {
    const play = result();
    expect(decide(play, ANN, about(1))).toEqual(['approval.voted', 'approval.granted', 'task.committed', 'run.ended']);
    expect(play.task().result).toBe('t01');
  });
  it('is sent back with what was said, so often and no more; each answer is decided on anew', () => {
    const play = result(1);
    const back = { decision: 'reject', result: 'feedback' } as const;
    expect(decide(play, ANN, { ...about(1), ...back })).toEqual(['approval.voted', 'approval.denied', 'task.reworked']);
    expect(play.task()).toMatchObject({ reworks: 1, feedback: ['feedback'] });
    play.start('t0', 2);
    play.ok('t0', 2);
    expect(decide(play, ANN, { ...about(2), ...back })).toEqual(['approval.voted', 'approval.denied', 'task.failed', 'run.ended']);
  });
  it('that is rejected without a word fails the task', () => {
    expect(decide(result(), ANN, { ...about(1), decision: 'reject' })).toContain('task.failed');
  });
});

test('a decision as a task brings its own handoff', () => {
  const play = new KernelPlay([{ kind: 'decision', approval: { at: 'task', by: [] } }]);
  expect(play.task()).toMatchObject({ status: 'running', attempt: 1, startedAt: 1_000, inputs: 'w' });
  const about = { approval: 'task:t0' };
  expect(decide(play, ANN, about)).toEqual(['RESULT_MISSING']);
  expect(decide(play, ANN, { ...about, result: 'yes' })).toEqual(['approval.voted', 'approval.granted', 'task.committed', 'run.ended']);
  expect(play.task().result).toBe('yes');
});

describe('a plan', () => {
  const planned = () => new KernelPlay([{}, { needs: ['t0'] }], {}, { at: 'task', by: [] });
  const about = { approval: 'plan', binds: 's' };
  it('starts nothing before it is approved', () => {
    const play = planned();
    expect([play.state.status, play.owed()]).toEqual(['awaiting-approval', []]);
    expect(play.ask({ type: 'run.pause', by: ME })).toEqual(['RUN_PAUSED']);
    expect(decide(play, ANN, about)).toEqual(['approval.voted', 'approval.granted']);
    expect(play.owed()).toEqual(['start:t0:1']);
    expect([...play.state.tasks.values()].map((task) => task.status)).toEqual(['ready', 'pending']);
  });
  it('that is rejected cancels the run', () => {
    const play = planned();
    expect(decide(play, ANN, { ...about, decision: 'reject' })).toEqual([
      'approval.voted',
      'approval.denied',
      'run.cancelling',
      'task.cancelled',
      'task.cancelled',
      'run.ended',
    ]);
    expect(decide(play, ANN, about)).toEqual(['APPROVAL_OVER']);
  });
});

describe('a change of the plan, where the plan asks for approval', () => {
  const play = (rule: Partial<ApprovalRule> = {}) => {
    const made = new KernelPlay([{}, { needs: ['t0'] }], {}, undefined, undefined, { changes: { at: 'task', by: [], ...rule } });
    const add = [{ id: 'x', kind: 'work' as const, needs: ['t0'], work: 'w' }];
    expect(made.ask({ type: 'plan.change', by: ME, base: 1, add, file: 'f' })).toEqual(['approval.requested']);
    return made;
  };
  const about = { approval: 'change:1', binds: 'f' };
  it('is made when it is approved, and the run goes on meanwhile', () => {
    const made = play();
    expect([made.state.version, made.owed()]).toEqual([1, ['start:t0:1']]);
    expect(made.ask({ type: 'plan.change', by: ME, base: 1, add: [], drop: ['t1'], file: 'g' })).toEqual(['PLAN_INVALID']);
    expect(decide(made, ANN, about)).toEqual(['approval.voted', 'approval.granted', 'plan.changed']);
    expect([made.state.version, made.state.tasks.has('x'), made.state.plan.files]).toEqual([2, true, { '': 'f' }]);
  });
  it('is not by whoever asked for it, where the rule says so', () => {
    expect(decide(play({ notAuthor: true }), ME, about)).toEqual(['APPROVAL_FORBIDDEN']);
  });
  it('that is rejected changes nothing; the next one is asked for anew', () => {
    const made = play();
    expect(decide(made, ANN, { ...about, decision: 'reject' })).toEqual(['approval.voted', 'approval.denied']);
    expect([made.state.version, made.state.status]).toEqual([1, 'running']);
    expect(made.ask({ type: 'plan.change', by: ME, base: 1, add: [], drop: ['t1'], file: 'g' })).toEqual(['approval.requested']);
    expect(decide(made, ANN, { approval: 'change:2', binds: 'g' })).toContain('plan.changed');
    expect(made.state.tasks.has('t1')).toBe(false);
  });
  it('can only be rejected when its tasks have begun meanwhile', () => {
    const made = new KernelPlay([{}, {}], {}, undefined, undefined, { changes: { at: 'task', by: [] } });
    made.ask({ type: 'plan.change', by: ME, base: 1, add: [], drop: ['t1'], file: 'f' });
    made.start('t1');
    expect(decide(made, ANN, about)).toEqual(['PLAN_INVALID']);
    expect(decide(made, ANN, { ...about, decision: 'reject' })).toEqual(['approval.voted', 'approval.denied']);
  });
  it('can only be rejected when the container that it is about has ended meanwhile', () => {
    const made = new KernelPlay([{ kind: 'container' }, {}], {}, undefined, undefined, { changes: { at: 'task', by: [] } });
    const child = (id: string) => ({ id, kind: 'work' as const, needs: [], work: 'w', parent: 't0' });
    made.ask({ type: 'task.resolve', task: 't0', round: 0, resolution: { to: 'expand', add: [child('a')] } });
    made.ask({ type: 'plan.change', by: ME, base: 2, parent: 't0', add: [child('b')], file: 'f' });
    made.start('a');
    made.ok('a');
    expect(decide(made, ANN, about)).toEqual(['PLAN_INVALID']);
    made.ask({ type: 'task.resolve', task: 't0', round: 1, resolution: { to: 'commit', result: 'r' } });
    expect(decide(made, ANN, about)).toEqual(['PLAN_INVALID']);
    expect(made.state.tasks.has('b')).toBe(false);
  });
  it('is withdrawn when the run ends', () => {
    const made = play();
    for (const id of ['t0', 't1']) {
      made.start(id);
      made.ok(id);
    }
    expect([made.state.status, made.state.approvals.get('change:1')?.status]).toEqual(['succeeded', 'withdrawn']);
  });
});

test('what nobody waits for any more is withdrawn', () => {
  const play = asked({ timeoutMs: 10, onTimeout: 'deny' });
  play.ask({ type: 'run.cancel', by: ME });
  expect(play.state.approvals.get('start:t0')).toMatchObject({ status: 'withdrawn', owed: [] });
  expect(decide(play, ANN)).toEqual(['APPROVAL_OVER']);
  play.at += 10;
  expect(play.ask({ type: 'timer.fire', timer: 'approval:start:t0' })).toEqual(['TIMER_OVER']);
});

describe('what a running attempt asks leave for', () => {
  const call = (play: KernelPlay, n = 1, attempt = 1) =>
    play.ask({ type: 'call.ask', task: 't0', attempt, call: n, binds: 'npm test', rule: { by: ['approver'], timeoutMs: 100 } });
  const about = (n: number): Decision => ({ approval: `call:t0:1:${n}`, binds: 'npm test' });
  const running = () => {
    const play = new KernelPlay([{}]);
    play.start();
    return play;
  };
  const statuses = ({ state }: KernelPlay) => [...state.approvals.values()].map(({ status }) => status);

  it('waits for whoever may decide, bound to what is asked, and the attempt goes on', () => {
    const play = running();
    expect([call(play), call(play), call(play, 2)]).toEqual([['approval.requested'], [], ['approval.requested']]);
    expect(decide(play, DEE, about(1))).toEqual(['APPROVAL_FORBIDDEN']);
    expect(decide(play, ANN, { ...about(1), binds: 'npm publish' })).toEqual(['APPROVAL_STALE']);
    expect(decide(play, ANN, about(1))).toEqual(['approval.voted', 'approval.granted']);
    expect(decide(play, ANN, about(1))).toEqual(['APPROVAL_OVER']);
    expect(decide(play, ANN, { ...about(2), decision: 'reject' })).toEqual(['approval.voted', 'approval.denied']);
    expect([play.task().status, play.task().calls, call(play)]).toEqual(['running', undefined, []]);
    expect(play.ok()).toEqual(['task.committed', 'run.ended']);
  });
  it('is refused when nobody answers in time', () => {
    const play = running();
    call(play);
    play.at += 100;
    expect(play.ask({ type: 'timer.fire', timer: 'approval:call:t0:1:1' })).toEqual(['timer.fired', 'approval.denied']);
    expect(play.task().status).toBe('running');
  });
  it('is over with the attempt, however that ends', () => {
    const ends: ((play: KernelPlay) => void)[] = [
      (play) => play.ok(),
      (play) => play.fail({ class: 'transient', dispatched: false }),
      (play) => play.ask({ type: 'attempt.lose', task: 't0', attempt: 1 }),
      (play) => play.ask({ type: 'run.cancel', by: ME }),
    ];
    for (const end of ends) {
      const play = running();
      for (const n of [1, 2]) call(play, n);
      decide(play, ANN, about(2));
      end(play);
      expect([statuses(play), call(play, 3), decide(play, ANN, about(1))]).toEqual([
        ['withdrawn', 'granted'],
        ['ATTEMPT_OVER'],
        ['APPROVAL_OVER'],
      ]);
      expect(play.state.approvals.get('call:t0:1:1')?.owed).toEqual([]);
    }
  });
});
