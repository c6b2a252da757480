/**
 * The meter at work: an HTTP server on a unix socket in front of the providers. A request that costs something is a step of
 * its attempt: what it may cost is reserved before it is sent, its answer passes through byte for byte, and what the
 * provider counted is recorded when it has passed. A request that the budget refuses is answered with 402, which no
 * client tries again, and the attempt is told.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as setTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import type { Usage } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import type { Meter, MeterOptions, Upstream } from './meter.ts';
import { Pieces } from './pieces.ts';
import { Reputation } from './reputation.ts';
import { type Asked, askedOf, errorBody, keyHeaders, keyIn, outputMax, PATHS, Tally, upstreamUrl } from './wires.ts';

const REQUEST_MAX = 32 * 2 ** 20;
const ANSWER_MAX = 40 * 2 ** 20;
/** Of a request and of an answer, in a record, in characters. */
const RECORD_MAX = 256 * 1024;
/** A token is rarely shorter: what a body of so many bytes is at most reserved for. */
const BYTES_A_TOKEN = 3;
/** Headers of an agent that are its own business with us. */
const OURS = new Set([
  'host',
  'connection',
  'keep-alive',
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'cookie',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
]);
const NOT_BACK = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-encoding', 'content-length', 'set-cookie']);

/**
 * How long an answer that nobody waits for any more is read on, so that what the provider counted is known. An agent often
 * leaves with its last word while a side call of its own is under way.
 */
const DRAIN_MS = 2_000;
/** The connection broke after it was made: the request may have been served. */
const MAYBE_SERVED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** Of a request without an answer: what a proxy would say, and what is counted as if it had begun to answer. */
const [UNREACHED, SENT] = [502, 200];

type Json = Record<string, unknown>;

/** @throws Error of the system when the socket can't be made */
export async function openMeter(options: MeterOptions): Promise<Meter> {
  const reputation = new Reputation();
  const ending = new AbortController();
  const total = { requests: 0, inputTokens: 0, outputTokens: 0, calls: 0, costUsd: 0, priced: true };
  let [number, busyAt, exhausted] = [0, performance.now(), false];
  const underWay = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const handling = handle(request, response).catch((error: unknown) => {
      options.log(`a request failed: ${error instanceof Error ? error.message : String(error)}`);
      if (!response.headersSent) say(response, 502, 'text/plain', 'The meter failed.');
      else response.destroy();
    });
    underWay.add(handling);
    handling.finally(() => underWay.delete(handling));
  });
  server.on('clientError', (_error, socket) => socket.destroy());

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    busyAt = performance.now();
    const url = request.url ?? '';
    if (!sameText(keyIn(request.headers, url), options.token)) return say(response, 401, 'text/plain', 'This is no key of this attempt.');
    const asked = askedOf(request.method ?? '', url);
    if (!asked)
      return say(
        response,
        404,
        'text/plain',
        `${request.method} ${url.split('?')[0]} is nothing that a model answers. Known are ${Object.values(PATHS).join(', ')}.`,
      );
    const upstream = options.upstreams[asked.wire];
    if (!upstream)
      return say(
        response,
        401,
        'application/json',
        errorBody(asked.wire, 'key_missing', `Baton has no key for a provider of the format ${asked.wire}: set it where Baton is started.`),
      );
    const body = await bodyOf(request);
    if (body === undefined)
      return say(response, 413, 'application/json', errorBody(asked.wire, 'too_large', `limit request = ${REQUEST_MAX} bytes`));
    const exchange = new Exchange(
      asked,
      upstream,
      request,
      response,
      body,
      options,
      AbortSignal.any([options.signal, ending.signal]),
      () => {
        busyAt = performance.now();
      },
    );
    if (!asked.billable) {
      await exchange.perform();
      return;
    }
    if (exhausted) return refuse(response, asked);
    try {
      await options.step(`${options.keyPrefix}:${++number}`, exchange.reserve(options.outputTokensDefault), async () => {
        const done = await exchange.perform();
        reputation.add(done);
        total.requests++;
        add(done.usage);
        options.log(
          `${asked.wire} ${exchange.model}: ${done.status}, ${done.usage.inputTokens ?? 0} + ${done.usage.outputTokens ?? 0} tokens, ${done.ms} ms`,
        );
        return { output: done.record, usage: done.usage };
      });
    } catch (error) {
      if (!(error instanceof BatonError) || error.code !== 'BUDGET_EXCEEDED') throw error;
      if (!exhausted) options.onExhausted(error);
      exhausted = true;
      refuse(response, asked);
    }
  }

  function add({ inputTokens = 0, outputTokens = 0, calls = 0, costUsd }: Usage): void {
    total.inputTokens += inputTokens;
    total.outputTokens += outputTokens;
    total.calls += calls;
    if (costUsd === undefined) total.priced = false;
    else total.costUsd += costUsd;
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socket, resolve);
  });
  chmodSync(options.socket, 0o600);
  if (options.owner) chownSync(options.socket, options.owner.uid, options.owner.gid);
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.race([Promise.all(underWay), setTimeout(DRAIN_MS, undefined, { ref: false })]);
    ending.abort(new BatonError('CANCELLED', 'The attempt is over.'));
    server.closeAllConnections();
    await Promise.all([closed, ...underWay]);
    rmSync(options.socket, { force: true });
  };
  return {
    paths: PATHS,
    total: () => {
      const { priced, costUsd, ...rest } = total;
      return { ...rest, ...(priced ? { costUsd } : {}) };
    },
    failing: () => reputation.failing,
    quietMs: () => Math.round(performance.now() - busyAt),
    close,
  };
}

interface Done {
  readonly status: number;
  readonly ms: number;
  readonly usage: Usage;
  readonly record: string;
  readonly retryAfter: string | undefined;
  /** What it said, where it failed. */
  readonly said: string;
}

/** One request on its way to a provider and back. */
class Exchange {
  readonly model: string;
  private readonly json: Json;
  private readonly hidesUsage: boolean;
  private readonly asked: Asked;
  private readonly upstream: Upstream;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly body: Buffer;
  private readonly options: MeterOptions;
  private readonly signal: AbortSignal;
  private readonly busy: () => void;

  constructor(
    asked: Asked,
    upstream: Upstream,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    options: MeterOptions,
    signal: AbortSignal,
    busy: () => void,
  ) {
    this.asked = asked;
    this.upstream = upstream;
    this.request = request;
    this.response = response;
    this.options = options;
    this.busy = busy;
    const gone = new AbortController();
    response.on('close', () => {
      const later = setTimer(() => gone.abort(), DRAIN_MS);
      later.unref();
    });
    this.signal = AbortSignal.any([signal, gone.signal]);
    this.json = parsed(body);
    this.model = asked.model ?? (typeof this.json['model'] === 'string' ? this.json['model'] : 'unknown');
    const chat = asked.wire === 'openai' && asked.path.startsWith('/chat/completions') && this.json['stream'] === true;
    const own = this.json['stream_options'] as Json | undefined;
    this.hidesUsage = chat && own?.['include_usage'] !== true;
    this.body = this.hidesUsage ? Buffer.from(JSON.stringify({ ...this.json, stream_options: { ...own, include_usage: true } })) : body;
  }

  reserve(outputDefault: number): { readonly calls: number; readonly tokens: number } {
    return { calls: 1, tokens: this.inputEstimate + (outputMax(this.asked.wire, this.json) ?? outputDefault) };
  }
  private get inputEstimate(): number {
    return Math.ceil(this.body.length / BYTES_A_TOKEN);
  }

  async perform(): Promise<Done> {
    const began = performance.now();
    const { asked, upstream, request } = this;
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name, value]) => !OURS.has(name) && typeof value === 'string') as [string, string][],
    );
    const tally = new Tally(asked.wire);
    let [status, answered, retryAfter]: [number | undefined, string, string | undefined] = [undefined, '', undefined];
    let sent = false;
    try {
      const answer = await fetch(upstreamUrl(asked.wire, upstream.baseUrl, asked.path), {
        method: request.method ?? 'GET',
        headers: { ...headers, 'accept-encoding': 'identity', ...keyHeaders(asked.wire, upstream.apiKey) },
        ...(this.body.length > 0 ? { body: this.body } : {}),
        redirect: 'manual',
        signal: this.signal,
      });
      status = answer.status;
      retryAfter = answer.headers.get('retry-after') ?? undefined;
      answered = await this.pass(answer, tally);
    } catch (error) {
      sent = this.signal.aborted || MAYBE_SERVED.has(causeOf(error)?.code ?? '');
      answered = `${answered}\n${error instanceof Error ? `${error.message} ${causeOf(error)?.message ?? ''}` : error}`.trim();
      if (!this.response.headersSent)
        say(
          this.response,
          502,
          'application/json',
          errorBody(asked.wire, 'upstream_failed', 'The provider could not be reached, or broke off.'),
        );
      else this.response.destroy();
    }
    const ms = Math.round(performance.now() - began);
    const { usage, estimated } = await this.usageOf(tally, status ?? (sent ? SENT : UNREACHED), status === undefined ? 0 : answered.length);
    const record = {
      wire: asked.wire,
      path: asked.path,
      model: this.model,
      status: status ?? UNREACHED,
      ms,
      usage,
      estimated,
      request: short(this.json),
      response: short(answered),
    };
    const told = status ?? UNREACHED;
    return { status: told, ms, usage, record: JSON.stringify(record), retryAfter, said: told < 400 ? '' : answered.slice(0, 500) };
  }

  private async pass(answer: Response, tally: Tally): Promise<string> {
    const { response } = this;
    const type = answer.headers.get('content-type') ?? '';
    response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => !NOT_BACK.has(name))));
    const pieces = new Pieces(tally, type);
    const sieve = this.hidesUsage && /event-stream/i.test(type) ? new Sieve() : undefined;
    const kept: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      this.busy();
      size += chunk.length;
      if (size > ANSWER_MAX) throw new Error(`limit answer = ${ANSWER_MAX} bytes`);
      if (size <= RECORD_MAX) kept.push(chunk);
      pieces.push(chunk);
      const onward = sieve ? sieve.push(chunk) : chunk;
      if (onward.length > 0 && !response.closed && !response.write(onward)) await passedOn(response);
    }
    pieces.end();
    response.end(sieve?.end());
    return Buffer.concat(kept).toString();
  }

  /** What the provider counted; where it did not, what can be guessed, and it says so. One that was sent and has no answer may have been served. */
  private async usageOf(tally: Tally, status: number, answered: number): Promise<{ readonly usage: Usage; readonly estimated: boolean }> {
    if (!this.asked.billable || status >= 400) return { usage: { calls: this.asked.billable ? 1 : 0, costUsd: 0 }, estimated: false };
    const { counted } = tally;
    const sure = counted ?? { input: this.inputEstimate, output: Math.ceil(answered / BYTES_A_TOKEN), cacheRead: 0, cacheWrite: 0 };
    const costUsd = await this.options.price?.(sure, this.model, this.upstream.provider);
    const usage = { calls: 1, inputTokens: sure.input, outputTokens: sure.output, ...(costUsd === undefined ? {} : { costUsd }) };
    return { usage, estimated: counted === undefined };
  }
}

/** The system's code and words for what went wrong below. */
const causeOf = (error: unknown): NodeJS.ErrnoException | undefined =>
  error instanceof Error && error.cause instanceof Error ? error.cause : undefined;

/** Until what was written is gone, or its reader is. */
async function passedOn(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).finally(() => over.abort());
}

/** Takes the one event out of a stream that the agent did not ask for: the usage at its end. */
class Sieve {
  private rest = Buffer.alloc(0);

  push(chunk: Uint8Array): Buffer {
    this.rest = Buffer.concat([this.rest, chunk]);
    const at = this.rest.lastIndexOf('\n\n');
    if (at < 0) return Buffer.alloc(0);
    const whole = this.rest.subarray(0, at + 2);
    this.rest = this.rest.subarray(at + 2);
    return Buffer.from(
      whole
        .toString()
        .split('\n\n')
        .filter((event) => !isUsageAlone(event))
        .join('\n\n'),
    );
  }
  end(): Buffer {
    return this.rest;
  }
}
function isUsageAlone(event: string): boolean {
  if (!event.startsWith('data:') || !event.includes('"usage"')) return false;
  const json = parsed(Buffer.from(event.slice('data:'.length)));
  return Array.isArray(json['choices']) && json['choices'].length === 0 && typeof json['usage'] === 'object';
}

const short = (value: unknown): unknown => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= RECORD_MAX ? value : `${text.slice(0, RECORD_MAX)}… (${text.length} characters in all)`;
};

function parsed(body: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= REQUEST_MAX) chunks.push(chunk);
  }
  return size <= REQUEST_MAX ? Buffer.concat(chunks) : undefined;
}

function sameText(given: string | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function say(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}
const refuse = (response: ServerResponse, { wire }: Asked): void =>
  say(
    response,
    402,
    'application/json',
    errorBody(wire, 'budget_exceeded', 'The budget of this task or run does not allow another request.'),
  );
