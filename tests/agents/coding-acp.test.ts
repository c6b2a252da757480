// req A2, A6: what a coding agent over ACP may do wrong, and what becomes of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { stageOf } from './support/coding.ts';

let stage: Awaited<ReturnType<typeof stageOf>>;
beforeEach(async () => {
  stage = await stageOf();
});
afterEach(() => stage.close());

const promptsOf = (heard: readonly { readonly method: string; readonly params: Record<string, unknown> }[]): string[] =>
  heard.filter(({ method }) => method === 'session/prompt').map(({ params }) => (params['prompt'] as { text: string }[])[0]?.text ?? '');

test('its last message is the result, what it does is in the log, and what it used is recorded by the meter', async () => {
  const { outcome, log, steps, heard, fake } = await stage.play('answers');
  expect(outcome).toEqual({
    ok: true,
    result: { status: 'done', summary: 'All done.', outputs: { text: 'All done.' }, artifacts: [], evidence: [], questions: [] },
  });
  expect(log).toBe(
    '[note] fake-acp-agent 1.2.3, over ACP\nWorking on it.\n[note] execute: npm test\nAll done.'.replace(
      'fake-acp-agent',
      'claude-agent-acp',
    ),
  );
  expect(steps).toEqual([{ inputTokens: 12, outputTokens: 3, calls: 1 }]);
  expect(heard.map(({ method }) => method)).toEqual(['initialize', 'session/new', 'session/set_mode', 'session/prompt']);
  expect(heard[0]?.params['clientCapabilities']).toEqual({ fs: { readTextFile: false, writeTextFile: false }, terminal: false });
  expect(heard[1]?.params).toMatchObject({ cwd: stage.folder, mcpServers: [] });
  expect(fake.released).toBe(1);
});

// req W2
test.each(['acp', 'cli'] as const)('each call that it has ended, over %s, is told, so that its workspace is put on record', async (via) => {
  expect((await stage.play('answers', { via })).ran).toBe(1);
});

test('it is told the task, its inputs and what checks said, after the instructions for every task', async () => {
  const { text } = await stage.play('echoes', {
    config: { instructions: 'Keep changes small.' },
    work: { prompt: 'Fix it.', inputs: { since: 'HEAD~2' } },
  });
  expect(text).toBe('Keep changes small.\n\nFix it.\n\nIts inputs, as JSON:\n{\n  "since": "HEAD~2"\n}');
});

test('without walls it does not start', async () => {
  const { outcome, failure, fake } = await stage.play('answers', { walls: false });
  expect(failure).toMatch(/^policy SANDBOX_UNAVAILABLE /);
  expect(outcome).toMatchObject({ failure: { dispatched: false } });
  expect(fake.started).toEqual([]);
});

test('of its surroundings it sees its own: home, key and address, and nothing of ours', async () => {
  const { text, fake } = await stage.play('reads its home', {
    work: { env: { API: 'for-the-task', PATH: '/o', HOME: '/o', USER: 'ann' } },
  });
  const { env } = JSON.parse(String(text)) as { env: string[] };
  expect(env).toEqual(expect.arrayContaining(['API', 'HOME', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'CLAUDE_CONFIG_DIR']));
  expect(env).not.toContain('USER');
  expect(fake.started[0]?.env).toMatchObject({ HOME: '/agent/home', ANTHROPIC_API_KEY: 'token-of-a-test' });
  expect(fake.started[0]?.env['PATH']).toBeUndefined();
  expect(fake.started[0]?.mounts?.map(({ to, write }) => [to, write === true])).toEqual([
    ['/agent/home', true],
    ['/agent/program/support', false],
    ['/agent/bin/node', false],
  ]);
});

describe('the mode', () => {
  const modeIn = (state: string): string => readFileSync(join(state, 'claude-acp', 'mode'), 'utf8');

  test('is set explicitly, to one that asks', async () => {
    const { fake } = await stage.play('answers');
    expect(modeIn(fake.walls.state)).toBe('default');
  });
  test('is the one that was configured', async () => {
    const { fake } = await stage.play('answers', { config: { mode: 'plan' } });
    expect(modeIn(fake.walls.state)).toBe('plan');
  });
  test('must be one it has', async () => {
    const { failure } = await stage.play('answers', { config: { mode: 'plam' } });
    expect(failure).toMatch(/^permanent UNKNOWN_MODE .*Did you mean "plan"\? It has plan, default\.$/);
  });
});

describe('a turn that ends', () => {
  for (const [part, expected] of [
    ['refuses', /^permanent REFUSED .*I must not/],
    ['meets trouble', /^transient AGENT_ERROR .*bad thing/],
    ['meets 429', /^throttled HTTP_429 /],
    ['wants a login', /^permanent AUTH /],
    ['crashes', /^transient ENDED_BY_SIGNAL /],
    ['leaves', /^transient NO_TERMINAL_EVENT .*exited with code 0/],
    ['fails', /^transient EXIT_CODE .*code 3 in the middle[\s\S]*out of cheese/],
    ['dies at once', /^permanent EXIT_CODE [\s\S]*no such option/],
  ] as const)
    test(`when it ${part}`, async () => {
      const { failure, left, fake } = await stage.play(part);
      expect(failure).toMatch(expected);
      expect(left).toBe(0);
      expect(fake.released).toBe(fake.started.length);
    });

  test('as cut off is asked for again', async () => {
    const { text, heard } = await stage.play('is cut');
    expect(text).toBe('A short story.');
    expect(promptsOf(heard)[1]).toContain('it was cut off');
  });

  test('in the words of the provider, when one refused', async () => {
    stage.fake.failing = { failure: { class: 'permanent', code: 'HTTP_400', message: 'The model does not know this field.' }, requests: 1 };
    const { failure } = await stage.play('meets trouble');
    expect(failure).toBe('permanent HTTP_400 The model does not know this field.');
  });

  test('as if all were well though no model answered, for the agent that is known to do that', async () => {
    stage.fake.failing = { failure: { class: 'transient', code: 'HTTP_500', message: 'It is down.' }, requests: 2 };
    const part = 'ends well though nobody answered';
    expect((await stage.play(part, { config: { acp: 'codex' } })).failure).toBe('transient HTTP_500 It is down.');
    expect((await stage.play(part)).failure).toBeUndefined();
  });
});

test('an agent that never gets ready is given up', async () => {
  const { failure, left } = await stage.play('never starts', { options: { timing: { startMs: 300, closeMs: 100, graceMs: 100 } } });
  expect(failure).toMatch(/^timeout AGENT_START_TIMEOUT .*300 ms.*startMs/);
  expect(left).toBe(0);
});

describe('stopping', () => {
  test('asks it to cancel, and leaves nothing', async () => {
    const { failure, heard, left } = await stage.play('hangs', { onShown: ({ abort }) => abort('CANCELLED') });
    expect(failure).toMatch(/^cancelled CANCELLED /);
    expect(heard.at(-1)?.method).toBe('session/cancel');
    expect(left).toBe(0);
  });
  test('makes it when it does not', async () => {
    const { failure, left } = await stage.play('hangs for good', { onShown: ({ abort }) => abort('TIMEOUT') });
    expect(failure).toMatch(/^timeout TIMEOUT /);
    expect(left).toBe(0);
  });
  test('while it starts', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new BatonError('CANCELLED', 'Enough.')), 200);
    const { failure, left } = await stage.play('never starts', { signal: stop.signal });
    expect(failure).toMatch(/^cancelled CANCELLED /);
    expect(left).toBe(0);
  });
  test('when the budget refused a request', async () => {
    const { failure } = await stage.play('hangs', {
      onShown: ({ fake }) => fake.exhaust(new BatonError('BUDGET_EXCEEDED', 'The task may use 100 tokens.')),
    });
    expect(failure).toBe('budget BUDGET_EXCEEDED The task may use 100 tokens.');
  });
});

describe('the watchdog', () => {
  test('ends an agent of which nothing comes, while nothing goes to a model', async () => {
    const { failure, left } = await stage.play('hangs', { config: { noProgress: 200 } });
    expect(failure).toMatch(/^timeout NO_PROGRESS .*noProgress = 200 ms/);
    expect(left).toBe(0);
  });
  test('lets one be that talks with a model', async () => {
    stage.fake.quietMs = 0;
    const { failure } = await stage.play('streams', { config: { noProgress: 50 } });
    expect(failure).toBeUndefined();
  });
  test('ends one that makes the same call over and over', async () => {
    const { failure } = await stage.play('loops');
    expect(failure).toMatch(/^timeout LOOP .*10 times in a row.*repeatsMax = 10: execute \{"command":"npm test"\}/);
  });
  test('is not led astray by calls that are all named alike', async () => {
    expect((await stage.play('loops under one name')).failure).toMatch(/^timeout LOOP /);
  });
  test('takes different calls for work', async () => {
    const { text } = await stage.play('almost loops');
    expect(text).toBe('Not a loop.');
  });
  test('ends one whose provider is dead', async () => {
    stage.fake.failing = { failure: { class: 'transient', code: 'HTTP_502', message: 'Nobody answers.' }, requests: 6 };
    const { failure } = await stage.play('hangs');
    expect(failure).toMatch(/^transient HTTP_502 No model answered 6 requests in a row, at the limit FAILURES_MAX = 6: Nobody answers\./);
  });
});

describe('permissions', () => {
  test('are given once for work inside the walls, and not for what lies outside or beyond a network', async () => {
    const { text, log } = await stage.play('asks');
    expect(JSON.parse(String(text))).toEqual(['yes', 'yes', 'no', 'no', 'no']);
    expect(log).toContain('[note] Allowed (inside the walls): npm test');
    expect(log).toContain('[note] Not allowed (/etc/passwd is outside');
    expect(log).toContain('[note] Not allowed (/root/.bashrc is outside');
    expect(log).toContain('[note] Not allowed (there is no network)');
  });
  // req H1, H2
  test('are a matter of a person where the settings say so, and never what the walls would not let through', async () => {
    const asked: unknown[] = [];
    const { text, log } = await stage.play('asks', {
      config: { ask: { before: ['execute', 'edit'], by: ['boss'], timeout: 5000 } },
      ask: async (about, rule) => ({ allowed: asked.push([about.agent, about.title, about.input, rule]) === 2, by: 'ann' }),
    });
    expect(JSON.parse(String(text))).toEqual(['no', 'yes', 'no', 'no', 'no']);
    const rule = { by: ['boss'], timeoutMs: 5000 };
    expect(asked).toEqual([
      ['coder', 'Edit sum.js', { file_path: expect.stringMatching(/sum\.js$/) }, rule],
      ['coder', 'npm test', { command: 'npm test' }, rule],
    ]);
    expect(log).toContain('[note] Not allowed (a person was asked): Edit sum.js');
    expect(log).toContain('[note] Allowed (a person was asked): npm test');
    expect(log).toContain('[note] Not allowed (/etc/passwd is outside');
  });
  test('are refused where a person would have to be asked and nobody can be', async () => {
    const { text } = await stage.play('asks', { options: { policy: () => 'ask' } });
    expect(JSON.parse(String(text))).toEqual(['no', 'no', 'no', 'no', 'no']);
  });
  // req H2
  test('are asked for no more once nobody has answered in time', async () => {
    const asked: string[] = [];
    const { text, log } = await stage.play('asks', {
      config: { ask: { before: ['execute', 'edit'] } },
      ask: async ({ title }) => ({ allowed: asked.push(title) > 1, by: 'timeout' }),
    });
    expect([JSON.parse(String(text)), asked]).toEqual([['no', 'no', 'no', 'no', 'no'], ['Edit sum.js']]);
    expect(log).toContain('[note] Not allowed (nobody answered in 600000 ms, the limit ask.timeout): Edit sum.js');
  });
});

describe('messages', () => {
  test('go into the running turn of an agent that takes them there', async () => {
    const answers: boolean[] = [];
    const { text } = await stage.play('is steered', { message: 'Use tabs.', answers });
    expect(answers).toEqual([true]);
    expect(text).toBe('Steered by: Use tabs.');
  });
  test('end the turn of one that does not, after a while, and are its next prompt', async () => {
    const answers: boolean[] = [];
    const { text, heard } = await stage.play('takes messages', { message: 'Use tabs.', answers });
    expect(answers).toEqual([true]);
    expect(text).toBe('Read: Use tabs.');
    expect(heard.map(({ method }) => method).slice(3)).toEqual(['session/prompt', 'session/cancel', 'session/prompt']);
  });
  test('wait for the end of a turn that is near', async () => {
    const answers: boolean[] = [];
    const { heard } = await stage.play('streams', { message: 'Use tabs.', answers, options: { timing: { interruptMs: 60_000 } } });
    expect(answers).toEqual([true]);
    expect(heard.map(({ method }) => method)).not.toContain('session/cancel');
    expect(promptsOf(heard)[1]).toContain('Use tabs.');
  });
  test('that nobody got to read are given back', async () => {
    const answers: boolean[] = [];
    await stage.play('hangs', {
      ...{ message: 'Too late.', answers, options: { timing: { interruptMs: 60_000, closeMs: 100, cancelMs: 100 } } },
      onShown: ({ abort }) => setTimeout(() => abort('CANCELLED'), 100),
    });
    expect(answers).toEqual([false]);
  });
});

describe('rework', () => {
  const again = { work: { attempt: 2, feedback: ['The first time.', 'sum(2, 3) is still 6.'], acknowledged: 1 } };

  test('goes on with the conversation of the earlier attempt, which is not told anew', async () => {
    await stage.play('echoes');
    const { text, heard, log } = await stage.play('echoes', again);
    expect(heard.at(-3)).toMatchObject({ method: 'session/load', params: { sessionId: 's-1' } });
    expect(text).toBe('A check did not accept the result:\nsum(2, 3) is still 6.\n\nPut that right.');
    expect(log).not.toContain('What was said before.');
  });
  // req W4
  test('tells in that conversation everything that nobody has acknowledged yet', async () => {
    await stage.play('echoes');
    const { text } = await stage.play('echoes', { work: { ...again.work, acknowledged: 0 } });
    expect(text).toMatch(/The first time\.[\s\S]*sum\(2, 3\) is still 6\./);
  });
  // req W14
  test('goes on where it was interrupted', async () => {
    await stage.play('echoes');
    const { text } = await stage.play('echoes', { work: { attempt: 2, feedback: [], goesOn: true } });
    expect(text).toMatch(/^You were interrupted\./);
  });
  test('begins a conversation when the earlier one is gone', async () => {
    await stage.play('forgets');
    const { text, log } = await stage.play('forgets', again);
    expect(log).toContain("The earlier conversation can't be gone on with: no such session");
    expect(text).toContain('Fix it.\n\nWhat a check said of result 1:\nThe first time.');
  });
  test('begins a conversation when the agent can load none', async () => {
    await stage.play('cannot load');
    const { heard } = await stage.play('cannot load', again);
    expect(heard.at(-3)?.method).toBe('session/new');
  });
  test('is not what a fresh attempt does: it finds an empty home', async () => {
    await stage.play('answers');
    const { text } = await stage.play('reads its home', { work: { attempt: 2 } });
    expect(JSON.parse(String(text))).toMatchObject({ home: 4 });
  });
});
