/**
 * Limits as the system's own, for each process. The count of processes holds for each sandbox by itself, since it is
 * taken in the sandbox's own user namespace. Memory is what a process may write to: the address space as a whole would
 * stop engines that reserve far more than they use.
 */
import { readFileSync } from 'node:fs';
import type { SandboxLimits } from './sandbox.ts';

/** Seconds between the signal that says why and the one that can't be caught. */
const CPU_GRACE_SECONDS = 5;

/** Arguments for `prlimit`, up to the command. Nobody can raise what this process itself may at most have, so that is kept. */
export function prlimitArguments({ processes, memoryBytes, cpuSeconds, fileBytes, openFiles }: SandboxLimits, own = ownLimits()): string[] {
  const within = (row: string, wanted: number): number => Math.min(wanted, hardLimit(own, row));
  return [
    `--nproc=${within('Max processes', processes)}`,
    `--data=${within('Max data size', memoryBytes)}`,
    `--cpu=${within('Max cpu time', cpuSeconds)}:${within('Max cpu time', cpuSeconds + CPU_GRACE_SECONDS)}`,
    `--fsize=${within('Max file size', fileBytes)}`,
    `--nofile=${within('Max open files', openFiles)}`,
    '--core=0',
    '--',
  ];
}

const ownLimits = (): string => readFileSync('/proc/self/limits', 'utf8');

/** Of a line such as `Max open files            1024                 524288               files`. */
function hardLimit(own: string, row: string): number {
  const hard = own
    .split('\n')
    .find((line) => line.startsWith(row))
    ?.slice(row.length)
    .trim()
    .split(/\s+/)[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}
