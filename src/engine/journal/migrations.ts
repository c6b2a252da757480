/** The tables of the journal. Migrations only go forward, each once, in one transaction; a newer database is refused. */
import type { DatabaseSync } from 'node:sqlite';
import { BatonError } from '../../errors.ts';

const MIGRATIONS: readonly string[] = [
  // The owner's epoch, and the last position at the time facts were last removed: positions are never used again.
  `CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, position_floor INTEGER NOT NULL) STRICT;
   INSERT INTO owner VALUES (1, 0, 0);` +
    // Each stream with its last fact, and each row of facts with the one before it in its stream.
    `CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, position INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
     CREATE TABLE fact (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL, previous INTEGER NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL) STRICT;` +
    // Payloads: the first stream that keeps one (0: nobody yet), and the hashes it names. Its bytes are beside it, so that
    // a new keeper does not write them anew; they are missing where they are in a file.
    `CREATE TABLE blob (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, stream INTEGER NOT NULL, names BLOB) STRICT;
     CREATE TABLE blob_body (blob INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
     CREATE INDEX blob_loose ON blob (id) WHERE stream = 0;
     CREATE TABLE blob_stream (blob INTEGER NOT NULL, stream INTEGER NOT NULL, PRIMARY KEY (blob, stream)) STRICT, WITHOUT ROWID;` +
    `CREATE TABLE snapshot (stream INTEGER PRIMARY KEY, seq INTEGER NOT NULL, header TEXT NOT NULL) STRICT;
     CREATE TABLE snapshot_record (stream INTEGER NOT NULL, task TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (stream, task)) STRICT, WITHOUT ROWID;` +
    // The read model, with the position up to which it was written.
    `CREATE TABLE view_position (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL) STRICT;
     INSERT INTO view_position VALUES (1, 0);
     CREATE TABLE run_view (run TEXT PRIMARY KEY, submitted INTEGER NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE INDEX run_view_by_time ON run_view (submitted);
     CREATE INDEX run_view_open ON run_view (submitted) WHERE open = 1;`,
  // No table has changed: a row of `fact` may hold several facts, which a release that knows one only must not read.
  '',
];
export const SCHEMA_VERSION = MIGRATIONS.length;

export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** @throws BatonError `JOURNAL_NEWER` naming both versions */
export function refuseNewer(db: DatabaseSync, path: string): void {
  const found = schemaVersion(db);
  if (found <= SCHEMA_VERSION) return;
  throw new BatonError('JOURNAL_NEWER', `${path} has schema version ${found}; this release knows up to ${SCHEMA_VERSION}.`, {
    where: path,
    hint: 'Use the release that wrote it, or a later one.',
    details: { found, known: SCHEMA_VERSION },
  });
}

export function migrate(db: DatabaseSync): void {
  if (schemaVersion(db) === SCHEMA_VERSION) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Asked again under the lock: another process may have been quicker.
    for (let version = schemaVersion(db); version < SCHEMA_VERSION; version++) db.exec(MIGRATIONS[version] ?? '');
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
