// req K15, K16: whatever is wrong with the disk or the file, the error has a code, the path and a remedy; nothing acknowledged is lost.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HomePaths, homePaths } from '../../src/engine/journal/home.ts';
import type { Append } from '../../src/engine/journal/journal.ts';
import { SCHEMA_VERSION } from '../../src/engine/journal/migrations.ts';
import { acquireOwner, type Owner } from '../../src/engine/journal/owner.ts';
import { openReadOnly, SqliteJournal } from '../../src/engine/journal/sqlite.ts';
import { BatonError } from '../../src/errors.ts';

const NOBODY = 65_534;
const MIB = 1024 * 1024;
const [MOUNT, UNMOUNT] = ['mount', 'umount'];
const isRoot = process.getuid?.() === 0;

let home: string;
let paths: HomePaths;
const opened: Owner[] = [];
const open = (): Owner => {
  const owner = acquireOwner(home);
  opened.push(owner);
  return owner;
};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'journal-storage-'));
  paths = homePaths(home);
});
afterEach(() => {
  for (const owner of opened.splice(0)) owner.release();
  rmSync(home, { recursive: true, force: true });
});

const group = (stream: string, after: number, count = 1): Append => ({
  stream,
  after,
  facts: Array.from({ length: count }, (_, i) => ({
    at: i,
    fact: { type: 'timer.fired' as const, timer: `${stream} ${after + i} `.padEnd(200, '.') },
  })),
});
/** Facts of one stream after another, so that each has pages of its own. */
function fill({ journal }: Owner, streams = 20, facts = 60): void {
  for (let i = 0; i < streams; i++) journal.append([group(`run-${i}`, 0, facts)]);
}
const thrownBy = (work: () => unknown): BatonError => {
  try {
    work();
  } catch (error) {
    if (error instanceof BatonError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
/** The error has a code of ours, says where, and what to do. */
const expectCoded = (error: BatonError, code: string, where: string): void => {
  expect(error.code).toBe(code);
  expect(error.where).toContain(where);
  expect(error.message).toContain(where);
  expect(error.hint).toMatch(/\w+ \w+/);
};

test('a database of a newer release is refused with both versions, and left alone', () => {
  open().release();
  opened.pop();
  const db = new DatabaseSync(paths.journal);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 7}`);
  db.close();
  const before = readFileSync(paths.journal);
  for (const attempt of [open, () => openReadOnly(paths)]) {
    const error = thrownBy(attempt);
    expectCoded(error, 'JOURNAL_NEWER', paths.journal);
    expect(error.details).toEqual({ found: SCHEMA_VERSION + 7, known: SCHEMA_VERSION });
    for (const version of [SCHEMA_VERSION + 7, SCHEMA_VERSION]) expect(error.message).toContain(String(version));
  }
  expect(readFileSync(paths.journal).equals(before)).toBe(true);
});

test('migrations run once', () => {
  for (let epoch = 1; epoch <= 3; epoch++) {
    const owner = acquireOwner(home);
    expect(owner.journal.epoch).toBe(epoch);
    owner.release();
  }
});

test('a file that is no database is named', () => {
  mkdirSync(home, { recursive: true });
  writeFileSync(paths.journal, 'dear diary, '.repeat(1000));
  expectCoded(thrownBy(open), 'JOURNAL_NOT_A_DATABASE', paths.journal);
  expectCoded(
    thrownBy(() => openReadOnly(paths)),
    'JOURNAL_NOT_A_DATABASE',
    paths.journal,
  );
  rmSync(paths.journal);
  writeFileSync(paths.lock, 'dear diary, '.repeat(1000));
  expectCoded(thrownBy(open), 'JOURNAL_NOT_A_DATABASE', paths.lock);
});

test('a home that is a file is named', () => {
  const file = join(home, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'home')])
    expectCoded(
      thrownBy(() => acquireOwner(path)),
      'JOURNAL_READONLY',
      path,
    );
});

test('an overwritten page is damage to the runs that lie on it, and to no other', () => {
  const owner = open();
  fill(owner);
  owner.release();
  opened.pop();
  const { size } = statSync(paths.journal);
  const file = openSync(paths.journal, 'r+');
  writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, Math.floor(size / 4096 / 2) * 4096);
  closeSync(file);
  const again = open().journal;
  const broken = [...again.verify()];
  expect(broken.length).toBeGreaterThan(0);
  expect(broken.length).toBeLessThan(5);
  for (const { problem } of broken) expect(['unreadable', 'missing', 'changed']).toContain(problem);
  const hit = new Set(broken.map(({ stream }) => stream));
  for (let i = 0; i < 20; i++) {
    const stream = `run-${i}`;
    if (hit.has(stream))
      expectCoded(
        thrownBy(() => [...again.read(stream)]),
        'JOURNAL_CORRUPT',
        paths.journal,
      );
    else expect([...again.read(stream)]).toHaveLength(60);
  }
  again.append([group('new', 0)]);
});

test('a file that was cut off is damaged', () => {
  const owner = open();
  fill(owner);
  owner.release();
  opened.pop();
  truncateSync(paths.journal, Math.floor(statSync(paths.journal).size / 2 / 4096) * 4096);
  const error = thrownBy(() => {
    const journal = openReadOnly(paths);
    return [...(journal?.readAll() ?? [])];
  });
  expectCoded(error, 'JOURNAL_CORRUPT', paths.journal);
});

test('a large payload that was damaged is not taken for itself', () => {
  const { journal } = open();
  const hash = journal.put(randomBytes(300_000));
  const path = join(paths.blobs, hash.slice(0, 2), `${hash}.zst`);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(150_000) ^ 1, 150_000);
  writeFileSync(path, bytes);
  expectCoded(
    thrownBy(() => journal.get(hash)),
    'JOURNAL_CORRUPT',
    path,
  );
});

test.each(['deleted', 'replaced'])('a database that was %s under its owner is noticed before anything is acknowledged', (how) => {
  const { journal } = open();
  journal.append([group('run', 0)]);
  renameSync(paths.journal, `${paths.journal}.away`);
  if (how === 'replaced') writeFileSync(paths.journal, readFileSync(`${paths.journal}.away`));
  const error = thrownBy(() => journal.append([group('run', 1)]));
  expectCoded(error, 'JOURNAL_GONE', paths.journal);
  expect(error.message).toContain(how);
  expect(journal.head('run')?.seq).toBe(1);
  renameSync(`${paths.journal}.away`, paths.journal);
  journal.append([group('run', 1)]);
});

test('another program that has it locked is waited for, and then named', { timeout: 20_000 }, () => {
  const { journal } = open();
  const browser = new DatabaseSync(paths.journal);
  browser.exec('BEGIN IMMEDIATE');
  expectCoded(
    thrownBy(() => journal.append([group('run', 0)])),
    'JOURNAL_BUSY',
    paths.journal,
  );
  browser.exec('ROLLBACK');
  browser.close();
  journal.append([group('run', 0)]);
});

test('a home that may not be written is named', ({ skip }) => {
  if (!isRoot) return skip('only root can become somebody else');
  open().release();
  opened.pop();
  for (const path of [home, ...readdirSync(home, { recursive: true }).map((name) => join(home, String(name)))])
    chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444);
  const reader = fileURLToPath(new URL('journal-reader.ts', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [reader, home, 'own'], { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  if (!stdout) return skip('another user can’t read this project');
  const { code, where, hint } = JSON.parse(stdout) as { code?: string; where?: string; hint?: string };
  expect({ code, where }).toEqual({ code: 'JOURNAL_READONLY', where: expect.stringContaining(home) });
  expect(hint).toContain('BATON_HOME');
});

test('every commit waits for the disk', () => {
  const { connection } = open().journal;
  expect(connection.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' });
  expect(connection.get('PRAGMA synchronous')).toEqual({ synchronous: 2 });
});

test('payloads that wait for no fact are stored before they fill the memory', () => {
  const first = open().journal;
  const hashes = Array.from({ length: 50 }, (_, i) => first.put(String(i).padEnd(200_000)));
  const next = openReadOnly(paths);
  expect(hashes.filter((hash) => next?.has(hash)).length).toBeGreaterThan(30);
  next?.close();
});

test('cleaning takes along what a crash left of large payloads', () => {
  const owner = open();
  const hash = owner.journal.put('x'.repeat(300_000));
  const path = join(paths.blobs, hash.slice(0, 2), `${hash}.zst`);
  writeFileSync(`${path}.half`, 'x');
  owner.release();
  opened.pop();
  const { journal } = open();
  expect(existsSync(path)).toBe(true);
  const kept = journal.put('y'.repeat(300_000));
  journal.remove([]);
  expect(readdirSync(join(paths.blobs, hash.slice(0, 2)))).toEqual(kept.startsWith(hash.slice(0, 2)) ? [`${kept}.zst`] : []);
  expect(journal.has(kept)).toBe(true);
});

test('cleaning gives room back to the disk', () => {
  const { journal } = open();
  for (let i = 0; i < 60; i++) {
    const result = journal.put(String(i).padEnd(100_000));
    journal.append([{ stream: `run-${i}`, after: 0, facts: [{ at: i, fact: { type: 'task.committed', task: 'a', attempt: 1, result } }] }]);
  }
  const size = () => statSync(paths.journal).size + statSync(`${paths.journal}-wal`).size;
  expect(size()).toBeGreaterThan(6_000_000);
  journal.remove(Array.from({ length: 59 }, (_, i) => `run-${i}`));
  expect(size()).toBeLessThan(600_000);
});

/** A disk of its own, of some megabytes; undefined where that can't be had. */
function smallDisk(bytes: number): string | undefined {
  if (!isRoot) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'journal-disk-'));
  const { status } = spawnSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  if (status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}

function roomOn(disk: string): number {
  const { bavail, bsize } = statfsSync(disk);
  return Number(bavail * bsize);
}

test('on a full disk everything acknowledged stays, and removing runs makes room again', { timeout: 60_000 }, ({ skip }) => {
  const disk = smallDisk(40 * MIB);
  if (!disk) return skip('no small disk can be mounted here');
  const full = join(disk, '.baton');
  let owner = acquireOwner(full);
  opened.push(owner);
  try {
    const stored: string[] = [];
    let error: BatonError | undefined;
    for (let i = 0; !error && i < 10_000; i++)
      try {
        const result = owner.journal.put(String(i).padEnd(100_000));
        owner.journal.append([
          { stream: `run-${i}`, after: 0, facts: [{ at: i, fact: { type: 'task.committed', task: 'a', attempt: 1, result } }] },
        ]);
        stored.push(result);
      } catch (caught) {
        if (!(caught instanceof BatonError)) throw caught;
        error = caught;
      }
    if (!error) throw new Error('the disk is not full');
    expectCoded(error, 'DISK_FULL', homePaths(full).journal);
    expect(error.hint).toContain('baton clean');
    const check = () => {
      expect([...owner.journal.verify()]).toEqual([]);
      stored.forEach((hash, i) => {
        expect(owner.journal.head(`run-${i}`)?.seq).toBe(1);
        expect(owner.journal.has(hash)).toBe(true);
      });
    };
    check();
    expectCoded(
      thrownBy(() => owner.journal.put(randomBytes(20 * MIB))),
      'DISK_FULL',
      join(full, 'blobs'),
    );

    // The log has nothing to write over, and there is no room for more of it.
    const { reserve } = homePaths(full);
    const { size } = statSync(reserve);
    rmSync(reserve);
    owner.journal.connection.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    writeFileSync(reserve, Buffer.alloc(size));
    writeFileSync(join(disk, 'other'), Buffer.alloc(roomOn(disk)));
    const some = stored.splice(-20).map((_, i) => `run-${stored.length + i}`);
    expect(owner.journal.remove(some)).toMatchObject({ facts: 20, blobs: 20 });
    check();

    // Whoever comes to make room has to be let in first.
    owner.release();
    opened.pop();
    writeFileSync(join(disk, 'another'), Buffer.alloc(roomOn(disk)));
    // Opening it without the reserve needs room for files of SQLite's own.
    renameSync(reserve, join(disk, 'aside'));
    expectCoded(
      thrownBy(() => new SqliteJournal(homePaths(full), { write: true })),
      'DISK_FULL',
      homePaths(full).journal,
    );
    renameSync(join(disk, 'aside'), reserve);

    owner = acquireOwner(full);
    opened.push(owner);
    check();
    const half = stored.splice(0, Math.floor(stored.length / 2));
    const removed = owner.journal.remove(half.map((_, i) => `run-${i}`));
    expect(removed).toMatchObject({ facts: half.length, blobs: half.length });
    for (let i = 0; i < 20; i++) owner.journal.append([group('more', i)]);
    expect([...owner.journal.verify()]).toEqual([]);
    expect(existsSync(homePaths(full).reserve)).toBe(true);
    expect(roomOn(disk)).toBeGreaterThan(MIB);
  } finally {
    opened.pop()?.release();
    spawnSync(UNMOUNT, [disk]);
    rmSync(disk, { recursive: true });
  }
});
