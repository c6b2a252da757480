/**
 * Peers are no dependencies of Baton: each is installed when it is asked for, in a folder of its own outside the
 * checkout, which later runs find again. Its program and what measures it are copied beside it.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PATIENCE_MS = 300_000;
const bench = fileURLToPath(new URL('..', import.meta.url));

export interface Installed {
  /** Its program. */
  readonly script: string;
  readonly folder: string;
  version(name: string): string;
}

/** @throws Error with what npm said when it can't be installed. */
export async function install(cache: string, peer: string): Promise<Installed> {
  const folder = join(cache, 'peers', peer);
  const wanted = readFileSync(join(bench, 'peers', peer, 'package.json'), 'utf8');
  const done = join(folder, 'installed.json');
  mkdirSync(folder, { recursive: true });
  // Without it Node would look for the kind of module above the cache.
  writeFileSync(join(cache, 'package.json'), '{ "type": "module" }\n');
  cpSync(join(bench, 'child'), join(cache, 'child'), { recursive: true });
  cpSync(join(bench, 'peers', peer), folder, { recursive: true });
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    // Their install scripts only report home or build what comes built.
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', args, { cwd: folder, timeout: PATIENCE_MS });
    writeFileSync(done, wanted);
  }
  return {
    script: join(folder, 'worker.js'),
    folder,
    version: (name) =>
      (JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version,
  };
}
