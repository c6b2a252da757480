/** What others may read of the owner of a home, without its lock and without a database. */
import { readFileSync } from 'node:fs';
import type { HomePaths } from './home.ts';

export interface OwnerInfo {
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Missing while it still opens the journal. */
  readonly epoch?: number;
  /** Address of its socket, once it listens. */
  readonly socket?: string;
}

export const infoFile = (paths: HomePaths): string => `${paths.home}/owner.json`;

/** Who said last that it owns the home; it may be gone. Takes no lock and writes nothing. */
export function readOwner(paths: HomePaths): OwnerInfo | undefined {
  try {
    return JSON.parse(readFileSync(infoFile(paths), 'utf8')) as OwnerInfo;
  } catch {
    return undefined;
  }
}
