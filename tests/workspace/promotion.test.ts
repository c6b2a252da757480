// req W5, W10, W12: what comes in, what stays, and what is promised when it is asked for again.
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { read, removeStarted, start, write } from './support/promotion-rig.ts';

afterEach(removeStarted);
const LINES = '1\n2\n3\n4\n5\n6\n';

test('what the run changed comes in beside what the user has not committed', async () => {
  const at = await start({ 'a.txt': LINES, 'b.txt': 'b\n', 'old.txt': 'old\n' });
  const tree = await at.candidate({
    'a.txt': '1\n2\n3\n4\n5\nsix\n',
    'new/deep.txt': 'new\n',
    'old.txt': undefined,
    'run.sh': { run: 'x\n' },
  });
  write(at.project, { 'a.txt': 'one\n2\n3\n4\n5\n6\n', 'b.txt': 'staged\n', 'mine.txt': 'untracked\n' });
  at.git('add', 'b.txt');
  write(at.project, { 'b.txt': 'edited\n' });
  const before = at.untouched();
  const done = await at.promote(tree);
  expect(done).toMatchObject({ ok: true, kept: [] });
  expect(done.ok && done.files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'modified a.txt',
    'added new/deep.txt',
    'deleted old.txt',
    'added run.sh',
  ]);
  expect(read(at.project)).toEqual({
    'a.txt': 'one\n2\n3\n4\n5\nsix\n',
    'b.txt': 'edited\n',
    'mine.txt': 'untracked\n',
    'new/deep.txt': 'new\n',
    'run.sh': { run: 'x\n' },
  });
  expect(at.untouched()).toEqual(before);
  expect(at.git('diff', '--cached', '--name-only')).toBe('b.txt');
});

test('a conflict leaves the tree untouched and names the paths', async () => {
  const at = await start({ 'a.txt': LINES, 'b.txt': 'b\n' });
  const tree = await at.candidate({ 'a.txt': 'by the run\n', 'b.txt': 'by the run too\n', 'added.txt': 'by the run\n' });
  write(at.project, { 'a.txt': 'by the user\n', 'added.txt': 'untracked, by the user\n' });
  const [before, files] = [at.untouched(), read(at.project)];
  const done = await at.promote(tree);
  expect(done).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT', paths: ['a.txt', 'added.txt'] });
  expect(read(at.project)).toEqual(files);
  expect(at.untouched()).toEqual(before);
  // It has not happened: with the way clear, the same id may.
  write(at.project, { 'a.txt': LINES, 'added.txt': undefined });
  expect(await at.promote(tree)).toMatchObject({ ok: true });
  expect(read(at.project)).toEqual({ 'a.txt': 'by the run\n', 'b.txt': 'by the run too\n', 'added.txt': 'by the run\n' });
});

test('a file that git does not look at is never overwritten', async () => {
  const at = await start({ '.gitignore': '.env\ncache/\n', 'lib/a.txt': 'a\n' });
  const tree = at.planted([{ mode: '100644', path: '.env', content: 'KEY=run\n' }]);
  write(at.project, { '.env': 'KEY=user\n' });
  expect(await at.promote(tree)).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT', paths: ['.env'] });
  expect(read(at.project)).toEqual({ '.gitignore': '.env\ncache/\n', '.env': 'KEY=user\n', 'lib/a.txt': 'a\n' });
  const replaced = await at.candidate({ 'lib/a.txt': undefined, lib: 'a file now\n' });
  write(at.project, { 'lib/cache/x': 'ignored\n' });
  expect(await at.promote(replaced)).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT', paths: ['lib'] });
  expect(read(at.project)).toMatchObject({ 'lib/a.txt': 'a\n', 'lib/cache/x': 'ignored\n' });
});

test('a file becomes a folder, a folder a file, and back again', async () => {
  const at = await start({ 'a/x': 'x\n', 'a/deep/y': 'y\n', b: 'b\n', 'keep/ignored.log': undefined, '.gitignore': '*.log\n' });
  mkdirSync(join(at.project, 'a/empty'));
  const files = read(at.project);
  const tree = await at.candidate({ 'a/x': undefined, 'a/deep/y': undefined, a: 'a\n', b: undefined, 'b/one/two': 'two\n' });
  expect(await at.promote(tree)).toMatchObject({ ok: true, kept: [] });
  expect(read(at.project)).toEqual({ a: 'a\n', 'b/one/two': 'two\n', '.gitignore': '*.log\n' });
  expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true, kept: [] });
  expect(read(at.project)).toEqual(files);
});

test('folders that are emptied go, those with something of the user stay', async () => {
  const at = await start({ '.gitignore': '*.log\n', 'a/b/c.txt': 'c\n', 'd/e.txt': 'e\n' });
  const tree = await at.candidate({ 'a/b/c.txt': undefined, 'd/e.txt': undefined });
  write(at.project, { 'd/mine.log': 'ignored\n' });
  expect(await at.promote(tree)).toMatchObject({ ok: true });
  expect(readdirSync(at.project).sort()).toEqual(['.git', '.gitignore', 'd']);
});

test('executable bits change alone, other permissions stay, setuid never comes in', async () => {
  const at = await start({ 'tool.sh': 'tool\n', 'secret.txt': 'a\n', 'run.sh': { run: 'run\n' } });
  chmodSync(join(at.project, 'secret.txt'), 0o600);
  chmodSync(join(at.project, 'run.sh'), 0o6755);
  const tree = await at.candidate({ 'tool.sh': { run: 'tool\n' }, 'secret.txt': 'b\n', 'run.sh': { run: 'other\n' } });
  const done = await at.promote(tree);
  expect(done).toMatchObject({ ok: true, files: [{ path: 'run.sh' }, { path: 'secret.txt' }, { path: 'tool.sh', kind: 'mode' }] });
  const mode = (name: string) => (statSync(join(at.project, name)).mode & 0o7777).toString(8);
  expect([mode('tool.sh'), mode('secret.txt'), mode('run.sh')]).toEqual(['755', '600', '755']);
});

test('names of any script, with spaces, quotes and line ends', async () => {
  const at = await start({ 'naïve café/Ünïcode ß.txt': '1\n', '日本語.txt': '1\n' });
  const names = {
    'naïve café/Ünïcode ß.txt': '2\n',
    '日本語.txt': undefined,
    ' "quoted" \'name\'.txt': '1\n',
    'two\nlines\t.txt': '1\n',
    'שלום/🙂': '1\n',
  };
  expect(await at.promote(await at.candidate(names))).toMatchObject({ ok: true });
  const { '日本語.txt': _gone, ...there } = names;
  expect(read(at.project)).toEqual(there);
});

test('the same id gives the same result, from any process, also when it was confirmed', async () => {
  const at = await start({ 'a.txt': '1\n' });
  const tree = await at.candidate({ 'a.txt': '2\n' });
  const done = await at.promote(tree);
  write(at.project, { 'a.txt': 'mine now\n' });
  expect(await at.promote(tree)).toEqual(done);
  await at.promotions.confirm('p-1', at.project);
  expect(await at.with({}).promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {} })).toEqual(done);
  expect(read(at.project)).toEqual({ 'a.txt': 'mine now\n' });
  await expect(at.promote(at.base)).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
});

test('an undoing puts back what nobody changed since, and names the rest', async () => {
  const at = await start({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'gone.txt': 'gone\n', 'back.txt': 'back\n' });
  const tree = await at.candidate({ 'a.txt': 'A\n', 'b.txt': 'B\n', 'gone.txt': undefined, 'back.txt': undefined, 'dir/new.txt': 'new\n' });
  write(at.project, { 'mine.txt': 'mine\n' });
  await at.promote(tree);
  write(at.project, { 'b.txt': 'edited since\n', 'back.txt': 'made again\n' });
  const before = at.untouched();
  const undone = await at.promotions.undo('p-1', at.project);
  expect(undone).toMatchObject({ ok: true, kept: ['b.txt', 'back.txt'] });
  expect(undone.ok && undone.files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'modified a.txt',
    'deleted dir/new.txt',
    'added gone.txt',
  ]);
  const files = { 'a.txt': 'a\n', 'b.txt': 'edited since\n', 'back.txt': 'made again\n', 'gone.txt': 'gone\n', 'mine.txt': 'mine\n' };
  expect(read(at.project)).toEqual(files);
  expect(existsSync(join(at.project, 'dir'))).toBe(false);
  expect(at.untouched()).toEqual(before);
  expect(await at.promotions.undo('p-1', at.project)).toEqual(undone);
  expect(undone.ok && (await at.trees.changes(undone.after, await at.trees.snapshot(at.project, 'now')))).toEqual([]);
});

test('what an undoing needs is kept until it is confirmed, and not a moment longer', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  await at.promote(await at.candidate({ 'a.txt': 'A\n' }));
  expect(at.keptCommits()).toEqual(['promotions/p-1/after', 'promotions/p-1/before']);
  expect(at.ownFiles().filter((path) => path.includes('backup/'))).toHaveLength(1);
  await at.promotions.confirm('p-1', at.project);
  await at.promotions.confirm('p-1', at.project);
  expect(at.keptCommits()).toEqual([]);
  expect(at.ownFiles().filter((path) => /backup|stage|again/.test(path))).toEqual([]);
  await expect(at.promotions.undo('p-1', at.project)).rejects.toMatchObject({ code: 'PROMOTION_CONFIRMED' });
  await expect(at.promotions.undo('p-2', at.project)).rejects.toMatchObject({ code: 'PROMOTION_UNKNOWN' });
  await expect(at.promotions.undo('../p', at.project)).rejects.toMatchObject({ code: 'PROMOTION_ID' });
});

// req W10
test('promotions into one project go one after the other', async () => {
  const at = await start({ 'a.txt': LINES });
  const trees = [
    await at.candidate({ 'a.txt': `0\n${LINES}` }),
    await at.candidate({ 'a.txt': `${LINES}7\n` }),
    await at.candidate({ 'b.txt': 'b\n' }),
  ];
  const all = await Promise.all(
    trees.map((tree, n) => at.with({}).promote({ id: `p-${n}`, project: at.project, base: at.base, tree, rules: {} })),
  );
  expect(all).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  expect(read(at.project)).toEqual({ 'a.txt': `0\n${LINES}7\n`, 'b.txt': 'b\n' });
});

test('who can’t wait any longer is told what the limit is', async () => {
  const at = await start({ 'a.txt': '1\n' });
  const first = await at.promote(await at.candidate({ 'a.txt': '2\n' }));
  expect(first.ok).toBe(true);
  const lock = new DatabaseSync(at.ownFiles().find((path) => path.endsWith('lock.db')) ?? '');
  lock.exec('BEGIN IMMEDIATE');
  await expect(at.with({ lockWaitMs: 40 }).undo('p-1', at.project)).rejects.toMatchObject({
    code: 'PROMOTION_BUSY',
    message: expect.stringContaining('LOCK_WAIT_MS = 40'),
  });
  lock.close();
  expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true });
});

test('nothing to recover makes nothing', async () => {
  const at = await start({ 'a.txt': '1\n' });
  expect(await at.promotions.recover(at.project)).toEqual([]);
  expect(at.ownFiles()).toEqual([]);
});

test('a project that was moved with its home is still known', async () => {
  const at = await start({ 'a.txt': '1\n' }, { homeInside: true });
  await at.promote(await at.candidate({ 'a.txt': '2\n' }));
  const moved = `${at.project}-moved`;
  renameSync(at.project, moved);
  expect(await at.with({ home: join(moved, '.baton') }).undo('p-1', moved)).toMatchObject({ ok: true, kept: [] });
  expect(read(moved)).toEqual({ 'a.txt': '1\n' });
});

test.skipIf(!existsSync('/dev/shm'))('with the home on another file system, files lie in the project, out of git’s sight', async () => {
  const at = await start({ 'a.txt': '1\n' }, { homeUnder: '/dev/shm' });
  const done = await at.promote(await at.candidate({ 'a.txt': '2\n' }));
  expect(done).toMatchObject({ ok: true, files: [{ path: 'a.txt' }] });
  expect(existsSync(join(at.project, '.baton/promotions'))).toBe(true);
  expect(at.git('status', '--porcelain')).toBe('M a.txt');
  expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true, kept: [] });
  expect(read(at.project)).toEqual({ 'a.txt': '1\n' });
});

test.skipIf(process.getuid?.() !== 0)('as root, what is made belongs to whom the place belongs', async () => {
  const at = await start({ 'a.txt': '1\n', 'b.txt': '1\n' });
  chownSync(at.project, 65534, 65534);
  chownSync(join(at.project, 'a.txt'), 65533, 65534);
  await at.promote(await at.candidate({ 'a.txt': '2\n', 'new/deep.txt': '1\n' }));
  const owner = (path: string) => statSync(join(at.project, path)).uid;
  expect([owner('a.txt'), owner('new'), owner('new/deep.txt'), owner('b.txt')]).toEqual([65533, 65534, 65534, 0]);
});

test('a project that is gone says so', async () => {
  const at = await start({ 'a.txt': '1\n' });
  const file = join(at.folder, 'file');
  writeFileSync(file, '');
  for (const project of [join(at.folder, 'nowhere'), file])
    await expect(at.promotions.recover(project)).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
});

test('every way in which it says no is on its page', () => {
  const at = (path: string) => new URL(`../../${path}`, import.meta.url);
  const sources = readdirSync(at('src/work/workspace')).filter((name) => /^(promotion.*|walk)\.ts$/.test(name));
  const text = sources.map((name) => readFileSync(at(`src/work/workspace/${name}`), 'utf8')).join('\n');
  const codes = [...text.matchAll(/(?:BatonError\(\s*|code: )'([A-Z_]+)'/g)].map(([, code = '']) => code);
  const page = readFileSync(at('docs/concepts/promotion.md'), 'utf8');
  const violations = ['PATH_UNSAFE', 'PROTECTED', 'SYMLINK'];
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !page.includes(`\`${code}\``) && !violations.includes(code))).toEqual([]);
});
