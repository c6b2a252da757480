/** The file that knowledge is in, and what is wrong with it when something is. */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { BatonError } from '../../errors.ts';

/** How long to wait for another process that writes, in milliseconds. */
const PATIENCE_MS = 5_000;

/** The words are an index over the rows: triggers keep the two together, whoever writes. */
const TABLES = `
  CREATE TABLE entry (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, scope TEXT NOT NULL,
    title TEXT NOT NULL, tags TEXT NOT NULL, text TEXT NOT NULL,
    person TEXT, run TEXT, task TEXT, attempt INTEGER, agent TEXT, source TEXT, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entry_of_scope ON entry (scope);
  CREATE VIRTUAL TABLE words USING fts5 (
    title, tags, text, content = 'entry', content_rowid = 'row', tokenize = 'porter unicode61 remove_diacritics 2'
  );
  CREATE TRIGGER entry_put AFTER INSERT ON entry BEGIN
    INSERT INTO words (rowid, title, tags, text) VALUES (new.row, new.title, new.tags, new.text);
  END;
  CREATE TRIGGER entry_forgotten AFTER DELETE ON entry BEGIN
    INSERT INTO words (words, rowid, title, tags, text) VALUES ('delete', old.row, old.title, old.tags, old.text);
  END;
`;
const SCHEMA_VERSION = 1;

/**
 * Without a write-ahead log, whose files even somebody who only reads would have to make.
 * @throws BatonError `KNOWLEDGE_NEWER`, or as `knowledgeProblem`
 */
export function openDatabase(path: string, { write }: { readonly write: boolean }): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = open(path, write);
    if (versionOf(db) !== SCHEMA_VERSION) make(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw knowledgeProblem(error, path);
  }
}

/** Who only reads a file that is not there, or was not begun, finds what a new one has. */
function open(path: string, write: boolean): DatabaseSync {
  const begun = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  return new DatabaseSync(write || begun ? path : ':memory:', { timeout: PATIENCE_MS, readOnly: begun && !write });
}

/** Another process may be as quick: who comes second finds the tables. */
function make(db: DatabaseSync, path: string): void {
  transaction(db, () => {
    const found = versionOf(db);
    if (found > SCHEMA_VERSION)
      throw new BatonError('KNOWLEDGE_NEWER', `${path} has schema version ${found}; this release knows up to ${SCHEMA_VERSION}.`, {
        where: path,
        hint: 'Use the release that wrote it, or a later one.',
      });
    if (found === 0) db.exec(`${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);

/** All or nothing, and nobody else writes meanwhile. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk has rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

interface Problem {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}
const READONLY: Problem = {
  code: 'KNOWLEDGE_READONLY',
  what: 'may not be written',
  hint: 'Give this user the right to write the file and its folder.',
};
const DAMAGED: Problem = {
  code: 'KNOWLEDGE_CORRUPT',
  what: 'is damaged',
  hint: 'Restore it from a backup, or move it away: Baton makes a new one, and no run depends on what was in it.',
};
/** By SQLite's primary result code. */
const OF_SQLITE: { readonly [primary: number]: Problem } = {
  5: {
    code: 'KNOWLEDGE_BUSY',
    what: `was locked for more than ${PATIENCE_MS} ms`,
    hint: 'End the program that has it open, then try again.',
  },
  8: READONLY,
  10: { code: 'KNOWLEDGE_IO', what: 'could not be read or written', hint: 'Look at the disk and the system log.' },
  11: DAMAGED,
  13: { code: 'DISK_FULL', what: 'could not be written: the disk is full', hint: 'Free some space.' },
  14: READONLY,
  26: DAMAGED,
};

/** What to throw for an error met at `path`. Errors of ours pass unchanged. */
export function knowledgeProblem(error: unknown, path: string): unknown {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  const known = typeof code === 'number' ? OF_SQLITE[code & 255] : undefined;
  if (known === undefined) return error;
  return new BatonError(known.code, `${path} ${known.what}.`, { where: path, hint: known.hint, cause: error });
}
