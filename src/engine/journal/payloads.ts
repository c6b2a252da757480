/**
 * The rows of payloads. A payload is kept by every stream whose facts name it, directly or by way of another payload:
 * `cleaning.ts` removes one when no stream keeps it. Most have one keeper, which stands in the row itself and costs nothing;
 * the others are in a table beside it. Keepers are a set, not a count, so storing a name twice does no harm.
 */
import type { Hash } from '../kernel/plan.ts';
import type { Connection } from './connection.ts';

const HASH_BYTES = 32;
/** Payloads whose keepers are remembered. */
const KNOWN_MAX = 20_000;

/** A payload to be stored with the facts that came with it. */
export interface NewPayload {
  readonly size: number;
  /** What it names itself. */
  readonly names: readonly Hash[];
  /** Null for one that is in a file. */
  readonly body: Uint8Array | null;
}

export class PayloadRows {
  private readonly connection: Connection;
  /** Stored payloads, and of each the streams known to keep it. */
  private readonly known = new Map<Hash, Set<number>>();
  /** What the facts of this append name and is news. */
  private readonly news = new Map<Hash, Set<number>>();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** A fact of this append names it. */
  name(stream: number, hash: Hash): void {
    if (this.known.get(hash)?.has(stream)) return;
    const streams = this.news.get(hash);
    if (streams) streams.add(stream);
    else this.news.set(hash, new Set([stream]));
  }

  /** Writes new ones and who keeps what; in the transaction, after all its names. */
  store(payloads: ReadonlyMap<Hash, NewPayload>): void {
    const insert = this.connection.statement('INSERT OR IGNORE INTO blob (hash, size, stream, names) VALUES (?, ?, ?, ?)');
    const insertBody = this.connection.statement('INSERT INTO blob_body VALUES (?, ?)');
    /** The keeper that a new row was inserted with. */
    const keepers = new Map<Hash, number>();
    for (const [hash, { size, names, body }] of payloads) {
      const keeper = this.news.get(hash)?.values().next().value ?? 0;
      const { changes, lastInsertRowid } = insert.run(bytesOf(hash), size, keeper, this.pack(names, payloads));
      if (changes === 1) keepers.set(hash, keeper);
      if (changes === 1 && body) insertBody.run(lastInsertRowid, body);
    }
    for (const [hash, streams] of this.news)
      for (const stream of streams) {
        if (stream === keepers.get(hash)) for (const name of payloads.get(hash)?.names ?? []) this.keep(name, stream);
        else if (!this.keep(hash, stream)) this.news.delete(hash);
      }
  }

  /** The append is durable. */
  stored(): void {
    if (this.known.size > KNOWN_MAX) this.known.clear();
    for (const [hash, streams] of this.news) {
      const known = this.known.get(hash);
      if (known) for (const stream of streams) known.add(stream);
      else this.known.set(hash, streams);
    }
    this.news.clear();
  }

  /** The append failed. */
  dropped(): void {
    this.news.clear();
  }

  /** Rows were changed by somebody else: what is known of them may be wrong. */
  forget(): void {
    this.known.clear();
  }

  /** Only payloads that are there are kept by name: a text may name any number of hashes that are something else. */
  private pack(names: readonly Hash[], coming: ReadonlyMap<Hash, NewPayload>): Uint8Array | null {
    const there = names.filter((name) => coming.has(name) || this.connection.get('SELECT 1 FROM blob WHERE hash = ?', bytesOf(name)));
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
