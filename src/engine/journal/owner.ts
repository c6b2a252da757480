/**
 * One process owns a home. It holds an open write transaction on the small database `lock.db`: the system frees that
 * lock when the process dies, at once and however it dies, and keeps it while the process is merely stalled. Who owns it
 * is in a second file, which others may read while the lock is held. A former owner that wakes up is fenced by the
 * journal: its epoch is over.
 *
 * `lock.db` is never opened by other means in the owner: closing such a handle would drop its lock (POSIX).
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { BatonError } from '../../errors.ts';
import { type HomePaths, makeHome } from './home.ts';
import { infoFile, type OwnerInfo, readOwner } from './owner-info.ts';
import { withReserve } from './reserve.ts';
import { SqliteJournal } from './sqlite.ts';
import { sqliteCode, storageError } from './storage-error.ts';

const BUSY = 5;
/** How often, and after how many milliseconds each time, the owner of a home that is owned is asked for its name. */
const [NAME_TRIES, NAME_TRY_MS] = [20, 5];

/** Locks of this process, kept from the garbage collector: it would close them, and somebody else could own the home. */
const HELD = new Set<DatabaseSync>();

export interface Owner {
  readonly paths: HomePaths;
  readonly journal: SqliteJournal;
  /** Tells others where it listens. */
  announce(socket: string): void;
  /** Closes the journal and gives the home back. */
  release(): void;
}

/** @throws BatonError `HOME_OWNED` naming the process that has it; or an error of the disk */
export function acquireOwner(home: string, now: number = Date.now()): Owner {
  const paths = makeHome(home);
  const lock = takeLock(paths);
  try {
    // Whoever comes second from now on is told about this process, not about the owner before.
    rmSync(infoFile(paths), { force: true });
    withReserve(paths, () => writeInfo(paths, { pid: process.pid, startedAt: now }));
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
        letGo(lock);
      },
    };
  } catch (error) {
    letGo(lock);
    throw storageError(error, paths.home);
  }
}

function takeLock(paths: HomePaths): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(paths.lock, { timeout: 0 });
    // Nothing is ever written: a full disk is no reason not to own a home, and a crash leaves nothing to roll back.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE');
    HELD.add(lock);
    return lock;
  } catch (error) {
    lock?.close();
    if (sqliteCode(error) === BUSY) throw owned(paths, error);
    throw storageError(error, paths.lock);
  }
}

function letGo(lock: DatabaseSync): void {
  HELD.delete(lock);
  lock.close();
}

function owned(paths: HomePaths, cause: unknown): BatonError {
  // An owner writes its name right after it has the lock.
  for (let i = 0; i < NAME_TRIES && !readOwner(paths); i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAME_TRY_MS);
  const owner = readOwner(paths);
  return new BatonError('HOME_OWNED', `${paths.home} is owned by ${owner ? `process ${owner.pid}` : 'another process'}.`, {
    where: paths.home,
    hint: 'Use that one (every command finds it), or end it first.',
    cause,
    ...(owner ? { details: { ...owner } } : {}),
  });
}

function writeInfo(paths: HomePaths, info: OwnerInfo): void {
  const owner = infoFile(paths);
  const temporary = `${owner}.${process.pid}`;
  try {
    writeFileSync(temporary, `${JSON.stringify(info)}\n`, { mode: 0o600 });
    renameSync(temporary, owner);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
