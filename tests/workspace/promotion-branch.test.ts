// req W5: with a branch the result is also a commit of the user's repository, and nothing else there moves.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Files, type Rig, read, removeStarted, start, write } from './support/promotion-rig.ts';

afterEach(removeStarted);

const branch = { name: 'baton/run-1', message: 'What the run did' };
/** All that a branch may not change. */
const others = (at: Rig): Record<string, string> =>
  Object.fromEntries(
    Object.entries(at.untouched()).filter(([name]) => !name.includes('baton') && !name.startsWith('logs/refs/heads/baton')),
  );
const filesOf = (at: Rig, commit: string): Files =>
  Object.fromEntries(
    at
      .git('ls-tree', '-r', '--name-only', commit)
      .split('\n')
      .map((path) => [path, `${at.git('show', `${commit}:${path}`)}\n`]),
  );

test('a new branch begins at HEAD and has the tree as it is then', async () => {
  const at = await start({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  const tree = await at.candidate({ 'a.txt': 'A\n', 'dir/new.txt': 'new\n' });
  write(at.project, { 'b.txt': 'edited\n' });
  at.git('add', 'b.txt');
  const before = others(at);
  const done = await at.promote(tree, { branch });
  const commit = at.git('rev-parse', 'baton/run-1');
  expect(done).toMatchObject({ ok: true, branch: commit });
  expect(at.git('log', '--format=%P %s', '-1', 'baton/run-1')).toBe(`${at.git('rev-parse', 'main')} What the run did`);
  expect(filesOf(at, commit)).toEqual({ 'a.txt': 'A\n', 'b.txt': 'edited\n', 'dir/new.txt': 'new\n' });
  expect(filesOf(at, commit)).toEqual(read(at.project));
  expect(others(at)).toEqual(before);
  at.git('fsck', '--strict', '--connectivity-only');
  expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true });
  expect(at.git('branch', '--list', 'baton/*')).toBe('');
});

test('a branch that is there goes on, and back with the undoing', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  at.git('branch', branch.name);
  const old = at.git('rev-parse', branch.name);
  expect(await at.promote(await at.candidate({ 'a.txt': 'A\n' }), { branch })).toMatchObject({ ok: true });
  expect(at.git('rev-parse', `${branch.name}^`)).toBe(old);
  await at.promotions.undo('p-1', at.project);
  expect(at.git('rev-parse', branch.name)).toBe(old);
});

test('in a repository without a commit it has no parent', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  at.git('update-ref', '-d', 'HEAD');
  expect(await at.promote(await at.candidate({ 'a.txt': 'A\n' }), { branch })).toMatchObject({ ok: true });
  expect(at.git('log', '--format=%P', branch.name)).toBe('');
  expect(await at.promote(await at.candidate({ 'b.txt': 'b\n' }), { id: 'p-2', branch: { ...branch, name: 'main' } })).toMatchObject({
    ok: false,
    code: 'PROMOTION_REFUSED',
  });
});

test.each([
  ['is checked out here', 'main', () => {}],
  ['is checked out in another worktree', 'other', (at: Rig) => at.git('worktree', 'add', '-q', '-b', 'other', join(at.folder, 'other'))],
  ['has no name', 'a..b', () => {}],
])('a branch that %s is refused, and nothing comes in', async (_, name, prepare) => {
  const at = await start({ 'a.txt': 'a\n' });
  prepare(at);
  const before = at.untouched();
  const done = await at.promote(await at.candidate({ 'a.txt': 'A\n' }), { branch: { ...branch, name } });
  expect(done).toMatchObject({ ok: false, code: 'PROMOTION_REFUSED' });
  expect(read(at.project)).toEqual({ 'a.txt': 'a\n' });
  expect(at.untouched()).toEqual(before);
});

test('files that git would store in another form are refused', async () => {
  const at = await start({ '.gitattributes': '*.bin filter=lfs\n', 'a.txt': 'a\n' });
  const tree = await at.candidate({ 'large.bin': 'bytes\n' });
  expect(await at.promote(tree, { branch })).toMatchObject({ ok: false, code: 'PROMOTION_REFUSED', paths: ['large.bin'] });
  expect(await at.promote(tree)).toMatchObject({ ok: true });
});

test('a branch that the user moves meanwhile is theirs', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  at.git('branch', branch.name);
  const tree = await at.candidate({ 'a.txt': 'A\n' });
  const step = (name: string) => {
    if (name !== 'journal.json durable') return;
    at.git('update-ref', `refs/heads/${branch.name}`, at.git('commit-tree', 'HEAD^{tree}', '-m', 'mine'));
  };
  const done = await at.with({ step }).promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {}, branch });
  expect(done).toMatchObject({ ok: true, kept: [] });
  expect(done).not.toHaveProperty('branch');
  expect(at.git('log', '--format=%s', '-1', branch.name)).toBe('mine');
});

test('a promotion that is taken back takes the branch back', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  const tree = await at.candidate({ 'a.txt': 'A\n' });
  const step = (name: string) => {
    if (name === 'moved aside') throw new Error('enough');
  };
  const promotions = at.with({ step });
  await expect(promotions.promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {}, branch })).rejects.toThrow();
  expect(at.git('branch', '--list', 'baton/*')).toBe('');
  expect(read(at.project)).toEqual({ 'a.txt': 'a\n' });
});

test('hooks of the repository are not run', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  const ran = join(at.folder, 'ran');
  for (const hook of ['reference-transaction', 'post-commit', 'pre-commit', 'post-index-change']) {
    write(join(at.project, '.git/hooks'), { [hook]: { run: `#!/bin/sh\ntouch ${ran}\n` } });
  }
  at.git('config', 'core.fsmonitor', `touch ${ran}`);
  expect(await at.promote(await at.candidate({ 'a.txt': 'A\n' }), { branch })).toMatchObject({ ok: true });
  expect(existsSync(ran)).toBe(false);
});

test('in a linked worktree the branch is one of the repository', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  const worktree = join(at.folder, 'linked');
  at.git('worktree', 'add', '-q', '-b', 'linked', worktree);
  const head = readFileSync(join(at.project, '.git/worktrees/linked/index')).toString('hex');
  const tree = await at.candidate({ 'a.txt': 'A\n' });
  expect(await at.promote(tree, { project: worktree, branch })).toMatchObject({ ok: true });
  expect(read(worktree)).toEqual({ 'a.txt': 'A\n' });
  expect(read(at.project)).toEqual({ 'a.txt': 'a\n' });
  expect(filesOf(at, branch.name)).toEqual({ 'a.txt': 'A\n' });
  expect(readFileSync(join(at.project, '.git/worktrees/linked/index')).toString('hex')).toBe(head);
});
