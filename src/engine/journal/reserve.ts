/** A file of zeros beside the journal: given up when the disk is full, so that runs can still be removed. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { HomePaths } from './home.ts';

const RESERVE_BYTES = 4 * 1024 * 1024;

export function keepReserve({ reserve }: HomePaths): void {
  if (existsSync(reserve)) return;
  try {
    const file = openSync(reserve, 'wx', 0o600);
    writeSync(file, Buffer.alloc(RESERVE_BYTES));
    fsyncSync(file);
    closeSync(file);
  } catch {
    // A disk this full has its say at the next append, with a code and a hint.
    rmSync(reserve, { force: true });
  }
}

/** True when there was something to give up. */
export function freeReserve({ reserve }: HomePaths): boolean {
  const there = existsSync(reserve);
  rmSync(reserve, { force: true });
  return there;
}
