/**
 * Waits for the machine to be quiet, and knows when it was not. Others' work on the same disk can make one durable write
 * thirty times slower for seconds; what is measured then says nothing about who is measured.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { durableWrites } from './child/disk.ts';

const PROBE_MS = 100;
const IDLE_SAMPLE_MS = 200;
/** Of all processors together. */
const IDLE_SHARE = 0.75;
/** Of the best rate of durable writes seen so far. */
const DISK_SHARE = 0.5;

export class Quiet {
  private readonly folder: string;
  private readonly patienceMs: number;
  /** What is left of the time to wait in all. */
  private leftMs: number;
  private best = 0;
  /** Measurements that were begun, or ended, in noise. */
  noisy = 0;

  /**
   * @param patienceMs how long to wait before one measurement at most
   * @param allMs how long to wait in all; then everything is measured as it comes
   */
  constructor(folder: string, patienceMs: number, allMs: number) {
    this.folder = folder;
    this.patienceMs = patienceMs;
    this.leftMs = allMs;
  }

  async wait(): Promise<void> {
    const began = Date.now();
    const deadline = began + Math.min(this.patienceMs, this.leftMs);
    while (Date.now() < deadline) {
      const rate = durableWrites(this.folder, PROBE_MS);
      this.best = Math.max(this.best, rate);
      if ((await idleShare()) >= IDLE_SHARE && rate >= this.best * DISK_SHARE) break;
      await sleep(IDLE_SAMPLE_MS);
    }
    this.leftMs -= Date.now() - began;
  }

  /** Were these rates, measured beside something, those of a quiet disk? */
  held(rates: readonly number[]): boolean {
    return rates.every((rate) => rate >= this.best * DISK_SHARE);
  }
  /** Is there time for another try? */
  get patient(): boolean {
    return this.leftMs > 0;
  }
}

async function idleShare(): Promise<number> {
  const before = times();
  await sleep(IDLE_SAMPLE_MS);
  const after = times();
  return (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

function times(): { readonly idle: number; readonly all: number } {
  let [idle, all] = [0, 0];
  for (const { times: each } of cpus()) {
    idle += each.idle;
    all += each.idle + each.user + each.nice + each.sys + each.irq;
  }
  return { idle, all };
}
