import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeBytes } from '../../src/work/tools/files/access.ts';
import { globMatcher } from '../../src/work/tools/files/glob.ts';
import { patternMatcher } from '../../src/work/tools/files/matching.ts';
import { badPath } from '../../src/work/tools/files/path.ts';
import { call, placeIn, temporary } from './support/place.ts';

const PATHS = ['/etc/passwd', '../outside', 'a/../../outside', 'a/./b', 'a//b', 'a/', 'a\\b', 'a\0b', '-rf', 'C:/x', '', '..'] as const;
const GITS = [
  '.git',
  '.git/config',
  '.GIT/config',
  'a/.git/hooks/x',
  '.git ',
  '.git.',
  '.g\u200bit/config',
  'git~1/config',
  '.git::$INDEX_ALLOCATION',
  '.gıt/../.git',
];

// req A3, W6
describe('a path', () => {
  test.each([...PATHS, ...GITS].map((path) => [path]))('%j is refused by every tool that takes one', async (path) => {
    const place = placeIn({ files: { 'a/b': 'x' } });
    for (const [name, more] of [
      ['files.read', {}],
      ['files.write', { content: 'x' }],
      ['files.edit', { old: 'x', new: 'y' }],
      ['files.delete', {}],
    ] as const) {
      const { failure } = await call(place, name, { path, ...more });
      expect(failure?.code).toBe('TOOL_INPUT');
    }
    const patch = `--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+x\n`;
    expect((await call(place, 'files.patch', { patch })).ok).toBe(false);
    if (path !== '') expect((await call(place, 'files.list', { path })).ok).toBe(false);
  });

  test.each(['src/a.ts', '.gitignore', '.github/x', 'a b/ü', '.gitmodules', 'x..y', './src/a.ts'])('%j is fine', (path) => {
    expect(badPath(path)).toBeUndefined();
  });

  test('that is too long for the disk is refused in words', async () => {
    expect((await call(placeIn(), 'files.write', { path: 'n'.repeat(300), content: '' })).failure).toMatchObject({ code: 'PATH_UNSAFE' });
  });
});

// req A3, W6
describe('a link', () => {
  const withLinks = () => {
    const outside = temporary('outside');
    writeFileSync(join(outside, 'secret'), 'not yours');
    const place = placeIn({ files: { 'real/file': 'mine' } });
    symlinkSync(outside, join(place.folder, 'folder'));
    symlinkSync(join(outside, 'secret'), join(place.folder, 'file'));
    symlinkSync('real/file', join(place.folder, 'near'));
    return { outside, place, untouched: () => readFileSync(join(outside, 'secret'), 'utf8') };
  };

  test.each([
    ['files.read', { path: 'file' }],
    ['files.read', { path: 'near' }],
    ['files.read', { path: 'folder/secret' }],
    ['files.write', { path: 'file', content: 'x' }],
    ['files.write', { path: 'folder/new', content: 'x' }],
    ['files.edit', { path: 'folder/secret', old: 'not', new: 'all' }],
    ['files.delete', { path: 'folder/secret' }],
    ['files.list', { path: 'folder' }],
    ['files.search', { query: 'yours', path: 'folder' }],
    ['files.patch', { patch: '--- a/folder/secret\n+++ b/folder/secret\n@@ -1 +1 @@\n-not yours\n\\ No newline at end of file\n+x\n' }],
  ])('is not followed by %s %j', async (name, input) => {
    const { place, outside, untouched } = withLinks();
    const { ok, failure } = await call(place, name, input);
    expect(ok).toBe(false);
    expect(['NOT_A_FILE', 'NOT_A_FOLDER']).toContain(failure?.code);
    expect(untouched()).toBe('not yours');
    expect(existsSync(join(outside, 'new'))).toBe(false);
  });

  test('is listed as one, and what it leads to is neither listed nor searched', async () => {
    const { place } = withLinks();
    const { data } = await call(place, 'files.list', { depth: 5 });
    expect(data['entries']).toEqual([
      { path: 'file', kind: 'link' },
      { path: 'folder', kind: 'link' },
      { path: 'near', kind: 'link' },
      { path: 'real', kind: 'folder' },
      { path: 'real/file', kind: 'file', size: 4 },
    ]);
    expect((await call(place, 'files.search', { query: 'yours' })).data['matches']).toEqual([]);
  });

  test('is deleted itself', async () => {
    const { place, untouched } = withLinks();
    expect((await call(place, 'files.delete', { path: 'file' })).data).toEqual({ path: 'file', kind: 'link' });
    expect(untouched()).toBe('not yours');
  });

  test('of the hard kind is cut: the other name keeps what it had', async () => {
    const { place, outside, untouched } = withLinks();
    linkSync(join(outside, 'secret'), join(place.folder, 'hard'));
    expect((await call(place, 'files.write', { path: 'hard', content: 'changed' })).ok).toBe(true);
    expect((await call(place, 'files.edit', { path: 'hard', old: 'changed', new: 'again' })).ok).toBe(true);
    expect(untouched()).toBe('not yours');
  });

  test('put in place of a folder between two writes leads nowhere', async () => {
    const outside = temporary('outside');
    const { folder } = placeIn({ files: { 'a/b/file': 'x' } });
    let swapping = true;
    // In the moment when there is no `a`, a write makes one.
    const inPlace = (put: () => void, tries = 100): void => {
      try {
        put();
      } catch (error) {
        if (tries === 0) throw error;
        rmSync(join(folder, 'a'), { recursive: true, force: true, maxRetries: 10 });
        inPlace(put, tries - 1);
      }
    };
    const swap = (async () => {
      while (swapping) {
        renameSync(join(folder, 'a'), join(folder, 'kept'));
        inPlace(() => symlinkSync(outside, join(folder, 'a')));
        await new Promise(setImmediate);
        execFileSync('rm', [join(folder, 'a')]);
        inPlace(() => renameSync(join(folder, 'kept'), join(folder, 'a')));
        await new Promise(setImmediate);
      }
    })();
    for (let time = 0; time < 200; time += 1) await writeBytes(folder, 'a/b/file', Buffer.from(`${time}`)).catch(() => undefined);
    swapping = false;
    await swap;
    expect(execFileSync('find', [outside, '-mindepth', '1'], { encoding: 'utf8' })).toBe('');
  });
});

// req A3
describe('files.read', () => {
  test('shows lines with their numbers, and any part of a file', async () => {
    const place = placeIn({ files: { 'a.txt': 'one\ntwo\r\nthree\nfour' } });
    expect((await call(place, 'files.read', { path: 'a.txt' })).text).toBe('1\tone\n2\ttwo\n3\tthree\n4\tfour');
    const part = await call(place, 'files.read', { path: './a.txt', from: 2, lines: 2 });
    expect(part.text).toBe('2\ttwo\n3\tthree\n[Lines 2 to 3 of 4.]');
    expect(part.data).toEqual({ path: 'a.txt', text: 'two\nthree', from: 2, to: 3, lines: 4, size: 19, utf8: true });
    expect((await call(place, 'files.read', { path: 'a.txt', from: 5 })).failure).toMatchObject({
      code: 'LINES_OUTSIDE',
      message: '"a.txt" has 4 lines, and was asked for from line 5 on.',
    });
  });

  test('says that a file is empty, missing, a folder, or binary', async () => {
    const place = placeIn({ files: { empty: '', 'folder/x': '', image: Buffer.from([0x89, 0x50, 0, 1]) } });
    expect((await call(place, 'files.read', { path: 'empty' })).text).toBe('[It is empty.]');
    expect((await call(place, 'files.read', { path: 'gone' })).failure?.message).toBe('There is no file "gone".');
    expect((await call(place, 'files.read', { path: 'folder' })).failure).toMatchObject({ code: 'NOT_A_FILE' });
    expect((await call(place, 'files.read', { path: 'folder/x/y' })).failure).toMatchObject({ code: 'NOT_A_FOLDER' });
    expect((await call(place, 'files.read', { path: 'image' })).failure).toMatchObject({ code: 'BINARY_FILE' });
  });

  test('shows what is no UTF-8 as such, and says so', async () => {
    const place = placeIn({ files: { latin: Buffer.from('gr\xfcn\n', 'latin1') } });
    const { text, data } = await call(place, 'files.read', { path: 'latin' });
    expect(text).toBe('1\tgr\ufffdn\n[It is not UTF-8: what can not be read is shown as U+FFFD.]');
    expect(data['utf8']).toBe(false);
  });

  test('refuses a huge file without reading it, and shortens a huge line', async () => {
    const place = placeIn({ files: { huge: '', long: `${'x'.repeat(5000)}\nend` } });
    truncateSync(join(place.folder, 'huge'), 8 * 1024 ** 3);
    expect((await call(place, 'files.read', { path: 'huge' })).failure).toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: expect.stringContaining('8589934592 bytes, more than the 10485760'),
    });
    expect((await call(place, 'files.read', { path: 'long' })).text).toContain('[… 4000 more characters]\n2\tend');
  });

  test('does not wait for a pipe', async () => {
    const place = placeIn();
    execFileSync('mkfifo', [join(place.folder, 'pipe')]);
    expect((await call(place, 'files.read', { path: 'pipe' })).failure).toMatchObject({ code: 'NOT_A_FILE' });
    expect((await call(place, 'files.write', { path: 'pipe', content: 'x' })).failure).toMatchObject({ code: 'NOT_A_FILE' });
  });
});

// req A3
describe('files.list', () => {
  const place = placeIn({
    files: { 'a.ts': 'a', 'src/b.ts': 'bb', 'src/deep/c.js': '', '.git/config': '', 'node_modules/m/i.js': '', '.env': '' },
  });

  test('goes as deep as asked, and not into .git or node_modules', async () => {
    const { text } = await call(place, 'files.list');
    expect(text.split('\n')).toEqual(['.env  0', 'a.ts  1', 'node_modules/', 'src/', 'src/b.ts  2', 'src/deep/']);
    expect((await call(place, 'files.list', { path: 'node_modules', depth: 3 })).text).toContain('node_modules/m/i.js');
  });

  test('takes a glob, and says when there is more', async () => {
    expect((await call(place, 'files.list', { depth: 9, glob: '**/*.ts' })).text).toBe('a.ts  1\nsrc/b.ts  2');
    expect((await call(place, 'files.list', { depth: 9, glob: '{.e*,src/**/?.js}' })).text).toBe('.env  0\nsrc/deep/c.js  0');
    expect((await call(place, 'files.list', { glob: '{a,{b}}' })).failure).toMatchObject({ code: 'TOOL_INPUT' });
    const { text, data } = await call(place, 'files.list', { max: 2 });
    expect(data['more']).toBe(true);
    expect(text.split('\n')).toHaveLength(3);
    expect((await call(place, 'files.list', { path: 'src', depth: 1, max: 2 })).data['more']).toBe(false);
  });
});

test('a glob takes no longer than its length times that of the path', () => {
  const slow = globMatcher(`${'*a'.repeat(40)}b`);
  expect(slow('a'.repeat(250))).toBe(false);
  const deep = globMatcher(`${'**/a/'.repeat(40)}b`);
  expect(deep('a/'.repeat(400))).toBe(false);
  for (const [pattern, yes, no] of [
    ['**', 'a/b', undefined],
    ['**/b', 'b', 'b/c'],
    ['a/**/b', 'a/b', 'a/c'],
    ['*.ts', '.ts', 'a/b.ts'],
    ['a?c', 'abc', 'ac'],
    ['src/**', 'src/a/b', 'srcs/a'],
  ] as const) {
    expect(globMatcher(pattern)(yes)).toBe(true);
    if (no !== undefined) expect(globMatcher(pattern)(no)).toBe(false);
  }
});

// req A3
describe('files.search', () => {
  const place = placeIn({
    files: {
      'a.ts': 'const One = 1;\nconst two = One;\n',
      'b/c.ts': 'one\n',
      'b/d.md': 'ONE',
      image: Buffer.from('one\0one'),
      '.git/x': 'one',
    },
  });

  test('finds a text, as it is or in any case, in some files or all', async () => {
    expect((await call(place, 'files.search', { query: 'one' })).data['matches']).toEqual([{ path: 'b/c.ts', line: 1, text: 'one' }]);
    expect((await call(place, 'files.search', { query: 'one', ignoreCase: true })).text).toBe(
      'a.ts:1: const One = 1;\na.ts:2: const two = One;\nb/c.ts:1: one\nb/d.md:1: ONE',
    );
    expect((await call(place, 'files.search', { query: 'o', glob: '**/*.md', ignoreCase: true })).text).toBe('b/d.md:1: ONE');
    expect((await call(place, 'files.search', { query: '(' })).text).toBe('Nothing in 3 files.');
  });

  test('finds a pattern', async () => {
    expect((await call(place, 'files.search', { query: '= \\d;$', regex: true })).text).toBe('a.ts:1: const One = 1;');
    expect((await call(place, 'files.search', { query: '(', regex: true })).failure).toMatchObject({ code: 'BAD_PATTERN' });
  });

  test('says when there is more', async () => {
    const { data, text } = await call(place, 'files.search', { query: 'e', max: 2 });
    expect(data).toMatchObject({ more: true, matches: [{ line: 1 }, { line: 2 }] });
    expect(text).toContain('[There is more');
  });

  test('ends a pattern that would never finish, and holds nobody else up', async () => {
    await using matcher = patternMatcher('^(a+)+$', false, 200);
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
    }, 10);
    await expect(matcher.matchesIn(`${'a'.repeat(60)}!`, 10)).rejects.toMatchObject({ code: 'PATTERN_TOO_SLOW' });
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
  });
});

// req A3
describe('files.write', () => {
  test('makes folders, replaces whole files, and keeps or sets what may be run', async () => {
    const place = placeIn();
    expect((await call(place, 'files.write', { path: 'a/b/run.sh', content: 'echo\n', executable: true })).data).toEqual({
      path: 'a/b/run.sh',
      size: 5,
      existed: false,
    });
    await call(place, 'files.write', { path: 'a/b/run.sh', content: 'ü' });
    expect(readFileSync(join(place.folder, 'a/b/run.sh'), 'utf8')).toBe('ü');
    expect(statSync(join(place.folder, 'a/b/run.sh')).mode & 0o777).toBe(0o755);
    expect((await call(place, 'files.write', { path: 'a/b', content: 'x' })).failure).toMatchObject({ code: 'NOT_A_FILE' });
    expect((await call(place, 'files.write', { path: 'a/b/run.sh/c', content: 'x' })).failure).toMatchObject({ code: 'NOT_A_FOLDER' });
    expect(execFileSync('ls', ['-A', join(place.folder, 'a/b')], { encoding: 'utf8' })).toBe('run.sh\n');
  });

  // req S3
  test.runIf(process.getuid?.() === 0)('gives what it makes to whoever the workspace belongs to', async () => {
    const place = placeIn();
    execFileSync('chown', ['12345:12345', place.folder]);
    await call(place, 'files.write', { path: 'a/b', content: 'x' });
    expect([statSync(join(place.folder, 'a')).uid, statSync(join(place.folder, 'a/b')).gid]).toEqual([12345, 12345]);
  });
});

// req A3
describe('files.edit', () => {
  const edit = async (content: string | Uint8Array, old: string, replacement: string) => {
    const place = placeIn({ files: { f: content } });
    const result = await call(place, 'files.edit', { path: 'f', old, new: replacement });
    return { ...result, after: readFileSync(join(place.folder, 'f')) };
  };

  test('replaces the one place', async () => {
    const { data, after } = await edit('a\nb\nc\n', 'b', '$& and $1');
    expect(data).toMatchObject({ line: 2 });
    expect(after.toString()).toBe('a\n$& and $1\nc\n');
    expect((await edit('\ufeffa\n', 'a', 'b')).after.toString()).toBe('\ufeffb\n');
  });

  test('refuses what is there several times, and tells where', async () => {
    const { failure, after } = await edit('a\nb\na\naa\n', 'a', 'x');
    expect(failure).toMatchObject({
      code: 'EDIT_NOT_UNIQUE',
      message: '`old` is in "f" several times: at lines 1, 3, 4, 4. Give more of the lines around it.',
    });
    expect(after.toString()).toBe('a\nb\na\naa\n');
    expect((await edit('aaa', 'aa', 'x')).failure).toMatchObject({ code: 'EDIT_NOT_UNIQUE' });
  });

  test.each([
    ['a b', 'c', 'Read the file again'],
    ['if (x)\n\treturn;\n', 'if (x)\n  return;', 'Only its spaces differ'],
    ['a\r\nb\r\n', 'a\nb', 'end with \\r\\n'],
  ])('refuses %j for %j, and says why', async (content, old, hint) => {
    const { failure, after } = await edit(content, old, 'new');
    expect(failure?.code).toBe('EDIT_NOT_FOUND');
    expect(failure?.message).toContain(hint);
    expect(after.toString()).toBe(content);
  });

  test('damages nothing that it can not read', async () => {
    const bytes = Buffer.from('gr\xfcn a\n', 'latin1');
    const { failure, after } = await edit(bytes, 'a', 'b');
    expect(failure).toMatchObject({ code: 'NOT_UTF8' });
    expect(after).toEqual(bytes);
    expect((await edit('a', 'a', 'a')).failure).toMatchObject({ code: 'EDIT_NOTHING' });
  });
});

// req A3
test('files.delete takes files and empty folders', async () => {
  const place = placeIn({ files: { 'a/b': '' } });
  mkdirSync(join(place.folder, 'empty'));
  expect((await call(place, 'files.delete', { path: 'a' })).failure).toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
  expect((await call(place, 'files.delete', { path: 'a/b' })).data).toEqual({ path: 'a/b', kind: 'file' });
  expect((await call(place, 'files.delete', { path: 'a' })).data).toEqual({ path: 'a', kind: 'folder' });
  expect((await call(place, 'files.delete', { path: 'empty' })).ok).toBe(true);
  expect((await call(place, 'files.delete', { path: 'a' })).failure).toMatchObject({ code: 'FILE_NOT_FOUND' });
});
