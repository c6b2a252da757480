/**
 * One promotion at a time in a project, across processes. The lock is an open write transaction on a database that stays
 * empty: the system frees it when the process dies, however it dies. Whoever comes second waits.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatonError } from '../../errors.ts';

/** How long somebody waits for the promotion before, in milliseconds. */
export const LOCK_WAIT_MS = 60_000;
const LOOK_EVERY_MS = 20;
const BUSY = 5;

/** Kept from the garbage collector: it would close them, and give the lock away. */
const HELD = new Set<DatabaseSync>();

/** @throws BatonError `PROMOTION_BUSY` */
export async function alone<T>(folder: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const lock = await take(join(folder, 'lock.db'), waitMs);
  HELD.add(lock);
  try {
    return await work();
  } finally {
    HELD.delete(lock);
    lock.close();
  }
}

async function take(file: string, waitMs: number): Promise<DatabaseSync> {
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    const lock = tryTake(file);
    if (lock) return lock;
    if (waited >= waitMs)
      throw new BatonError(
        'PROMOTION_BUSY',
        `limit LOCK_WAIT_MS = ${waitMs}: another promotion into this project has not ended for ${waited} ms.`,
        {
          where: file,
          hint: 'Wait for it, or look at `baton status` for who is at work.',
          retryAfterMs: waitMs,
          details: { limit: waitMs, value: waited },
        },
      );
    await sleep(LOOK_EVERY_MS);
  }
}

function tryTake(file: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
    return lock;
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 255) === BUSY) return undefined;
    throw error;
  }
}
