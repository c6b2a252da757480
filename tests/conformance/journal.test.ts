// req K3, K6, K8, K14: every journal passes one suite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { makeHome } from '../../src/engine/journal/home.ts';
import { MemoryDisk, MemoryJournal } from '../../src/engine/journal/memory.ts';
import { SqliteJournal } from '../../src/engine/journal/sqlite.ts';
import { journalConformance } from '../../src/testing/journal-conformance.ts';

journalConformance(
  { describe, test },
  {
    name: 'memory',
    place() {
      const disk = new MemoryDisk();
      return {
        open: () => new MemoryJournal(disk),
        failNext(journal) {
          (journal as MemoryJournal).failNext = 1;
          return undefined;
        },
        async beside(journal) {
          const memory = journal as MemoryJournal;
          memory.slow = true;
          setInterval(() => memory.writeNext(), 1).unref();
        },
        dispose() {},
      };
    },
  },
);

journalConformance(
  { describe, test },
  {
    name: 'sqlite',
    place() {
      const paths = makeHome(mkdtempSync(join(tmpdir(), 'journal-home-')));
      const opened: SqliteJournal[] = [];
      return {
        open() {
          const journal = new SqliteJournal(paths, { write: true });
          opened.push(journal);
          return journal;
        },
        failNext: (journal) => fillOnce(journal as SqliteJournal),
        async beside(journal) {
          while (!journal.appendSoon?.([], [], () => {})) await new Promise((resolve) => setTimeout(resolve, 1));
        },
        dispose() {
          for (const journal of opened) if (journal.connection.db.isOpen) journal.close();
          rmSync(paths.home, { recursive: true });
        },
      };
    },
  },
);

/** The database may hardly grow any more, and the next fact takes a large row with it: SQLite says that the disk is full, as it does for a real one. */
function fillOnce({ connection: { db } }: SqliteJournal): undefined {
  let full = true;
  db.function('full_once', () => {
    const now = full;
    full = false;
    return Number(now);
  });
  const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
  db.exec(`
    CREATE TABLE IF NOT EXISTS filler (x BLOB);
    PRAGMA max_page_count = ${pages + 50};
    CREATE TEMP TRIGGER fill AFTER INSERT ON fact WHEN full_once() BEGIN INSERT INTO filler VALUES (zeroblob(1000000)); END`);
  return undefined;
}
