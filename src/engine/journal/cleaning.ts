/**
 * Removing streams: their facts, their snapshots, and every payload that no remaining stream keeps. The work grows with
 * what is removed, not with the journal. What is in the hand stays, whoever kept it.
 *
 * A transaction takes some streams at once. On a full disk even removing needs room, in the write-ahead log; then the
 * reserve is given up, and streams go one by one, with the log emptied after each.
 */
import type { Hash } from '../kernel/plan.ts';
import type { Blobs } from './blobs.ts';
import type { Connection } from './connection.ts';
import type { HomePaths } from './home.ts';
import { namesIn } from './names.ts';
import { bytesOf, unpack } from './payloads.ts';
import { giveUpReserve, keepReserve } from './reserve.ts';
import { factsIn } from './rows.ts';
import { isDiskFull, storageError } from './storage-error.ts';
import { factsBack } from './walk.ts';

const STREAMS_AT_ONCE = 100;
const VACUUM_PAGES = 500;

interface Removed {
  facts: number;
  blobs: number;
  bytes: number;
  /** Payloads whose files are to be deleted once the transaction is durable. */
  readonly files: Hash[];
}

export interface Place {
  readonly connection: Connection;
  readonly blobs: Blobs;
  readonly epoch: number;
  readonly paths: HomePaths;
}

export function removeStreams(place: Place, streams: readonly string[]): Removed {
  const removed: Removed = { facts: 0, blobs: 0, bytes: 0, files: [] };
  // The first time without any: what earlier owners left behind is cleaned in every case.
  for (let from = 0; from === 0 || from < streams.length; from += STREAMS_AT_ONCE) {
    const some = streams.slice(from, from + STREAMS_AT_ONCE);
    try {
      removeTogether(place, some, removed);
    } catch (error) {
      if (!isDiskFull(error, place.paths.journal) || !giveUpReserve(place.paths)) throw error;
      for (const stream of some) {
        removeTogether(place, [stream], removed);
        emptyLog(place);
      }
    }
  }
  place.blobs.removeFiles(removed.files);
  shrink(place);
  keepReserve(place.paths);
  return removed;
}

function removeTogether({ connection, blobs, epoch }: Place, streams: readonly string[], sum: Removed): void {
  const removed: Removed = { facts: 0, blobs: 0, bytes: 0, files: [] };
  connection.transaction(epoch, () => {
    connection.statement('UPDATE owner SET position_floor = max(position_floor, coalesce((SELECT max(position) FROM fact), 0))').run();
    for (const name of streams) {
      const stream = connection.get('SELECT id, position FROM stream WHERE name = ?', name);
      if (stream) removed.facts += removeStream(connection, name, Number(stream['id']), Number(stream['position']));
    }
    sweep(connection, blobs, removed);
  });
  blobs.forgetKnown();
  sum.facts += removed.facts;
  sum.blobs += removed.blobs;
  sum.bytes += removed.bytes;
  sum.files.push(...removed.files);
}

function removeStream(connection: Connection, name: string, id: number, last: number): number {
  const positions: number[] = [];
  let facts = 0;
  const named = new Set<Hash>();
  for (const row of factsBack(connection, last)) {
    positions.push(Number(row['position']));
    facts += factsIn(String(row['text']));
    for (const hash of namesIn(String(row['text']))) named.add(hash);
  }
  letGo(connection, [...named], id);
  const drop = connection.statement('DELETE FROM fact WHERE position = ?');
  for (const position of positions) drop.run(position);
  for (const table of ['snapshot_record', 'snapshot']) connection.statement(`DELETE FROM ${table} WHERE stream = ?`).run(id);
  connection.statement('DELETE FROM stream WHERE id = ?').run(id);
  connection.statement('DELETE FROM run_view WHERE run = ?').run(name);
  return facts;
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
  const [drop, dropBody] = ['DELETE FROM blob WHERE id = ?', 'DELETE FROM blob_body WHERE blob = ?'].map((sql) =>
    connection.statement(sql),
  );
  for (const row of connection.db.prepare('SELECT id, hash, size FROM blob WHERE stream = 0').all()) {
    const hash = Buffer.from(row['hash'] as Uint8Array).toString('hex');
    if (spared.has(hash)) continue;
    drop?.run(Number(row['id']));
    if (dropBody?.run(Number(row['id'])).changes === 0) removed.files.push(hash);
    removed.blobs++;
    removed.bytes += Number(row['size']);
  }
}

/** Gives the space of what was removed back to the disk, a portion at a time: moving pages about takes room in the log. */
function shrink(place: Place): void {
  emptyLog(place);
  for (let free = freePages(place), before = Number.POSITIVE_INFINITY; free > 0 && free < before; before = free, free = freePages(place)) {
    tidy(place, `PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    emptyLog(place);
  }
}

const freePages = ({ connection }: Place): number => Number(connection.get('PRAGMA freelist_count')?.['freelist_count']);

/** Readers may keep some of it; that is for the next time. */
const emptyLog = (place: Place): void => tidy(place, 'PRAGMA wal_checkpoint(TRUNCATE)');

/** What is removed is removed already: where a full disk has no room to move pages about, new facts take the free ones. */
function tidy({ connection, paths }: Place, sql: string): void {
  try {
    connection.db.exec(sql);
  } catch (error) {
    if (!isDiskFull(error, paths.journal)) throw storageError(error, paths.journal);
  }
}
