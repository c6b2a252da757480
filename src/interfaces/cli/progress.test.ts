import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '../api/events.ts';
import type { Fact, Stored } from '../api/states.ts';
import { frame } from './frame.ts';
import { lineText } from './lines.ts';
import { newProgress, type Progress, reduce, standing } from './progress.ts';
import { coloured, plain } from './style.ts';
import { widthOf } from './width.ts';

const by = { id: 'ann', roles: [] };
type Spec = Extract<Fact, { type: 'plan.changed' }>['add'][number];
const spec = (id: string, more: Partial<Spec> = {}): Spec => ({ id, kind: 'work', needs: [], work: 'w', agent: 'writer', ...more });

/** A run that follows facts as a stream gives them, a second apart. */
class Story {
  readonly progress: Progress = newProgress('r1');
  private seq = 0;

  constructor(tasks: readonly Spec[]) {
    const plan = { name: 'notes', source: 's', limits: { tasks: 100, depth: 4 } };
    this.tell({ type: 'run.created', plan, by, segment: 1 }, { type: 'plan.changed', version: 1, by: 'ann', add: tasks });
  }
  tell(...facts: Fact[]): string[] {
    const stored = facts.map((fact): Stored => ({ stream: 'r1', seq: ++this.seq, at: this.seq * 1000, epoch: 1, fact }));
    return this.take({ type: 'facts', position: { facts: this.seq }, facts: stored, more: false });
  }
  say(task: string, text: string): string[] {
    return this.take({
      type: 'output',
      position: { facts: this.seq, output: 1 },
      output: { at: 0, task, attempt: 1, kind: 'stdout', text },
    });
  }
  private take(event: StreamEvent): string[] {
    return reduce(this.progress, event).map(({ about, text }) => `${about}: ${text}`);
  }
  picture(screen = { columns: 100, rows: 24 }): string[] {
    return frame(this.progress, (this.seq + 5) * 1000, screen, plain);
  }
}

const started = (task: string, attempt = 1): Fact => ({ type: 'task.started', task, attempt, agent: 'writer' });
const failed = (task: string): Fact => ({
  type: 'task.failed',
  task,
  attempt: 1,
  failure: { class: 'permanent', code: 'EXIT_CODE', message: 'exit code 1\nwith more below' },
});

// req F6
describe('lines', () => {
  test('tell what happened to whom, what it used, and what to type', () => {
    const story = new Story([
      spec('fix', { gates: ['npm test'] }),
      spec('review', { kind: 'decision', needs: ['fix'] }),
      spec('publish', { needs: ['review'] }),
    ]);
    expect(story.tell(started('fix'))).toEqual(['fix: started (writer)']);
    expect(
      story.tell({
        type: 'attempt.failed',
        task: 'fix',
        attempt: 1,
        failure: { class: 'throttled', code: 'HTTP_429', message: 'slow down' },
        retryAt: 0,
      })[0],
    ).toMatch(/^fix: attempt 1 failed: HTTP_429: slow down; again at \d\d:00:00$/);
    story.tell({ type: 'timer.fired', timer: 'retry:fix:1' });
    expect(story.tell(started('fix', 2))).toEqual(['fix: started (writer), attempt 2']);
    expect(
      story.tell({
        type: 'attempt.succeeded',
        task: 'fix',
        attempt: 2,
        result: 'h',
        usage: { inputTokens: 1000, outputTokens: 234, costUsd: 0.05 },
      }),
    ).toEqual([]);
    expect(story.tell({ type: 'gate.judged', task: 'fix', attempt: 2, gate: 0, verdict: 'pass', evidence: 'e' })).toEqual([
      'fix: gate npm test passed',
    ]);
    expect(story.tell({ type: 'task.committed', task: 'fix', attempt: 2, result: 'h' })).toEqual([
      'fix: done in 3.0 s, 1.2k tokens, $0.05',
    ]);
    expect(story.tell({ type: 'approval.requested', approval: 'task:review', subject: 'task', task: 'review', binds: 'b' })).toEqual([
      'review: waits for a decision → baton approve r1 review',
    ]);
    expect(standing(story.progress)).toBe('person');
    story.tell(
      { type: 'approval.voted', approval: 'task:review', by: 'ann', decision: 'reject', note: 'no' },
      { type: 'approval.denied', approval: 'task:review', by: 'ann' },
    );
    expect(
      story.tell(failed('review'), { type: 'task.skipped', task: 'publish', cause: { cause: 'need', task: 'review', status: 'failed' } }),
    ).toEqual(['review: failed: EXIT_CODE: exit code 1', 'publish: skipped: "review" failed']);
    expect(story.tell({ type: 'run.ended', outcome: 'failed' })).toEqual([
      'run: failed in 14.0 s: 1 task done, 1 failed, 1 skipped; 1.2k tokens, $0.05',
    ]);
    expect(standing(story.progress)).toBe('over');
  });

  test('of output are whole, and carry no escape that would move the cursor', () => {
    const story = new Story([spec('a')]);
    story.tell(started('a'));
    expect(story.say('a', 'one\ntw')).toEqual(['a: one']);
    expect(story.say('a', 'o\n\x1b[2J\x1b]0;title\x07red\x1b[31m!\r\n')).toEqual(['a: two', 'a: red!']);
    expect(story.picture().join('\n')).toContain('red!');
  });

  test('have a time, and colour only where it is wanted', () => {
    const line = { at: 0, about: 'a', tone: 'bad' as const, text: 'failed' };
    expect(lineText(line, plain)).toMatch(/^\d\d:00:00 {2}a {15} {2}failed$/);
    expect(lineText(line, coloured)).toContain('\x1b[31mfailed\x1b[39m');
  });
});

// req F6
describe('the picture', () => {
  test('has tasks, agent, elapsed, tokens and cost', () => {
    const story = new Story([spec('fix'), spec('docs'), spec('later', { needs: ['fix'] })]);
    story.tell(started('fix'), {
      type: 'step.recorded',
      task: 'fix',
      attempt: 1,
      step: 's',
      output: 'o',
      usage: { inputTokens: 20_000, costUsd: 1.5 },
    });
    story.say('fix', 'editing src/a.ts\n');
    expect(story.picture()).toEqual([
      'notes  r1  running  0/3 tasks  0:08  20k tokens, $1.50',
      '  ● fix   writer  0:06  editing src/a.ts',
      '  2 to come',
    ]);
  });

  test('never needs more rows or columns than there are, and keeps what failed or waits on top, with the command', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `task${i}`);
    const story = new Story([...ids.map((id) => spec(id)), spec('ask', { kind: 'question' })]);
    story.tell(...ids.map((id) => started(id)), started('ask'), failed('task77'));
    story.say('task3', `${'日本語'.repeat(50)}\n`);
    for (const rows of [3, 5, 10, 24, 60, 200])
      for (const columns of [20, 40, 80, 200]) {
        const lines = story.picture({ rows, columns });
        expect(lines.length, `${rows} rows`).toBeLessThanOrEqual(rows - 1);
        for (const line of lines) expect(widthOf(line), `${columns} columns: ${line}`).toBeLessThan(columns);
      }
    const lines = story.picture({ rows: 10, columns: 100 });
    expect(lines[1]).toMatch(/✗ task77 .* EXIT_CODE: exit code 1 → baton show r1 task77/);
    expect(lines[2]).toMatch(/\? ask .* baton answer r1 ask/);
    expect(lines.at(-1)).toContain('more');
    expect(story.picture({ rows: 200, columns: 100 }).filter((line) => line.includes('●'))).toHaveLength(99);
  });

  test('a paused run says how to go on, once what ran has finished', () => {
    const story = new Story([spec('a'), spec('b', { needs: ['a'] })]);
    story.tell(started('a'), { type: 'run.paused', by: 'ann', reason: 'asked' });
    expect(standing(story.progress)).toBe('moving');
    story.tell({ type: 'task.committed', task: 'a', attempt: 1, result: 'h' });
    expect(standing(story.progress)).toBe('person');
    expect(story.picture().at(-1)).toContain('baton resume r1');
  });
});
