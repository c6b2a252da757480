/** How long the command line takes to start, beside Node doing nothing, and what a server needs that has nothing to do. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { residentMb } from '../child/processes.ts';
import type { Figures } from '../figures.ts';
import type { Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';
import { median } from '../stats.ts';
import { askBaton, BATON } from './alone.ts';

export const CLI = 'Command line';
export const IDLE = 'Memory of a server';
export const VERSION = 'baton --version: × node -e 0';
export const STATUS = 'baton status, 100 runs, no owner: × node -e 0';
const STATUS_OWNED = 'baton status, 100 runs, by way of the owner: × node -e 0';
export const SERVER = 'idle, 1,000 finished runs';

const TIMES = 15;
const START_MS = 20_000;
/** Until what was needed for the start has been given back. */
const SETTLE_MS = 3_000;
const program = fileURLToPath(new URL('../../bin/baton.js', import.meta.url));

export async function commandLine(figures: Figures, quiet: Quiet, site: Site): Promise<void> {
  const folder = mkdtempSync(join(site.base, 'cli-'));
  try {
    await askBaton(site, { what: 'home', runs: 100 }, folder);
    const env = environment(folder);
    const call = (...args: readonly string[]): number => {
      const began = performance.now();
      execFileSync(process.execPath, args, { env, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
      return performance.now() - began;
    };
    const ratios = (...lines: readonly (readonly [line: string, ...args: string[]])[]) => {
      const times = new Map<string, number[]>();
      for (let i = 0; i <= TIMES; i++)
        for (const [line, ...args] of [['node -e 0', '-e', '0'] as const, ...lines]) {
          const ms = call(...args);
          // The first fills caches: of the disk, and of compiled code.
          if (i > 0) times.set(line, [...(times.get(line) ?? []), ms]);
        }
      const node = median(times.get('node -e 0') ?? []);
      for (const [line, each] of times)
        if (line === 'node -e 0') figures.add({ group: CLI, line, who: BATON, unit: 'ms' }, node);
        else figures.add({ group: CLI, line, who: BATON, unit: '×' }, median(each) / node);
    };
    await quiet.wait();
    ratios([VERSION, program, '--version'], [STATUS, program, 'status']);
    const server = await serve(env, folder);
    try {
      ratios([STATUS_OWNED, program, 'status']);
    } finally {
      await end(server);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function idleServer(figures: Figures, site: Site): Promise<void> {
  const folder = mkdtempSync(join(site.base, 'idle-'));
  try {
    const { memoryMb } = await askBaton(site, { what: 'home', runs: 1_000 }, folder);
    figures.add({ group: IDLE, line: 'a process of its own, right after it ran them by the library', who: BATON, unit: 'MB' }, memoryMb);
    const server = await serve(environment(folder), folder);
    try {
      await sleep(SETTLE_MS);
      figures.add({ group: IDLE, line: SERVER, who: BATON, unit: 'MB' }, residentMb(server.pid ?? 0));
    } finally {
      await end(server);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const environment = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  BATON_HOME: join(folder, 'home'),
  BATON_IDLE_MS: '600000',
  BATON_LOG_LEVEL: 'error',
});

/** An owner as the command line starts one in the background; resolves when it answers. */
async function serve(env: NodeJS.ProcessEnv, cwd: string): Promise<ChildProcess> {
  const server = spawn(process.execPath, [program, 'owner', '--home', join(cwd, 'home')], { env, cwd, stdio: 'ignore' });
  for (let waited = 0; waited < START_MS; waited += 100) {
    await sleep(100);
    const said = execFileSync(process.execPath, [program, 'status', '--json'], {
      env,
      cwd,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString();
    if ((JSON.parse(said) as { pid?: number }).pid === server.pid) return server;
  }
  await end(server);
  throw new Error('the server did not answer');
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}
