/**
 * Payloads by hash. Small ones are rows, written in the transaction of the facts that came with them; large ones are
 * files, on the disk before that transaction begins, with a row that has no bytes.
 *
 * A payload is kept by every stream whose facts name it, directly or by way of another payload: `cleaning.ts` removes one
 * when no stream keeps it. Most have one keeper, which stands in the row itself and costs nothing; the others are in a
 * table beside it. Keepers are a set, not a count, so storing a name twice does no harm.
 */
import type { Hash } from '../kernel/plan.ts';
import { type BlobFiles, SMALL_MAX } from './blob-files.ts';
import { hashOf } from './codec.ts';
import type { Connection } from './connection.ts';
import { Hand } from './hand.ts';
import { PAYLOAD_MAX } from './journal.ts';
import { namesInPayload } from './names.ts';
import { tooLarge } from './storage-error.ts';

/** Payloads remembered as stored, so that the same one is not offered to the disk again. */
const KNOWN_MAX = 20_000;
const HASH_BYTES = 32;
/** Texts whose hash is remembered, and how long one may be: short results are the same again and again. */
const [TEXTS_MAX, TEXT_MAX] = [256, 256];
const STORED = 'FROM blob JOIN blob_body ON blob_body.blob = blob.id WHERE hash = ?';

interface Waiting {
  readonly size: number;
  readonly names: readonly Hash[];
  /** Null for one that is in a file. */
  readonly body: Uint8Array | null;
  /** The keeper its row was inserted with. */
  keeper: number;
}

export class Blobs {
  private readonly connection: Connection;
  private readonly files: BlobFiles;
  private readonly write: boolean;
  private readonly hand = new Hand();
  private readonly texts = new Map<string, { readonly hash: Hash; readonly names: readonly Hash[] }>();
  /** Put, and stored with the next append. */
  private readonly waiting = new Map<Hash, Waiting>();
  private waitingSize = 0;
  /** Stored payloads, and of each the streams known to keep it. */
  private readonly known = new Map<Hash, Set<number>>();
  /** What the facts of this append name: all of it, and the pairs that are news. */
  private named: Hash[] = [];
  private readonly news = new Map<Hash, Set<number>>();

  /** @param write false for a reader: what it puts stays in its memory */
  constructor(connection: Connection, files: BlobFiles, write: boolean) {
    this.connection = connection;
    this.files = files;
    this.write = write;
  }

  get waitingBytes(): number {
    return this.waitingSize;
  }

  put(payload: Uint8Array | string): Hash {
    const text = typeof payload === 'string' && payload.length <= TEXT_MAX ? payload : undefined;
    const seen = text === undefined ? undefined : this.texts.get(text);
    if (seen && this.known.has(seen.hash)) {
      this.hand.take(seen.hash, seen.names);
      return seen.hash;
    }
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (bytes.length > PAYLOAD_MAX) throw tooLarge(bytes.length);
    const hash = hashOf(bytes);
    const names = namesInPayload(payload);
    if (text !== undefined) this.remember(text, { hash, names });
    this.hand.take(hash, names);
    if (this.known.has(hash) || this.waiting.has(hash)) return hash;
    const small = bytes.length <= SMALL_MAX || !this.write;
    if (!small) this.files.put(hash, bytes);
    // A copy: whoever put it may write over its bytes before they are stored.
    this.waiting.set(hash, { size: bytes.length, names, body: small ? Uint8Array.from(bytes) : null, keeper: 0 });
    if (small) this.waitingSize += bytes.length;
    return hash;
  }

  private remember(text: string, seen: { readonly hash: Hash; readonly names: readonly Hash[] }): void {
    if (this.texts.size >= TEXTS_MAX) this.texts.clear();
    this.texts.set(text, seen);
  }

  get(hash: Hash): Uint8Array | undefined {
    const waiting = this.waiting.get(hash)?.body;
    if (waiting) return waiting;
    const body = this.connection.get(`SELECT body ${STORED}`, bytesOf(hash))?.['body'];
    return body instanceof Uint8Array ? body : this.files.get(hash);
  }

  has(hash: Hash): boolean {
    if (this.waiting.has(hash)) return true;
    return this.connection.get(`SELECT 1 ${STORED}`, bytesOf(hash)) !== undefined || this.files.has(hash);
  }

  /** A fact of this append names it. */
  name(stream: number, hash: Hash): void {
    this.named.push(hash);
    if (this.known.get(hash)?.has(stream)) return;
    const streams = this.news.get(hash);
    if (streams) streams.add(stream);
    else this.news.set(hash, new Set([stream]));
  }

  /** Writes what waits and who keeps what; in the transaction, after all its names. */
  store(): void {
    const insert = this.connection.statement('INSERT OR IGNORE INTO blob (hash, size, stream, names) VALUES (?, ?, ?, ?)');
    const insertBody = this.connection.statement('INSERT INTO blob_body VALUES (?, ?)');
    for (const [hash, waiting] of this.waiting) {
      const keeper = this.news.get(hash)?.values().next().value ?? 0;
      const { changes, lastInsertRowid } = insert.run(bytesOf(hash), waiting.size, keeper, this.pack(waiting.names));
      waiting.keeper = changes === 1 ? keeper : 0;
      if (changes === 1 && waiting.body) insertBody.run(lastInsertRowid, waiting.body);
    }
    for (const [hash, streams] of this.news) {
      const waiting = this.waiting.get(hash);
      for (const stream of streams) {
        if (waiting && waiting.keeper === stream) for (const name of waiting.names) this.keep(name, stream);
        else if (!this.keep(hash, stream)) this.news.delete(hash);
      }
    }
  }

  /** The append is durable. */
  stored(): void {
    if (this.known.size > KNOWN_MAX) this.known.clear();
    for (const hash of this.waiting.keys()) if (!this.known.has(hash)) this.known.set(hash, new Set());
    for (const [hash, streams] of this.news) {
      const known = this.known.get(hash);
      if (known) for (const stream of streams) known.add(stream);
      else this.known.set(hash, streams);
    }
    for (const hash of this.named) this.hand.named(hash);
    this.waiting.clear();
    this.waitingSize = 0;
    this.dropped();
  }

  /** The append failed, or is over: what it named is forgotten; what waits goes on waiting. */
  dropped(): void {
    this.news.clear();
    this.named = [];
  }

  /** What somebody is about to name, with all that it names. */
  inHand(): ReadonlySet<Hash> {
    return this.hand.reach((hash) => unpack(this.connection.get('SELECT names FROM blob WHERE hash = ?', bytesOf(hash))?.['names']));
  }

  /** Rows were removed: what is known of them may be wrong. */
  forgetKnown(): void {
    this.known.clear();
  }

  /** Removes the files of payloads whose rows were removed, and those that a crash left without a row. */
  removeFiles(files: readonly Hash[]): void {
    const spared = this.inHand();
    for (const hash of files) this.files.remove(hash);
    for (const hash of this.files.all())
      if (!spared.has(hash) && !this.connection.get('SELECT 1 FROM blob WHERE hash = ?', bytesOf(hash))) this.files.remove(hash);
    this.files.removeUnfinished();
  }

  /** Only payloads that are there are kept by name: a text may name any number of hashes that are something else. */
  private pack(names: readonly Hash[]): Uint8Array | null {
    const there = names.filter((name) => this.waiting.has(name) || this.connection.get('SELECT 1 FROM blob WHERE hash = ?', bytesOf(name)));
    return there.length === 0 ? null : Buffer.from(there.join(''), 'hex');
  }

  /** Makes `stream` a keeper of the payload and all it names; false when there is no such payload. */
  private keep(hash: Hash, stream: number): boolean {
    let found = false;
    const open = [hash];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const row = this.connection.get('SELECT id, stream, names FROM blob WHERE hash = ?', bytesOf(next));
      if (!row) continue;
      found ||= next === hash;
      if (this.join(Number(row['id']), Number(row['stream']), stream)) open.push(...unpack(row['names']));
    }
    return found;
  }

  /** True when it was not a keeper before. */
  private join(blob: number, first: number, stream: number): boolean {
    if (first === stream) return false;
    if (first === 0) return this.connection.statement('UPDATE blob SET stream = ? WHERE id = ?').run(stream, blob).changes === 1;
    return this.connection.statement('INSERT OR IGNORE INTO blob_stream VALUES (?, ?)').run(blob, stream).changes === 1;
  }
}

export const bytesOf = (hash: Hash): Uint8Array => Buffer.from(hash, 'hex');

/** The hashes in the `names` column. */
export function unpack(names: unknown): Hash[] {
  if (!(names instanceof Uint8Array)) return [];
  const text = Buffer.from(names).toString('hex');
  return Array.from({ length: names.length / HASH_BYTES }, (_, i) => text.slice(i * HASH_BYTES * 2, (i + 1) * HASH_BYTES * 2));
}
