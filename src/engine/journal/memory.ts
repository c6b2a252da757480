/**
 * A journal in memory: the semantics of the stored one without its disk, for tests and the simulator. It finds out what
 * keeps a payload by looking at everything, which the stored one may not; so each is a check of the other.
 */
import { BatonError } from '../../errors.ts';
import type { Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { genesis, hashOf, link } from './codec.ts';
import { Hand } from './hand.ts';
import { type Append, type ChainBreak, type ChainHead, type Journal, PAYLOAD_MAX, type Snapshot } from './journal.ts';
import { namesIn, namesInPayload } from './names.ts';
import { decodeRow, encodeRow, linesFor } from './rows.ts';
import { staleWriter, tooLarge } from './storage-error.ts';
import { chainBreak } from './verify.ts';

/** Facts that were stored together; number and position are those of the last. */
interface Row {
  readonly position: number;
  readonly stream: string;
  readonly seq: number;
  readonly text: string;
  readonly hash: Hash;
}

/** What survives a crash: hand it to the next `MemoryJournal`, as a disk would be. */
export class MemoryDisk {
  epoch = 0;
  position = 0;
  rows: Row[] = [];
  readonly streams = new Map<string, Row[]>();
  readonly blobs = new Map<Hash, Uint8Array>();
  readonly snapshots = new Map<string, { seq: number; header: string; records: Map<string, string> }>();
}

export class MemoryJournal implements Journal {
  readonly epoch: number;
  private readonly disk: MemoryDisk;
  private readonly waiting = new Map<Hash, Uint8Array>();
  private readonly hand = new Hand();
  /** Makes this many of the next appends fail as a full disk would. */
  failNext = 0;
  /** Appends that nobody waits for are taken, and written by `writeNext`. */
  slow = false;
  private under: {
    readonly group: readonly Append[];
    readonly snapshots: readonly Snapshot[];
    readonly done: (error?: unknown) => void;
  }[] = [];

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.disk = disk;
    this.epoch = ++disk.epoch;
  }

  appendSoon(group: readonly Append[], snapshots: readonly Snapshot[], done: (error?: unknown) => void): boolean {
    if (!this.slow && this.under.length === 0) return false;
    this.under.push({ group, snapshots, done });
    return true;
  }

  /** Appends that were taken and are not written. */
  get pending(): number {
    return this.under.length;
  }

  /** Writes the oldest of them, and tells. */
  writeNext(): void {
    const next = this.under.shift();
    if (!next) return;
    try {
      this.write(next.group, next.snapshots);
    } catch (error) {
      for (const { done } of [next, ...this.under.splice(0)]) done(error);
      return;
    }
    next.done();
  }

  settle(): void {
    while (this.under.length > 0) this.writeNext();
  }

  /** The machine fails: the first `count` of them are on the disk, the others are not, and nobody is told of any. */
  crash(count: number): void {
    const under = this.under.splice(0);
    this.failNext = 0;
    for (const { group, snapshots } of under.slice(0, count)) this.write(group, snapshots);
  }

  append(group: readonly Append[], snapshots: readonly Snapshot[] = []): void {
    this.settle();
    this.write(group, snapshots);
  }

  private write(group: readonly Append[], snapshots: readonly Snapshot[]): void {
    this.mayWrite();
    const ends = new Map<string, number>();
    for (const { stream, after, facts } of group) {
      const seq = ends.get(stream) ?? this.disk.streams.get(stream)?.at(-1)?.seq ?? 0;
      if (seq !== after) throw staleWriter(`${stream} is at fact ${seq}, not ${after}.`);
      ends.set(stream, seq + facts.length);
    }
    if (this.failNext > 0) {
      this.failNext--;
      throw new BatonError('DISK_FULL', 'The disk is full (simulated).', { hint: 'Free some space.' });
    }
    for (const [hash, payload] of this.waiting) this.disk.blobs.set(hash, payload);
    this.waiting.clear();
    for (const { stream, facts } of group) {
      const rows = this.disk.streams.get(stream) ?? [];
      if (facts.length > 0) this.disk.streams.set(stream, rows);
      const [before, after] = [this.disk.position, rows.at(-1)?.seq ?? 0];
      const lines = linesFor(facts, this.epoch);
      for (let from = 0; from < lines.length; ) {
        const chain = rows.at(-1)?.hash ?? genesis(stream);
        const { text, upTo } = encodeRow(lines, from, chain);
        from = upTo;
        const hash = link(chain, after + upTo, text);
        this.disk.position = before + upTo;
        const row = { position: this.disk.position, stream, seq: after + upTo, text, hash };
        rows.push(row);
        this.disk.rows.push(row);
        for (const name of namesIn(text)) this.hand.named(name);
      }
    }
    for (const { stream, seq, header, records } of snapshots) {
      const all = this.disk.snapshots.get(stream)?.records ?? new Map<string, string>();
      for (const [task, record] of records) record === '' ? all.delete(task) : all.set(task, record);
      this.disk.snapshots.set(stream, { seq, header, records: all });
    }
  }

  private mayWrite(): void {
    if (this.disk.epoch !== this.epoch) throw staleWriter(`Epoch ${this.epoch} is over: another owner has begun ${this.disk.epoch}.`);
  }

  *read(stream: string, after = 0): Iterable<Stored> {
    for (const { seq, text } of this.disk.streams.get(stream) ?? [])
      if (seq > after) for (const stored of decodeRow(stream, seq, text)) if (stored.seq > after) yield stored;
  }

  *readAll(after = 0, limit = Number.POSITIVE_INFINITY): Iterable<{ position: number; stored: Stored }> {
    let left = limit;
    for (const { position, stream, seq, text } of this.disk.rows.slice(this.rowsUpTo(after)))
      for (const stored of decodeRow(stream, seq, text)) {
        const at = position - seq + stored.seq;
        if (at <= after) continue;
        if (left-- <= 0) return;
        yield { position: at, stored };
      }
  }
  private rowsUpTo(position: number): number {
    let [low, high] = [0, this.disk.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.disk.rows[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  position(): number {
    return this.disk.position;
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
    this.hand.take(hash, namesInPayload(payload));
    if (!this.disk.blobs.has(hash)) this.waiting.set(hash, Uint8Array.from(bytes));
    return hash;
  }
  get(hash: Hash): Uint8Array | undefined {
    return this.waiting.get(hash) ?? this.disk.blobs.get(hash);
  }
  has(hash: Hash): boolean {
    return this.waiting.has(hash) || this.disk.blobs.has(hash);
  }

  *verify(stream?: string, kept: readonly ChainHead[] = []): Iterable<ChainBreak> {
    for (const name of new Set([...this.disk.streams.keys(), ...kept.map((head) => head.stream)])) {
      if (stream !== undefined && stream !== name) continue;
      const found = chainBreak(
        name,
        this.disk.streams.get(name) ?? [],
        kept.filter((head) => head.stream === name),
      );
      if (found) yield found;
    }
  }

  remove(streams: readonly string[]): { facts: number; blobs: number; bytes: number } {
    this.mayWrite();
    const gone = new Set(streams);
    let facts = 0;
    this.disk.rows = this.disk.rows.filter((row) => !gone.has(row.stream));
    for (const stream of gone) {
      facts += this.disk.streams.get(stream)?.at(-1)?.seq ?? 0;
      this.disk.streams.delete(stream);
      this.disk.snapshots.delete(stream);
    }
    const removed = { facts, blobs: 0, bytes: 0 };
    const kept = this.kept();
    for (const [hash, payload] of this.disk.blobs) {
      if (kept.has(hash)) continue;
      this.disk.blobs.delete(hash);
      removed.blobs++;
      removed.bytes += payload.length;
    }
    return removed;
  }

  /** All that the facts or the hand name, and what that names in turn. */
  private kept(): ReadonlySet<Hash> {
    const namesOf = (hash: Hash) => namesInPayload(this.get(hash) ?? '');
    const kept = this.hand.reach(namesOf);
    const open = this.disk.rows.flatMap(({ text }) => namesIn(text));
    for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
      if (kept.has(hash)) continue;
      kept.add(hash);
      open.push(...namesOf(hash));
    }
    return kept;
  }

  close(): void {
    this.settle();
    this.waiting.clear();
  }
}
