/**
 * One process owns a home. It holds an open write transaction on the small database `lock.db`: the system frees that
 * lock when the process dies, at once and however it dies, and keeps it while the process is merely stalled. Who owns it
 * is in a second file, which others may read while the lock is held. A former owner that wakes up is fenced by the
 * journal: its epoch is over.
 *
 * `lock.db` is never opened by other means in the owner: closing such a handle would drop its lock (POSIX).
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { BatonError } from '../../errors.ts';
import { type HomePaths, makeHome } from './home.ts';
import { SqliteJournal } from './sqlite.ts';
import { sqliteCode, storageError } from './storage-error.ts';

const BUSY = 5;

export interface OwnerInfo {
  readonly pid: number;
  readonly startedAt: number;
  readonly epoch: number;
  /** Address of its socket, once it listens. */
  readonly socket?: string;
}

export interface Owner {
  readonly paths: HomePaths;
  readonly journal: SqliteJournal;
  /** Tells others where it listens. */
  announce(socket: string): void;
  /** Closes the journal and gives the home back. */
  release(): void;
}

const infoFile = (paths: HomePaths): string => `${paths.home}/owner.json`;

/** @throws BatonError `HOME_OWNED` naming the process that has it; or an error of the disk */
export function acquireOwner(home: string, now: number = Date.now()): Owner {
  const paths = makeHome(home);
  const lock = takeLock(paths);
  try {
    const journal = new SqliteJournal(paths, { write: true });
    const info: OwnerInfo = { pid: process.pid, startedAt: now, epoch: journal.epoch };
    writeInfo(paths, info);
    return {
      paths,
      journal,
      announce: (socket) => writeInfo(paths, { ...info, socket }),
      release() {
        journal.close();
        rmSync(infoFile(paths), { force: true });
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw storageError(error, paths.journal);
  }
}

function takeLock(paths: HomePaths): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(paths.lock, { timeout: 0 });
    lock.exec('PRAGMA journal_mode = DELETE');
    lock.exec('BEGIN IMMEDIATE');
    return lock;
  } catch (error) {
    lock?.close();
    if (sqliteCode(error) !== BUSY) throw storageError(error, paths.lock);
    const owner = readOwner(paths);
    throw new BatonError('HOME_OWNED', `${paths.home} is owned by ${owner ? `process ${owner.pid}` : 'another process'}.`, {
      where: paths.home,
      hint: 'Use that one (every command finds it), or end it first.',
      cause: error,
      ...(owner ? { details: { ...owner } } : {}),
    });
  }
}

/** Who said last that it owns the home; it may be gone. Takes no lock and writes nothing. */
export function readOwner(paths: HomePaths): OwnerInfo | undefined {
  try {
    return JSON.parse(readFileSync(infoFile(paths), 'utf8')) as OwnerInfo;
  } catch {
    return undefined;
  }
}

function writeInfo(paths: HomePaths, info: OwnerInfo): void {
  const temporary = `${infoFile(paths)}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(info)}\n`, { mode: 0o600 });
  renameSync(temporary, infoFile(paths));
}
