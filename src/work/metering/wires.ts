/**
 * The three wire formats, as far as a meter has to know them: which requests cost something, where the key goes, what a
 * request may cost at most, and what its answer says it did.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Counted, Wire } from './meter.ts';

export interface Asked {
  readonly wire: Wire;
  /** After the version, with its leading slash and its query. */
  readonly path: string;
  readonly billable: boolean;
  /** Named in the path, where the wire does so. */
  readonly model?: string;
}

export const PATHS: Readonly<Record<Wire, string>> = { openai: '/openai/v1', anthropic: '/anthropic', gemini: '/gemini' };

const BILLABLE: Readonly<Record<'openai' | 'anthropic', ReadonlySet<string>>> = {
  openai: new Set(['/chat/completions', '/responses', '/completions', '/embeddings']),
  anthropic: new Set(['/messages']),
};
const FREE: Readonly<Record<'openai' | 'anthropic', RegExp>> = {
  openai: /^\/models(\/[\w.:-]+)?$/,
  anthropic: /^\/(messages\/count_tokens|models(\/[\w.:-]+)?)$/,
};
const GEMINI = /^\/v1(?:beta|alpha)?(\/models\/([\w.-]+):(generateContent|streamGenerateContent|countTokens))$/;

/** What a request is for; nothing where it is for nothing known. */
export function askedOf(method: string, url: string): Asked | undefined {
  if (!url.startsWith('/') || url.startsWith('//') || /[\\\0\s]|%2f|%5c|\.\./i.test(url)) return undefined;
  const at = url.indexOf('?');
  const [path, query] = at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)];
  if (path.startsWith(`${PATHS.gemini}/`)) {
    const [, rest = '', model, verb] = GEMINI.exec(path.slice(PATHS.gemini.length)) ?? [];
    if (method !== 'POST' || model === undefined) return undefined;
    return { wire: 'gemini', path: rest + withoutKey(query), billable: verb !== 'countTokens', model };
  }
  for (const wire of ['openai', 'anthropic'] as const) {
    const base = wire === 'openai' ? PATHS.openai : `${PATHS.anthropic}/v1`;
    if (!path.startsWith(`${base}/`)) continue;
    const rest = path.slice(base.length);
    if (method === 'POST' && BILLABLE[wire].has(rest)) return { wire, path: rest + query, billable: true };
    return FREE[wire].test(rest) ? { wire, path: rest + query, billable: false } : undefined;
  }
  return undefined;
}

const withoutKey = (query: string): string => {
  const kept = new URLSearchParams(query);
  kept.delete('key');
  return kept.size === 0 ? '' : `?${kept}`;
};

/** The key a request came with, wherever clients of these formats put it. */
export function keyIn(headers: IncomingHttpHeaders, url: string): string | undefined {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);
  return (
    bearer ??
    first(headers['x-api-key']) ??
    first(headers['x-goog-api-key']) ??
    URL.parse(url, 'http://x')?.searchParams.get('key') ??
    undefined
  );
}

export function keyHeaders(wire: Wire, key: string | undefined): Readonly<Record<string, string>> {
  if (key === undefined) return {};
  return wire === 'openai' ? { authorization: `Bearer ${key}` } : wire === 'anthropic' ? { 'x-api-key': key } : { 'x-goog-api-key': key };
}

/** Where a base URL is given without its version, the one that is spoken here. */
export function upstreamUrl(wire: Wire, baseUrl: string, path: string): string {
  const base = baseUrl.replace(/\/+$/, '');
  if (wire === 'anthropic' && !/\/v1$/.test(base)) return `${base}/v1${path}`;
  if (wire === 'gemini' && !/\/v1(beta|alpha)?$/.test(base)) return `${base}/v1beta${path}`;
  return base + path;
}

type Json = Readonly<Record<string, unknown>>;
const objectIn = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0);

/** Output tokens a request allows; nothing where it names no maximum. */
export function outputMax(wire: Wire, body: Json): number | undefined {
  const named = wire === 'gemini' ? objectIn(body['generationConfig'])['maxOutputTokens'] : undefined;
  const value = named ?? body['max_completion_tokens'] ?? body['max_output_tokens'] ?? body['max_tokens'];
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** Puts together what the pieces of an answer say; the last word counts, but for Anthropic's, which comes in two parts. */
export class Tally {
  private readonly wire: Wire;
  private found: Counted | undefined;
  /** The answer came to its own end. */
  ended = false;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  get counted(): Counted | undefined {
    return this.found;
  }

  /** One JSON value of an answer: the whole, or one event of a stream. */
  read(value: unknown): void {
    const json = objectIn(value);
    switch (this.wire) {
      case 'openai': {
        const usage = objectIn(json['usage'] ?? objectIn(json['response'])['usage']);
        if (Object.keys(usage).length > 0) this.found = openai(usage);
        if (json['type'] === 'response.completed' || json['object'] === 'chat.completion' || json['object'] === 'response')
          this.ended = true;
        return;
      }
      case 'anthropic': {
        const usage = objectIn(json['usage'] ?? objectIn(json['message'])['usage']);
        if (Object.keys(usage).length > 0) this.found = anthropic(usage, this.found);
        if (json['type'] === 'message_stop' || json['type'] === 'message') this.ended = true;
        return;
      }
      case 'gemini': {
        const usage = objectIn(json['usageMetadata']);
        if (Object.keys(usage).length > 0) this.found = gemini(usage);
        if (Array.isArray(json['candidates']) && json['candidates'].some((each) => objectIn(each)['finishReason'] !== undefined))
          this.ended = true;
        return;
      }
      default:
        this.wire satisfies never;
    }
  }
}

function openai(usage: Json): Counted {
  const input = count(usage['prompt_tokens'] ?? usage['input_tokens']);
  const details = objectIn(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  return {
    input,
    output: count(usage['completion_tokens'] ?? usage['output_tokens']),
    cacheRead: count(details['cached_tokens']),
    cacheWrite: 0,
  };
}
/** Its input leaves out what was cached; the output of later events counts from the beginning. */
function anthropic(usage: Json, before: Counted | undefined): Counted {
  const cacheRead = count(usage['cache_read_input_tokens']) || (before?.cacheRead ?? 0);
  const cacheWrite = count(usage['cache_creation_input_tokens']) || (before?.cacheWrite ?? 0);
  const fresh = usage['input_tokens'] === undefined ? undefined : count(usage['input_tokens']);
  const input = fresh === undefined ? (before?.input ?? 0) : fresh + cacheRead + cacheWrite;
  return {
    input: Math.max(input, before?.input ?? 0),
    output: Math.max(count(usage['output_tokens']), before?.output ?? 0),
    cacheRead,
    cacheWrite,
  };
}
function gemini(usage: Json): Counted {
  const output = count(usage['candidatesTokenCount']) + count(usage['thoughtsTokenCount']);
  return {
    input: count(usage['promptTokenCount']) + count(usage['toolUsePromptTokenCount']),
    output,
    cacheRead: count(usage['cachedContentTokenCount']),
    cacheWrite: 0,
  };
}

/** An error in the words of the wire, so that an agent shows it and does not try for ever. */
export function errorBody(wire: Wire, code: string, message: string): string {
  if (wire === 'anthropic') return JSON.stringify({ type: 'error', error: { type: code, message } });
  if (wire === 'gemini') return JSON.stringify({ error: { code: 402, message, status: code.toUpperCase() } });
  return JSON.stringify({ error: { message, type: code, code, param: null } });
}
