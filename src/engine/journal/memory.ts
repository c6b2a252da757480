/** A journal in memory: the semantics of the stored one without its disk, for tests and the simulator. */
import { BatonError } from '../../errors.ts';
import type { Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { decode, encode, genesis, hashOf, link } from './codec.ts';
import { type Append, type ChainBreak, type ChainHead, type Journal, PAYLOAD_MAX, type Snapshot } from './journal.ts';
import { tooLarge } from './storage-error.ts';
import { chainBreak } from './verify.ts';

interface Row {
  readonly stream: string;
  readonly seq: number;
  readonly text: string;
  readonly hash: Hash;
}

/** What survives a crash: hand it to the next `MemoryJournal`, as a disk would be. */
export class MemoryDisk {
  epoch = 0;
  readonly rows: Row[] = [];
  readonly streams = new Map<string, Row[]>();
  readonly blobs = new Map<Hash, Uint8Array>();
  readonly snapshots = new Map<string, { seq: number; header: string; records: Map<string, string> }>();
}

export class MemoryJournal implements Journal {
  readonly epoch: number;
  private readonly disk: MemoryDisk;
  private readonly pending = new Map<Hash, Uint8Array>();
  /** Makes this many of the next appends fail as a full disk would. */
  failNext = 0;

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.disk = disk;
    this.epoch = ++disk.epoch;
  }

  append(group: readonly Append[], snapshots: readonly Snapshot[] = []): void {
    if (this.disk.epoch !== this.epoch) throw new BatonError('STALE_WRITER', `Epoch ${this.epoch} is over; ${this.disk.epoch} has begun.`);
    for (const { stream, after } of group) {
      const seq = this.disk.streams.get(stream)?.length ?? 0;
      if (seq !== after) throw new BatonError('STALE_WRITER', `${stream} is at fact ${seq}, not ${after}.`);
    }
    if (this.failNext > 0) {
      this.failNext--;
      throw new BatonError('DISK_FULL', 'The disk is full (simulated).');
    }
    for (const [hash, payload] of this.pending) this.disk.blobs.set(hash, payload);
    this.pending.clear();
    for (const { stream, facts } of group) {
      const rows = this.disk.streams.get(stream) ?? [];
      this.disk.streams.set(stream, rows);
      for (const fact of facts) {
        const text = encode(fact, this.epoch);
        const row = { stream, seq: rows.length + 1, text, hash: link(rows.at(-1)?.hash ?? genesis(stream), rows.length + 1, text) };
        rows.push(row);
        this.disk.rows.push(row);
      }
    }
    for (const { stream, seq, header, records } of snapshots) {
      const all = this.disk.snapshots.get(stream)?.records ?? new Map<string, string>();
      for (const [task, record] of records) record === '' ? all.delete(task) : all.set(task, record);
      this.disk.snapshots.set(stream, { seq, header, records: all });
    }
  }

  *read(stream: string, after = 0): Iterable<Stored> {
    for (const row of (this.disk.streams.get(stream) ?? []).slice(after)) yield decode(stream, row.seq, row.text);
  }
  *readAll(after = 0, limit = Number.POSITIVE_INFINITY): Iterable<{ position: number; stored: Stored }> {
    for (let i = after; i < Math.min(this.disk.rows.length, after + limit); i++) {
      const row = this.disk.rows[i];
      if (row) yield { position: i + 1, stored: decode(row.stream, row.seq, row.text) };
    }
  }
  position(): number {
    return this.disk.rows.length;
  }
  snapshot(stream: string): Snapshot | undefined {
    const found = this.disk.snapshots.get(stream);
    return found && { stream, seq: found.seq, header: found.header, records: new Map(found.records) };
  }
  head(stream: string): ChainHead | undefined {
    const row = this.disk.streams.get(stream)?.at(-1);
    return row && { stream, seq: row.seq, hash: row.hash };
  }
  *heads(): Iterable<ChainHead> {
    for (const stream of this.disk.streams.keys()) {
      const head = this.head(stream);
      if (head) yield head;
    }
  }

  put(payload: Uint8Array | string): Hash {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (bytes.length > PAYLOAD_MAX) throw tooLarge(bytes.length);
    const hash = hashOf(bytes);
    if (!this.disk.blobs.has(hash)) this.pending.set(hash, bytes);
    return hash;
  }
  get(hash: Hash): Uint8Array | undefined {
    return this.pending.get(hash) ?? this.disk.blobs.get(hash);
  }
  has(hash: Hash): boolean {
    return this.pending.has(hash) || this.disk.blobs.has(hash);
  }

  *verify(stream?: string): Iterable<ChainBreak> {
    for (const [name, rows] of this.disk.streams) {
      const found = stream === undefined || stream === name ? chainBreak(name, rows) : undefined;
      if (found) yield found;
    }
  }

  remove(streams: readonly string[]): { facts: number; blobs: number; bytes: number } {
    let facts = 0;
    for (const stream of streams) {
      facts += this.disk.streams.get(stream)?.length ?? 0;
      this.disk.streams.delete(stream);
      this.disk.snapshots.delete(stream);
    }
    return { facts, blobs: 0, bytes: 0 };
  }

  close(): void {
    this.pending.clear();
  }
}
