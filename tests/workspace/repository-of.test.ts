import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { repositoryOf } from '../../src/work/workspace/repository-of.ts';

let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'baton-of-')));
  execFileSync('git', ['init', '-q', top]);
  mkdirSync(join(top, 'packages/x'), { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

// req W1a
test('a project is part of the repository it lies in', async () => {
  expect(await repositoryOf(top)).toEqual({ top });
  expect(await repositoryOf(join(top, 'packages/x'))).toEqual({ top, folder: 'packages/x' });
  mkdirSync(join(top, 'packages/x/inner/.git'), { recursive: true });
  expect(await repositoryOf(join(top, 'packages/x/inner'))).toEqual({ top: join(top, 'packages/x/inner') });
  symlinkSync('packages/x', join(top, 'link'));
  expect(await repositoryOf(join(top, 'link'))).toEqual({ top, folder: 'packages/x' });
  expect(await repositoryOf(tmpdir())).toBeUndefined();
});

test('not of one that ignores it', async () => {
  writeFileSync(join(top, '.gitignore'), '*\n');
  expect(await repositoryOf(join(top, 'packages/x'))).toBeUndefined();
  writeFileSync(join(top, '.gitignore'), '');
  writeFileSync(join(top, '.git/info/exclude'), 'packages\n');
  expect(await repositoryOf(join(top, 'packages/x'))).toBeUndefined();
});

test.skipIf(process.getuid?.() !== 0)('nor of one that somebody else left where anybody may write (needs root)', async () => {
  chmodSync(top, 0o1777);
  expect(await repositoryOf(join(top, 'packages/x'))).toEqual({ top, folder: 'packages/x' });
  chownSync(join(top, '.git'), 12345, 12345);
  expect(await repositoryOf(join(top, 'packages/x'))).toBeUndefined();
});
