// req K5, K6: one process owns a home; its lock is free the moment it dies, and not before.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { homePaths } from '../../src/engine/journal/home.ts';
import { acquireOwner } from '../../src/engine/journal/owner.ts';
import { readOwner } from '../../src/engine/journal/owner-info.ts';
import { WriterProcess } from './journal-process.ts';

const STARTERS = 12;

let home: string;
let started: WriterProcess[];
const start = (): WriterProcess => {
  const made = new WriterProcess(home);
  started.push(made);
  return made;
};
const opens = (writer: WriterProcess) => writer.until(({ epoch, code }) => epoch !== undefined || code !== undefined);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'journal-owner-'));
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((writer) => writer.kill()));
  rmSync(home, { recursive: true });
});

test('of many that start at once exactly one wins, and the others say who', async () => {
  const said = await Promise.all(Array.from({ length: STARTERS }, start).map(opens));
  expect(said.map((each) => each?.code ?? `epoch ${each?.epoch}`).sort()).toEqual([...Array(STARTERS - 1).fill('HOME_OWNED'), 'epoch 1']);
  const winner = started.find((_, i) => said[i]?.epoch === 1);
  expect(new Set(said.filter((each) => each?.code).map((each) => each?.details?.pid))).toEqual(new Set([winner?.pid]));
});

test('kill -9 frees the home at once, and the next owner has a later epoch', async () => {
  for (let epoch = 1; epoch <= 4; epoch++) {
    const owner = start();
    expect((await opens(owner))?.epoch).toBe(epoch);
    await owner.kill();
  }
  const owner = acquireOwner(home);
  expect(owner.journal.epoch).toBe(5);
  owner.release();
});

test('an owner that is merely stalled keeps its home', async () => {
  const stalled = start();
  await opens(stalled);
  stalled.child.kill('SIGSTOP');
  expect(() => acquireOwner(home)).toThrow(
    expect.objectContaining({ code: 'HOME_OWNED', message: expect.stringContaining(String(stalled.pid)) }),
  );
});

test('an owner keeps its home, also when nobody in its process remembers that it is one', () => {
  acquireOwner(home);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  expect(() => acquireOwner(home)).toThrow(expect.objectContaining({ code: 'HOME_OWNED' }));
});

test('an owner says who it is before the journal lets it in', async () => {
  acquireOwner(home).release();
  const busy = new DatabaseSync(homePaths(home).journal);
  busy.exec('BEGIN IMMEDIATE');
  const owner = start();
  const until = performance.now() + 4_000;
  while (readOwner(homePaths(home)) === undefined && performance.now() < until) await sleep(20);
  expect(readOwner(homePaths(home))).toEqual({ pid: owner.pid, startedAt: expect.any(Number) });
  expect(() => acquireOwner(home)).toThrow(
    expect.objectContaining({ code: 'HOME_OWNED', message: expect.stringContaining(String(owner.pid)) }),
  );
  busy.close();
  expect((await opens(owner))?.epoch).toBe(2);
});

test('others read who owns a home, and what it announced, without disturbing it', () => {
  const paths = homePaths(home);
  expect(readOwner(paths)).toBeUndefined();
  const owner = acquireOwner(home, 5);
  expect(readOwner(paths)).toEqual({ pid: process.pid, startedAt: 5, epoch: 1 });
  owner.announce('/run/some.sock');
  expect(readOwner(paths)?.socket).toBe('/run/some.sock');
  expect(() => acquireOwner(home)).toThrow(expect.objectContaining({ code: 'HOME_OWNED' }));
  expect(readOwner(paths)?.socket).toBe('/run/some.sock');
  owner.release();
  expect(readOwner(paths)).toBeUndefined();
  const next = acquireOwner(home);
  expect(next.journal.epoch).toBe(2);
  next.release();
});
