/** What the disk under the data can do, whoever asks: the ceiling for everything that is measured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { durableWrites } from './child/disk.ts';

const FOR_MS = 500;
const ROWS = [1, 10, 100] as const;

export interface Limits {
  readonly overwritesPerS: number;
  readonly appendsPerS: number;
  /** Rows per second through `node:sqlite`, WAL, `synchronous=FULL`, by rows in a transaction. */
  readonly rowsPerS: Readonly<Record<(typeof ROWS)[number], number>>;
}

export function diskLimits(base: string): Limits {
  const folder = mkdtempSync(join(base, 'limits-'));
  try {
    return {
      overwritesPerS: durableWrites(folder, FOR_MS),
      appendsPerS: durableWrites(folder, FOR_MS, 'append'),
      rowsPerS: { 1: rowsPerS(folder, 1), 10: rowsPerS(folder, 10), 100: rowsPerS(folder, 100) },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsPerS(folder: string, rows: number): number {
  const db = new DatabaseSync(join(folder, `rows-${rows}.db`));
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE fact (stream INTEGER, seq INTEGER, text TEXT)');
    const insert = db.prepare('INSERT INTO fact VALUES (?, ?, ?)');
    const text = 'x'.repeat(200);
    const began = performance.now();
    let count = 0;
    while (performance.now() - began < FOR_MS) {
      db.exec('BEGIN IMMEDIATE');
      for (let i = 0; i < rows; i++) insert.run(1, count++, text);
      db.exec('COMMIT');
    }
    return (count / (performance.now() - began)) * 1000;
  } finally {
    db.close();
  }
}
