/**
 * What an earlier control plane for coding agents got wrong with trees, each as a test. Where that one judged the text of a
 * diff, here only trees count, so a text can't lie; it is shown all the same.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPatch } from '../../src/work/tools/files/patch.ts';
import { createPromotions } from '../../src/work/workspace/promotion.ts';
import { createTrees } from '../../src/work/workspace/trees.ts';
import type { Promotions, Trees, Workspace } from '../../src/work/workspace/workspace.ts';

let [top, project]: [string, string] = ['', ''];
let trees: Trees;
let promotions: Promotions;
let base = '';
let workspace: Workspace;

const sh = (folder: string, script: string) =>
  execFileSync('bash', ['-ec', `git() { command git -c user.name=u -c user.email=u@v "$@"; }; ${script}`], {
    cwd: folder,
    encoding: 'utf8',
  });
const put = (folder: string, path: string, text: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const read = (path: string) => readFileSync(join(project, path), 'utf8');

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'baton-faults-'));
  project = join(top, 'project');
  put(project, 'src/ok.ts', 'one\ntwo\nthree\n');
  put(project, 'libs/secret.ts', 'secret\n');
  sh(project, 'git init -q -b main; git add -A; git commit -qm one');
  const folder = join(top, 'home', 'trees');
  mkdirSync(join(top, 'home'));
  trees = createTrees({ folder, project });
  promotions = createPromotions({ trees, folder, home: join(top, 'home') });
  base = await trees.snapshot(project, 'test');
  workspace = await trees.open('run/fix', base);
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const judged = async () => {
  const { changes, violations, commit } = await trees.checkpoint(workspace, 'test');
  return { commit, codes: [...violations, ...trees.judge(changes, { writes: ['src/**'] })].map(({ code, path }) => `${code} ${path}`) };
};
const promote = (tree: string, rules = {}) => promotions.promote({ id: 'p1', project, base, tree, rules });

describe('faults of an earlier control plane', () => {
  it('2, 3: a patch without headers, or with headers inside a hunk, changes what its tree says, and that is judged', async () => {
    const headless = '--- a/libs/secret.ts\n+++ b/libs/secret.ts\n@@ -1 +1 @@\n-secret\n+stolen\n';
    await applyPatch(workspace.folder, headless);
    expect((await judged()).codes).toEqual(['OUTSIDE_WRITES libs/secret.ts']);
  });

  it('4: a link is refused, and so is what lies behind one', async () => {
    symlinkSync('/etc/passwd', join(workspace.folder, 'src/link.ts'));
    symlinkSync(top, join(workspace.folder, 'src/out'));
    const { codes, commit } = await judged();
    expect(codes.sort()).toEqual(['SYMLINK src/link.ts', 'SYMLINK src/out']);
    expect(await promote(commit)).toMatchObject({ ok: false, code: 'PROMOTION_REFUSED' });
    expect(sh(project, 'git status --porcelain')).toBe('');
  });

  it('5: an edit that is staged or committed is seen like any other', async () => {
    sh(workspace.folder, 'echo x > libs/secret.ts; git add -A; git commit -qm hidden; echo y > src/ok.ts; git add -A');
    expect((await judged()).codes).toEqual(['OUTSIDE_WRITES libs/secret.ts']);
  });

  it('6: rolling back gives the tree of that checkpoint, and later ones stay', async () => {
    const states = [];
    for (const text of ['a', 'b', 'c']) {
      put(workspace.folder, 'src/ok.ts', `${text}\n`);
      states.push((await trees.checkpoint(workspace, text)).commit);
    }
    for (const n of [0, 2, 1]) {
      await trees.restore(workspace, states[n] ?? '');
      expect(readFileSync(join(workspace.folder, 'src/ok.ts'), 'utf8')).toBe(`${'abc'[n]}\n`);
    }
  });

  it('7: putting violations back keeps valid work, also beside a violating file that is new', async () => {
    put(workspace.folder, 'src/ok.ts', 'valid\n');
    put(workspace.folder, 'libs/new.ts', 'not allowed\n');
    await trees.restore(workspace, base, ['libs/new.ts']);
    expect((await judged()).codes).toEqual([]);
    expect(readFileSync(join(workspace.folder, 'src/ok.ts'), 'utf8')).toBe('valid\n');
  });

  it('18: a promotion leaves branch, HEAD, index and other branches alone, and a conflict leaves everything', async () => {
    sh(project, 'git branch baton/fix; echo staged > staged.txt; git add staged.txt');
    const before = sh(project, 'git rev-parse HEAD baton/fix; git symbolic-ref HEAD; git diff --cached');
    put(workspace.folder, 'src/ok.ts', 'one\ntwo\nTHREE\n');
    const { commit } = await judged();
    put(project, 'src/ok.ts', 'one\ntwo\nmine\n');
    expect(await promote(commit)).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT', paths: ['src/ok.ts'] });
    expect(read('src/ok.ts')).toBe('one\ntwo\nmine\n');
    put(project, 'src/ok.ts', 'ONE\ntwo\nthree\n');
    expect(await promotions.promote({ id: 'p2', project, base, tree: commit, rules: {} })).toMatchObject({ ok: true });
    expect(read('src/ok.ts')).toBe('ONE\ntwo\nTHREE\n');
    expect(sh(project, 'git rev-parse HEAD baton/fix; git symbolic-ref HEAD; git diff --cached')).toBe(before);
  });

  it('19: a path of any letters is that path', async () => {
    const path = 'src/straße "quoted" \t日本.ts';
    put(workspace.folder, path, 'text\n');
    const { codes, commit } = await judged();
    expect(codes).toEqual([]);
    expect(await promote(commit)).toMatchObject({ ok: true });
    expect(read(path)).toBe('text\n');
  });

  it('20: what Baton itself keeps beside the project is no change of anybody', async () => {
    put(project, '.baton/.gitignore', '*\n');
    put(project, '.baton/journal.db', 'x');
    expect(await trees.changes(base, await trees.snapshot(project, 'again'))).toEqual([]);
  });

  it('21: no remote is needed for anything', async () => {
    put(workspace.folder, 'src/ok.ts', 'changed\n');
    expect(sh(project, 'git remote')).toBe('');
    expect(await promote((await judged()).commit)).toMatchObject({ ok: true });
  });

  it('24: writing in place in a workspace changes nothing of the user’s', async () => {
    sh(workspace.folder, 'printf x | dd of=src/ok.ts conv=notrunc status=none');
    expect(read('src/ok.ts')).toBe('one\ntwo\nthree\n');
    expect(statSync(join(project, 'src/ok.ts')).nlink).toBe(1);
    expect(existsSync(join(workspace.folder, '.git'))).toBe(true);
  });
});
