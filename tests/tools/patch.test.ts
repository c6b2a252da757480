import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch } from '../../src/work/tools/files/patch.ts';
import { call, placeIn, temporary } from './support/place.ts';

const FIVE = 'one\ntwo\nthree\nfour\nfive\n';

const patched = async (files: Record<string, string | Uint8Array>, patch: string) => {
  const place = placeIn({ files });
  const result = await call(place, 'files.patch', { patch });
  const read = (path: string) => (existsSync(join(place.folder, path)) ? readFileSync(join(place.folder, path), 'utf8') : undefined);
  return { ...result, read, folder: place.folder };
};

// req A3, W13
describe('a patch', () => {
  test('changes, makes, deletes and renames files, and makes them executable', async () => {
    const { ok, text, read, folder } = await patched(
      { a: FIVE, gone: 'x\n', 'old/name': 'same\n' },
      `diff --git a/a b/a
index 1..2 100644
--- a/a
+++ b/a
@@ -1,3 +1,3 @@ fn
 one
-two
+TWO
 three
@@ -5 +5,2 @@
 five
+six
diff --git a/new/run.sh b/new/run.sh
new file mode 100755
--- /dev/null
+++ b/new/run.sh
@@ -0,0 +1 @@
+echo
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/old/name b/new/name
similarity index 100%
rename from old/name
rename to new/name
`,
    );
    expect(ok).toBe(true);
    expect(text).toBe('modified  a\nadded  new/run.sh\ndeleted  gone\nrenamed  old/name → new/name');
    expect([read('a'), read('new/run.sh'), read('gone'), read('old/name'), read('new/name')]).toEqual([
      'one\nTWO\nthree\nfour\nfive\nsix\n',
      'echo\n',
      undefined,
      undefined,
      'same\n',
    ]);
    expect(statSync(join(folder, 'new/run.sh')).mode & 0o111).toBe(0o111);
  });

  test('is applied where its lines are now, if that is one place', async () => {
    const hunk = '--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n four\n-five\n+FIVE\n';
    const { data, read } = await patched({ a: FIVE }, hunk);
    expect(data['files']).toEqual([{ path: 'a', kind: 'modified', moved: 1 }]);
    expect(read('a')).toBe('one\ntwo\nthree\nfour\nFIVE\n');
    const twice = await patched({ a: `x\n${FIVE}${FIVE}` }, hunk);
    expect(twice.failure).toMatchObject({ code: 'PATCH_CONFLICT', message: expect.stringContaining('fits in several places') });
  });

  test('of which one part does not fit changes nothing', async () => {
    const { failure, read } = await patched(
      { a: FIVE, b: FIVE },
      '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+ONE\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-eins\n+ONE\n',
    );
    expect(failure).toMatchObject({ code: 'PATCH_CONFLICT' });
    expect(failure?.message).toContain('line 8 of the patch begins a hunk whose old lines are not in the file. Nothing was changed.');
    expect([read('a'), read('b')]).toEqual([FIVE, FIVE]);
  });

  test('may touch one file twice', async () => {
    const { read } = await patched({ a: FIVE }, '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+1\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+I\n');
    expect(read('a')).toBe('I\ntwo\nthree\nfour\nfive\n');
  });

  test('keeps line ends, missing ends, and bytes that are no UTF-8', async () => {
    const { folder } = await patched(
      { a: Buffer.from('gr\xfcn\r\nrot\r\nend', 'latin1') },
      '--- a/a\n+++ b/a\n@@ -2,2 +2,2 @@\n-rot\r\n-end\n\\ No newline at end of file\n+röt\r\n+fin\n\\ No newline at end of file\n',
    );
    expect(readFileSync(join(folder, 'a'))).toEqual(Buffer.concat([Buffer.from('gr\xfcn\r\n', 'latin1'), Buffer.from('röt\r\nfin')]));
  });

  test.each([
    ['prose', 'Here is the change you wanted.', 'there is no file in it'],
    ['a hunk without a file', '@@ -1 +1 @@\n-one\n+1\n', 'a hunk stands before any file'],
    ['too few lines', '--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n', 'does not have as many lines as `@@ -1,3 +1,3 @@` says'],
    ['too many lines', '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+1\n+2\n', 'does not have as many lines'],
    ['a header of another form', '--- a/a\n+++ b/a\n@@ -one +1 @@\n-one\n+1\n', 'not of the form'],
    [
      'a symbolic link',
      'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n',
      'the mode 120000',
    ],
    ['a submodule', 'diff --git a/l b/l\nnew file mode 160000\n', 'the mode 160000'],
    ['bytes', 'diff --git a/i b/i\nindex 1..2\nGIT binary patch\nliteral 1\n', 'a binary file'],
    ['a path outside', '--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n', 'is not in its plain form'],
    ['a path outside, quoted', '--- "a/\\056\\056/x"\n+++ "b/\\056\\056/x"\n@@ -1 +1 @@\n-a\n+b\n', 'is not in its plain form'],
    ['a rename outside', 'diff --git a/a b/b\nrename from a\nrename to /tmp/b\n', 'is absolute'],
    ["Git's own", '--- a/.git/config\n+++ b/.git/config\n@@ -1 +1 @@\n-a\n+b\n', 'is git’s own'],
  ])('with %s is refused, with its line', async (_, patch, why) => {
    const { failure, read } = await patched({ a: FIVE }, patch);
    expect(failure?.code).toBe('BAD_PATCH');
    expect(failure?.message).toMatch(/^Line \d+ of the patch: /);
    expect(failure?.message).toContain(why);
    expect(read('a')).toBe(FIVE);
  });

  test.each([
    ['makes what is there', '--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n', 'it is there already'],
    ['changes what is not there', '--- a/b\n+++ b/b\n@@ -1 +1 @@\n-one\n+x\n', 'there is no such file'],
    ['deletes more than it knows', '--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n', 'has more in it'],
  ])('that %s conflicts', async (_, patch, why) => {
    const { failure, read } = await patched({ a: FIVE }, patch);
    expect(failure).toMatchObject({ code: 'PATCH_CONFLICT', message: expect.stringContaining(why) });
    expect(read('a')).toBe(FIVE);
  });

  test('is not applied through a link', async () => {
    const place = placeIn();
    const outside = temporary('outside');
    symlinkSync(outside, join(place.folder, 'l'));
    expect((await call(place, 'files.patch', { patch: '--- /dev/null\n+++ b/l/x\n@@ -0,0 +1 @@\n+x\n' })).ok).toBe(false);
    expect(existsSync(join(outside, 'x'))).toBe(false);
  });

  test('that would take for ever to place is refused', async () => {
    const many = 'a\n'.repeat(400_000);
    const old = `${' a\n'.repeat(2000)}-b\n`;
    const { failure } = await patched({ a: many }, `--- a/a\n+++ b/a\n@@ -1,2001 +1,2000 @@\n${old}`);
    expect(failure?.message).toContain('COMPARED_MAX = 10000000');
  });

  test('that Git writes between any two texts leads from one to the other', async () => {
    const line = fc.constantFrom('a', 'b', '', '-- x', '+y', ' z', '\\ no', '@@ -1 +1 @@', 'ü\r', '--- a/f');
    const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.boolean()).map(([lines, ended]) => lines.join('\n') + (ended ? '\n' : ''));
    const folder = temporary('diff');
    for (const name of ['a', 'b', 'work']) mkdirSync(join(folder, name));
    const diff = (): string => {
      try {
        return execFileSync('git', ['diff', '--no-index', '--no-prefix', '-U1', 'a/f', 'b/f'], {
          cwd: folder,
          encoding: 'utf8',
          stdio: 'pipe',
        });
      } catch (error) {
        return String((error as { stdout: string }).stdout);
      }
    };
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        fc.pre(before !== after);
        writeFileSync(join(folder, 'a/f'), before);
        writeFileSync(join(folder, 'b/f'), after);
        writeFileSync(join(folder, 'work/f'), before);
        await applyPatch(join(folder, 'work'), diff());
        expect(readFileSync(join(folder, 'work/f'), 'utf8')).toBe(after);
      }),
      { numRuns: 60 },
    );
  });
});
