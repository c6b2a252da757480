/**
 * Gets one page of the web for an agent, which may have been talked into asking for anything. Each address on the way, the
 * first and those that redirects lead to, is held against the same rules: http or https, no credentials, a domain of the
 * task's `network`, and an address of the public internet, which is then the very one connected to.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { FailureClass } from '../../../engine/kernel/plan.ts';
import { BatonError } from '../../../errors.ts';
import { AttemptError } from '../../processes/failure.ts';
import { bare, judge, only, type Reach } from '../../sandbox/destination.ts';
import { type Domains, domainsOf, hostOf } from '../../sandbox/domains.ts';

/** What of the web a task may reach, and how much of it at once. */
export interface Web extends Reach {
  /** The task's `network`; nothing is reached where it names none. */
  readonly allow: readonly string[];
  readonly limits?: Partial<WebLimits>;
}
export interface WebLimits {
  /** Most bytes of a page, as they are after decompression. */
  readonly bytes: number;
  /** From the first look-up of a name to the last byte, in milliseconds. */
  readonly timeMs: number;
  readonly redirects: number;
}
export const WEB_LIMITS: WebLimits = { bytes: 2 * 1024 * 1024, timeMs: 20_000, redirects: 5 };

export interface Fetched {
  /** Where it was found, after redirects. */
  readonly url: URL;
  readonly status: number;
  /** As the server wrote it; empty where it wrote none. */
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * @throws AttemptError `FETCH_REFUSED`, `FETCH_UNREACHABLE`, `FETCH_TIMEOUT`, `FETCH_STATUS`
 * @throws BatonError `FETCH_URL`, `FETCH_REDIRECTS`, `FETCH_TOO_LARGE`, `FETCH_ENCODING`, `NETWORK_RULE`; the reason of the signal
 */
export async function fetchPage(address: string, web: Web, signal: AbortSignal): Promise<Fetched> {
  const limits = { ...WEB_LIMITS, ...web.limits };
  const domains = domainsOf(web.allow);
  const late = AbortSignal.timeout(limits.timeMs);
  const ending = AbortSignal.any([signal, late]);
  let at = urlOf(address);
  try {
    for (let redirects = 0; ; redirects++) {
      const response = await ask(at, await addressesOf(at, domains, web, ending), ending);
      const onward = redirectOf(response, at);
      if (onward === undefined) return await finish(at, response, limits.bytes);
      response.destroy();
      if (redirects >= limits.redirects) throw tooManyRedirects(address, limits.redirects);
      at = onward;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw tooLate(at, limits.timeMs);
    if (error instanceof BatonError) throw error;
    throw unreachable(at, error);
  }
}

/** @throws BatonError `FETCH_URL` */
function urlOf(address: string, from?: URL): URL {
  const url = URL.parse(address, from?.href);
  const why =
    url === null
      ? 'is no address'
      : url.protocol !== 'http:' && url.protocol !== 'https:'
        ? `is an address of the kind ${url.protocol}, and only http: and https: are fetched`
        : url.username !== '' || url.password !== ''
          ? 'has credentials in it, which are never sent'
          : undefined;
  if (url !== null && why === undefined) return url;
  const whole = url === null ? address : shown(url);
  throw new BatonError('FETCH_URL', `${from ? `${shown(from)} leads to "${whole}", which` : `"${whole}"`} ${why}.`, {
    where: whole,
    hint: 'Give a whole address such as https://example.com/page.',
  });
}

/** For errors: without what may be a password, and not longer than a line. */
const shown = (url: URL): string => {
  const plain = new URL(url);
  if (plain.username !== '' || plain.password !== '') [plain.username, plain.password] = ['…', ''];
  return plain.href.slice(0, URL_SHOWN_MAX);
};
const URL_SHOWN_MAX = 300;

/** @throws AttemptError `FETCH_REFUSED`, `FETCH_UNREACHABLE` for a name without an address */
async function addressesOf(url: URL, domains: Domains, reach: Reach, signal: AbortSignal): Promise<readonly string[]> {
  const host = hostOf(url.hostname) ?? '';
  const judged = await within(signal, judge(host, portOf(url), domains, reach));
  if ('addresses' in judged) return judged.addresses;
  if (judged.why === 'no-address') throw new AttemptError('transient', 'FETCH_UNREACHABLE', judged.refused, { where: shown(url) });
  throw new AttemptError('policy', 'FETCH_REFUSED', judged.refused, { where: shown(url) });
}

const portOf = ({ port, protocol }: URL): number => Number(port || (protocol === 'https:' ? 443 : 80));

/** A look-up of a name can't be ended, only left alone. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function ask(url: URL, addresses: readonly string[], signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    host: bare(url.hostname),
    port: portOf(url),
    path: url.pathname + url.search,
    lookup: only(addresses),
    agent: false,
    signal,
    headers: {
      host: url.host,
      'user-agent': 'baton',
      accept: 'text/html, text/markdown, text/plain, application/json;q=0.9, */*;q=0.1',
      'accept-encoding': 'gzip, br',
    },
  };
  const request: ClientRequest = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
  request.on('response', resolve).on('error', reject).end();
  return promise;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @throws BatonError `FETCH_URL` when it leads to what is never fetched */
function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: URL): URL | undefined {
  return REDIRECTS.has(statusCode) && location !== undefined ? urlOf(location, from) : undefined;
}

async function finish(url: URL, response: IncomingMessage, bytesMax: number): Promise<Fetched> {
  const { statusCode: status = 0, headers } = response;
  try {
    if (status < 200 || status > 299) throw badStatus(url, status, headers['retry-after']);
    const body = await bodyOf(url, response, bytesMax);
    return { url, status, contentType: headers['content-type'] ?? '', body };
  } finally {
    response.destroy();
  }
}

/** @throws BatonError `FETCH_TOO_LARGE`, `FETCH_ENCODING` */
async function bodyOf(url: URL, response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of unpacked(response)) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge(url, bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    // What came was whole, and is not what the server says it is.
    if (error instanceof BatonError || response.errored) throw error;
    throw badEncoding(url, response.headers['content-encoding'] ?? '', error);
  }
  return Buffer.concat(chunks);
}

function unpacked(response: IncomingMessage): AsyncIterable<Buffer> {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return response;
  const decoder = DECODERS[encoding];
  if (decoder === undefined) throw new Error('it was not asked for');
  const plain = decoder();
  response.on('error', (error) => plain.destroy(error));
  return response.pipe(plain);
}

const DECODERS: Readonly<Record<string, () => Readable & NodeJS.WritableStream>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Of a status that is no success. */
export const classOfStatus = (status: number): FailureClass => (status === 429 ? 'throttled' : status >= 500 ? 'transient' : 'permanent');

function badStatus(url: URL, status: number, retryAfter: string | undefined): AttemptError {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? { retryAfterMs: Number(retryAfter) * 1000 } : {};
  return new AttemptError(classOfStatus(status), 'FETCH_STATUS', `${shown(url)} answered with status ${status}.`, {
    where: shown(url),
    details: { status },
    ...seconds,
  });
}

const tooLarge = (url: URL, bytesMax: number): BatonError =>
  new BatonError('FETCH_TOO_LARGE', `limit WEB_LIMITS.bytes = ${bytesMax} bytes: ${shown(url)} has more.`, {
    where: shown(url),
    hint: 'Ask for a smaller page, or for a part of this one if it has its own address.',
    details: { bytesMax },
  });

const badEncoding = (url: URL, encoding: string, cause: unknown): BatonError =>
  new BatonError('FETCH_ENCODING', `${shown(url)} can't be unpacked as "${encoding.slice(0, ENCODING_SHOWN_MAX)}", which it says it is.`, {
    where: shown(url),
    hint: 'Look for the same text at another address.',
    cause,
  });
const ENCODING_SHOWN_MAX = 40;

const tooManyRedirects = (address: string, redirects: number): BatonError =>
  new BatonError('FETCH_REDIRECTS', `limit WEB_LIMITS.redirects = ${redirects}: "${address.slice(0, URL_SHOWN_MAX)}" leads on and on.`, {
    where: address.slice(0, URL_SHOWN_MAX),
    hint: 'Give the address where the page is in the end.',
    details: { redirects },
  });

const tooLate = (url: URL, timeMs: number): AttemptError =>
  new AttemptError('timeout', 'FETCH_TIMEOUT', `limit WEB_LIMITS.timeMs = ${timeMs} ms: ${shown(url)} was not there by then.`, {
    where: shown(url),
    details: { timeMs },
  });

const unreachable = (url: URL, cause: unknown): AttemptError =>
  new AttemptError(
    'transient',
    'FETCH_UNREACHABLE',
    `${shown(url)} can't be reached: ${cause instanceof Error ? cause.message : String(cause)}.`,
    {
      where: shown(url),
      cause,
    },
  );
