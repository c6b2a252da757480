/** `fetch` over a unix socket: Node's own has no documented way. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { BatonError } from '../../errors.ts';

/** Errors of a connection that nobody answered: the request had no effect, or has one that its command id makes safe to repeat. */
const GONE = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'ENOTSOCK']);
/** How long the owner may say nothing before it is asked whether it is there at all, in milliseconds. */
const SILENT_MS = 3_000;

/** @throws BatonError `UNREACHABLE` when nobody listens; `OWNER_SILENT` when somebody does who does not answer */
export function socketFetch(address: string): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = send(address, request);
    for (;;) {
      const silence = new AbortController();
      const silent = sleep(SILENT_MS, silence.signal).then(() => undefined);
      const response = await Promise.race([answer, silent]);
      silence.abort();
      if (response) return response;
      await answersAtAll(address);
    }
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

async function answersAtAll(address: string): Promise<void> {
  const signal = AbortSignal.timeout(SILENT_MS);
  try {
    await (await send(address, new Request('http://baton/v1/health', { signal }))).body?.cancel();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new BatonError('OWNER_SILENT', 'The process that owns this home does not answer.', {
      where: address,
      hint: 'It may be stopped (Ctrl-Z, SIGSTOP) or overloaded. Continue it, or end it: the next command starts another, which goes on.',
      cause: error,
    });
  }
}

async function send(address: string, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const body = request.body ? Buffer.from(await request.arrayBuffer()) : undefined;
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      socketPath: address,
      path: pathname + search,
      method: request.method,
      headers: { ...Object.fromEntries(request.headers), host: 'baton', ...(body ? { 'content-length': body.length } : {}) },
      signal: request.signal,
      agent: false,
    });
    sent.on('error', (error: NodeJS.ErrnoException) => reject(GONE.has(error.code ?? '') ? unreachable(address, error) : error));
    sent.on('response', (answer) => resolve(responseOf(answer, address)));
    sent.end(body);
  });
}

function responseOf(answer: IncomingMessage, address: string): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) headers.append(answer.rawHeaders[i] ?? '', answer.rawHeaders[i + 1] ?? '');
  const status = answer.statusCode ?? 500;
  const none = status === 204 || status === 304;
  return new Response(none ? null : bodyOf(answer, address), { status, headers });
}

/** A stream that breaks off says so in the same way as a connection that was refused. */
function bodyOf(answer: IncomingMessage, address: string): ReadableStream<Uint8Array> {
  const source = Readable.toWeb(answer).getReader() as ReadableStreamDefaultReader<Uint8Array>;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await source.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(unreachable(address, error));
      }
    },
    async cancel(reason) {
      answer.destroy();
      await source.cancel(reason).catch(() => {});
    },
  });
}

const unreachable = (address: string, cause: unknown): BatonError =>
  new BatonError('UNREACHABLE', 'Nobody answers for this home.', { where: address, cause });
