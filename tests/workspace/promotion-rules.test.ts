// req W5, W6, W8: the change is judged once more as it would come in, and refused whole.
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ChangeRules } from '../../src/work/workspace/workspace.ts';
import { read, removeStarted, start, write } from './support/promotion-rig.ts';

afterEach(removeStarted);

interface Planted {
  readonly mode?: string;
  readonly path: string;
  readonly content?: string;
  readonly rules?: ChangeRules;
}
const COMMIT = '0123456789012345678901234567890123456789';
const REFUSED: Readonly<Record<string, Planted>> = {
  'git’s own folder': { path: '.git/hooks' },
  'git’s own folder in capitals': { path: '.GIT/config' },
  'git’s own folder with an invisible letter': { path: '.g\u200cit/config' },
  'git’s own folder by its short name': { path: 'git~1/config' },
  'a backslash': { path: 'a\\b' },
  'the folder above': { path: '../out' },
  'a reserved name': { path: 'con.txt' },
  'Baton’s own folder': { path: '.baton/journal.db' },
  'a file in place of Baton’s own folder': { path: '.baton' },
  'a name that isn’t UTF-8': { path: 'caf\u00ff' },
  'a symbolic link': { mode: '120000', path: 'link', content: 'a.txt' },
  'a link to the outside': { mode: '120000', path: 'link', content: '/etc/passwd', rules: { symlinks: true } },
  'a link upwards': { mode: '120000', path: 'dir/link', content: '../../x', rules: { symlinks: true } },
  'a link through another': { mode: '120000', path: 'link', content: 'dir/../../x', rules: { symlinks: true } },
  'a link into git’s own': { mode: '120000', path: 'link', content: '.git/config', rules: { symlinks: true } },
  'a repository inside': { mode: '160000', path: 'sub' },
  'a path outside the claims': { path: 'else.txt', rules: { writes: ['src/**'] } },
  'a protected path': { path: 'baton.yaml', rules: { protected: ['baton.yaml'] } },
};

test.each(Object.entries(REFUSED))('%s', async (_, { mode = '100644', path, content = 'x\n', rules = {} }) => {
  const at = await start({ 'a.txt': 'a\n' });
  const tree = at.planted([
    { mode, path, content, ...(mode === '160000' ? { id: COMMIT } : {}) },
    { mode: '100644', path: 'good.txt', content: 'good\n' },
  ]);
  const done = await at.promote(tree, { rules: { ...rules, ...(rules.writes ? { writes: [...rules.writes, 'good.txt'] } : {}) } });
  expect(done).toMatchObject({ ok: false, code: 'PROMOTION_REFUSED', paths: [path.replace('\u00ff', '\uFFFD')] });
  expect(read(at.project)).toEqual({ 'a.txt': 'a\n' });
  expect(existsSync(join(at.folder, 'out'))).toBe(false);
  expect(at.keptCommits()).toEqual([]);
});

test('links that stay inside come in where the rules allow them, and go again', async () => {
  const at = await start({ 'dir/a.txt': 'a\n', old: { link: 'dir' }, moved: { link: 'dir' } });
  const links = { 'dir/up': { link: '../dir/a.txt' }, here: { link: 'dir/a.txt' }, old: undefined, moved: { link: 'dir/a.txt' } };
  const tree = await at.candidate(links);
  expect(await at.promote(tree, { rules: { symlinks: true } })).toMatchObject({ ok: true, kept: [] });
  expect(read(at.project)).toEqual({ 'dir/a.txt': 'a\n', 'dir/up': links['dir/up'], here: links.here, moved: links.moved });
  expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true, kept: [] });
  expect(readlinkSync(join(at.project, 'old'))).toBe('dir');
});

test('what the user has and the run does not touch is nobody’s business', async () => {
  const at = await start({ 'a.txt': 'a\n', out: { link: '/etc/passwd' } });
  const tree = await at.candidate({ 'b.txt': 'b\n' });
  write(at.project, { out: { link: '/etc/hosts' }, 'mine.txt': 'mine\n' });
  expect(await at.promote(tree, { rules: { writes: ['b.txt'] } })).toMatchObject({ ok: true, files: [{ path: 'b.txt' }] });
  expect(readlinkSync(join(at.project, 'out'))).toBe('/etc/hosts');
});

test('a change above the quota is refused, with the limit and the value', async () => {
  const at = await start({ 'a.txt': 'a\n' });
  const tree = await at.candidate({ 'b.txt': 'b'.repeat(60), 'c.txt': 'c'.repeat(60), 'a.txt': undefined });
  const request = { id: 'p-1', project: at.project, base: at.base, tree, rules: {} };
  const refused = [
    await at.promotions.promote({ ...request, quota: { bytes: 100, files: 10 } }),
    await at.promotions.promote({ ...request, quota: { bytes: 1000, files: 1 } }),
  ];
  expect(refused).toMatchObject([
    { ok: false, code: 'QUOTA_EXCEEDED', message: 'limit quota.bytes = 100: the change has 120.' },
    { ok: false, code: 'QUOTA_EXCEEDED', message: 'limit quota.files = 1: the change has 2.' },
  ]);
  expect(read(at.project)).toEqual({ 'a.txt': 'a\n' });
});
