/** The command line as a person has it, in a folder of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BINARY = fileURLToPath(new URL('../../../bin/baton.js', import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

export function makeFolder(name: string): string {
  return realpathSync(mkdtempSync(join(tmpdir(), `baton-${name}-`)));
}

/** Runs one command to its end; thirty seconds at most. */
export function baton(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Said {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [BINARY, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 30_000,
    maxBuffer: 1 << 26,
    env: { ...process.env, NO_COLOR: '1', BATON_HOME: join(cwd, '.baton'), BATON_IDLE_MS: '500', ...env },
  });
  return { code: status, out: stdout, err: stderr, ms: performance.now() - began };
}

/** A workflow of `count` commands in a row. */
export function chain(folder: string, count: number, run = 'echo done'): string {
  const tasks = Array.from(
    { length: count },
    (_, i) => `  s${i}: { run: ${JSON.stringify(run)}, idempotent: true${i > 0 ? `, needs: [s${i - 1}]` : ''} }`,
  );
  const file = join(folder, 'chain.yaml');
  writeFileSync(file, `version: 1\nname: chain\nlimits: { tasks: ${count + 10} }\ntasks:\n${tasks.join('\n')}\n`);
  return file;
}
