/**
 * Writes appends in a thread of its own, so that the next turn of the host is decided while this one is hashed, inserted and
 * synced. A connection of its own, under the same epoch: a later owner ends this one as well.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { BatonError } from '../../errors.ts';
import { openForOwner } from './connection.ts';
import { FactRows } from './fact-rows.ts';
import { saveViewRows } from './view-rows.ts';
import { type Answer, ENDED, type Failed, type Sent, type SentRows, unpack, type WriterSetting } from './writer.ts';

const { path, epoch, port, counter } = workerData as WriterSetting;
process.on('exit', () => {
  Atomics.store(counter, 0, ENDED);
  Atomics.notify(counter, 0);
});
const connection = openForOwner(path);
const rows = new FactRows(connection, epoch);
/** Of the last append that failed. */
let refused = -1;

port.on('message', (sent: Sent) => {
  if (sent === 'close') {
    connection.close();
    port.close();
  } else {
    const answer = write(sent);
    if (answer) port.postMessage(answer);
  }
  Atomics.add(counter, 0, 1);
  Atomics.notify(counter, 0);
});
parentPort?.postMessage('ready');

/** Nothing is said of those behind a failure: they are told of together with it. */
function write({ id, generation, what }: SentRows): Answer | undefined {
  if (generation <= refused) return undefined;
  try {
    if ('views' in what) saveViewRows(connection, epoch, what.views);
    else {
      if (what.anew) rows.forget();
      rows.write(unpack(what.written));
    }
    return { id };
  } catch (error) {
    if ('written' in what) refused = generation;
    return { id, failed: failedOf(error) };
  }
}

function failedOf(error: unknown): Failed {
  if (error instanceof BatonError) {
    const { code, message, hint, where, retryAfterMs, details, cause } = error;
    return { code, message, hint, where, retryAfterMs, details, cause: cause instanceof Error ? cause.stack : undefined };
  }
  const [message, cause] = error instanceof Error ? [error.message, error.stack] : [String(error), undefined];
  return { code: 'JOURNAL_IO', message, hint: undefined, where: path, retryAfterMs: undefined, details: undefined, cause };
}
