/**
 * The journal on SQLite: WAL, `synchronous=FULL`, one writer. Everything a turn of the host stores (facts, small blobs,
 * snapshots) is one transaction; when `append` returns, it is on the disk.
 *
 * Measured: a transaction costs one sync of the disk; a fact about 4 µs, of which the insert is half and the hash a
 * third. Statements are prepared once, and stream names are numbers in the tables, which halved the index.
 */
import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BatonError } from '../../errors.ts';
import type { Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { BlobFiles } from './blob-files.ts';
import { decode, encode, genesis, hashOf, link } from './codec.ts';
import type { HomePaths } from './home.ts';
import { type Append, type ChainBreak, type ChainHead, type Journal, PAYLOAD_MAX, type Snapshot } from './journal.ts';
import { migrate, refuseNewer } from './migrations.ts';
import { freeReserve, keepReserve } from './reserve.ts';
import { sqliteCode, storageError, tooLarge } from './storage-error.ts';
import { chainBreak } from './verify.ts';

/** Payloads up to this size, in bytes, are rows of the journal's own transaction; larger ones are files. */
export const BLOB_ROW_MAX = 256 * 1024;
const CONSTRAINT = 19;
const FULL = 13;
/** Hashes remembered as stored, so that the same payload is not offered to the disk again. */
const KNOWN_MAX = 50_000;
/** Streams whose end is remembered. */
const HEADS_MAX = 20_000;
/** How often the file is looked at, in milliseconds: writes to a database that was deleted succeed silently. */
const LOOK_MS = 1_000;

interface Head {
  readonly id: number;
  seq: number;
  hash: Hash;
}

export interface SqliteOptions {
  /** Opens a new epoch; without it the journal can only be read, and nothing at all is written. */
  readonly write: boolean;
}

export class SqliteJournal implements Journal {
  readonly epoch: number;
  readonly db: DatabaseSync;
  private readonly paths: HomePaths;
  private readonly files: BlobFiles;
  private readonly statements = new Map<string, StatementSync>();
  private readonly streams = new Map<string, Head>();
  private readonly pending = new Map<Hash, Uint8Array>();
  private readonly known = new Set<Hash>();
  private last = 0;
  private readonly inode: number;
  private lookedAt = 0;

  constructor(paths: HomePaths, { write }: SqliteOptions) {
    this.paths = paths;
    this.files = new BlobFiles(paths.blobs);
    try {
      this.db = write ? new DatabaseSync(paths.journal, { timeout: 5_000 }) : openReadOnly(paths);
      if (write) {
        this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 4000');
        migrate(this.db, paths.journal);
        keepReserve(paths);
        this.db.exec('UPDATE owner SET epoch = epoch + 1');
      } else refuseNewer(this.db, paths.journal);
      this.epoch = Number(this.get1('SELECT epoch FROM owner')?.['epoch'] ?? 0);
      this.last = this.position();
      this.inode = statSync(paths.journal).ino;
    } catch (error) {
      throw storageError(error, paths.journal);
    }
  }

  append(group: readonly Append[], snapshots: readonly Snapshot[] = []): void {
    this.look();
    const before = this.last;
    const moved: { head: Head; seq: number; hash: Hash }[] = [];
    try {
      this.db.exec('BEGIN IMMEDIATE');
      const owner = Number(this.get1('SELECT epoch FROM owner')?.['epoch']);
      if (owner !== this.epoch) throw stale(`Epoch ${this.epoch} is over: another owner has begun ${owner}.`);
      const blob = this.statement('INSERT OR IGNORE INTO blob VALUES (?, ?)');
      for (const [hash, payload] of this.pending) blob.run(hash, payload);
      const insert = this.statement('INSERT INTO fact VALUES (?, ?, ?, ?, ?)');
      for (const { stream, after, facts } of group) {
        const head = this.headOf(stream, true);
        if (head.seq !== after) throw stale(`${stream} is at fact ${head.seq}, not ${after}.`);
        moved.push({ head, seq: head.seq, hash: head.hash });
        for (const fact of facts) {
          const text = encode(fact, this.epoch);
          head.hash = link(head.hash, ++head.seq, text);
          insert.run(++this.last, head.id, head.seq, text, head.hash);
        }
      }
      for (const snapshot of snapshots) this.saveSnapshot(snapshot);
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      this.last = before;
      for (const { head, seq, hash } of moved) Object.assign(head, { seq, hash });
      // A stream that was new has no row any more.
      this.streams.clear();
      if (sqliteCode(error) === CONSTRAINT) throw stale('Another writer has stored facts in between.', error);
      throw storageError(error, this.paths.journal);
    }
    for (const hash of this.pending.keys()) this.remember(hash);
    this.pending.clear();
    if (this.streams.size > HEADS_MAX) this.streams.clear();
  }

  private saveSnapshot({ stream, seq, header, records }: Snapshot): void {
    const { id } = this.headOf(stream, true);
    this.statement('INSERT INTO snapshot VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, header = excluded.header').run(
      id,
      seq,
      header,
    );
    const record = this.statement('INSERT INTO snapshot_record VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body');
    const drop = this.statement('DELETE FROM snapshot_record WHERE stream = ? AND task = ?');
    for (const [task, body] of records) body === '' ? drop.run(id, task) : record.run(id, task, body);
  }

  *read(stream: string, after = 0): Iterable<Stored> {
    const id = this.idOf(stream);
    if (id === undefined) return;
    for (const row of this.rows('SELECT seq, text FROM fact WHERE stream = ? AND seq > ? ORDER BY seq', id, after))
      yield decode(stream, Number(row['seq']), String(row['text']));
  }

  *readAll(after = 0, limit = -1): Iterable<{ readonly position: number; readonly stored: Stored }> {
    const sql =
      'SELECT position, name, seq, text FROM fact JOIN stream ON stream.id = fact.stream WHERE position > ? ORDER BY position LIMIT ?';
    for (const row of this.rows(sql, after, limit))
      yield { position: Number(row['position']), stored: decode(String(row['name']), Number(row['seq']), String(row['text'])) };
  }

  position(): number {
    if (this.last > 0) return this.last;
    return Number(this.get1('SELECT max(position_floor, coalesce((SELECT max(position) FROM fact), 0)) AS last FROM owner')?.['last'] ?? 0);
  }

  snapshot(stream: string): Snapshot | undefined {
    const id = this.idOf(stream);
    const found = id === undefined ? undefined : this.get1('SELECT seq, header FROM snapshot WHERE stream = ?', id);
    if (id === undefined || !found) return undefined;
    const records = new Map<string, string>();
    for (const row of this.rows('SELECT task, body FROM snapshot_record WHERE stream = ?', id))
      records.set(String(row['task']), String(row['body']));
    return { stream, seq: Number(found['seq']), header: String(found['header']), records };
  }

  head(stream: string): ChainHead | undefined {
    if (this.idOf(stream) === undefined) return undefined;
    const { seq, hash } = this.headOf(stream, false);
    return seq === 0 ? undefined : { stream, seq, hash };
  }
  *heads(): Iterable<ChainHead> {
    for (const { name } of this.names()) {
      const head = this.head(name);
      if (head) yield head;
    }
  }

  put(payload: Uint8Array | string): Hash {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (bytes.length > PAYLOAD_MAX) throw tooLarge(bytes.length);
    const hash = hashOf(bytes);
    if (this.known.has(hash) || this.pending.has(hash)) return hash;
    if (bytes.length <= BLOB_ROW_MAX) this.pending.set(hash, bytes);
    else {
      this.files.put(hash, bytes);
      this.remember(hash);
    }
    return hash;
  }
  get(hash: Hash): Uint8Array | undefined {
    const pending = this.pending.get(hash);
    if (pending) return pending;
    const row = this.get1('SELECT body FROM blob WHERE hash = ?', hash);
    return row ? (row['body'] as Uint8Array) : this.files.get(hash);
  }
  has(hash: Hash): boolean {
    return this.pending.has(hash) || this.get1('SELECT 1 FROM blob WHERE hash = ?', hash) !== undefined || this.files.has(hash);
  }

  *verify(stream?: string): Iterable<ChainBreak> {
    for (const { id, name } of this.names()) {
      if (stream !== undefined && stream !== name) continue;
      const found = chainBreak(name, this.chain(id));
      if (found) yield found;
    }
  }
  private *chain(id: number) {
    for (const row of this.rows('SELECT seq, text, hash FROM fact WHERE stream = ? ORDER BY seq', id))
      yield { seq: Number(row['seq']), text: String(row['text']), hash: String(row['hash']) };
  }

  remove(streams: readonly string[]): { readonly facts: number; readonly blobs: number; readonly bytes: number } {
    const work = () => this.transaction(() => this.removeNow(streams));
    try {
      return work();
    } catch (error) {
      if (sqliteCode(error) !== FULL || !freeReserve(this.paths)) throw storageError(error, this.paths.journal);
      // On a full disk even a DELETE needs room in the write-ahead log.
      const removed = work();
      this.db.exec('PRAGMA wal_checkpoint(TRUNCATE); VACUUM');
      keepReserve(this.paths);
      return removed;
    }
  }

  private removeNow(streams: readonly string[]): { facts: number; blobs: number; bytes: number } {
    let facts = 0;
    this.statement('UPDATE owner SET position_floor = ?').run(this.position());
    for (const stream of streams) {
      const id = this.idOf(stream);
      if (id === undefined) continue;
      facts += Number(this.statement('DELETE FROM fact WHERE stream = ?').run(id).changes);
      for (const table of ['snapshot_record', 'snapshot']) this.statement(`DELETE FROM ${table} WHERE stream = ?`).run(id);
      this.statement('DELETE FROM stream WHERE id = ?').run(id);
      this.statement('DELETE FROM run_view WHERE run = ?').run(stream);
      this.streams.delete(stream);
    }
    return { facts, ...this.sweep() };
  }

  /** Removes every blob that no remaining fact names, directly or through another blob. */
  private sweep(): { blobs: number; bytes: number } {
    const reached = new Set<Hash>(this.pending.keys());
    const open: Hash[] = [];
    const scan = (text: string) => {
      for (const [hash] of text.matchAll(/\b[0-9a-f]{64}\b/g))
        if (!reached.has(hash)) {
          reached.add(hash);
          open.push(hash);
        }
    };
    for (const row of this.rows('SELECT text FROM fact')) scan(String(row['text']));
    for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
      const body = this.get(hash);
      if (body) scan(Buffer.from(body).toString('latin1'));
    }
    let [blobs, bytes] = [0, 0];
    for (const row of this.db.prepare('SELECT hash, length(body) AS size FROM blob').all()) {
      if (reached.has(String(row['hash']))) continue;
      this.statement('DELETE FROM blob WHERE hash = ?').run(String(row['hash']));
      blobs++;
      bytes += Number(row['size']);
    }
    for (const hash of this.files.all()) {
      if (reached.has(hash)) continue;
      blobs++;
      bytes += this.files.remove(hash);
    }
    this.known.clear();
    return { blobs, bytes };
  }

  /** Runs `work` in a transaction of its own. Only for what belongs to no turn of the host: views, cleaning. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.statements.clear();
    this.db.close();
  }

  statement(sql: string): StatementSync {
    let found = this.statements.get(sql);
    if (!found) this.statements.set(sql, (found = this.db.prepare(sql)));
    return found;
  }
  private get1(sql: string, ...values: (string | number)[]) {
    try {
      return this.statement(sql).get(...values);
    } catch (error) {
      throw storageError(error, this.paths.journal);
    }
  }
  /** Rows one after another, on a statement of their own: two readers may be under way at once. */
  private *rows(sql: string, ...values: (string | number)[]) {
    try {
      yield* this.db.prepare(sql).iterate(...values);
    } catch (error) {
      throw storageError(error, this.paths.journal);
    }
  }
  private names(): { id: number; name: string }[] {
    return [...this.rows('SELECT id, name FROM stream ORDER BY id')].map((row) => ({ id: Number(row['id']), name: String(row['name']) }));
  }

  private idOf(stream: string): number | undefined {
    const known = this.streams.get(stream);
    if (known) return known.id;
    const row = this.get1('SELECT id FROM stream WHERE name = ?', stream);
    return row && Number(row['id']);
  }
  private headOf(stream: string, make: boolean): Head {
    const known = this.streams.get(stream);
    if (known) return known;
    let id = this.idOf(stream);
    if (id === undefined && make) id = Number(this.statement('INSERT INTO stream (name) VALUES (?)').run(stream).lastInsertRowid);
    const row = id === undefined ? undefined : this.get1('SELECT seq, hash FROM fact WHERE stream = ? ORDER BY seq DESC LIMIT 1', id);
    const head = { id: id ?? 0, seq: Number(row?.['seq'] ?? 0), hash: row ? String(row['hash']) : genesis(stream) };
    if (id !== undefined) this.streams.set(stream, head);
    return head;
  }

  private remember(hash: Hash): void {
    if (this.known.size >= KNOWN_MAX) this.known.clear();
    this.known.add(hash);
  }

  private look(): void {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    let inode: number | undefined;
    try {
      inode = statSync(this.paths.journal).ino;
    } catch {
      inode = undefined;
    }
    if (inode === this.inode) return;
    throw new BatonError('JOURNAL_GONE', `${this.paths.journal} was deleted or replaced while Baton had it open.`, {
      where: this.paths.journal,
      hint: 'Put it back, then start again.',
    });
  }
}

const stale = (message: string, cause?: unknown): BatonError =>
  new BatonError('STALE_WRITER', message, { hint: 'This process is no longer the owner of the home.', cause });

/**
 * Without the owner's rights, and without writing anything: a journal that was closed cleanly is read as it lies there;
 * one with a write-ahead log is read with an index in this process's memory.
 */
function openReadOnly(paths: HomePaths): DatabaseSync {
  const address = (query: string) => `file:${encodeURI(paths.journal).replaceAll('?', '%3f').replaceAll('#', '%23')}?${query}`;
  let log = 0;
  try {
    log = statSync(`${paths.journal}-wal`).size;
  } catch {
    log = 0;
  }
  return new DatabaseSync(address(log > 0 ? 'mode=ro&readonly_shm=1' : 'immutable=1'), { readOnly: true, timeout: 5_000 });
}
