// req K15, F5: a reader without the owner's rights sees every durable fact, in whatever state the home was left, and writes nothing.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { homePaths, makeHome } from '../../src/engine/journal/home.ts';
import { acquireOwner } from '../../src/engine/journal/owner.ts';
import { openReadOnly } from '../../src/engine/journal/sqlite.ts';
import { WriterProcess } from './journal-process.ts';

const NOBODY = 65_534;
const reader = fileURLToPath(new URL('journal-reader.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;

let home: string;
let writer: WriterProcess | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'journal-reader-'));
});
afterEach(async () => {
  await writer?.kill();
  writer = undefined;
  chmodSync(home, 0o700);
  rmSync(home, { recursive: true });
});

/** Names, bytes and times of everything in the home. */
const everything = () =>
  readdirSync(home, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = statSync(path);
      return `${path} ${size} ${mtimeMs} ${entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''}`;
    })
    .sort();

/** Each way to leave a home behind; gives the number of facts that are durable. Owners are other processes, as in life. */
const LEFT: Readonly<Record<string, () => Promise<number>>> = {
  async 'that was closed well'() {
    const position = await atWork();
    await writer?.kill();
    acquireOwner(home).release();
    return position;
  },
  'whose owner is at work': () => atWork(),
  'whose owner has just carried its log over': () => atWork('carry over'),
  'whose owner was killed': killed,
  async 'that was copied without the index of its log'() {
    const position = await killed();
    rmSync(`${homePaths(home).journal}-shm`);
    return position;
  },
};

async function atWork(label = ''): Promise<number> {
  writer = new WriterProcess(home, 'owner', label, 40);
  return (await writer.until(({ ended = false }) => ended))?.position ?? 0;
}

async function killed(): Promise<number> {
  const position = await atWork();
  await writer?.kill();
  return position;
}

interface Read {
  readonly position?: number;
  readonly facts?: number;
  readonly breaks?: readonly unknown[];
}
/** What another process reads, as this user or as nobody; undefined when it could not run. */
function read(how: 'this user' | 'nobody'): Read | undefined {
  const { stdout } = spawnSync(process.execPath, [reader, home], {
    encoding: 'utf8',
    ...(how === 'nobody' ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  return !stdout ? undefined : (JSON.parse(stdout) as Read);
}

describe.each(Object.entries(LEFT))('a home %s', (_, leave) => {
  test('is read whole, and nothing in it changes', async () => {
    const facts = await leave();
    const before = everything();
    expect(read('this user')).toEqual({ position: facts, facts, breaks: [] });
    expect(everything()).toEqual(before);
  });

  test('is read by somebody who may not write there', async ({ skip }) => {
    if (!isRoot) return skip('only root can become somebody else');
    const facts = await leave();
    for (const path of [home, ...readdirSync(home, { recursive: true }).map((name) => join(home, String(name)))])
      chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444);
    const before = everything();
    const found = read('nobody');
    if (!found) return skip('another user can’t read this project');
    expect(found).toEqual({ position: facts, facts, breaks: [] });
    expect(everything()).toEqual(before);
  });
});

test('a reader sees what the owner stores while both are there, and can store nothing', async () => {
  const first = await atWork();
  const journal = openReadOnly(homePaths(home));
  if (!journal) throw new Error('no journal');
  expect(journal.position()).toBe(first);
  const [{ stream } = { stream: '' }] = [...journal.heads()];
  const before = journal.head(stream)?.seq ?? 0;
  await writer?.kill();
  const now = await atWork();
  expect(now).toBeGreaterThan(first);
  expect(journal.position()).toBe(now);
  expect(journal.head(stream)?.seq).toBeGreaterThan(before);
  expect([...journal.verify()]).toEqual([]);
  const more = { stream: 'x', after: 0, facts: [{ at: 1, fact: { type: 'timer.fired' as const, timer: 't' } }] };
  expect(() => journal.append([more])).toThrow(expect.objectContaining({ code: 'JOURNAL_READONLY' }));
  journal.close();
});

test('what a reader puts stays in its memory', async () => {
  await atWork();
  const before = everything();
  const journal = openReadOnly(homePaths(home));
  const hashes = Array.from({ length: 12 }, (_, i) => journal?.put(Buffer.alloc(1_000_000, i)) ?? '');
  expect(hashes.map((hash) => journal?.get(hash)?.[0])).toEqual(hashes.map((_, i) => i));
  journal?.close();
  expect(everything()).toEqual(before);
});

test('where nothing was run yet there is no journal, and none is made', () => {
  expect(openReadOnly(homePaths(join(home, 'none')))).toBeUndefined();
  makeHome(home);
  const before = everything();
  expect(openReadOnly(homePaths(home))).toBeUndefined();
  expect(everything()).toEqual(before);
});
