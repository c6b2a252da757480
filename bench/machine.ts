/** The machine a table was made on, without its name, and how fast one of its processors is today. */
import { hash } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { median } from './stats.ts';

/** What `cpuReference` takes on the machine that the bars in milliseconds were set for. */
export const REFERENCE_MS = 48;
const ROUNDS = 5;
const FACTS = 40_000;

export interface Machine {
  readonly processors: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly fileSystem: string;
  /** Time for a fixed piece of work on one processor, as a factor of the machine that the bars were set for. */
  readonly cpuFactor: number;
}

export function describe(base: string): Machine {
  const all = cpus();
  return {
    processors: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    fileSystem: fileSystem(base),
    cpuFactor: cpuReference() / REFERENCE_MS,
  };
}

/** Milliseconds for a chain of facts as JSON and SHA-256: what the engine does most, and nothing else. */
export function cpuReference(): number {
  return median(
    Array.from({ length: ROUNDS }, () => {
      const began = performance.now();
      let head = '';
      for (let seq = 0; seq < FACTS; seq++)
        head = hash('sha256', head + JSON.stringify({ seq, fact: { type: 'task.started', task: `s${seq}`, attempt: 1 } }));
      return performance.now() - began;
    }),
  );
}

/** Magic numbers of `statfs(2)`. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  26: 'apfs',
  801189825: 'zfs',
};

export const fileSystem = (folder: string): string => {
  const { type: number } = statfsSync(folder);
  return FILE_SYSTEMS[number] ?? `0x${number.toString(16)}`;
};
