// req K4, K6, K7, K10
import { describe, expect, it, test } from 'vitest';
import type { HostCommand } from './commands.ts';
import type { Failure, TaskSpec } from './plan.ts';
import { KernelPlay, ME } from './play.ts';
import { CLASS_RULES, RETRY_AFTER_MAX_MS } from './retry.ts';

const decide = (play: KernelPlay, decision: 'retry' | 'committed' | 'fail', result?: string) =>
  play.ask({ type: 'task.decide', by: ME, task: 't0', decision, ...(result === undefined ? {} : { result }) });

function lostOnce(spec: Partial<TaskSpec>): KernelPlay {
  const play = new KernelPlay([{ idempotent: false, ...spec }]);
  play.start();
  play.lose();
  return play;
}
const statusAfterLoss = (spec: Partial<TaskSpec>) => lostOnce(spec).task().status;

describe('a lost attempt', () => {
  it.each<[string, Partial<TaskSpec>]>([
    ['ready', { idempotent: true }],
    ['ready', { idempotent: true, onLost: 'fail' }],
    ['ready', { onLost: 'retry' }],
    ['undecided', {}],
    ['undecided', { onLost: 'ask' }],
    ['failed', { onLost: 'fail' }],
    ['undecided', { onLost: 'retry', probe: true }],
    ['undecided', { onLost: 'fail', probe: true }],
  ])('leaves its task %s: %o', (status, spec) => {
    expect(statusAfterLoss(spec)).toBe(status);
  });

  it('is not tried again for ever: a task that loses twenty may be what brings the process down', () => {
    const play = new KernelPlay([{}]);
    const { attempts } = CLASS_RULES.lost;
    for (let attempt = 1; attempt < attempts; attempt++) {
      play.start('t0', attempt);
      expect(play.lose('t0', attempt)).toEqual(['attempt.lost']);
      expect(play.task().status).toBe('ready');
    }
    play.start('t0', attempts);
    play.lose('t0', attempts);
    expect(play.task().status).toBe('undecided');
    expect(attempts).toBe(20);
  });

  it('may report after all, once, and that changes nothing', () => {
    const play = lostOnce({ idempotent: true });
    play.start('t0', 2);
    expect(play.ok('t0', 1)).toEqual(['attempt.late']);
    expect(play.ok('t0', 1)).toEqual(['ATTEMPT_OVER']);
    expect(play.task()).toMatchObject({ status: 'running', attempt: 2, lost: [] });
    expect(play.task().result).toBeUndefined();
    expect(play.lose('t0', 1)).toEqual(['ATTEMPT_OVER']);
    play.ok('t0', 2);
    expect(play.task().result).toBe('t02');
  });

  it('of a run that is cancelled is not repeated', () => {
    const play = new KernelPlay([{}]);
    play.start();
    play.ask({ type: 'run.cancel', by: ME });
    expect(play.lose()).toEqual(['attempt.lost', 'task.cancelled', 'run.ended']);
  });
});

describe('a probe', () => {
  const probe = (
    play: KernelPlay,
    verdict: 'happened' | 'absent' | 'unknown',
    more: Partial<Extract<HostCommand, { type: 'probe.end' }>> = {},
  ) => play.ask({ type: 'probe.end', task: 't0', attempt: 1, verdict, ...more });

  it('is owed first', () => expect(lostOnce({ probe: true }).owed()).toEqual(['probe:t0:1']));
  it('finds the effect, with its result', () => {
    const play = lostOnce({ probe: true });
    expect(probe(play, 'happened')).toEqual(['RESULT_MISSING']);
    expect(probe(play, 'happened', { attempt: 2, result: 'r' })).toEqual(['ATTEMPT_OVER']);
    expect(probe(play, 'happened', { result: 'r' })).toEqual(['probe.judged', 'task.committed', 'run.ended']);
    expect(play.task().result).toBe('r');
  });
  it('finds that nothing happened: the task is tried again', () => {
    const play = lostOnce({ probe: true, onLost: 'fail' });
    expect(probe(play, 'absent')).toEqual(['probe.judged']);
    expect(play.owed()).toEqual(['start:t0:2']);
    expect(probe(play, 'absent')).toEqual(['ATTEMPT_OVER']);
  });
  it.each<[TaskSpec['onLost'], string]>([
    ['ask', 'undecided'],
    ['retry', 'ready'],
    ['fail', 'failed'],
  ])('knows nothing: onLost %s leaves the task %s', (onLost, status) => {
    const play = lostOnce({ probe: true, ...(onLost ? { onLost } : {}) });
    probe(play, 'unknown');
    expect(play.task().status).toBe(status);
    expect(probe(play, 'absent')).toEqual(['ATTEMPT_OVER']);
  });
});

describe('a person decides about an undecided task', () => {
  it('to try again', () => {
    const play = lostOnce({});
    expect(decide(play, 'retry')).toEqual(['task.decided']);
    expect(play.start('t0', 2)).toEqual(['task.started']);
    expect(decide(play, 'retry')).toEqual(['TASK_NOT_UNDECIDED']);
  });
  it('that it happened, with its result', () => {
    const play = lostOnce({});
    expect(decide(play, 'committed')).toEqual(['RESULT_MISSING']);
    expect(decide(play, 'committed', 'r')).toEqual(['task.decided', 'task.committed', 'run.ended']);
    expect([play.task().status, play.task().result]).toEqual(['committed', 'r']);
  });
  it('that it failed', () => {
    const play = lostOnce({});
    expect(decide(play, 'fail')).toEqual(['task.decided', 'task.failed', 'run.ended']);
    expect(play.task().failure).toMatchObject({ class: 'lost', code: 'ATTEMPT_UNKNOWN' });
  });
});

describe('a retry rule', () => {
  const failTwice = (retry: TaskSpec['retry'], kind: 'transient' | 'timeout') => {
    const play = new KernelPlay([{ ...(retry ? { retry } : {}) }]);
    play.start();
    play.fail({ class: kind });
    return play;
  };
  it('of a task replaces that of the class', () => {
    expect(failTwice({ attempts: 2, on: ['timeout'] }, 'transient').task().status).toBe('failed');
    expect(failTwice({ attempts: 1, on: ['transient'] }, 'transient').task().status).toBe('failed');
    expect(failTwice({ attempts: 2, on: ['transient'] }, 'transient').task().status).toBe('ready');
  });
  it('waits twice as long each time, up to a limit, and by half at random', () => {
    const play = new KernelPlay([{ retry: { attempts: 9, on: ['transient'], backoffMs: 1_000, backoffMaxMs: 5_000 } }]);
    const waits: number[] = [];
    for (let attempt = 1; attempt < 6; attempt++) {
      play.start('t0', attempt);
      play.fail({ class: 'transient' }, 't0', attempt);
      const at = play.task().retryAt ?? 0;
      waits.push(at - play.at);
      expect(play.ask({ type: 'timer.fire', timer: `retry:t0:${attempt}` })).toEqual(['TIMER_OVER']);
      play.at = at;
      expect(play.ask({ type: 'timer.fire', timer: `retry:t0:${attempt}` })).toEqual(['timer.fired']);
    }
    for (const [i, full] of [1_000, 2_000, 4_000, 5_000, 5_000].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(full / 2);
      expect(waits[i]).toBeLessThanOrEqual(full);
    }
  });
  it('gives up when the other side wants to be left alone for longer than an hour', () => {
    const wait = (retryAfterMs: number) => {
      const play = new KernelPlay([{}]);
      play.start();
      play.fail({ class: 'throttled', retryAfterMs });
      return play.task().status;
    };
    expect([wait(RETRY_AFTER_MAX_MS), wait(RETRY_AFTER_MAX_MS + 1)]).toEqual(['ready', 'failed']);
  });
  it('needs no timer when there is nothing to wait for', () => {
    const play = new KernelPlay([{}]);
    play.start();
    play.fail({ class: 'throttled', retryAfterMs: 0 });
    expect(play.owed()).toEqual(['start:t0:2']);
  });
});

test('after a rework everything begins anew: retries, steps, losses', () => {
  const play = new KernelPlay([{ gates: ['g'] }]);
  const step = (attempt: number) => play.ask({ type: 'step.record', task: 't0', attempt, step: 's', output: 'o' });
  play.start();
  step(1);
  play.lose();
  play.start('t0', 2);
  expect(step(2)).toEqual(['STEP_OVER']);
  play.ok('t0', 2);
  play.ask({ type: 'gate.end', task: 't0', attempt: 2, gate: 0, verdict: 'fail', evidence: 'e' });
  expect(play.task()).toMatchObject({ status: 'ready', failures: {}, steps: {}, reworks: 1, feedback: ['e'] });
  play.start('t0', 3);
  expect(step(3)).toEqual(['step.recorded']);
});

test('a question is answered once, a task never', () => {
  const play = new KernelPlay([{ kind: 'question', agent: 'ann' }, {}]);
  const answer = (task: string) => play.ask({ type: 'question.answer', by: ME, task, result: 'yes' });
  expect(play.task()).toMatchObject({ status: 'running', agent: 'ann', attempt: 1 });
  expect(play.owed()).toContain('notify:question:t0:1');
  play.start('t1');
  expect(answer('t1')).toEqual(['NOT_A_QUESTION']);
  expect(play.lose()).toEqual(['ATTEMPT_OVER']);
  expect(answer('t0')).toEqual(['task.committed']);
  expect(answer('t0')).toEqual(['NOT_A_QUESTION']);
});

test('a blocked task waits for a person, who may let it try again', () => {
  const play = new KernelPlay([{}]);
  expect(play.ask({ type: 'task.block', task: 't0', reason: 'no such agent' })).toEqual(['task.blocked']);
  expect(play.task().reason).toBe('no such agent');
  expect(play.state.status).toBe('waiting');
  expect(play.owed()).toEqual(['notify:blocked:t0:0']);
  expect(play.start()).toEqual(['TASK_NOT_READY']);
  expect(play.ask({ type: 'task.block', task: 't0', reason: 'again' })).toEqual(['TASK_NOT_READY']);
  expect(play.ask({ type: 'run.retry', by: ME, task: 't0' })).toEqual(['task.unblocked']);
  expect(play.state.status).toBe('running');
  expect(play.start()).toEqual(['task.started']);
});

// req K4: found by the simulator.
describe('a person who decides while the probe still looks', () => {
  it.each(['committed', 'fail', 'retry'] as const)('is heard: %s', (decision) => {
    const play = new KernelPlay([{ idempotent: false, probe: true }]);
    play.start();
    play.lose();
    expect(play.task().probing).toBe(true);
    play.ask({ type: 'task.decide', by: ME, task: 't0', decision, ...(decision === 'committed' ? { result: 'r' } : {}) });
    expect(play.task().status).toBe({ committed: 'committed', fail: 'failed', retry: 'ready' }[decision]);
    expect(play.ask({ type: 'probe.end', task: 't0', attempt: 1, verdict: 'absent' })).toEqual(['ATTEMPT_OVER']);
  });
});

// req W14: the machine was in the way.
describe('a failure that holds its task', () => {
  const held: Partial<Failure> = { class: 'cancelled', code: 'DISK_FULL', message: 'no space', holds: true };

  it('blocks it until a person lets it go on, and fails nothing', () => {
    const play = new KernelPlay([{}, {}]);
    play.start();
    expect(play.fail(held)).toEqual(['attempt.failed', 'task.blocked']);
    expect(play.task()).toMatchObject({ status: 'blocked', reason: 'no space', failure: { holds: true } });
    play.start('t1');
    play.ok('t1');
    expect(play.state.status).toBe('waiting');
    expect(play.ask({ type: 'run.retry', by: ME, task: 't0' })).toEqual(['task.unblocked']);
    play.start('t0', 2);
    play.ok('t0', 2);
    expect(play.state.status).toBe('succeeded');
  });

  it('leaves one that may not simply be repeated undecided, whatever its rule says, unless nothing was dispatched', () => {
    const play = new KernelPlay([
      { idempotent: false, onLost: 'retry' },
      { idempotent: false, onLost: 'retry' },
    ]);
    play.start();
    play.start('t1');
    expect(play.fail(held)).toEqual(['attempt.failed']);
    expect(play.task().status).toBe('undecided');
    expect(play.fail({ ...held, dispatched: false }, 't1')).toEqual(['attempt.failed', 'task.blocked']);
  });
});
