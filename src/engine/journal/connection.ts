/**
 * One connection to the journal's database: the owner's, or one of a reader that writes nothing at all. Errors come out
 * as what a person can act on.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, type Stats, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { BatonError } from '../../errors.ts';
import { refuseNewer, schemaVersion } from './migrations.ts';
import { staleWriter, storageError } from './storage-error.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;
export type SqlValue = string | number | Uint8Array | null;

/** How long to wait for another program that has the database locked, in milliseconds. */
const PATIENCE_MS = 5_000;
/** Pages of the write-ahead log that are carried over at once: at 1,000 the event loop waits 6 ms for it, at 4,000 it waited 20. */
const CHECKPOINT_PAGES = 1_000;
/** Size the write-ahead log is cut back to after one large transaction, in bytes. */
const LOG_BYTES = 16 * 1024 * 1024;

export class Connection {
  readonly db: DatabaseSync;
  readonly path: string;
  private readonly reader: boolean;
  private readonly statements = new Map<string, StatementSync>();
  /** Statements that gave rows and are free again. */
  private readonly free = new Map<string, StatementSync[]>();
  private readonly opened: Stats | undefined;
  private readonly afterClose: () => void;

  constructor(path: string, db: DatabaseSync, reader: boolean, afterClose: () => void = () => {}) {
    this.path = path;
    this.db = db;
    this.reader = reader;
    this.opened = statSync(path, { throwIfNoEntry: false });
    this.afterClose = afterClose;
  }

  /** A statement prepared once: twice as fast as one prepared for each use. */
  statement(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known) return known;
    const made = this.db.prepare(sql);
    this.statements.set(sql, made);
    return made;
  }

  get(sql: string, ...values: SqlValue[]): Row | undefined {
    try {
      return this.statement(sql).get(...values);
    } catch (error) {
      throw this.problem(error);
    }
  }

  /**
   * Rows one after another, on a statement of their own: two readers may be under way at once. It is kept for the next:
   * preparing the one that finds the facts of a stream takes longer than running it for a stream of twenty.
   */
  *rows(sql: string, ...values: SqlValue[]): Generator<Row> {
    const free = this.free.get(sql) ?? [];
    this.free.set(sql, free);
    try {
      const statement = free.pop() ?? this.db.prepare(sql);
      yield* statement.iterate(...values);
      free.push(statement);
    } catch (error) {
      throw this.problem(error);
    }
  }

  /**
   * All or nothing, on the disk only with the next `transaction`: for what can be made again. It comes back whole or not at
   * all after a power failure, since the log is read up to where it is whole.
   * @param epoch as for `transaction`
   */
  unsynced<T>(epoch: number, work: () => T): T {
    this.db.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.transaction(epoch, work);
    } finally {
      this.db.exec('PRAGMA synchronous = FULL');
    }
  }

  /**
   * All or nothing, durable when it returns.
   * @param epoch the owner's; refused when another owner has begun a later one
   */
  transaction<T>(epoch: number, work: () => T): T {
    if (this.reader)
      throw new BatonError('JOURNAL_READONLY', `${this.path} is only read by this process.`, {
        where: this.path,
        hint: 'Ask the owner of the home.',
      });
    this.stillThere();
    try {
      this.statement('BEGIN IMMEDIATE').run();
      const begun = Number(this.statement('SELECT epoch FROM owner').get()?.['epoch']);
      if (begun !== epoch) throw staleWriter(`Epoch ${epoch} is over: another owner has begun ${begun}.`);
      const result = work();
      this.statement('COMMIT').run();
      return result;
    } catch (error) {
      // A full disk has rolled back by itself.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw this.problem(error);
    }
  }

  /** Writes to a database that was deleted or replaced succeed silently. @throws BatonError `JOURNAL_GONE` */
  private stillThere(): void {
    const now = statSync(this.path, { throwIfNoEntry: false });
    if (now && now.ino === this.opened?.ino && now.dev === this.opened.dev) return;
    throw new BatonError('JOURNAL_GONE', `${this.path} was ${now ? 'replaced' : 'deleted'} while Baton had it open.`, {
      where: this.path,
      hint: 'Put it back, then start again.',
    });
  }

  private problem(error: unknown): Error {
    const now = this.reader ? statSync(this.path, { throwIfNoEntry: false }) : undefined;
    if (now && (now.mtimeMs !== this.opened?.mtimeMs || now.size !== this.opened.size))
      return new BatonError('JOURNAL_BUSY', `${this.path} has changed while it was read.`, {
        where: this.path,
        hint: 'A new owner has come: ask that one, or try again.',
        retryAfterMs: 100,
        cause: error,
      });
    return storageError(error, this.path);
  }

  close(): void {
    this.statements.clear();
    this.free.clear();
    this.db.close();
    this.afterClose();
  }
}

/** @throws BatonError `JOURNAL_NEWER` before anything is written */
export function openForOwner(path: string): Connection {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: PATIENCE_MS });
    refuseNewer(db, path);
    // Only at the beginning: it is written each time, also to a file that has it.
    if (schemaVersion(db) === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES}`,
    );
    return new Connection(path, db, false);
  } catch (error) {
    db?.close();
    throw storageError(error, path);
  }
}

/**
 * Each of SQLite's ways to read is right in one case only. A database that was closed well has no write-ahead log; any
 * other way than `immutable` would make one. A log with its index is read together with that index, without changing it.
 * A log without an index (a copy of a home, made by something that left the index out) can't be read in place.
 */
export function openForReader(path: string): Connection {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const index = existsSync(`${path}-shm`);
  try {
    if (log && index) return new Connection(path, readOnly(path, { mode: 'ro', readonly_shm: '1' }), true);
    if (log && log.size > 0) return openCopy(path);
    return new Connection(path, readOnly(path, { immutable: '1' }), true);
  } catch (error) {
    throw storageError(error, path);
  }
}

function readOnly(path: string, query: Readonly<Record<string, string>>): DatabaseSync {
  const address = pathToFileURL(path);
  address.search = new URLSearchParams(query).toString();
  return new DatabaseSync(address, { readOnly: true, timeout: PATIENCE_MS });
}

function openCopy(path: string): Connection {
  const folder = mkdtempSync(join(tmpdir(), 'baton-'));
  const forget = () => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, basename(path));
    for (const end of ['', '-wal']) copyFileSync(path + end, copy + end);
    return new Connection(path, new DatabaseSync(copy), true, forget);
  } catch (error) {
    forget();
    throw error;
  }
}
