// What the README shows is run here, word for word.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const block = (language: string, containing: string): string => {
  for (const [, found = ''] of readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g')))
    if (found.includes(containing)) return found;
  throw new Error(`no ${language} block with ${containing}`);
};

let folder: string;
const git = (...args: string[]) => execFileSync('git', ['-C', folder, '-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args]);
const env = () => ({ ...process.env, BATON_HOME: join(folder, '.baton'), BATON_IDLE_MS: '200', NO_COLOR: '1' });
const baton = (...args: string[]) =>
  spawnSync(process.execPath, [`${root}bin/baton.js`, ...args], { cwd: folder, encoding: 'utf8', env: env() });

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'baton-readme-')));
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'one two three');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the ten lines of the README', () => {
  const code = block('ts', 'Baton.open').replace("from 'baton'", `from '${root}src/index.ts'`);
  writeFileSync(join(folder, 'ten.mts'), code);
  const { stdout, stderr, status } = spawnSync(process.execPath, ['ten.mts'], { cwd: folder, encoding: 'utf8', env: env() });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  // The hash and three words.
  expect(stdout).toContain('words: 5');
});

test('the first workflow, command by command', () => {
  writeFileSync(join(folder, 'hello.yaml'), block('yaml', '# hello.yaml'));
  const commands = block('sh', 'baton inbox')
    .split('\n')
    .filter(Boolean)
    .map((line) =>
      line
        .replace(/^npx baton /, '')
        .replace(/\s*#.*$/, '')
        .split(' '),
    );
  const codes = commands.map((args) => baton(...args).status);
  // A run that waits for a person ends its command with 3; the others are well.
  expect(codes).toEqual([0, 3, 0, 0, 0]);
  expect(baton('status', '--json').stdout).toContain('"succeeded"');
});

test('every file of the examples loads, or says what it waits for', () => {
  expect(baton('plan', `${root}examples/demo/release.yaml`).status).toBe(0);
  const { stderr, stdout, status } = baton('plan', `${root}examples/fix-and-release.yaml`);
  expect(status).not.toBe(0);
  expect((stderr + stdout).match(/NOT_YET/g)).toHaveLength(1);
});

test('the demos', { timeout: 180_000 }, () => {
  const { stdout, status } = spawnSync(process.execPath, [`${root}bin/baton.js`, 'demo', '--json'], { encoding: 'utf8', timeout: 170_000 });
  expect(status).toBe(0);
  const [release, repair] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(release).toMatchObject({ status: 'succeeded', ranAgain: [], published: 1 });
  expect(Object.values(repair?.['checks'] ?? {})).toEqual([true, true, true, true, true]);
});
