/**
 * The journal: the list of facts and the only truth. A port with two adapters, `memory` and `sqlite`.
 *
 * Calls are synchronous on purpose: the host appends everything of one turn of the event loop in one durable
 * transaction, and nothing may be dispatched, answered or shown before it is stored.
 */
import type { CommandRef, Fact, Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';

/** New facts of one stream, which must follow the fact numbered `after` (0 for a new stream). */
export interface Append {
  readonly stream: string;
  readonly after: number;
  readonly facts: readonly NewFact[];
}
export interface NewFact {
  readonly at: number;
  readonly fact: Fact;
  readonly command?: CommandRef;
}

/** A stream's state as of fact `seq`: a header and one record per task, so that saving again writes only what changed. */
export interface Snapshot {
  readonly stream: string;
  readonly seq: number;
  readonly header: string;
  /** Task id to record. When saving: only the changed ones. */
  readonly records: ReadonlyMap<string, string>;
}

/** Where a stream's chain ends; exported by `baton audit head`. */
export interface ChainHead {
  readonly stream: string;
  readonly seq: number;
  readonly hash: Hash;
}

/** The first place where a stored chain does not hold. */
export interface ChainBreak {
  readonly stream: string;
  readonly seq: number;
  readonly problem: 'changed' | 'missing' | 'reordered' | 'unreadable';
  readonly message: string;
}

export interface Journal {
  /** The owner's epoch that every append carries. */
  readonly epoch: number;

  /**
   * Appends all or nothing, durably, together with the blobs put since the last append.
   * @throws BatonError `STALE_WRITER` when a stream has moved past `after` or this owner's epoch is over;
   *   `DISK_FULL`, `JOURNAL_READONLY`, `JOURNAL_CORRUPT`, `JOURNAL_GONE`, `JOURNAL_BUSY`, `JOURNAL_IO` naming the path
   *   and the remedy.
   *   After an error nothing of the group is stored; blobs put since the last append wait for the next one, because
   *   results that could not be stored are offered again.
   */
  append(group: readonly Append[], snapshots?: readonly Snapshot[]): void;

  /**
   * The same without waiting, where the store has somebody who writes beside this thread. Appends are stored in the order
   * they were asked for. After one that failed, all that were asked for before its `done` fail too, with its error.
   * @param done called once, after this has returned, in the order of the appends; with the error when nothing was stored
   * @returns false when it can't be done now, and nothing was taken
   */
  appendSoon?(group: readonly Append[], snapshots: readonly Snapshot[], done: (error?: unknown) => void): boolean;
  /** Returns when every `done` was called. Appends that are under way are not seen by readers before. */
  settle?(): void;

  /** Facts of one stream after `after`, in order, lifted to the current versions. */
  read(stream: string, after?: number): Iterable<Stored>;
  /** Facts of all streams in the order they were stored; `position` counts from 1 over the whole journal. */
  readAll(after?: number, limit?: number): Iterable<{ readonly position: number; readonly stored: Stored }>;
  /** The last position, 0 when empty. */
  position(): number;
  snapshot(stream: string): Snapshot | undefined;
  head(stream: string): ChainHead | undefined;
  heads(): Iterable<ChainHead>;

  /**
   * Stores a payload and returns its hash; durable with the next append that succeeds (large ones at once). It is kept as
   * long as a stream names it, in a fact or in another payload that a fact names. So what a payload names is put before it.
   * @throws BatonError `PAYLOAD_TOO_LARGE` above `PAYLOAD_MAX` bytes.
   */
  put(payload: Uint8Array | string): Hash;
  /** The payload, also one put but not yet appended; `undefined` when it was removed (retention, erasure) or never there. */
  get(hash: Hash): Uint8Array | undefined;
  has(hash: Hash): boolean;

  /**
   * Recomputes every chain (or one stream's) from the stored bytes and yields the first break of each broken stream.
   * @param kept heads exported earlier: they show as well what was cut off, or written anew as a whole
   */
  verify(stream?: string, kept?: readonly ChainHead[]): Iterable<ChainBreak>;

  /**
   * Removes streams with their snapshots and the payloads that no other stream keeps; used by `baton clean`. Payloads that
   * were put and are not named yet stay. Positions are never used again.
   * @returns how many facts and payloads are gone, and the size of the payloads
   */
  remove(streams: readonly string[]): { readonly facts: number; readonly blobs: number; readonly bytes: number };

  close(): void;
}

/** Largest payload, in bytes: 32 MiB. */
export const PAYLOAD_MAX = 32 * 1024 * 1024;
