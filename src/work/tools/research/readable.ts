/**
 * The readable text of a page of HTML. It is parsed in a thread of its own, with a limit of time and of memory: a page made
 * for it keeps any parser busy for minutes.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BatonError } from '../../../errors.ts';
import type { Asked, Readable } from './readable-thread.ts';

/** What making a page readable may take, in milliseconds. */
export const READABLE_TIME_MAX_MS = 10_000;
const MEMORY_MAX_MB = 512;

/** @throws BatonError `PAGE_UNREADABLE`; the reason of the signal */
export async function readableText(html: string, url: string, signal: AbortSignal, timeMaxMs = READABLE_TIME_MAX_MS): Promise<Readable> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Readable>();
  const asked: Asked = { html, url };
  const worker = new Worker(new URL(`./readable-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: asked,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MAX_MB },
  });
  const onAbort = (): void => reject(signal.reason);
  const limit = setTimeout(() => reject(unreadable(url, `limit READABLE_TIME_MAX_MS = ${timeMaxMs} ms: it took longer`)), timeMaxMs);
  signal.addEventListener('abort', onAbort, { once: true });
  worker.once('message', resolve).once('error', (error: unknown) => reject(unreadable(url, String(error), error)));
  try {
    return await promise;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

const unreadable = (url: string, why: string, cause?: unknown): BatonError =>
  new BatonError('PAGE_UNREADABLE', `${url} could not be made readable: ${why}.`, {
    where: url,
    hint: 'Look for the same text at another address, as Markdown or plain text.',
    ...(cause === undefined ? {} : { cause }),
  });
