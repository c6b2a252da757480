/** The API at a unix socket. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BatonError } from '../../errors.ts';
import type { Answer, Call, Transport } from '../api/call.ts';

/** Errors of a connection that nobody answered: the request had no effect, or has one that its command id makes safe to repeat. */
const GONE = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'ENOTSOCK']);
/** How long the owner may say nothing before it is asked whether it is there at all, in milliseconds. */
const SILENT_MS = 3_000;

/** @throws BatonError `UNREACHABLE` when nobody listens; `OWNER_SILENT` when somebody does who does not answer */
export const socketTransport = (address: string): Transport => {
  return async (call) => {
    const answer = send(address, call);
    for (;;) {
      const silence = new AbortController();
      const silent = sleep(SILENT_MS, silence.signal).then(() => undefined);
      const answered = await Promise.race([answer, silent]);
      silence.abort();
      if (answered) return answered;
      await answersAtAll(address);
    }
  };
};

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

async function answersAtAll(address: string): Promise<void> {
  const signal = AbortSignal.timeout(SILENT_MS);
  try {
    await (await send(address, { method: 'GET', path: '/v1/health', headers: {}, signal })).text();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new BatonError('OWNER_SILENT', 'The process that owns this home does not answer.', {
      where: address,
      hint: 'It may be stopped (Ctrl-Z, SIGSTOP) or overloaded. Continue it, or end it: the next command starts another, which goes on.',
      cause: error,
    });
  }
}

function send(address: string, { method, path, headers, body, signal }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = { socketPath: address, path, method, headers: { ...headers, ...length, host: 'baton' }, agent: false };
    const sent = httpRequest({ ...options, ...(signal ? { signal } : {}) });
    sent.on('error', (error: NodeJS.ErrnoException) => reject(GONE.has(error.code ?? '') ? unreachable(address, error) : error));
    sent.on('response', (answer) => resolve(answerOf(answer, address)));
    sent.end(body);
  });
}

/** An answer that breaks off says so in the same way as a connection that was refused. */
const answerOf = (message: IncomingMessage, address: string): Answer => ({
  status: message.statusCode ?? 500,
  type: message.headers['content-type'] ?? '',
  text: () => text(message).catch((cause: unknown) => Promise.reject(unreachable(address, cause))),
  stream: () => streamOf(message, address),
});

function streamOf(message: IncomingMessage, address: string): ReadableStream<Uint8Array> {
  const source = Readable.toWeb(message).getReader() as ReadableStreamDefaultReader<Uint8Array>;
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
      message.destroy();
      await source.cancel(reason).catch(() => {});
    },
  });
}

const unreachable = (address: string, cause: unknown): BatonError =>
  new BatonError('UNREACHABLE', 'Nobody answers for this home.', { where: address, cause });
