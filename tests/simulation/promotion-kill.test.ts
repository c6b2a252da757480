// req W5: killed with SIGKILL at every step, and so is what recovers it: exactly before, or exactly after.
import { existsSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { type Killed, killEverywhere } from '../workspace/support/promotion-kill.ts';
import { type Files, inOrder, type Rig, read, removeStarted, start, write } from '../workspace/support/promotion-rig.ts';

/** Memory where there is some: what is killed is a process, not the disk. */
const UNDER = existsSync('/dev/shm') ? { under: '/dev/shm' } : {};

const BEGIN: Files = {
  'a.txt': '1\n2\n3\n4\n5\n',
  'file.txt': 'file\n',
  'gone.txt': 'gone\n',
  'run.sh': 'run\n',
  'swap/x.txt': 'x\n',
  'swap/y.txt': 'y\n',
};
const BY_RUN: Files = {
  'a.txt': '1\n2\n3\n4\nfive\n',
  'file.txt': undefined,
  'file.txt/in/deep.txt': 'a folder now\n',
  'gone.txt': undefined,
  'run.sh': { run: 'run\n' },
  swap: 'a file now\n',
  'swap/x.txt': undefined,
  'swap/y.txt': undefined,
};

afterEach(removeStarted);

/** A project in which the user has edits of every kind, and what it may come to. */
async function begin(): Promise<{ at: Rig; request: { id: string; base: string; tree: string; rules: object }; ends: [Files, Files] }> {
  const at = await start(BEGIN, UNDER);
  const tree = await at.candidate(BY_RUN);
  write(at.project, { 'staged.txt': 'staged\n' });
  at.git('add', 'staged.txt');
  write(at.project, { 'a.txt': 'one\n2\n3\n4\n5\n', 'mine/new.txt': 'untracked\n', 'staged.txt': 'and edited\n' });
  const before = read(at.project);
  const after = inOrder({ ...before, ...BY_RUN, 'a.txt': 'one\n2\n3\n4\nfive\n' });
  return { at, request: { id: 'p-1', base: at.base, tree, rules: {} }, ends: [before, after] };
}

/** Every third step of the recoveries, so that each is met by some of them. */
function* again(killAt: number): Generator<number> {
  for (let at = 1 + (killAt % 3); ; at += 3) yield at;
}
const whole = ({ steps, before, after, wrong }: Killed) => ({ wrong, missing: steps - before - after });

test('a promotion is whole or has not happened', { timeout: 300_000 }, async () => {
  const { at, request, ends } = await begin();
  const killed = await killEverywhere({ act: 'promote', from: at.folder, request, ends, again, atOnce: 2 });
  expect(whole(killed)).toEqual({ wrong: [], missing: 0 });
  expect(killed.before).toBeGreaterThanOrEqual(10);
  expect(killed.after).toBeGreaterThanOrEqual(20);
  expect(killed.inRecovery).toBeGreaterThan(killed.steps);
});

test('an undoing is whole or has not happened', { timeout: 300_000 }, async () => {
  const { at, request, ends } = await begin();
  expect(await at.promote(request.tree)).toMatchObject({ ok: true });
  const killed = await killEverywhere({ act: 'undo', from: at.folder, request, ends, again, atOnce: 2 });
  expect(whole(killed)).toEqual({ wrong: [], missing: 0 });
  expect(killed.before).toBeGreaterThanOrEqual(20);
  expect(killed.after).toBeGreaterThanOrEqual(1);
});

test('the branch has it where the tree has it', { timeout: 300_000 }, async () => {
  const at = await start({ 'a.txt': 'a\n' }, UNDER);
  const tree = await at.candidate({ 'a.txt': 'A\n' });
  const request = { id: 'p-1', base: at.base, tree, rules: {}, branch: { name: 'result', message: 'Result' } };
  const ends: [Files, Files] = [read(at.project), { 'a.txt': 'A\n' }];
  const killed = await killEverywhere({ act: 'promote', from: at.folder, request, ends, again, atOnce: 2 });
  expect(whole(killed)).toEqual({ wrong: [], missing: 0 });
  expect(killed.after).toBeGreaterThanOrEqual(5);
});
