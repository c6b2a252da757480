/**
 * What git does not say of a workspace: how much is in it, and what in it is no plain file. A walk with `lstat` over the
 * whole folder; links are never followed.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Limit, tooSlow } from './git.ts';
import type { Violation } from './workspace.ts';

export interface Scan {
  readonly bytes: number;
  readonly files: number;
  /** Files that were written, made or renamed since the time that was asked for; a hint, since it goes by their times. */
  readonly changed: number;
  readonly violations: readonly Violation[];
  /** Folders that hold nothing; git knows none of them. */
  readonly empty: readonly string[];
  /** Repositories inside: git must be kept out of them. */
  readonly nested: readonly string[];
}

export interface ScanOptions {
  /** In milliseconds since the epoch: what has changed since is counted. */
  readonly since?: number;
  readonly limit?: Limit;
}

/** @throws BatonError `WORKSPACE_TIMEOUT` */
export function scan(folder: string, { since = Number.POSITIVE_INFINITY, limit }: ScanOptions = {}): Scan {
  const began = performance.now();
  let [bytes, files, changed] = [0, 0, 0];
  const violations: Violation[] = [];
  const [empty, nested]: [string[], string[]] = [[], []];
  const left = [''];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (limit && performance.now() - began > limit.ms) throw tooSlow(folder, limit, 'looking through it');
    const entries = entriesOf(join(folder, at)).filter(({ name }) => at !== '' || name !== '.git');
    if (entries.length === 0 && at !== '') empty.push(at);
    if (at !== '' && entries.some(({ name }) => name.toLowerCase() === '.git')) {
      nested.push(at);
      violations.push({ path: at, code: 'NESTED_REPOSITORY', message: 'is a repository inside the workspace' });
    }
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) {
        left.push(path);
        continue;
      }
      files++;
      const stats = lstatSync(join(folder, path), { throwIfNoEntry: false });
      if (!stats) continue;
      bytes += stats.blocks * 512;
      if (stats.ctimeMs > since) changed++;
      if (stats.isFile() && stats.nlink > 1)
        violations.push({ path, code: 'HARD_LINK', message: `is one file with ${stats.nlink - 1} other name(s)` });
      else if (!stats.isFile() && !stats.isSymbolicLink())
        violations.push({ path, code: 'SPECIAL_FILE', message: 'is no file: a pipe, a socket or a device' });
    }
  }
  return { bytes, files, changed, violations, empty, nested };
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Gone, or closed to us, since its parent was read: nothing of it can come back either.
    return [];
  }
}
