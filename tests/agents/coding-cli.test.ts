// req A2, A6: what a coding agent by its command line may do wrong, and what becomes of it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { type Play, stageOf } from './support/coding.ts';

let stage: Awaited<ReturnType<typeof stageOf>>;
beforeEach(async () => {
  stage = await stageOf();
});
afterEach(() => stage.close());
const play = (part: string, more: Play = {}) => stage.play(part, { via: 'cli', ...more });

const SCHEMA = { type: 'object', required: ['n'], properties: { n: { type: 'number' } } };

test('its last message is the result, what it does is in the log, and what it used is recorded by the meter', async () => {
  const { outcome, log, steps, fake } = await play('answers');
  expect(outcome).toMatchObject({ ok: true, result: { status: 'done', summary: 'All done.', outputs: { text: 'All done.' } } });
  expect(outcome).not.toHaveProperty('usage');
  expect(log).toBe('Working on it.\n[note] Bash: npm test\nAll done.\n[note] It counts 12 tokens in and 3 out.\n');
  expect(steps).toEqual([{ inputTokens: 12, outputTokens: 3, calls: 1 }]);
  expect(fake.released).toBe(1);
});

describe('a process that ends', () => {
  for (const [part, expected] of [
    ['never says that it is done', /^transient NO_TERMINAL_EVENT .*exited with code 0/],
    ['says so too early', /^transient NO_TERMINAL_EVENT /],
    ['crashes', /^transient ENDED_BY_SIGNAL /],
    ['fails', /^transient EXIT_CODE .*code 3 in the middle[\s\S]*out of cheese/],
    ['knows no such option', /^permanent EXIT_CODE [\s\S]*unknown option/],
    ['meets 400', /^permanent HTTP_400 .*bad thing/],
    ['meets 500', /^transient HTTP_500 /],
  ] as const)
    test(`when it ${part}`, async () => {
      const { failure, left, fake } = await play(part);
      expect(failure).toMatch(expected);
      expect(left).toBe(0);
      expect(fake.released).toBe(1);
    });

  test('in the words of the provider, when one refused', async () => {
    stage.fake.failing = { failure: { class: 'permanent', code: 'AUTH', message: 'The key is not valid.' }, requests: 1 };
    expect((await play('meets 400')).failure).toBe('permanent AUTH The key is not valid.');
  });
});

describe('stopping', () => {
  test('ends an agent that exits with code 0 when it is told to', async () => {
    const { failure, left } = await play('is ended politely', { onShown: ({ abort }) => abort('CANCELLED') });
    expect(failure).toMatch(/^cancelled CANCELLED /);
    expect(left).toBe(0);
  });
  test('when the budget refused a request', async () => {
    const { failure } = await play('hangs', { onShown: ({ fake }) => fake.exhaust(new BatonError('BUDGET_EXCEEDED', 'No more.')) });
    expect(failure).toBe('budget BUDGET_EXCEEDED No more.');
  });
});

describe('the watchdog', () => {
  test('ends an agent of which nothing comes', async () => {
    const { failure } = await play('hangs', { config: { noProgress: 200 } });
    expect(failure).toMatch(/^timeout NO_PROGRESS /);
  });
  test('takes trying again for nothing', async () => {
    stage.fake.quietMs = 60_000;
    const { failure, log } = await play('tries for ever', { config: { noProgress: 1500 } });
    expect(failure).toMatch(/^timeout NO_PROGRESS /);
    expect(log).toContain('[note] The model gave status 500; trying again.');
  });
  test('ends one that makes the same call over and over', async () => {
    const { failure } = await play('loops', { config: { repeatsMax: 4 } });
    expect(failure).toMatch(/^timeout LOOP .*4 times in a row.*repeatsMax = 4: Bash \{"command":"npm test"\}/);
  });
});

test('output of the wrong shape is asked for again in the same conversation, with what was wrong', async () => {
  const { outcome, fake } = await play('misses once', { work: { schema: SCHEMA } });
  expect(outcome).toMatchObject({ ok: true, result: { outputs: { n: 1 } } });
  const [first, second] = fake.started.map(({ command }) => command.join(' '));
  expect(first).not.toContain('--resume');
  expect(second).toContain('--resume c-1');
});

test('what it may not do, and what it prints beside its lines, is in the log', async () => {
  expect((await play('is denied')).log).toContain('[note] Not allowed: WebFetch {"url":"https://example.com"}');
  const { text, log } = await play('talks nonsense');
  expect(text).toBe('All done.');
  expect(log).toContain('Welcome!');
});

describe('rework', () => {
  const again = { work: { attempt: 2, feedback: ['sum(2, 3) is still 6.'] } };

  test('resumes the conversation of the earlier attempt', async () => {
    await play('tells what it knows');
    const { text } = await play('tells what it knows', again);
    expect(JSON.parse(String(text))).toMatchObject({
      prompt: 'A check did not accept the result:\nsum(2, 3) is still 6.\n\nPut that right.',
      resumed: 'c-1',
      turns: 2,
    });
  });
  test('begins anew when the agent knows it no more', async () => {
    await play('tells what it knows');
    const { text, log, fake } = await play('forgets its conversations', again);
    expect(text).toBe('Begun anew.');
    expect(log).toContain('it begins anew');
    expect(fake.started.map(({ command }) => command.includes('--resume'))).toEqual([false, true, false]);
  });
  test('is not what a fresh attempt does', async () => {
    await play('tells what it knows');
    const { text } = await play('tells what it knows', { work: { attempt: 2 } });
    expect(JSON.parse(String(text))).toMatchObject({ turns: 1 });
    expect(JSON.parse(String(text))).not.toHaveProperty('resumed');
  });
});

test('messages are not taken: whoever sends one is told', async () => {
  const answers: boolean[] = [];
  await play('streams', { message: 'Anybody there?', answers });
  expect(answers).toEqual([]);
});
