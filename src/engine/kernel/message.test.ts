// req H6
import { describe, expect, it } from 'vitest';
import { REFUSALS_MAX } from './message.ts';
import { KernelPlay, ME } from './play.ts';

const send = (play: KernelPlay, task = 't0') => play.ask({ type: 'message.send', by: ME, task, body: 'hash of hello' });
const end = (play: KernelPlay, acknowledged: boolean, attempt = 1, message = 'message:1') =>
  play.ask({ type: 'message.end', message, attempt, acknowledged });
const delivers = (play: KernelPlay) => [...play.state.messages.values()].flatMap((message) => message.owed.map((owed) => owed.id));

describe('a message', () => {
  it('waits for a running attempt, and is over when that acknowledged it', () => {
    const play = new KernelPlay([{}]);
    expect(send(play)).toEqual(['message.sent']);
    expect(delivers(play)).toEqual([]);
    play.start();
    expect(delivers(play)).toEqual(['deliver:message:1:1']);
    expect(end(play, true)).toEqual(['message.acknowledged']);
    expect(delivers(play)).toEqual([]);
    expect(end(play, true)).toEqual(['MESSAGE_OVER']);
    expect(end(play, true, 1, 'message:9')).toEqual(['MESSAGE_OVER']);
  });
  it('that was refused goes to the next attempt, and back to its sender after three', () => {
    const play = new KernelPlay([{}]);
    send(play);
    for (let attempt = 1; attempt <= REFUSALS_MAX; attempt++) {
      play.start('t0', attempt);
      expect(delivers(play)).toEqual([`deliver:message:1:${attempt}`]);
      expect(end(play, false, attempt)).toEqual(attempt < REFUSALS_MAX ? ['message.refused'] : ['message.refused', 'message.returned']);
      expect(delivers(play)).toEqual([]);
      play.lose('t0', attempt);
    }
    expect(play.state.messages.get('message:1')?.status).toBe('returned');
  });
  it('comes back when its task ends first; one that was read all the same counts as read', () => {
    const play = new KernelPlay([{}, {}]);
    send(play);
    send(play, 't1');
    play.start();
    expect(play.ok()).toEqual(['task.committed', 'message.returned']);
    expect(play.state.messages.get('message:2')?.status).toBe('waiting');
    expect(end(play, false)).toEqual(['MESSAGE_OVER']);
    expect(end(play, true)).toEqual(['message.acknowledged']);
  });
  it('comes back when its task is dropped, and is refused when nobody would read it', () => {
    const play = new KernelPlay([{}, {}]);
    send(play, 't1');
    expect(play.ask({ type: 'plan.change', by: ME, base: 1, add: [], drop: ['t1'] })).toEqual(['plan.changed', 'message.returned']);
    expect(send(play, 't1')).toEqual(['TASK_NOT_FOUND']);
    play.start();
    play.fail({});
    expect(send(play)).toEqual(['ATTEMPT_OVER']);
    play.ask({ type: 'run.retry', by: ME });
    expect(send(play)).toEqual(['message.sent']);
    expect(play.state.messages.get('message:2')?.task).toBe('t0^2');
  });
  it('is not handed to an attempt that is being stopped', () => {
    const play = new KernelPlay([{}]);
    play.start();
    play.ask({ type: 'run.cancel', by: ME });
    send(play);
    expect(delivers(play)).toEqual([]);
  });
});
