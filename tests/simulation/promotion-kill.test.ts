// req W5: killed with SIGKILL at every step, and again at every step of what recovers it: exactly before, or exactly after.
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { PromotionRequest } from '../../src/work/workspace/workspace.ts';
import { copyOf, leftovers, removeAll, runChild } from '../workspace/support/promotion-kill.ts';
import { type Files, type Rig, read, rig, untouchedIn, write } from '../workspace/support/promotion-rig.ts';

/** Memory where there is some: what is killed is a process, not the disk. */
const UNDER = existsSync('/dev/shm') ? { under: '/dev/shm' } : {};
const AT_ONCE = 3;

const BEGIN: Files = {
  'a.txt': '1\n2\n3\n4\n5\n',
  'gone.txt': 'gone\n',
  'swap/x.txt': 'x\n',
  'swap/y.txt': 'y\n',
  'file.txt': 'file\n',
  'run.sh': 'run\n',
};
const BY_RUN: Files = {
  'a.txt': '1\n2\n3\n4\nfive\n',
  'gone.txt': undefined,
  'swap/x.txt': undefined,
  'swap/y.txt': undefined,
  swap: 'a file now\n',
  'file.txt': undefined,
  'file.txt/in/deep.txt': 'a folder now\n',
  'run.sh': { run: 'run\n' },
};
const BY_USER: Files = { 'a.txt': 'one\n2\n3\n4\n5\n', 'mine/new.txt': 'untracked\n', 'staged.txt': 'staged\n' };

const opened: Rig[] = [];
afterAll(() => {
  for (const each of opened) each.remove();
});

/** A project in which the user has edits of every kind, and a tree to promote into it. */
async function begin() {
  const made = await rig(BEGIN, UNDER);
  opened.push(made);
  const tree = await made.candidate(BY_RUN);
  write(made.project, { 'staged.txt': 'staged\n' });
  made.git('add', 'staged.txt');
  write(made.project, BY_USER);
  const ends = [read(made.project), { ...read(made.project), ...BY_RUN, 'a.txt': 'one\n2\n3\n4\nfive\n' }].map(withoutGone);
  return { made, tree, ends };
}
const withoutGone = (files: Files): Files =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([, content]) => content !== undefined)
      .sort(),
  );

/** `count` jobs, a few at a time. */
async function each(count: number, job: (n: number) => Promise<void>): Promise<void> {
  let next = 1;
  const worker = async () => {
    for (let n = next++; n <= count; n = next++) await job(n);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Kills `act` at every step, and what recovers it at steps of its own; `from` is a folder in which `act` can begin. */
async function killEverywhere(act: 'promote' | 'undo', from: string, request: PromotionRequest, ends: readonly Files[]): Promise<number[]> {
  const under = mkdtempSync(`${from}-kills-`);
  const jobIn = (folder: string) => ({
    home: join(folder, 'home'),
    store: join(folder, 'trees'),
    request: { ...request, project: join(folder, 'project') },
  });
  const whole = copyOf(from, join(under, 'whole'));
  const { steps = 0 } = (await runChild({ ...jobIn(whole), act, killAt: 0 })) ?? {};
  const untouched = untouchedIn(join(from, 'project'));
  const met = [0, 0];
  await each(steps, async (killAt) => {
    const folder = copyOf(from, join(under, `at-${killAt}`));
    const job = jobIn(folder);
    expect(await runChild({ ...job, act, killAt })).toBeUndefined();
    // Each recovery is killed at another step, until one has too few for it.
    for (let again = 1 + (killAt % 3); ; again += 3) if (await runChild({ ...job, act: 'recover', killAt: again })) break;
    const now = read(job.request.project);
    const end = ends.findIndex((files) => JSON.stringify(files) === JSON.stringify(now));
    expect({ killAt, now: end >= 0 ? ends[end] : now }).toEqual({ killAt, now: ends[Math.max(end, 0)] });
    met[end]!++;
    expect({ killAt, untouched: untouchedIn(job.request.project) }).toEqual({ killAt, untouched });
    expect({ killAt, left: leftovers(job.home) }).toEqual({ killAt, left: [] });
    removeAll(folder);
  });
  removeAll(under);
  return met;
}

test('a promotion is whole or has not happened', { timeout: 300_000 }, async () => {
  const { made, tree, ends } = await begin();
  const request = { id: 'p-1', project: made.project, base: made.base, tree, rules: {} };
  const [before = 0, after = 0] = await killEverywhere('promote', made.folder, request, ends);
  expect(before).toBeGreaterThanOrEqual(10);
  expect(after).toBeGreaterThanOrEqual(20);
});

test('an undoing is whole or has not happened', { timeout: 300_000 }, async () => {
  const { made, tree, ends } = await begin();
  expect(await made.promote(tree)).toMatchObject({ ok: true });
  const request = { id: 'p-1', project: made.project, base: made.base, tree, rules: {} };
  const [before = 0, after = 0] = await killEverywhere('undo', made.folder, request, ends);
  expect(before).toBeGreaterThanOrEqual(20);
  expect(after).toBeGreaterThanOrEqual(1);
});
