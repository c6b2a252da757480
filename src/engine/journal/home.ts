/** The home of a project's runs: `.baton/` beside it, or `BATON_HOME`. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { storageError } from './storage-error.ts';

export interface HomePaths {
  readonly home: string;
  readonly journal: string;
  readonly lock: string;
  readonly blobs: string;
  /** Live output of attempts, one folder a run. */
  readonly logs: string;
  /** Folders that tasks work in, one folder a run. */
  readonly work: string;
  /** What was learned from the journal; made anew from it when it is not there. */
  readonly learned: string;
  /** What work keeps for later work. */
  readonly knowledge: string;
  /** Room to give up when the disk is full. */
  readonly reserve: string;
}

export function homePaths(home: string): HomePaths {
  const at = (name: string) => join(home, name);
  return {
    home,
    journal: at('journal.db'),
    lock: at('lock.db'),
    blobs: at('blobs'),
    logs: at('logs'),
    work: at('work'),
    learned: at('learned.db'),
    knowledge: at('knowledge.db'),
    reserve: at('reserve'),
  };
}

/** `BATON_HOME`, else the nearest `.baton` here or above, else `.baton` here (or at the root of the git repository). */
export function findHome(from: string, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env['BATON_HOME'];
  if (named) return resolve(from, named);
  let repository: string | undefined;
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.baton', 'journal.db'))) return join(folder, '.baton');
    if (repository === undefined && existsSync(join(folder, '.git'))) repository = folder;
    if (folder === dirname(folder)) return join(repository ?? resolve(from), '.baton');
  }
}

/** Makes the home where it is missing; everything in it is this user's own, and git does not look at it. */
export function makeHome(home: string): HomePaths {
  const paths = homePaths(home);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    for (const folder of [paths.blobs, paths.logs, paths.work]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const ignore = join(home, '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n', { mode: 0o600 });
  } catch (error) {
    throw storageError(error, home);
  }
  return paths;
}
