// req K3, K6, K15: what was acknowledged is there after kill -9, whole, and nothing is half there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { homePaths } from '../../src/engine/journal/home.ts';
import { openReadOnly, SqliteJournal } from '../../src/engine/journal/sqlite.ts';
import { BatonError } from '../../src/errors.ts';
import { type Said, WriterProcess } from './journal-process.ts';

const ROUNDS = 8;

/** Everything acknowledged is in the journal, and the chains hold up to it and beyond. */
function check(journal: SqliteJournal, said: readonly Said[]): void {
  const last = Math.max(0, ...said.map(({ position = 0 }) => position));
  expect(journal.position()).toBeGreaterThanOrEqual(last);
  expect([
    ...journal.verify(
      undefined,
      said.flatMap(({ heads = [] }) => heads),
    ),
  ]).toEqual([]);
  for (const hash of said.flatMap(({ payloads = [] }) => payloads)) expect(journal.get(hash)).toBeDefined();
  // Every fact's payload is there: none was stored without what it names.
  for (const { stored } of journal.readAll()) if (stored.fact.type === 'task.committed') expect(journal.has(stored.fact.result)).toBe(true);
}

test('a writer killed at any moment loses no group that it acknowledged', async () => {
  const home = mkdtempSync(join(tmpdir(), 'journal-kill-'));
  const said: Said[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const writer = new WriterProcess(home, 'owner', String(round));
      await writer.until(({ position }) => position !== undefined);
      await sleep(Math.random() * 150);
      await writer.kill();
      expect(writer.said[0]?.epoch).toBe(round + 1);
      said.push(...writer.said);
      const reader = openReadOnly(homePaths(home));
      if (!reader) throw new Error('no journal');
      check(reader, said);
      reader.close();
    }
    expect(said.filter(({ position }) => position !== undefined).length).toBeGreaterThan(ROUNDS * 5);
    const owner = new SqliteJournal(homePaths(home), { write: true });
    check(owner, said);
    owner.remove([...owner.heads()].map(({ stream }) => stream));
    expect([...owner.readAll()]).toEqual([]);
    owner.close();
  } finally {
    rmSync(home, { recursive: true });
  }
});

/** Takes a home over while its owner is stalled; again, where it was stalled in the middle of a commit. */
async function takeOver(home: string, former: WriterProcess): Promise<SqliteJournal> {
  for (;;) {
    former.child.kill('SIGSTOP');
    try {
      return new SqliteJournal(homePaths(home), { write: true });
    } catch (error) {
      if (!(error instanceof BatonError) || error.code !== 'JOURNAL_BUSY') throw error;
    }
    former.child.kill('SIGCONT');
    await sleep(3);
  }
}

test('a writer whose home was taken over stops at its next group, and leaves no trace of it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'journal-fence-'));
  const former = new WriterProcess(home, 'bare', 'former');
  try {
    await former.until(({ position = 0 }) => position > 20);
    const owner = await takeOver(home, former);
    const heads = [...owner.heads()];
    const position = owner.position();
    former.child.kill('SIGCONT');
    await former.closed;
    expect(former.said.at(-1)?.code).toBe('STALE_WRITER');
    expect([...owner.heads()]).toEqual(heads);
    expect(owner.position()).toBe(position);
    check(owner, former.said);
    owner.close();
  } finally {
    former.child.kill('SIGKILL');
    rmSync(home, { recursive: true });
  }
});
