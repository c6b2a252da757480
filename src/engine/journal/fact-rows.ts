/**
 * Writes facts: all rows of an append with the payloads that came with them, in one transaction. What it remembers of the
 * streams it wrote is true as long as nobody else writes; then it must `forget`.
 */
import type { Hash } from '../kernel/plan.ts';
import { genesis, link } from './codec.ts';
import type { Connection } from './connection.ts';
import type { Snapshot } from './journal.ts';
import { namesIn } from './names.ts';
import { type NewPayload, PayloadRows } from './payloads.ts';
import { encodeRow } from './rows.ts';
import { staleWriter } from './storage-error.ts';

/** Streams whose end is remembered. */
const ENDS_MAX = 20_000;

/** An append as it is written: its facts are lines of rows. It can be sent to another thread. */
export interface Written {
  readonly streams: readonly { readonly stream: string; readonly after: number; readonly lines: readonly string[] }[];
  readonly payloads: ReadonlyMap<Hash, NewPayload>;
  readonly snapshots: readonly Snapshot[];
}

/** Where a stream ends. */
export interface Head {
  readonly id: number;
  seq: number;
  position: number;
  hash: Hash;
}

export class FactRows {
  private readonly connection: Connection;
  private readonly epoch: number;
  private readonly payloads: PayloadRows;
  private readonly ends = new Map<string, Head>();
  private end: number | undefined;

  /** @param epoch of the owner it writes for */
  constructor(connection: Connection, epoch: number) {
    this.connection = connection;
    this.epoch = epoch;
    this.payloads = new PayloadRows(connection);
  }

  /** @throws BatonError as `Journal.append`; nothing is stored then */
  write({ streams, payloads, snapshots }: Written): void {
    const before = this.end;
    try {
      this.connection.transaction(this.epoch, () => {
        const move = this.connection.statement('UPDATE stream SET seq = ?, position = ?, hash = ? WHERE id = ?');
        for (const { stream, after, lines } of streams) {
          const head = this.open(stream);
          if (head.seq !== after) throw staleWriter(`${stream} is at fact ${head.seq}, not ${after}.`);
          this.add(head, lines);
          move.run(head.seq, head.position, head.hash, head.id);
        }
        this.payloads.store(payloads);
        for (const snapshot of snapshots) this.saveSnapshot(snapshot);
      });
    } catch (error) {
      this.end = before;
      this.ends.clear();
      this.payloads.dropped();
      throw error;
    }
    this.payloads.stored();
    if (this.ends.size > ENDS_MAX) this.ends.clear();
  }

  private add(head: Head, lines: readonly string[]): void {
    const insert = this.connection.statement('INSERT INTO fact VALUES (?, ?, ?, ?, ?, ?)');
    const [last, seq] = [this.last(), head.seq];
    for (let from = 0; from < lines.length; ) {
      const { text, upTo } = encodeRow(lines, from, head.hash);
      from = upTo;
      this.end = last + upTo;
      head.seq = seq + upTo;
      head.hash = link(head.hash, head.seq, text);
      insert.run(this.end, head.id, head.seq, head.position, text, head.hash);
      head.position = this.end;
      for (const hash of namesIn(text)) this.payloads.name(head.id, hash);
    }
  }

  private saveSnapshot({ stream, seq, header, records }: Snapshot): void {
    const { id } = this.open(stream);
    const { connection } = this;
    connection
      .statement('INSERT INTO snapshot VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, header = excluded.header')
      .run(id, seq, header);
    const put = connection.statement('INSERT INTO snapshot_record VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body');
    const drop = connection.statement('DELETE FROM snapshot_record WHERE stream = ? AND task = ?');
    for (const [task, body] of records) body === '' ? drop.run(id, task) : put.run(id, task, body);
  }

  /** The position of the last fact of all streams, 0 when there is none. */
  last(): number {
    this.end ??= lastPosition(this.connection);
    return this.end;
  }

  find(stream: string): Head | undefined {
    const known = this.ends.get(stream);
    if (known) return known;
    const head = findHead(this.connection, stream);
    if (head) this.ends.set(stream, head);
    return head;
  }

  /** Somebody else writes, or has written. */
  forget(): void {
    this.ends.clear();
    this.end = undefined;
    this.payloads.forget();
  }

  /** The end of a stream, which is made when there is none. Only in a transaction. */
  private open(stream: string): Head {
    const found = this.find(stream);
    if (found) return found;
    const hash = genesis(stream);
    const made = this.connection.statement('INSERT INTO stream (name, seq, position, hash) VALUES (?, 0, 0, ?)').run(stream, hash);
    const head = { id: Number(made.lastInsertRowid), seq: 0, position: 0, hash };
    this.ends.set(stream, head);
    return head;
  }
}

export function findHead(connection: Connection, stream: string): Head | undefined {
  const row = connection.get('SELECT id, seq, position, hash FROM stream WHERE name = ?', stream);
  return row && { id: Number(row['id']), seq: Number(row['seq']), position: Number(row['position']), hash: String(row['hash']) };
}

export function lastPosition(connection: Connection): number {
  const sql = 'SELECT max(position_floor, coalesce((SELECT max(position) FROM fact), 0)) AS last FROM owner';
  return Number(connection.get(sql)?.['last'] ?? 0);
}
