import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import type { Meter, MeterOptions } from '../../src/work/metering/meter.ts';
import { openMeter } from '../../src/work/metering/open-meter.ts';

const TOKEN = 'token-of-this-attempt';
const KEY = 'the-real-key';
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Serve = (request: IncomingMessage, body: string, response: ServerResponse) => void;
async function stage(serve: Serve, more: Partial<MeterOptions> = {}) {
  const seen: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      serve(request, body, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'baton-meter-'));
  const socket = join(folder, 's');
  const records: { key: string; reserve: unknown; output: string; usage: unknown }[] = [];
  const logs: string[] = [];
  const upstream = { baseUrl: base, apiKey: KEY, provider: 'openai' };
  const meter = await openMeter({
    socket,
    upstreams: { openai: { ...upstream, baseUrl: `${base}/v1` }, anthropic: upstream, gemini: upstream },
    token: TOKEN,
    keyPrefix: 'wire-1',
    outputTokensDefault: 1_000,
    signal: new AbortController().signal,
    onExhausted: () => {},
    log: (text) => logs.push(text),
    async step(key, reserve, perform) {
      const { output, usage } = await perform();
      records.push({ key, reserve, output, usage });
      return output;
    },
    ...more,
  });
  endings.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => new Promise((resolve) => server.close(resolve)),
    () => server.closeAllConnections(),
    () => meter.close(),
  );
  const ask = (path: string, body: unknown = {}, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }, method = 'POST') =>
    new Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }>((resolve, reject) => {
      const request = httpRequest(
        { socketPath: socket, path, method, headers: { 'content-type': 'application/json', ...headers } },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('close', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
        },
      );
      request.on('error', reject);
      request.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  return { meter: meter as Meter, ask, seen, records, logs, socket };
}
const json = (response: ServerResponse, value: unknown, status = 200, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
const events = (response: ServerResponse, values: readonly unknown[], done = false) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const value of values) response.write(`data: ${JSON.stringify(value)}\n\n`);
  response.end(done ? 'data: [DONE]\n\n' : undefined);
};
const CHAT = '/openai/v1/chat/completions';

// req B3
describe('what is counted', () => {
  it.each([
    ['a chat', CHAT, { object: 'chat.completion', choices: [], usage: { prompt_tokens: 11, completion_tokens: 7 } }],
    ['a response', '/openai/v1/responses', { object: 'response', usage: { input_tokens: 11, output_tokens: 7 } }],
    [
      'messages',
      '/anthropic/v1/messages',
      { type: 'message', usage: { input_tokens: 5, cache_read_input_tokens: 4, cache_creation_input_tokens: 2, output_tokens: 7 } },
    ],
    [
      'generated content',
      '/gemini/v1beta/models/g-1:generateContent',
      { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 4, thoughtsTokenCount: 3 } },
    ],
  ])('of %s is what the provider says', async (_name, path, answer) => {
    const { ask, meter, records } = await stage((_request, _body, response) => json(response, answer));
    expect(JSON.parse((await ask(path, { model: 'm', max_tokens: 50 })).text)).toEqual(answer);
    expect(records).toMatchObject([{ key: 'wire-1:1', usage: { calls: 1, inputTokens: 11, outputTokens: 7 } }]);
    expect(meter.total()).toMatchObject({ requests: 1, inputTokens: 11, outputTokens: 7 });
  });

  it.each([
    [
      'a chat',
      CHAT,
      [{ choices: [{ delta: { content: 'a' } }] }, { choices: [], usage: { prompt_tokens: 11, completion_tokens: 7 } }],
      true,
    ],
    [
      'a response',
      '/openai/v1/responses',
      [{ type: 'response.created' }, { type: 'response.completed', response: { usage: { input_tokens: 11, output_tokens: 7 } } }],
      false,
    ],
    [
      'messages',
      '/anthropic/v1/messages',
      [
        { type: 'message_start', message: { usage: { input_tokens: 11, output_tokens: 1 } } },
        { type: 'message_delta', usage: { output_tokens: 7 } },
        { type: 'message_stop' },
      ],
      false,
    ],
    [
      'generated content',
      '/gemini/v1beta/models/g-1:streamGenerateContent?alt=sse',
      [
        { usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 1 } },
        { usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7 } },
      ],
      false,
    ],
  ])('of %s as a stream is the last that the provider says', async (_name, path, values, done) => {
    const { ask, records } = await stage((_request, _body, response) => events(response, values, done));
    await ask(path, { model: 'm', stream: true });
    expect(records[0]?.usage).toMatchObject({ calls: 1, inputTokens: 11, outputTokens: 7 });
  });

  it('is asked for where an agent does not, and taken out again', async () => {
    const values = [{ choices: [{ delta: { content: 'a' } }] }, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }];
    const { ask, seen } = await stage((_request, _body, response) => events(response, values, true));
    const hidden = await ask(CHAT, { model: 'm', stream: true });
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } });
    expect(hidden.text).not.toContain('usage');
    expect(hidden.text).toMatch(/content[\s\S]*\[DONE\]/);
    expect((await ask(CHAT, { model: 'm', stream: true, stream_options: { include_usage: true } })).text).toContain('"usage"');
  });

  it('of a stream that is cut is what was seen, or an estimate that says so', async () => {
    const { ask, records } = await stage((_request, _body, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: 'a' } }] })}\n\n`);
      setTimeout(() => response.destroy(), 20);
    });
    await ask(CHAT, { model: 'm', stream: true }).catch(() => {});
    expect(JSON.parse(records[0]?.output ?? '{}')).toMatchObject({ estimated: true });
  });
});

// req B1
describe('the budget', () => {
  it('reserves what a request may cost before it is sent', async () => {
    const { ask, records } = await stage((_request, _body, response) => json(response, {}));
    await ask(CHAT, { model: 'm', max_tokens: 50, messages: ['x'.repeat(300)] });
    const { tokens } = (records[0]?.reserve ?? { tokens: 0 }) as { tokens: number };
    expect(tokens).toBeGreaterThan(150);
    expect(tokens).toBeLessThan(250);
  });

  it('that refuses ends the attempt, and nothing more is sent', async () => {
    let told = 0;
    const refuse = () => Promise.reject(new BatonError('BUDGET_EXCEEDED', 'no more'));
    const { ask, seen } = await stage((_request, _body, response) => json(response, {}), { step: refuse, onExhausted: () => told++ });
    expect(await ask(CHAT, {})).toMatchObject({ status: 402, text: expect.stringContaining('budget') });
    expect(await ask('/anthropic/v1/messages', {})).toMatchObject({ status: 402 });
    expect([seen.length, told]).toEqual([0, 1]);
  });
});

// req D5
describe('keys and ways', () => {
  it('the real key goes to the provider alone, and the token of the attempt to nobody', async () => {
    const { ask, seen, records, logs } = await stage((_request, _body, response) => json(response, { error: 'x' }, 400));
    for (const headers of [{ authorization: `Bearer ${TOKEN}` }, { 'x-api-key': TOKEN }, { 'x-goog-api-key': TOKEN }]) {
      const answer = await ask('/anthropic/v1/messages', { model: 'm' }, headers as Record<string, string>);
      expect(JSON.stringify(answer)).not.toContain(KEY);
    }
    expect(seen.map(({ headers }) => headers['x-api-key'])).toEqual([KEY, KEY, KEY]);
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
    expect(JSON.stringify([records, logs])).not.toContain(KEY);
  });

  it('a wrong token, an unknown path and a path that climbs get nowhere', async () => {
    const { ask, seen } = await stage((_request, _body, response) => json(response, {}));
    expect((await ask(CHAT, {}, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask(CHAT, {}, {})).status).toBe(401);
    for (const path of [
      '/openai/v1/files',
      '/openai/v1/../admin',
      '/openai/v1/chat%2fcompletions',
      '//evil/openai/v1/models',
      '/v1/chat/completions',
      'http://evil.example/openai/v1/models',
    ])
      expect((await ask(path)).status, path).toBe(404);
    expect(seen).toEqual([]);
  });

  it('a provider without a key is said to be missing', async () => {
    const { ask } = await stage(() => {}, { upstreams: {} });
    expect(await ask(CHAT)).toMatchObject({ status: 401, text: expect.stringContaining('no key') });
  });
});

describe('trouble', () => {
  it('goes on to the agent as it came, and is remembered until somebody answers', async () => {
    let n = 0;
    const { ask, meter } = await stage((_request, _body, response) =>
      n++ < 2 ? json(response, { error: 'slow down' }, 429, { 'retry-after': '2' }) : json(response, {}),
    );
    const first = await ask(CHAT, {});
    expect(first).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    await ask(CHAT, {});
    expect(meter.failing()).toMatchObject({ requests: 2, failure: { class: 'throttled', code: 'HTTP_429', retryAfterMs: 2000 } });
    await ask(CHAT, {});
    expect(meter.failing()).toBeUndefined();
  });

  it('of a provider that is not there is a 502, and costs nothing', async () => {
    const { ask, meter } = await stage(() => {}, { upstreams: { openai: { baseUrl: 'http://127.0.0.1:9/v1', provider: 'openai' } } });
    expect((await ask(CHAT, {})).status).toBe(502);
    expect(meter.failing()?.failure.class).toBe('transient');
    expect(meter.total()).toMatchObject({ inputTokens: 0, outputTokens: 0 });
  });

  it('an agent that leaves does not keep a provider from saying what it counted', async () => {
    let answer: (() => void) | undefined;
    const { meter, socket, records } = await stage((_request, _body, response) => {
      answer = () => json(response, { usage: { prompt_tokens: 11, completion_tokens: 4 } });
    });
    const request = httpRequest({ socketPath: socket, path: CHAT, method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    request.on('error', () => {});
    request.end('{}');
    while (!answer) await new Promise((resolve) => setTimeout(resolve, 1));
    request.destroy();
    const closed = meter.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer();
    await closed;
    expect(records).toMatchObject([{ usage: { calls: 1, inputTokens: 11, outputTokens: 4 } }]);
  });

  it('of a request that was sent and broken off is an estimate: it may have been served', async () => {
    const { ask, meter } = await stage((_request, _body, response) => response.destroy());
    expect((await ask(CHAT, { messages: ['a text of some length'] })).status).toBe(502);
    expect(meter.total()).toMatchObject({ calls: 1, inputTokens: 13, outputTokens: 0 });
  });

  it('ends with the meter: what is under way is broken off, and no socket stays', async () => {
    const { ask, meter, socket } = await stage(() => {});
    const asked = ask(CHAT, {}).catch(() => 'broken off');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await meter.close();
    await asked;
    expect(existsSync(socket)).toBe(false);
  });

  it('of a body that is too large is said before anything is sent', async () => {
    const { ask, seen } = await stage((_request, _body, response) => json(response, {}));
    expect((await ask(CHAT, 'x'.repeat(33 * 2 ** 20))).status).toBe(413);
    expect(seen).toEqual([]);
  });
});
