/**
 * Removing streams, in one transaction: their facts, their snapshots, and every payload that no remaining stream keeps.
 * The work grows with what is removed, not with the journal. What is in the hand stays, whoever kept it.
 */
import type { Hash } from '../kernel/plan.ts';
import { type Blobs, bytesOf, unpack } from './blobs.ts';
import type { Connection } from './connection.ts';
import { namesIn } from './names.ts';
import { factsBack } from './walk.ts';

export interface Removed {
  facts: number;
  blobs: number;
  bytes: number;
  /** Payloads whose files are to be deleted once the transaction is durable. */
  readonly files: Hash[];
}

export function removeStreams(connection: Connection, blobs: Blobs, streams: readonly string[]): Removed {
  const removed: Removed = { facts: 0, blobs: 0, bytes: 0, files: [] };
  for (const name of streams) {
    const stream = connection.get('SELECT id, position FROM stream WHERE name = ?', name);
    if (!stream) continue;
    const id = Number(stream['id']);
    const positions: number[] = [];
    const open: Hash[] = [];
    for (const row of factsBack(connection, Number(stream['position']))) {
      positions.push(Number(row['position']));
      for (const hash of namesIn(String(row['text']))) open.push(hash);
    }
    letGo(connection, open, id);
    const drop = connection.statement('DELETE FROM fact WHERE position = ?');
    for (const position of positions) removed.facts += Number(drop.run(position).changes);
    for (const table of ['snapshot_record', 'snapshot']) connection.statement(`DELETE FROM ${table} WHERE stream = ?`).run(id);
    connection.statement('DELETE FROM stream WHERE id = ?').run(id);
    connection.statement('DELETE FROM run_view WHERE run = ?').run(name);
  }
  sweep(connection, blobs, removed);
  return removed;
}

/** The stream is no keeper any more of what `open` names. */
function letGo(connection: Connection, open: Hash[], stream: number): void {
  const seen = new Set<Hash>();
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (seen.has(hash)) continue;
    seen.add(hash);
    const row = connection.get('SELECT id, stream, names FROM blob WHERE hash = ?', bytesOf(hash));
    if (!row) continue;
    open.push(...unpack(row['names']));
    const id = Number(row['id']);
    if (row['stream'] !== stream) {
      connection.statement('DELETE FROM blob_stream WHERE blob = ? AND stream = ?').run(id, stream);
      continue;
    }
    const next = Number(connection.get('SELECT stream FROM blob_stream WHERE blob = ? LIMIT 1', id)?.['stream'] ?? 0);
    connection.statement('UPDATE blob SET stream = ? WHERE id = ?').run(next, id);
    if (next !== 0) connection.statement('DELETE FROM blob_stream WHERE blob = ? AND stream = ?').run(id, next);
  }
}

/** Removes the payloads that nobody keeps, those of attempts that came to nothing as well. */
function sweep(connection: Connection, blobs: Blobs, removed: Removed): void {
  const spared = blobs.inHand();
  const drop = connection.statement('DELETE FROM blob WHERE id = ?');
  for (const row of connection.db.prepare('SELECT id, hash, size, body IS NULL AS file FROM blob WHERE stream = 0').all()) {
    const hash = Buffer.from(row['hash'] as Uint8Array).toString('hex');
    if (spared.has(hash)) continue;
    drop.run(Number(row['id']));
    removed.blobs++;
    removed.bytes += Number(row['size']);
    if (row['file'] === 1) removed.files.push(hash);
  }
}
