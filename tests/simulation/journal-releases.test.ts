// req K9, K16: a journal written by any earlier release still loads.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { foldRun } from '../../src/engine/journal/fold.ts';
import { homePaths } from '../../src/engine/journal/home.ts';
import type { Journal } from '../../src/engine/journal/journal.ts';
import { acquireOwner } from '../../src/engine/journal/owner.ts';
import { linesOf } from '../../src/engine/journal/rows.ts';
import { FACTS } from '../../src/engine/kernel/facts.ts';
import { GRANTS } from '../../src/engine/kernel/grants.ts';
import { viewOf } from '../../src/engine/kernel/view.ts';
import type { Expected } from '../fixtures/journal/make.ts';

const fixtures = fileURLToPath(new URL('../fixtures/journal', import.meta.url));
const releases = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const journals = releases.flatMap(({ name }) => {
  const expected = JSON.parse(readFileSync(join(fixtures, name, 'expected.json'), 'utf8')) as Record<string, Expected>;
  return Object.entries(expected).map(([file, is]) => ({ release: name, file, ...is }));
});

function withJournal<T>(release: string, file: string, work: (journal: Journal) => T): T {
  const home = mkdtempSync(join(tmpdir(), 'journal-release-'));
  writeFileSync(homePaths(home).journal, zstdDecompressSync(readFileSync(join(fixtures, release, file))));
  const owner = acquireOwner(home);
  try {
    return work(owner.journal);
  } finally {
    owner.release();
    rmSync(home, { recursive: true });
  }
}

test.each(journals)('the journal $file of release $release is whole, and its runs are what they were', ({ release, file, heads, runs }) => {
  withJournal(release, file, (journal) => {
    expect([...journal.verify(undefined, heads)]).toEqual([]);
    expect([...journal.heads()].map(({ stream }) => stream)).toEqual(heads.map(({ stream }) => stream));
    for (const expected of runs) {
      const folded = foldRun(journal, expected.run);
      expect(folded?.savedSeq, `${expected.run} goes on from its snapshot`).toBeGreaterThan(0);
      expect(folded && viewOf(folded.state)).toMatchObject(expected);
      // The same from the first fact on, as where a release can't use the snapshots of another.
      const anew = foldRun(unsaved(journal), expected.run);
      expect(anew && viewOf(anew.state)).toMatchObject(expected);
    }
    journal.append([{ stream: 'new', after: 0, facts: [{ at: 1, fact: { type: 'timer.fired', timer: 't' } }] }]);
    const removed = journal.remove(runs.map(({ run }) => run));
    expect(removed.facts).toBe(heads.filter(({ stream }) => stream !== GRANTS).reduce((sum, { seq }) => sum + seq, 0));
    expect(removed.blobs).toBeGreaterThan(0);
  });
});

const unsaved = (journal: Journal): Journal =>
  new Proxy(journal, { get: (target, name) => (name === 'snapshot' ? () => undefined : Reflect.get(target, name).bind(target)) });

test('every kind of fact, in each of its versions, is in the journal of some release', () => {
  const stored = new Set<string>();
  for (const { release, file } of journals)
    withJournal(release, file, (journal) => {
      // As stored, before anything is lifted.
      const texts = (journal as unknown as { connection: { rows(sql: string): Iterable<{ text: string }> } }).connection.rows(
        'SELECT text FROM fact',
      );
      for (const line of [...texts].flatMap(({ text }) => linesOf(text))) {
        const { v = 1, fact } = JSON.parse(line) as { v?: number; fact: { type: string } };
        stored.add(`${fact.type} ${v}`);
      }
    });
  const all = Object.entries(FACTS).flatMap(([kind, { version }]) => Array.from({ length: version }, (_, i) => `${kind} ${i + 1}`));
  expect(
    all.filter((each) => !stored.has(each)),
    'run: node tests/fixtures/journal/make.ts',
  ).toEqual([]);
});
