// req K8: whoever edits, drops, adds or reorders facts in the database by hand is found out, with the place.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { genesis, link } from '../../src/engine/journal/codec.ts';
import { makeHome } from '../../src/engine/journal/home.ts';
import type { NewFact } from '../../src/engine/journal/journal.ts';
import { SqliteJournal } from '../../src/engine/journal/sqlite.ts';

const STREAMS = ['r', 's', 't'];
const MANY = 12;

/** A journal whose streams lie between each other, with so many facts at once, and the database by hand. */
function tampered<T>(work: (db: DatabaseSync, journal: SqliteJournal) => T, together: readonly number[] = Array(MANY).fill(1)): T {
  const paths = makeHome(mkdtempSync(join(tmpdir(), 'journal-verify-')));
  const journal = new SqliteJournal(paths, { write: true });
  try {
    let after = 0;
    for (const count of together) {
      const fact = (stream: string, i: number): NewFact => ({ at: after, fact: { type: 'timer.fired', timer: `${stream}${after + i}` } });
      journal.append(STREAMS.map((stream) => ({ stream, after, facts: Array.from({ length: count }, (_, i) => fact(stream, i)) })));
      after += count;
    }
    return work(journal.connection.db, journal);
  } finally {
    journal.close();
    rmSync(paths.home, { recursive: true });
  }
}

const where = 'stream = (SELECT id FROM stream WHERE name = ?) AND seq = ?';
const rowOf = (db: DatabaseSync, stream: string, seq: number) => {
  const row = db.prepare(`SELECT * FROM fact WHERE ${where}`).get(stream, seq);
  if (!row) throw new Error(`no fact ${seq} of ${stream}`);
  return { position: Number(row['position']), text: String(row['text']), hash: String(row['hash']) };
};
const breaks = (journal: SqliteJournal) => [...journal.verify()].map(({ stream, seq, problem }) => `${stream} ${seq} ${problem}`);

const stream = fc.constantFrom(...STREAMS);
const seq = fc.integer({ min: 1, max: MANY });
const forAll = (body: (db: DatabaseSync, journal: SqliteJournal, name: string, at: number, other: number) => void) =>
  fc.assert(
    fc.property(stream, seq, seq, (name, at, other) => tampered((db, journal) => body(db, journal, name, at, other))),
    { numRuns: 40 },
  );

test('nothing is wrong with a journal that nobody touched', () => {
  tampered((_db, journal) => expect(breaks(journal)).toEqual([]));
});

test('an edited fact is named', () => {
  forAll((db, journal, name, at) => {
    db.prepare(`UPDATE fact SET text = replace(text, '"timer":"', '"timer":"x') WHERE ${where}`).run(name, at);
    expect(breaks(journal)).toEqual([`${name} ${at} changed`]);
  });
});

test('a fact that was edited together with its hash breaks the link to the next, or to the head', () => {
  forAll((db, journal, name, at) => {
    const before = at > 1 ? rowOf(db, name, at - 1).hash : genesis(name);
    const text = rowOf(db, name, at).text.replace('"timer":"', '"timer":"x');
    db.prepare(`UPDATE fact SET text = ?, hash = ? WHERE ${where}`).run(text, link(before, at, text), name, at);
    const found = breaks(journal);
    expect(found).toHaveLength(1);
    expect([`${name} ${at} changed`, `${name} ${at + 1} changed`]).toContain(found[0]);
  });
});

test('a dropped fact is named, the last one as well', () => {
  forAll((db, journal, name, at) => {
    db.prepare(`DELETE FROM fact WHERE ${where}`).run(name, at);
    expect(breaks(journal)).toEqual([`${name} ${at} missing`]);
  });
});

test('of several dropped facts the first is named', () => {
  forAll((db, journal, name, at, other) => {
    for (const each of [at, other]) db.prepare(`DELETE FROM fact WHERE ${where}`).run(name, each);
    expect(breaks(journal)).toEqual([`${name} ${Math.min(at, other)} missing`]);
  });
});

test('facts that changed places are named where the first of them was', () => {
  forAll((db, journal, name, at, other) => {
    if (at === other) return;
    const [a, b] = [rowOf(db, name, at), rowOf(db, name, other)];
    const put = db.prepare('UPDATE fact SET text = ?, hash = ? WHERE position = ?');
    put.run(b.text, b.hash, a.position);
    put.run(a.text, a.hash, b.position);
    expect(breaks(journal)).toEqual([expect.stringMatching(new RegExp(`^${name} ${Math.min(at, other)} (changed|reordered)$`))]);
  });
});

test('facts whose numbers were exchanged are noticed', () => {
  forAll((db, journal, name, at, other) => {
    if (at === other) return;
    const [a, b] = [rowOf(db, name, at), rowOf(db, name, other)];
    const put = db.prepare('UPDATE fact SET seq = ? WHERE position = ?');
    put.run(other, a.position);
    put.run(at, b.position);
    expect(breaks(journal)).toEqual([expect.stringMatching(new RegExp(`^${name} ${Math.min(at, other)} `))]);
  });
});

test('a fact that was added is noticed', () => {
  forAll((db, journal, name, at) => {
    db.prepare('INSERT INTO fact SELECT 1000, stream, ?, position, text, hash FROM fact WHERE position = ?').run(
      MANY + 1,
      rowOf(db, name, at).position,
    );
    expect(breaks(journal)).toEqual([`${name} ${MANY + 1} reordered`]);
  });
});

test('a link that leads elsewhere is noticed, and never followed in a circle', () => {
  forAll((db, journal, name, at, other) => {
    db.prepare(`UPDATE fact SET previous = ? WHERE ${where}`).run(rowOf(db, name, other).position + 3, name, at);
    if (other + 1 === at - 1) return;
    expect(breaks(journal)).toHaveLength(1);
    if (at > 1) expect(() => [...journal.read(name)]).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT' }));
  });
});

// Facts 1 to 3, 4, 5 to 8, 9, 10 and 11, 12.
const TOGETHER = [3, 1, 4, 1, 2, 1];

/** The row that has a fact, and which of its lines that is. */
function lineOf(db: DatabaseSync, name: string, at: number) {
  const sql = 'SELECT * FROM fact WHERE stream = (SELECT id FROM stream WHERE name = ?) AND seq >= ? ORDER BY seq';
  const row = db.prepare(sql).get(name, at);
  if (!row) throw new Error(`no fact ${at} of ${name}`);
  const lines = String(row['text']).split('\n');
  return { position: Number(row['position']), lines, line: at - (Number(row['seq']) - lines.length + 1) };
}
const putLines = (db: DatabaseSync, position: number, lines: readonly string[]) =>
  db.prepare('UPDATE fact SET text = ? WHERE position = ?').run(lines.join('\n'), position);

const forAllLines = (body: (db: DatabaseSync, journal: SqliteJournal, name: string, at: number, other: number) => void) =>
  fc.assert(
    fc.property(stream, seq, seq, (name, at, other) => tampered((db, journal) => body(db, journal, name, at, other), TOGETHER)),
    { numRuns: 60 },
  );

test('nothing is wrong with facts that were stored together', () => {
  tampered((_db, journal) => {
    expect(breaks(journal)).toEqual([]);
    expect([...journal.read('s')].map((each) => each.seq)).toEqual(Array.from({ length: MANY }, (_, i) => i + 1));
  }, TOGETHER);
});

test('of facts that were stored together, the one that was edited is named', () => {
  forAllLines((db, journal, name, at) => {
    const { position, lines, line } = lineOf(db, name, at);
    putLines(
      db,
      position,
      lines.map((text, i) => (i === line ? text.replace('"timer":"', '"timer":"x') : text)),
    );
    expect(breaks(journal)).toEqual([`${name} ${at} changed`]);
  });
});

test('of facts that were stored together, the one that was dropped is named', () => {
  forAllLines((db, journal, name, at) => {
    const { position, lines, line } = lineOf(db, name, at);
    if (lines.length === 1) return;
    putLines(db, position, lines.toSpliced(line, 1));
    expect(breaks(journal)).toEqual([`${name} ${at} missing`]);
  });
});

test('of facts that changed places, also between what was stored together, the first is named', () => {
  forAllLines((db, journal, name, at, other) => {
    if (at === other) return;
    const [a, b] = [lineOf(db, name, at), lineOf(db, name, other)];
    const together = a.position === b.position;
    putLines(
      db,
      a.position,
      a.lines
        .with(a.line, b.lines[b.line] ?? '')
        .with(together ? b.line : a.line, (together ? a : b).lines[together ? a.line : b.line] ?? ''),
    );
    if (!together) putLines(db, b.position, b.lines.with(b.line, a.lines[a.line] ?? ''));
    expect(breaks(journal)).toEqual([expect.stringMatching(new RegExp(`^${name} ${Math.min(at, other)} (changed|reordered)$`))]);
  });
});

test('a head that was kept is missed where the facts around it were written anew together', () => {
  tampered((db, journal) => {
    const kept = [{ stream: 'r', seq: 2, hash: rowOf(db, 'r', 3).hash }];
    expect([...journal.verify('r', kept)].map((each) => `${each.seq} ${each.problem}`)).toEqual(['2 changed']);
  }, TOGETHER);
});

test('an end that was cut off with care is found by a head that was kept elsewhere', () => {
  forAll((db, journal, name, at) => {
    const kept = [...journal.heads()];
    db.prepare('DELETE FROM fact WHERE stream = (SELECT id FROM stream WHERE name = ?) AND seq > ?').run(name, at);
    const last = rowOf(db, name, at);
    db.prepare('UPDATE stream SET seq = ?, position = ?, hash = ? WHERE name = ?').run(at, last.position, last.hash, name);
    expect(breaks(journal)).toEqual([]);
    const found = [...journal.verify(undefined, kept)].map((each) => `${each.stream} ${each.seq} ${each.problem}`);
    expect(found).toEqual(at === MANY ? [] : [`${name} ${at + 1} missing`]);
  });
});
