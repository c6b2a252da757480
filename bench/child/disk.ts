/** The disk's own limit for one small durable write, measured where the data lie. */
import { closeSync, fdatasyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = Buffer.alloc(4096, 'x');

/** 4 KiB writes with fdatasync per second: each over the same page, or each behind the last. */
export function durableWrites(folder: string, forMs: number, where: 'overwrite' | 'append' = 'overwrite'): number {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'probe');
  const file = openSync(path, 'w');
  try {
    writeSync(file, PAGE, 0, PAGE.length, 0);
    fdatasyncSync(file);
    const began = performance.now();
    let count = 0;
    while (performance.now() - began < forMs) {
      count++;
      writeSync(file, PAGE, 0, PAGE.length, where === 'append' ? count * PAGE.length : 0);
      fdatasyncSync(file);
    }
    return (count / (performance.now() - began)) * 1000;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
