/**
 * Payloads by hash, as whoever puts and reads them sees them. Small ones are rows, written in the transaction of the facts
 * that came with them; large ones are files, on the disk before that transaction begins, with a row that has no bytes.
 * Who keeps which is in `payloads.ts`.
 */
import type { Hash } from '../kernel/plan.ts';
import { type BlobFiles, SMALL_MAX } from './blob-files.ts';
import { hashOf } from './codec.ts';
import type { Connection } from './connection.ts';
import { Hand } from './hand.ts';
import { PAYLOAD_MAX } from './journal.ts';
import { namesIn, namesInPayload } from './names.ts';
import { bytesOf, type NewPayload, unpack } from './payloads.ts';
import { tooLarge } from './storage-error.ts';

/** Payloads remembered as stored, so that the same one is not offered to the disk again. */
const KNOWN_MAX = 20_000;
/** Texts whose hash is remembered, and how long one may be: short results are the same again and again. */
const [TEXTS_MAX, TEXT_MAX] = [256, 256];
const STORED = 'FROM blob JOIN blob_body ON blob_body.blob = blob.id WHERE hash = ?';

export type Payloads = ReadonlyMap<Hash, NewPayload>;

export class Blobs {
  private readonly connection: Connection;
  private readonly files: BlobFiles;
  private readonly write: boolean;
  private readonly hand = new Hand();
  private readonly texts = new Map<string, { readonly hash: Hash; readonly names: readonly Hash[] }>();
  /** Put, and stored with the next append. */
  private waiting = new Map<Hash, NewPayload>();
  private waitingSize = 0;
  /** Being stored, by the append they went with. */
  private readonly under = new Set<Payloads>();
  private readonly known = new Set<Hash>();

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
    if (this.known.has(hash) || this.coming(hash)) return hash;
    const small = bytes.length <= SMALL_MAX || !this.write;
    if (!small) this.files.put(hash, bytes);
    // A copy: whoever put it may write over its bytes before they are stored.
    this.waiting.set(hash, { size: bytes.length, names, body: small ? Uint8Array.from(bytes) : null });
    if (small) this.waitingSize += bytes.length;
    return hash;
  }

  private remember(text: string, seen: { readonly hash: Hash; readonly names: readonly Hash[] }): void {
    if (this.texts.size >= TEXTS_MAX) this.texts.clear();
    this.texts.set(text, seen);
  }

  /** One that is put and not durable yet. */
  private coming(hash: Hash): NewPayload | undefined {
    const waiting = this.waiting.get(hash);
    if (waiting || this.under.size === 0) return waiting;
    for (const payloads of this.under) {
      const found = payloads.get(hash);
      if (found) return found;
    }
    return undefined;
  }

  get(hash: Hash): Uint8Array | undefined {
    const coming = this.coming(hash)?.body;
    if (coming) return coming;
    const body = this.connection.get(`SELECT body ${STORED}`, bytesOf(hash))?.['body'];
    return body instanceof Uint8Array ? body : this.files.get(hash);
  }

  has(hash: Hash): boolean {
    if (this.coming(hash)) return true;
    return this.connection.get(`SELECT 1 ${STORED}`, bytesOf(hash)) !== undefined || this.files.has(hash);
  }

  /** What waits, for an append that is about to be written; `stored` or `dropped` must follow. */
  take(): Payloads {
    const taken = this.waiting;
    this.under.add(taken);
    this.waiting = new Map();
    this.waitingSize = 0;
    return taken;
  }

  /** @param lines that name them and others, durable as well */
  stored(taken: Payloads, lines: Iterable<string>): void {
    this.under.delete(taken);
    if (this.known.size > KNOWN_MAX) this.known.clear();
    for (const hash of taken.keys()) this.known.add(hash);
    for (const line of lines) for (const hash of namesIn(line)) this.hand.named(hash);
  }

  /** The append failed: they wait for the next, since results that could not be stored are offered again. */
  dropped(taken: Payloads): void {
    this.under.delete(taken);
    for (const [hash, payload] of taken) {
      if (this.waiting.has(hash)) continue;
      this.waiting.set(hash, payload);
      this.waitingSize += payload.body?.length ?? 0;
    }
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
}
