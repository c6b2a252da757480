/** A file beside the journal that only takes up room: given up when the disk is full, so that runs can still be removed. */
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { HomePaths } from './home.ts';
import { isDiskFull } from './storage-error.ts';

const RESERVE_BYTES = 4 * 1024 * 1024;

export function keepReserve({ reserve }: HomePaths): void {
  if (existsSync(reserve)) return;
  try {
    const file = openSync(reserve, 'wx', 0o600);
    try {
      // Chance, because some file systems store zeros in no room at all.
      writeFileSync(file, randomFillSync(Buffer.allocUnsafe(RESERVE_BYTES)));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // A disk this full has its say at the next append, with a code and a hint.
    rmSync(reserve, { force: true });
  }
}

/** True when there was something to give up. */
export function giveUpReserve({ reserve }: HomePaths): boolean {
  const there = existsSync(reserve);
  rmSync(reserve, { force: true });
  return there;
}

/** Runs `work`; on a full disk once more, with the reserve given up. Whoever uses it keeps a new one when there is room again. */
export function withReserve<T>(paths: HomePaths, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isDiskFull(error, paths.journal) || !giveUpReserve(paths)) throw error;
    return work();
  }
}
