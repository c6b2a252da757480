/** What processes take of this machine. Linux tells; elsewhere the figure is left out. */
import { readFileSync } from 'node:fs';

/** Resident memory at its highest, in MB. */
export const peakMb = (pid: number): number => field(`/proc/${pid}/status`, /VmHWM:\s+(\d+) kB/);
/** Resident memory now, in MB. */
export const residentMb = (pid: number): number => field(`/proc/${pid}/status`, /VmRSS:\s+(\d+) kB/);
/** Memory without counting twice what processes share, in MB. */
export const sharedOutMb = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + field(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m), 0);

function field(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
