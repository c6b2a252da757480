import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createTrees } from '../../src/work/workspace/trees.ts';
import type { Quota, Trees } from '../../src/work/workspace/workspace.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
const temporary = (name: string): string => {
  const folder = mkdtempSync(join(tmpdir(), `baton-${name}-`));
  made.push(folder);
  return folder;
};
const put = (folder: string, files: Readonly<Record<string, string>>) => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
};
const sh = (folder: string, script: string) =>
  execFileSync('bash', ['-c', `git() { command git -c user.name=u -c user.email=u@v "$@"; }; ${script}`], {
    cwd: folder,
    encoding: 'utf8',
  });

function project(files: Readonly<Record<string, string>>, quota?: Quota): { folder: string; kept: string; trees: Trees } {
  const folder = temporary('tree-project');
  put(folder, files);
  sh(folder, 'git init -q && git add -A && git commit -q --allow-empty -m one');
  const kept = temporary('trees');
  return { folder, kept, trees: createTrees({ folder: kept, project: folder, ...(quota ? { quotaOf: () => quota } : {}) }) };
}
const paths = (changes: readonly { readonly path: string; readonly kind: string }[]) =>
  changes.map(({ path, kind }) => `${kind} ${path}`).sort();

// req W1, W7
describe('a snapshot', () => {
  it('has what the user has, edits and new files included, and leaves the user’s repository alone', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n', '.gitignore': 'ignored/\n', 'ignored/x': 'x' });
    put(folder, { 'a.txt': 'edited\n', 'new.txt': 'new\n' });
    sh(folder, 'git add new.txt; echo secret.txt >> .git/info/exclude; echo s > secret.txt');
    const before = sh(folder, 'git status --porcelain; git rev-parse HEAD; cat .git/index | sha1sum');
    const base = await trees.snapshot(folder, 'test');
    expect(sh(folder, 'git status --porcelain; git rev-parse HEAD; cat .git/index | sha1sum')).toBe(before);
    const { folder: work } = await trees.open('r/t', base);
    expect(readFileSync(join(work, 'a.txt'), 'utf8')).toBe('edited\n');
    expect(existsSync(join(work, 'new.txt'))).toBe(true);
    for (const path of ['ignored', 'secret.txt']) expect(existsSync(join(work, path))).toBe(false);
    expect(lstatSync(join(work, 'a.txt')).ino).not.toBe(lstatSync(join(folder, 'a.txt')).ino);
  });

  it('has what the user’s repository tracks although it is ignored, and does not stumble over a lock that a dead git left', async () => {
    const { folder, trees } = project({ 'kept.log': 'kept\n' });
    sh(folder, 'echo "*.log" > .gitignore; echo "no" > other.log; git add -f .gitignore kept.log; git commit -qm two');
    const base = await trees.snapshot(folder, 'one');
    expect((await trees.file(base, 'kept.log', 100))?.toString()).toBe('kept\n');
    expect(await trees.file(base, 'other.log', 100)).toBeUndefined();
    const workspace = await trees.open('r/t', base);
    const beside = join(workspace.folder, '..', '..', 'beside');
    for (const name of readdirSync(beside).filter((each) => each.endsWith('.index'))) writeFileSync(join(beside, `${name}.lock`), '');
    expect(await trees.changes(base, await trees.snapshot(folder, 'two'))).toEqual([]);
    expect((await trees.checkpoint(workspace, 'three')).changes).toEqual([]);
    put(workspace.folder, { 'kept.log': 'changed\n' });
    expect(paths((await trees.checkpoint(workspace, 'four')).changes)).toEqual(['modified kept.log']);
  });

  it('refuses a repository inside the repository by its name, with or without commits', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' });
    sh(folder, 'mkdir inner && cd inner && git init -q');
    await expect(trees.snapshot(folder, 'test')).rejects.toMatchObject({ code: 'NESTED_REPOSITORY', where: join(folder, 'inner') });
    sh(folder, 'cd inner && echo 1 > f && git add -A && git commit -qm x');
    await expect(trees.snapshot(folder, 'test')).rejects.toMatchObject({ code: 'NESTED_REPOSITORY', where: join(folder, 'inner') });
  });

  it('says when the folder is no repository', async () => {
    const { trees } = project({});
    await expect(trees.snapshot(temporary('none'), 'test')).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY' });
  });
});

// req W2, W3
describe('a checkpoint', () => {
  it('sees whatever was staged, committed, renamed, chmodded, deleted or linked', async () => {
    const names = ['staged', 'committed', 'renamed', 'mode', 'deleted', 'same'];
    const { folder, trees } = project(Object.fromEntries(names.map((name) => [`${name}.txt`, `${name}\n`])));
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    sh(
      workspace.folder,
      `echo 1 >> staged.txt; git add staged.txt; echo 1 >> committed.txt; git add -A; git commit -qm mine
       git mv renamed.txt other.txt; chmod +x mode.txt; rm deleted.txt; ln -s /etc/passwd link; git stash list; echo n > new.txt`,
    );
    const { changes } = await trees.checkpoint(workspace, 'test');
    expect(paths(changes)).toEqual([
      'added link',
      'added new.txt',
      'added other.txt',
      'deleted deleted.txt',
      'deleted renamed.txt',
      'mode mode.txt',
      'modified committed.txt',
      'modified staged.txt',
    ]);
    expect(changes.filter(({ executable }) => executable).map(({ path }) => path)).toEqual(['mode.txt']);
    expect(trees.judge(changes, {}).map(({ code, path }) => `${code} ${path}`)).toEqual(['SYMLINK link']);
  });

  it('is the same commit for the same tree, and follows the last one', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' });
    const base = await trees.snapshot(folder, 'test');
    const workspace = await trees.open('r/t', base);
    expect((await trees.checkpoint(workspace, 'one')).commit).toBe(base);
    put(workspace.folder, { 'a.txt': 'b\n' });
    const one = (await trees.checkpoint(workspace, 'two')).commit;
    expect((await trees.checkpoint(workspace, 'three')).commit).toBe(one);
    expect((await trees.log(one, 5)).map(({ commit }) => commit)).toEqual([one, base]);
  });

  it('leaves out what the base ignores, and nothing that somebody else says is to be ignored', async () => {
    const { folder, trees } = project({ '.gitignore': 'out/\n', 'lib/a.txt': 'a\n' });
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    put(workspace.folder, {
      'out/built.js': '1',
      '.gitignore': 'out/\nlib/\n*.txt\n',
      'lib/b.txt': 'hidden\n',
      'lib/a.txt': 'changed\n',
      'c.txt': 'c',
    });
    sh(workspace.folder, 'mkdir -p .git/info; echo "c.txt" >> .git/info/exclude');
    expect(paths((await trees.checkpoint(workspace, 'test')).changes)).toEqual([
      'added c.txt',
      'added lib/b.txt',
      'modified .gitignore',
      'modified lib/a.txt',
    ]);
  });

  it('keeps every byte, whatever attributes say', async () => {
    const { folder, trees } = project({ 'a.txt': 'one\r\ntwo\n' });
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    put(workspace.folder, { '.gitattributes': '* text eol=crlf ident filter=x\n', 'b.txt': '$Id$\r\nx\n' });
    const { commit } = await trees.checkpoint(workspace, 'test');
    expect((await trees.file(commit, 'b.txt', 100))?.toString()).toBe('$Id$\r\nx\n');
    expect((await trees.file(commit, 'a.txt', 100))?.toString()).toBe('one\r\ntwo\n');
  });

  it('names hard links, pipes and repositories inside, and runs nothing of what lies in them', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' });
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    const proof = join(temporary('proof'), 'ran');
    const secret = join(temporary('secret'), 'secret');
    writeFileSync(secret, 'secret');
    linkSync(secret, join(workspace.folder, 'hard'));
    sh(
      workspace.folder,
      `mkfifo pipe; printf '#!/bin/sh\\ntouch ${proof}\\n' > .git/evil; chmod +x .git/evil
       git config core.fsmonitor "$PWD/.git/evil"; mkdir -p .git/hooks; cp .git/evil .git/hooks/pre-commit; git config core.hooksPath .git/hooks
       mkdir inner && cd inner && git init -q && git config core.fsmonitor "$PWD/../.git/evil" && echo 1 > f`,
    );
    const { violations, changes } = await trees.checkpoint(workspace, 'test');
    expect(violations.map(({ code, path }) => `${code} ${path}`).sort()).toEqual([
      'HARD_LINK hard',
      'NESTED_REPOSITORY inner',
      'SPECIAL_FILE pipe',
    ]);
    expect(paths(changes)).toEqual(['added hard']);
    await trees.patch(workspace.base, (await trees.checkpoint(workspace, 'again')).commit);
    expect(existsSync(proof)).toBe(false);
  });

  // req W8
  it('is refused above the quota, with the name of the limit', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' }, { bytes: 100_000, files: 3 });
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    put(workspace.folder, { '1': '', '2': '', '3': '' });
    await expect(trees.checkpoint(workspace, 'test')).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('quota.files = 3'),
    });
    for (const name of ['1', '2', '3']) unlinkSync(join(workspace.folder, name));
    put(workspace.folder, { big: 'x'.repeat(200_000) });
    await expect(trees.checkpoint(workspace, 'test')).rejects.toMatchObject({ message: expect.stringContaining('quota.bytes = 100000') });
  });
});

// req W4
describe('putting back', () => {
  it('makes every file as it was, adds, deletes and modes alike, and keeps what was there', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n', 'b/c.txt': 'c\n', '.gitignore': 'out/\n' });
    const base = await trees.snapshot(folder, 'test');
    const workspace = await trees.open('r/t', base);
    mkdirSync(join(workspace.folder, 'empty'));
    const empty = (await trees.checkpoint(workspace, 'empty')).commit;
    sh(workspace.folder, 'rm -r b empty; echo 2 > a.txt; chmod +x a.txt; mkdir a2; echo n > a2/n; mkdir out; echo o > out/o');
    const before = await trees.restore(workspace, empty);
    expect(sh(workspace.folder, 'cat a.txt b/c.txt; test ! -x a.txt; test ! -e a2; test -d empty; cat out/o')).toBe('a\nc\no\n');
    await trees.restore(workspace, before);
    expect(sh(workspace.folder, 'cat a.txt a2/n; test -x a.txt; test ! -e b')).toBe('2\nn\n');
  });

  it('of some paths leaves the others byte-identical', async () => {
    const { folder, trees } = project({ 'lib/x.txt': 'x\n' });
    const base = await trees.snapshot(folder, 'test');
    const workspace = await trees.open('r/t', base);
    const valid = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`src/${i}.txt`, `valid ${i}\n`]));
    put(workspace.folder, { ...valid, 'lib/x.txt': 'changed\n', 'lib/new.txt': 'new\n' });
    await trees.restore(workspace, base, ['lib/x.txt', 'lib/new.txt']);
    expect(paths((await trees.checkpoint(workspace, 'test')).changes)).toEqual(Object.keys(valid).map((path) => `added ${path}`));
    for (const [path, text] of Object.entries(valid)) expect(readFileSync(join(workspace.folder, path), 'utf8')).toBe(text);
    expect(readFileSync(join(workspace.folder, 'lib/x.txt'), 'utf8')).toBe('x\n');
  });

  it('never follows a link that somebody put where a folder was', async () => {
    const { folder, trees } = project({ 'lib/x.txt': 'x\n' });
    const base = await trees.snapshot(folder, 'test');
    const workspace = await trees.open('r/t', base);
    const outside = temporary('outside');
    rmSync(join(workspace.folder, 'lib'), { recursive: true });
    symlinkSync(outside, join(workspace.folder, 'lib'));
    await trees.restore(workspace, base);
    expect(existsSync(join(outside, 'x.txt'))).toBe(false);
    expect(readFileSync(join(workspace.folder, 'lib/x.txt'), 'utf8')).toBe('x\n');
  });

  it('gives the same bytes, names and modes for any tree', { timeout: 120_000 }, async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' });
    const workspace = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    const name = fc.constantFrom('a', 'b', 'ü', 'sp ace', 'new\nline', '"q"', '-dash', 'x.txt');
    const files = fc.dictionary(
      fc.tuple(name, name).map(([one, two]) => `${one}/${two}`),
      fc.tuple(fc.string({ maxLength: 30 }), fc.boolean()),
      { maxKeys: 6 },
    );
    const write = (tree: Readonly<Record<string, readonly [string, boolean]>>) => {
      sh(workspace.folder, 'find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +');
      for (const [path, [text, executable]] of Object.entries(tree)) {
        put(workspace.folder, { [path]: text });
        chmodSync(join(workspace.folder, path), executable ? 0o755 : 0o644);
      }
    };
    const read = () => sh(workspace.folder, 'find . -path ./.git -prune -o -type f -printf "%p %m " -exec sha1sum {} \\; | sort');
    await fc.assert(
      fc.asyncProperty(files, files, async (one, two) => {
        write(one);
        const [{ commit }, before] = [await trees.checkpoint(workspace, 'one'), read()];
        write(two);
        await trees.restore(workspace, commit);
        expect(read()).toBe(before);
      }),
      { numRuns: 15 },
    );
  });
});

// req W1a
describe('merging', () => {
  it('joins changes of different lines, and names what does not go together', async () => {
    const lines = Array.from({ length: 9 }, (_, i) => `line ${i}`);
    const { folder, trees } = project({ 'a.txt': `${lines.join('\n')}\n` });
    const base = await trees.snapshot(folder, 'test');
    const changed = async (id: string, at: number) => {
      const workspace = await trees.open(id, base);
      put(workspace.folder, { 'a.txt': `${lines.with(at, id).join('\n')}\n` });
      return { workspace, commit: (await trees.checkpoint(workspace, id)).commit };
    };
    const [top, bottom, other] = [await changed('top', 0), await changed('bottom', 8), await changed('other', 8)];
    const one = await trees.merge(base, base, top.commit, 'top');
    if (!one.ok) throw new Error('top');
    const two = await trees.merge(base, one.commit, bottom.commit, 'bottom');
    if (!two.ok) throw new Error('bottom');
    expect((await trees.file(two.commit, 'a.txt', 1000))?.toString()).toBe(`${lines.with(0, 'top').with(8, 'bottom').join('\n')}\n`);
    const three = await trees.merge(base, two.commit, other.commit, 'other');
    expect(three).toMatchObject({ ok: false, conflicts: [{ path: 'a.txt', text: expect.stringContaining('<<<<<<<') }] });
    const { workspace, conflicts } = await trees.rebase(other.workspace, two.commit);
    expect(conflicts).toEqual(['a.txt']);
    expect(workspace.base).toBe(two.commit);
    expect(readFileSync(join(workspace.folder, 'a.txt'), 'utf8')).toMatch(/^top[\s\S]*<<<<<<<[\s\S]*bottom[\s\S]*=======[\s\S]*other/);
  });
});

describe('a checkout', () => {
  it('is found again, shows the history of the user, and is gone when removed', async () => {
    const { folder, trees } = project({ 'a.txt': 'a\n' });
    sh(folder, 'echo 2 > a.txt; git commit -qam two');
    const base = await trees.snapshot(folder, 'test');
    const workspace = await trees.open('run/fix[0]~2', base);
    put(workspace.folder, { 'b.txt': 'b' });
    expect(await trees.open('run/fix[0]~2', base)).toEqual(workspace);
    expect(sh(workspace.folder, 'git log --format=%s; git status --porcelain')).toBe('What the work begins with\ntwo\none\n?? b.txt\n');
    expect((await trees.list()).map(({ id }) => id)).toEqual(['run/fix[0]~2']);
    await trees.remove('run/fix[0]~2');
    expect(existsSync(workspace.folder)).toBe(false);
  });

  // req W1
  it('has a whole `.git` of its own for each tree, with nothing of other trees, and little of that is kept', async () => {
    const { folder, trees, kept } = project({ 'a.txt': 'a\n' });
    const git = (at: string) => sh(at, 'git fsck --full 2>&1; git log --format=%s; git status --porcelain');
    for (let n = 1; n <= 10; n++) {
      put(folder, { 'b.txt': `${n}\n` });
      if (n === 5) sh(folder, 'echo 2 > a.txt; git commit -qam two');
      const { folder: at } = await trees.open(`r/t${n}`, await trees.snapshot(folder, 'test'));
      expect(git(at)).toBe(`What the work begins with\n${n < 5 ? '' : 'two\n'}one\n`);
      expect(sh(at, `git cat-file -t $(printf '${n - 1}\\n' | git hash-object --stdin) 2>&1 || true`)).toMatch(/could not get object info/);
    }
    const names = readdirSync(join(kept, 'seeds'));
    expect([names.length, names.filter((name) => name.startsWith('history-')).length]).toEqual([9, 1]);
  });

  it('without a commit of the user begins with the tree alone', async () => {
    const folder = temporary('tree-project');
    put(folder, { 'a.txt': 'a\n' });
    sh(folder, 'git init -q');
    const trees = createTrees({ folder: temporary('trees'), project: folder });
    const { folder: at } = await trees.open('r/t', await trees.snapshot(folder, 'test'));
    expect(sh(at, 'git fsck --full 2>&1; git log --format=%s; git status --porcelain')).toBe('What the work begins with\n');
  });
});
