// req B1, B2
import { describe, expect, it, test } from 'vitest';
import type { Amounts, FailureClass } from './plan.ts';
import { KernelPlay, ME } from './play.ts';

const reserve = (play: KernelPlay, step: string, amounts: Amounts, task = 't0') =>
  play.ask({ type: 'step.reserve', task, attempt: 1, step, amounts });
const record = (play: KernelPlay, step: string, calls: number, task = 't0') =>
  play.ask({ type: 'step.record', task, attempt: 1, step, output: 'o', usage: { calls } });
function started(limits: Amounts, budget?: Amounts, tasks = 1): KernelPlay {
  const play = new KernelPlay(
    Array.from({ length: tasks }, () => (budget ? { budget } : {})),
    limits,
  );
  for (let i = 0; i < tasks; i++) play.start(`t${i}`);
  return play;
}

test('a reservation may reach the limit, and not pass it', () => {
  const play = started({ calls: 4 });
  expect(reserve(play, 'a', { calls: 4 })).toEqual(['budget.warned', 'step.reserved']);
  expect(reserve(play, 'b', { calls: 1 })).toEqual(['budget.exhausted', 'run.paused']);
  expect(reserve(play, 'b', { calls: 1 })).toEqual(['BUDGET_EXCEEDED']);
  expect(reserve(play, 'b', { tokens: 1_000_000, calls: 0 })).toEqual(['step.reserved']);
  expect(play.state.reserved).toMatchObject({ calls: 4, tokens: 1_000_000 });
});

test('80 % of a measure is told once', () => {
  const play = started({ calls: 10 });
  expect(reserve(play, 'a', { calls: 7 })).toEqual(['step.reserved']);
  expect(reserve(play, 'b', { calls: 1 })).toEqual(['budget.warned', 'step.reserved']);
  expect(reserve(play, 'c', { calls: 1 })).toEqual(['step.reserved']);
  play.ask({ type: 'run.resume', by: ME, limits: { calls: 11 } });
  expect(reserve(play, 'd', { calls: 1 })).toEqual(['budget.warned', 'step.reserved']);
});

test('the same step reserved again takes the place of what it had', () => {
  const play = started({ calls: 6 });
  reserve(play, 'a', { calls: 4 });
  expect(reserve(play, 'a', { calls: 4 })).toEqual(['step.reserved']);
  expect(reserve(play, 'a', { calls: 6 })).toEqual(['budget.warned', 'step.reserved']);
  expect(play.state.reserved.calls).toBe(6);
  expect(reserve(play, 'a', { calls: 7 })).toEqual(['budget.exhausted', 'run.paused']);
  record(play, 'a', 1);
  expect([play.state.reserved.calls, play.state.spent.calls]).toEqual([0, 1]);
  expect(reserve(play, 'a', { calls: 1 })).toEqual(['STEP_OVER']);
});

test('a limit of the task is its own: nobody else is paused', () => {
  const play = started({ calls: 100 }, { calls: 2 }, 2);
  expect(reserve(play, 'a', { calls: 2 })).toEqual(['budget.warned', 'step.reserved']);
  expect(reserve(play, 'b', { calls: 1 })).toEqual(['budget.exhausted']);
  expect(reserve(play, 'b', { calls: 1 })).toEqual(['BUDGET_EXCEEDED']);
  expect(play.state.status).toBe('running');
  expect(reserve(play, 'a', { calls: 2 }, 't1')).toEqual(['budget.warned', 'step.reserved']);
  expect(play.fail({ class: 'budget' })).toEqual(['task.failed']);
});

describe('what was set aside when an attempt ends', () => {
  const after = (end: (play: KernelPlay) => void) => {
    const play = started({ calls: 9 });
    reserve(play, 'a', { calls: 2 });
    reserve(play, 'b', { calls: 3 });
    record(play, 'a', 1);
    end(play);
    return [play.state.spent.calls, play.state.reserved.calls, play.task().spent.calls, Object.keys(play.task().reserved).length];
  };
  it.each<FailureClass>(['timeout', 'cancelled'])('is spent when the call may have been served: %s', (kind) => {
    expect(after((play) => play.fail({ class: kind }))).toEqual([4, 0, 4, 0]);
  });
  it('is spent when the attempt is lost', () => expect(after((play) => play.lose())).toEqual([4, 0, 4, 0]));
  it('is spent when the run is cancelled meanwhile', () =>
    expect(
      after((play) => {
        play.ask({ type: 'run.cancel', by: ME });
        expect(reserve(play, 'c', { calls: 1 })).toEqual(['STEP_OVER']);
        play.ok();
      }),
    ).toEqual([4, 0, 4, 0]));
  it.each<FailureClass>(['transient', 'permanent'])('is free again otherwise: %s', (kind) => {
    expect(after((play) => play.fail({ class: kind }))).toEqual([1, 0, 1, 0]);
  });
  it('is free again after a result', () => expect(after((play) => play.ok())).toEqual([1, 0, 1, 0]));
});

test('usage outside of steps counts as well', () => {
  const play = started({});
  const usage = { calls: 2, inputTokens: 3, outputTokens: 4, costUsd: 0.5 };
  play.ask({ type: 'attempt.end', task: 't0', attempt: 1, outcome: { ok: true, result: 'r', usage } });
  expect(play.state.spent).toEqual({ calls: 2, tokens: 7, costUsd: 0.5 });
  expect(play.task().spent).toEqual({ calls: 2, tokens: 7, costUsd: 0.5 });
});

describe('wall time', () => {
  it('pauses the run, once, until it gets more', () => {
    const play = new KernelPlay([{}], { wallTimeMs: 500 });
    const fire = () => play.ask({ type: 'timer.fire', timer: 'wallTime' });
    expect(fire()).toEqual(['TIMER_OVER']);
    play.at += 500;
    expect(fire()).toEqual(['timer.fired', 'budget.exhausted', 'run.paused']);
    expect(fire()).toEqual(['TIMER_OVER']);
    expect(play.ask({ type: 'run.resume', by: ME, limits: { wallTimeMs: 900 } })).toEqual(['run.resumed']);
    expect(play.owed()).toEqual(['timer:wallTime:900:1', 'start:t0:1']);
    play.start();
    play.ok();
    expect(play.owed()).toEqual([]);
  });
  it('is told and pauses nothing when the run is paused already', () => {
    const play = new KernelPlay([{}], { wallTimeMs: 500 });
    play.ask({ type: 'run.pause', by: ME });
    play.at += 500;
    expect(play.ask({ type: 'timer.fire', timer: 'wallTime' })).toEqual(['timer.fired', 'budget.exhausted']);
  });
});
