/** Projects below the top of their repository. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Place } from './support/baton.ts';
import { type RepositoryPlace, repositoryPlace } from './support/repository.ts';

let at: RepositoryPlace;
afterEach(() => at.close());

/** A package with settings of its own, seen from inside. */
function packageOf(repository: RepositoryPlace, folder: string, settings: string): Place {
  const own = join(repository.folder, folder);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'baton.yaml'), settings);
  return repository.from(own);
}
const read = (file: string) => readFileSync(join(at.folder, file), 'utf8');

const COPIES = `version: 1
name: copies
tasks:
  write: { run: "cat ../../poem.txt src/one.txt > src/both.txt; pwd", writes: ["src/**"] }
  check: { needs: [write], run: "cat src/both.txt", gate: { run: "grep -q two src/both.txt" } }
  read: { needs: [write], tool: files.read, with: { path: src/one.txt } }
  show: { needs: [write], tool: git.show, with: { commit: now, path: src/both.txt } }
  walls: { needs: [write], tool: shell.run, with: { command: pwd } }
`;

// req W1a, W5, W9
test('a package of a repository is a project: its tasks work in its folder of the whole tree, and the change comes into the repository', async () => {
  at = repositoryPlace();
  const own = packageOf(at, 'packages/[x]', 'version: 1\n');
  mkdirSync(join(own.folder, 'src'));
  own.write('src/one.txt', 'one\ntwo\n');
  own.write('w.yaml', COPIES);
  expect((await own.baton('plan', 'w.yaml')).out).toMatch(
    /in checkouts of their own: write, check, read, show, walls\n.*into your tree at the end/,
  );
  const ran = await own.baton('run', 'w.yaml');
  expect(ran.code).toBe(0);
  const logs = (await own.baton('logs', 'last')).out;
  expect([logs.includes('walls │ /workspace/packages/[x]\n'), /write │ \S*\/packages\/\[x\]\n/.test(logs)]).toEqual([true, true]);
  expect(read('packages/[x]/src/both.txt')).toBe('roses\nviolets\none\ntwo\n');
  expect((await own.baton('diff', 'last', '--stat')).out).toBe('A  packages/[x]/src/both.txt  +4 -0\n1 file, +4 -0\n');
});

// req W3, W6
test('what it claims and what it protects is meant below its folder, and the repository protects as well', async () => {
  at = repositoryPlace();
  at.write('baton.yaml', 'version: 1\nworkspace: { protected: [poem.txt] }\n');
  at.write('free.txt', 'free\n');
  const own = packageOf(at, 'packages/[x]', 'version: 1\nworkspace: { protected: [mine.txt], contracts: [api.yaml] }\n');
  const runs = async (run: string, more = '') => {
    own.write('w.yaml', `version: 1\nname: w\ntasks:\n  write: { run: "${run}", rework: 0${more} }\n`);
    const { code } = await own.baton('run', 'w.yaml');
    return code === 0 ? 'done' : (await own.baton('show', 'last', 'write')).out;
  };
  const claimed = await runs('echo new > ../../free.txt', ', writes: ["*.txt"]');
  expect(claimed).toContain('free.txt: is outside what the task may change (packages/[[]x]/*.txt)');
  expect(claimed).toContain('named from the top of the repository; you work in its folder packages/[x]');
  for (const file of ['mine.txt', '../../poem.txt', 'baton.yaml', '../y/baton.yaml'])
    expect(await runs(`mkdir -p ../y; echo new > ${file}`), file).toContain('is protected');
  expect(await runs('echo new > api.yaml', ', writes: ["*.yaml"]')).toContain('packages/[x]/api.yaml: is a contract');
  expect(await runs('echo new > api.yaml', ', writes: [api.yaml]')).toBe('done');
  expect(await runs('echo new > ../../mine.txt')).toBe('done');
  expect([read('mine.txt'), read('free.txt'), read('poem.txt')]).toEqual(['new\n', 'free\n', 'roses\nviolets\n']);
});
