import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import type { Definition } from '../../src/work/planning/definition.ts';
import { stage } from './support/context.ts';
import {
  cut,
  fail,
  flood,
  type ModelServer,
  malformed,
  say,
  silence,
  stall,
  startModelServer,
  trailOff,
  withKey,
} from './support/model-server.ts';

const KEY = 'sk-test-1234567890';
const MIB = 1024 * 1024;
const NOTES = { type: 'object', required: ['title', 'body'], properties: { title: { type: 'string' }, body: { type: 'string' } } };
const httpDate = (ms: number): string => new Date(ms).toUTCString();

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer({
    ok: [withKey(KEY, say('Hello, world.'))],
    throttled: [fail(429, { 'retry-after': '7' })],
    'throttled-date': [fail(429, { 'retry-after': httpDate(90_000), date: httpDate(60_000) })],
    'throttled-ms': [fail(429, { 'retry-after-ms': '250', 'retry-after': '1' })],
    quota: [fail(429, {}, { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } })],
    'gone-503': [fail(503, { 'retry-after': '3' })],
    'error-500': [fail(500)],
    conflict: [fail(409)],
    patience: [fail(408)],
    bad: [fail(400)],
    large: [fail(413)],
    'wrong-key': [withKey('sk-another-key', say('never'))],
    forbidden: [fail(403)],
    cut: [cut],
    'trail-off': [trailOff],
    malformed: [malformed],
    'not-a-model': [fail(200, {}, '<html>Please log in</html>')],
    silence: [silence],
    stall: [stall],
    flood: [flood(40 * MIB)],
    'flood-500': [fail(500, {}, 'x'.repeat(40 * MIB))],
    'miss-then-hit': [say('{"title": "T"}'), say('```json\n{"title": "T", "body": "B"}\n```')],
    'prose-then-hit': [say('Sure! Here it is.'), say('[]'), say('{"title": "T", "body": "B"}')],
    'always-miss': [say('{"title": 1}')],
    short: [say('{"title": "T", "bo', { finish: 'length' }), say('{"title": "T", "body": "B"}')],
    filtered: [say('', { finish: 'content_filter' })],
    empty: [say(''), say('Now.')],
    uncounted: [say('x'.repeat(300), { usage: null })],
  });
});
afterAll(() => server.close());

const definition = (model: string, more: { schema?: object; config?: object; prompt?: string; asksMax?: number } = {}): Definition => ({
  kind: 'agent',
  agent: {
    name: 'writer',
    kind: 'model',
    config: { model: `test/${model}`, baseUrl: server.url, apiKeyEnv: 'TEST_KEY', timeoutMs: 2000, ...more.config },
    capabilities: ['text'],
    slots: 1,
  },
  prompt: more.prompt ?? 'Write the notes.',
  ...(more.schema ? { schema: more.schema as Record<string, unknown> } : {}),
  ...(more.asksMax ? { asksMax: more.asksMax } : {}),
});

const attempt = async (model: string, more: Parameters<typeof definition>[1] & { context?: object; env?: Record<string, string> } = {}) => {
  const set = stage({ env: { TEST_KEY: KEY, ...more.env } });
  const before = server.requests(model);
  const ended = await set.attempt(definition(model, more), more.context);
  return { ...ended, ...set, requests: server.requests(model) - before };
};

// req A1
describe('a model', () => {
  test('answers as a stream, in one request, with what it used', async () => {
    const { content, log, recorded, requests } = await attempt('ok', { config: { price: { inputPerMillion: 2, outputPerMillion: 10 } } });
    expect(content).toMatchObject({ outputs: { text: 'Hello, world.' }, summary: 'Hello, world.' });
    expect(log).toEqual(['text: Hello, ', 'text: world.']);
    expect(requests).toBe(1);
    expect(recorded).toMatchObject([{ key: 'ask-1', usage: { inputTokens: 100, outputTokens: 20, calls: 1 } }]);
    expect(recorded[0]?.usage?.costUsd).toBeCloseTo((100 * 2 + 20 * 10) / 1e6);
  });

  // req B1
  test('reserves at least what it uses, and says nothing of a price it does not know', async () => {
    const { recorded } = await attempt('ok', { config: { maxOutputTokens: 500 }, prompt: 'word '.repeat(1000) });
    const [step] = recorded;
    expect(step?.amounts).toEqual({ calls: 1, tokens: expect.any(Number) });
    expect(step?.amounts.tokens).toBeGreaterThan(500 + 1000);
    expect(step?.usage).not.toHaveProperty('costUsd');
    expect(server.bodies('ok').at(-1)?.max_tokens).toBe(500);
  });

  test('that does not count is counted', async () => {
    const { recorded } = await attempt('uncounted');
    expect(recorded[0]?.usage).toMatchObject({ outputTokens: 150, inputTokens: expect.any(Number) });
    expect(recorded[0]?.usage?.inputTokens).toBeGreaterThan(0);
  });

  test('is told its instructions, the task, the shape, and what checks said', async () => {
    const set = stage({ env: { TEST_KEY: KEY } });
    await set.attempt(definition('miss-then-hit', { schema: NOTES, config: { instructions: 'You write short notes.' } }), {
      attempt: 2,
      feedback: [set.blobs.put('Too long.')],
    });
    const [body] = server.bodies('miss-then-hit');
    expect(body?.messages[0]).toMatchObject({
      role: 'system',
      content: expect.stringMatching(/^You write short notes\.[\s\S]*JSON Schema/),
    });
    expect(body?.messages[1]).toEqual({ role: 'user', content: 'Write the notes.\n\nWhat a check said of result 1:\nToo long.' });
    expect(body?.response_format).toMatchObject({ type: 'json_schema', json_schema: { schema: NOTES, strict: false } });
  });
});

// req K10
describe('how a model fails', () => {
  test.each([
    ['throttled', { class: 'throttled', code: 'HTTP_429', retryAfterMs: 7000 }],
    ['throttled-date', { class: 'throttled', code: 'HTTP_429', retryAfterMs: 30_000 }],
    ['throttled-ms', { class: 'throttled', code: 'HTTP_429', retryAfterMs: 250 }],
    ['quota', { class: 'permanent', code: 'QUOTA_EXHAUSTED' }],
    ['gone-503', { class: 'transient', code: 'HTTP_503', retryAfterMs: 3000 }],
    ['error-500', { class: 'transient', code: 'HTTP_500' }],
    ['conflict', { class: 'transient', code: 'HTTP_409' }],
    ['patience', { class: 'transient', code: 'HTTP_408' }],
    ['bad', { class: 'permanent', code: 'HTTP_400' }],
    ['large', { class: 'permanent', code: 'HTTP_413' }],
    ['wrong-key', { class: 'permanent', code: 'AUTH' }],
    ['forbidden', { class: 'permanent', code: 'AUTH' }],
    ['never-heard-of', { class: 'permanent', code: 'MODEL_NOT_FOUND' }],
    ['cut', { class: 'transient', code: 'UND_ERR_SOCKET' }],
    ['trail-off', { class: 'transient', code: 'MALFORMED_REPLY' }],
    ['malformed', { class: 'transient', code: 'MALFORMED_REPLY' }],
    ['not-a-model', { class: 'transient', code: 'MALFORMED_REPLY' }],
    ['flood', { class: 'permanent', code: 'PAYLOAD_TOO_LARGE' }],
    ['flood-500', { class: 'permanent', code: 'PAYLOAD_TOO_LARGE' }],
    ['filtered', { class: 'permanent', code: 'CONTENT_FILTERED' }],
  ])('%s, after one request', async (model, expected) => {
    const { failure, requests, recorded } = await attempt(model);
    expect(failure).toMatchObject(expected);
    expect(requests).toBe(1);
    if (expected.code !== 'CONTENT_FILTERED') expect(recorded).toEqual([]);
  });

  test.each(['silence', 'stall'])('%s is over at the time limit of a request', async (model) => {
    const { failure, requests } = await attempt(model, { config: { timeoutMs: 200 } });
    expect(failure).toMatchObject({ class: 'timeout', code: 'TIMEOUT', message: `test/${model} did not answer within 200 ms.` });
    expect(requests).toBe(1);
  });

  test.each([
    ['CANCELLED', 'cancelled'],
    ['TIMEOUT', 'timeout'],
    ['SHUTDOWN', 'cancelled'],
  ])('ends with its signal: %s', async (code, failureClass) => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(new BatonError(code, 'Because.')), 50);
    const { failure } = await attempt('stall', { context: { signal: ending.signal } });
    expect(failure).toMatchObject({ class: failureClass, code });
  });

  test('nobody there', async () => {
    const gone = await startModelServer({});
    await gone.close();
    const { failure } = await attempt('ok', { config: { baseUrl: gone.url } });
    expect(failure).toMatchObject({ class: 'transient', code: 'ECONNREFUSED' });
  });

  test('a reply over the cap is cut off there, not read whole', async () => {
    await attempt('flood');
    expect(server.sent('flood')).toBeLessThan(38 * MIB);
  });
});

// req D5
describe('keys', () => {
  test('are never in what is stored or shown, not even when the server repeats them', async () => {
    const { failure, blobs, log } = await attempt('wrong-key');
    expect(failure?.message).toContain('Incorrect API key provided: [secret TEST_KEY]');
    expect(failure?.message).toContain('Check the key in TEST_KEY');
    expect(blobs.everything() + log.join() + JSON.stringify(failure)).not.toContain(KEY);
  });

  test('that are missing are asked for by name, without a request', async () => {
    const { failure, requests } = await attempt('ok', { env: { TEST_KEY: '' } });
    expect(failure).toMatchObject({ class: 'permanent', code: 'KEY_MISSING', message: expect.stringContaining('Set TEST_KEY') });
    expect(requests).toBe(0);
  });
});

// req F2
describe('an answer of the wrong shape', () => {
  test('is asked for again, with the exact errors, as a step of the same attempt', async () => {
    const before = server.requests('prose-then-hit');
    const { content, recorded } = await attempt('prose-then-hit', { schema: NOTES });
    expect(content?.outputs).toEqual({ title: 'T', body: 'B' });
    expect(recorded.map(({ key }) => key)).toEqual(['ask-1', 'ask-2', 'ask-3']);
    const [, second, third] = server.bodies('prose-then-hit').slice(before);
    expect(second?.messages.slice(2)).toEqual([
      { role: 'assistant', content: 'Sure! Here it is.' },
      { role: 'user', content: expect.stringMatching(/it is not JSON: Unexpected token/) },
    ]);
    expect(third?.messages.at(-1)?.content).toContain('it is not a JSON object');
    expect(third?.messages).toHaveLength(4);
  });

  test('is invalid-output when the asks are used up', async () => {
    const { failure, requests } = await attempt('always-miss', { schema: NOTES, asksMax: 2 });
    expect(failure).toMatchObject({
      class: 'invalid-output',
      message: expect.stringContaining(
        "(asked 2 times):\n- the answer must have required property 'body'\n- the answer.title must be string",
      ),
    });
    expect(requests).toBe(2);
  });

  test('may be one that was cut off, or is empty', async () => {
    expect((await attempt('short', { schema: NOTES })).content?.outputs).toEqual({ title: 'T', body: 'B' });
    expect(server.bodies('short').at(-1)?.messages.at(-1)?.content).toContain('it was cut off at 16384 tokens');
    expect((await attempt('empty')).content?.outputs).toEqual({ text: 'Now.' });
  });

  test('is not asked for at all when the schema itself is wrong', async () => {
    const { failure, requests } = await attempt('ok', { schema: { type: 'objekt' } });
    expect(failure).toMatchObject({ class: 'permanent', code: 'BAD_SCHEMA' });
    expect(requests).toBe(0);
  });
});

// req K4
test('an attempt that follows a lost one goes on after the last recorded answer', async () => {
  const set = stage({ env: { TEST_KEY: KEY } });
  const asked = definition('always-miss', { schema: NOTES, asksMax: 1 });
  const before = server.requests('always-miss');
  await set.attempt(asked);
  await set.attempt(asked, { attempt: 2 });
  expect(server.requests('always-miss') - before).toBe(2);
  expect([...set.steps.keys()]).toEqual(['ask-1', 'ask-2']);
  expect(server.bodies('always-miss').at(-1)?.messages.at(-1)?.content).toContain('must have required property');
});
