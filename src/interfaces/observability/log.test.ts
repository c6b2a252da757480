import { expect, test } from 'vitest';
import { logFacts } from './fact-log.ts';
import { createLog } from './log.ts';

type State = NonNullable<ReturnType<Parameters<typeof logFacts>[2]>>;
const record = { agent: 'writer', attempt: 2, spec: { kind: 'work' }, spent: { tokens: 120, costUsd: 0.5 } };
const state = {
  status: 'failed',
  spent: { tokens: 120, costUsd: 0.5 },
  submittedAt: 1_000,
  endedAt: 5_000,
  at: 5_000,
  tasks: new Map([['fix', record]]),
} as unknown as State;

// req K17
test('a line has run, task, attempt and agent; an end has latency, tokens, cost and status', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ readable: false, write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  const stored = { stream: 'r1', at: 0, epoch: 1 };
  const failure = { class: 'timeout', code: 'TIMEOUT', message: 'too long' } as const;
  logFacts(
    log,
    [
      { ...stored, seq: 1, fact: { type: 'task.started', task: 'fix', attempt: 2, agent: 'writer' } },
      { ...stored, seq: 2, fact: { type: 'step.recorded', task: 'fix', attempt: 2, step: 's', output: 'h' } },
      {
        ...stored,
        seq: 3,
        fact: {
          type: 'attempt.failed',
          task: 'fix',
          attempt: 2,
          failure,
          ms: 300,
          usage: { inputTokens: 20, outputTokens: 5 },
          retryAt: 9,
        },
      },
      { ...stored, seq: 4, fact: { type: 'task.committed', task: 'fix', attempt: 2, result: 'h', ms: 400 } },
      { ...stored, seq: 5, fact: { type: 'run.ended', outcome: 'failed' } },
    ],
    () => state,
  );
  const about = { run: 'r1', task: 'fix', attempt: 2, agent: 'writer' };
  expect(lines).toMatchObject([
    { ...about, level: 30, msg: 'task.started', seq: 1, pid: process.pid },
    { ...about, level: 40, msg: 'attempt.failed', code: 'TIMEOUT', class: 'timeout', status: 'failed', ms: 300, tokens: 25, costUsd: 0.5 },
    { ...about, level: 30, msg: 'task.committed', status: 'committed', ms: 400, tokens: 120, costUsd: 0.5 },
    { run: 'r1', level: 30, msg: 'run.ended', status: 'failed', ms: 4_000, tokens: 120, costUsd: 0.5 },
  ]);
});

// req K17
test('on a terminal the same line is readable', () => {
  let text = '';
  const log = createLog({ level: 'warn', readable: true, write: (line) => (text += line) });
  log.info('too quiet');
  log.warn({ run: 'r1', task: 'fix', attempt: 2, code: 'TIMEOUT', ms: 300 }, 'attempt.failed');
  expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}r1\/fix\/2 attempt\.failed code=TIMEOUT ms=300\n$/);
});
