/**
 * Checks the package as its users get it: packs it, lints the tarball (publint, attw), installs it in an empty folder, and
 * starts the binary and the library there.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
const folder = mkdtempSync(join(tmpdir(), 'baton-package-'));

function run(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, error } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status === 0) return stdout.trim();
  if (stdout) console.error(stdout);
  throw new Error(`${command} ${args.join(' ')} failed in ${cwd}${error ? `: ${error.message}` : ` (exit code ${status})`}`);
}

function check(what: string, holds: () => boolean | string): void {
  const answer = holds();
  if (answer === false) throw new Error(`falls short: ${what}`);
  console.log(`ok  ${what}${typeof answer === 'string' ? `: ${answer}` : ''}`);
}

try {
  run(root, 'npm', 'pack', '--pack-destination', folder);
  const tarball = join(folder, `baton-${version}.tgz`);
  check('packs', () => `${(readFileSync(tarball).length / 1024).toFixed(0)} KiB`);
  check('publint finds nothing', () => run(root, 'npx', 'publint', 'run', tarball, '--strict') !== '');
  check('types resolve for those who import it', () => run(root, 'npx', 'attw', tarball, '--profile', 'esm-only') !== '');

  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', tarball);
  check('npx baton --version', () => run(folder, 'npx', 'baton', '--version') === version && version);
  check('npx baton --help', () => run(folder, 'npx', 'baton', '--help').includes('baton'));
  check('import from a program', () => run(folder, 'node', '-e', "import('baton').then((b) => console.log(Object.keys(b).join(', ')))"));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
