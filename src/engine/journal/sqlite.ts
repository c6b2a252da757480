/**
 * The journal on SQLite: WAL, `synchronous=FULL`, one writer. Everything a turn of the host stores (facts, small
 * payloads, snapshots) is one transaction; when `append` returns, it is on the disk.
 *
 * Measured with 200 runs at once: of 15 µs a step, 7 were encoding, hash, insert and commit. So while there is much to
 * store, a thread does all of it but the encoding (`appendSoon`), and the host decides the next turn meanwhile: two
 * processors give twice the steps. A single chain is quicker without the way there and back, so a small append is written
 * where it comes from, and nobody starts a thread for it.
 */
import { existsSync } from 'node:fs';
import type { Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { BlobFiles } from './blob-files.ts';
import { Blobs, type Payloads } from './blobs.ts';
import { removeStreams } from './cleaning.ts';
import { type Connection, openForOwner, openForReader } from './connection.ts';
import { FactRows, findHead, type Head, lastPosition, type Written } from './fact-rows.ts';
import type { HomePaths } from './home.ts';
import type { Append, ChainBreak, ChainHead, Journal, Snapshot } from './journal.ts';
import { migrate, refuseNewer, schemaVersion } from './migrations.ts';
import { keepReserve, withReserve } from './reserve.ts';
import { decodeRow, linesFor } from './rows.ts';
import { corrupt, storageError } from './storage-error.ts';
import { chainBreaks } from './stored-chains.ts';
import { dropViewRows, saveViewRows, type ViewRows } from './view-rows.ts';
import { factsBack } from './walk.ts';
import { Writer } from './writer.ts';

/** Payloads that wait for an append are stored without one when they hold this much memory, in bytes. */
const WAITING_MAX = 8 * 1024 * 1024;

export interface SqliteOptions {
  /** Opens a new epoch; without it the journal can only be read, and nothing at all is written. */
  readonly write: boolean;
}

export class SqliteJournal implements Journal {
  readonly epoch: number;
  readonly connection: Connection;
  private readonly paths: HomePaths;
  private readonly blobs: Blobs;
  private readonly write: boolean;
  private readonly rows: FactRows;
  private readonly writer: Writer;
  /** The thread has written the last append: what `rows` remembers is old. */
  private away = false;
  /** The position of the last fact that is known to be durable. */
  private last = 0;

  constructor(paths: HomePaths, { write }: SqliteOptions) {
    this.paths = paths;
    this.write = write;
    this.connection = write ? withReserve(paths, () => beginEpoch(paths.journal)) : openForReader(paths.journal);
    this.blobs = new Blobs(this.connection, new BlobFiles(paths.blobs), write);
    try {
      if (write) keepReserve(paths);
      else refuseNewer(this.connection.db, paths.journal);
      this.epoch = Number(this.connection.get('SELECT epoch FROM owner')?.['epoch'] ?? 0);
      this.rows = new FactRows(this.connection, this.epoch);
      this.writer = new Writer(paths.journal, this.epoch);
      this.last = this.position();
    } catch (error) {
      this.connection.close();
      throw storageError(error, paths.journal);
    }
  }

  append(group: readonly Append[], snapshots: readonly Snapshot[] = []): void {
    this.here();
    const written = this.encode(group, snapshots);
    try {
      this.rows.write(written);
    } catch (error) {
      this.blobs.dropped(written.payloads);
      throw error;
    }
    this.last = this.rows.last();
    this.blobs.stored(written.payloads, linesOf(written));
  }

  appendSoon(group: readonly Append[], snapshots: readonly Snapshot[], done: (error?: unknown) => void): boolean {
    if (!this.writer.isReady) return false;
    const written = this.encode(group, snapshots);
    const facts = group.reduce((sum, each) => sum + each.facts.length, 0);
    const [anew, { payloads }] = [!this.away, written];
    this.away = true;
    this.writer.append(written, anew, (error) => {
      if (error === undefined) {
        this.last += facts;
        this.blobs.stored(payloads, linesOf(written));
      } else this.blobs.dropped(payloads);
      done(error);
    });
    return true;
  }

  settle(): void {
    this.writer.settle();
  }

  private encode(group: readonly Append[], snapshots: readonly Snapshot[]): Written & { readonly payloads: Payloads } {
    const streams = group.map(({ stream, after, facts }) => ({ stream, after, lines: linesFor(facts, this.epoch) }));
    return { streams, payloads: this.blobs.take(), snapshots };
  }

  /** Nothing is under way any more, and this thread may write. */
  private here(): void {
    if (!this.away) return;
    this.writer.settle();
    this.away = false;
    this.rows.forget();
  }

  *read(stream: string, after = 0): Iterable<Stored> {
    const head = this.find(stream);
    if (!head || head.seq <= after) return;
    let seq = after;
    for (const row of factsBack(this.connection, head.position, after + 1))
      for (const stored of decodeRow(stream, Number(row['seq']), String(row['text']))) {
        if (stored.seq <= after) continue;
        if (stored.seq !== seq + 1) throw corrupt(this.paths.journal, `fact ${seq + 1} of ${stream} can’t be found`);
        seq = stored.seq;
        yield stored;
      }
    if (seq < head.seq) throw corrupt(this.paths.journal, `fact ${seq} of ${stream} can’t be found`);
  }

  *readAll(after = 0, limit = Number.POSITIVE_INFINITY): Iterable<{ position: number; stored: Stored }> {
    const sql =
      'SELECT fact.position, name, fact.seq, text FROM fact JOIN stream ON stream.id = fact.stream WHERE fact.position > ? ORDER BY fact.position LIMIT ?';
    let left = limit;
    for (const row of this.connection.rows(sql, after, Number.isFinite(limit) ? limit : -1)) {
      const facts = decodeRow(String(row['name']), Number(row['seq']), String(row['text']));
      const first = Number(row['position']) - facts.length + 1;
      for (const [i, stored] of facts.entries()) {
        if (first + i <= after) continue;
        if (left-- <= 0) return;
        yield { position: first + i, stored };
      }
    }
  }

  position(): number {
    return this.write && this.last > 0 ? this.last : lastPosition(this.connection);
  }

  snapshot(stream: string): Snapshot | undefined {
    const sql = 'SELECT snapshot.stream, snapshot.seq, header FROM snapshot JOIN stream ON stream.id = snapshot.stream WHERE name = ?';
    const found = this.connection.get(sql, stream);
    if (!found) return undefined;
    const records = new Map<string, string>();
    for (const row of this.connection.rows('SELECT task, body FROM snapshot_record WHERE stream = ?', Number(found['stream'])))
      records.set(String(row['task']), String(row['body']));
    return { stream, seq: Number(found['seq']), header: String(found['header']), records };
  }

  head(stream: string): ChainHead | undefined {
    const head = this.find(stream);
    return head && head.seq > 0 ? { stream, seq: head.seq, hash: head.hash } : undefined;
  }

  *heads(): Iterable<ChainHead> {
    for (const row of this.connection.rows('SELECT name, seq, hash FROM stream WHERE seq > 0 ORDER BY id'))
      yield { stream: String(row['name']), seq: Number(row['seq']), hash: String(row['hash']) };
  }

  put(payload: Uint8Array | string): Hash {
    const hash = this.blobs.put(payload);
    if (this.write && this.blobs.waitingBytes > WAITING_MAX && this.writer.pending === 0)
      try {
        this.append([]);
      } catch {
        // They go on waiting, and the next append has its say.
      }
    return hash;
  }

  get(hash: Hash): Uint8Array | undefined {
    return this.blobs.get(hash);
  }

  has(hash: Hash): boolean {
    return this.blobs.has(hash);
  }

  verify(stream?: string, kept: readonly ChainHead[] = []): Iterable<ChainBreak> {
    return chainBreaks(this.connection, stream, kept);
  }

  remove(streams: readonly string[]): { readonly facts: number; readonly blobs: number; readonly bytes: number } {
    const { connection, blobs, epoch, paths } = this;
    this.here();
    this.rows.forget();
    const { facts, blobs: payloads, bytes } = removeStreams({ connection, blobs, epoch, paths }, streams);
    return { facts, blobs: payloads, bytes };
  }

  /**
   * Writes rows of lists; behind what is under way, where something is, since they may tell of it.
   * @param done told with the error when they are not written; before this returns where nothing is under way
   */
  saveViews(views: ViewRows, done: (error?: unknown) => void): void {
    if (this.writer.pending > 0) {
      this.writer.saveViews(views, done);
      return;
    }
    let failed: unknown;
    try {
      saveViewRows(this.connection, this.epoch, views);
    } catch (error) {
      failed = error;
    }
    done(failed);
  }

  forgetViews(): void {
    this.writer.settle();
    dropViewRows(this.connection, this.epoch);
  }

  close(): void {
    this.writer.close();
    this.connection.close();
  }

  private find(stream: string): Head | undefined {
    return this.write && !this.away ? this.rows.find(stream) : findHead(this.connection, stream);
  }
}

function* linesOf({ streams }: Written): Generator<string> {
  for (const { lines } of streams) yield* lines;
}

function beginEpoch(path: string): Connection {
  const connection = openForOwner(path);
  try {
    migrate(connection.db);
    connection.db.exec('UPDATE owner SET epoch = epoch + 1');
    return connection;
  } catch (error) {
    connection.close();
    throw storageError(error, path);
  }
}

/** A journal that can be read and nothing else, without an owner and without writing anything; undefined where there is none yet. */
export function openReadOnly(paths: HomePaths): SqliteJournal | undefined {
  return hasJournal(paths.journal) ? new SqliteJournal(paths, { write: false }) : undefined;
}

/** A file without tables was made by an owner that died before it could begin. */
function hasJournal(path: string): boolean {
  if (!existsSync(path)) return false;
  const connection = openForReader(path);
  try {
    return schemaVersion(connection.db) > 0;
  } catch (error) {
    throw storageError(error, path);
  } finally {
    connection.close();
  }
}
