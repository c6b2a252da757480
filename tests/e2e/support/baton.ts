/** The real binary in a folder of its own: own home, own runtime folder, own user settings. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly done: Promise<Ran>;
  /** What it printed so far. */
  out(): string;
  err(): string;
}

export interface Place {
  readonly folder: string;
  readonly home: string;
  readonly env: Record<string, string>;
  write(file: string, text: string): string;
  start(...args: string[]): Started;
  baton(...args: string[]): Promise<Ran>;
  /** The values of `--json`. */
  json<T>(...args: string[]): Promise<T[]>;
  owner(): { readonly pid: number; readonly socket?: string } | undefined;
  /** Ends the owner and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
  /** The same, as it is for somebody who stands in a folder of it. */
  from(cwd: string): Place;
}

/** @param main the program; default: the source, so that a stale build is never tested */
export function place(more: Readonly<Record<string, string>> = {}, main = MAIN): Place {
  const folder = mkdtempSync(join(tmpdir(), 'baton-e2e-'));
  const home = join(folder, '.baton');
  for (const name of ['user', 'runtime']) mkdirSync(join(folder, name), { mode: 0o700 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'user'),
    XDG_RUNTIME_DIR: join(folder, 'runtime'),
    BATON_IDLE_MS: '20000',
    ...more,
  };
  const children = new Set<ChildProcess>();
  const startIn = (cwd: string, args: readonly string[]): Started => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    children.add(child);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdin.on('error', () => {});
    const done = new Promise<Ran>((resolve) => {
      child.on('close', (code) => {
        children.delete(child);
        resolve({ code, out, err });
      });
    });
    return { child, done, out: () => out, err: () => err };
  };
  const owner = (): { pid: number; socket?: string } | undefined => {
    try {
      return JSON.parse(readFileSync(join(home, 'owner.json'), 'utf8')) as { pid: number; socket?: string };
    } catch {
      return undefined;
    }
  };
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    const pid = owner()?.pid;
    if (pid === undefined || !alive(pid)) return;
    process.kill(pid, signal);
    await until(() => !alive(pid));
  };
  const from = (cwd: string): Place => ({
    folder: cwd,
    home,
    env,
    owner,
    end,
    close,
    from,
    start: (...args) => startIn(cwd, args),
    baton: (...args) => batonIn(cwd, args),
    write(file, text) {
      writeFileSync(join(cwd, file), text);
      return file;
    },
    async json<T>(...args: string[]) {
      const { out, err, code } = await batonIn(cwd, [...args, '--json']);
      if (out === '' && code !== 0) throw new Error(err);
      return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T);
    },
  });
  const batonIn = (cwd: string, args: readonly string[]) => {
    const started = startIn(cwd, args);
    started.child.stdin?.end();
    return started.done;
  };
  const close = async () => {
    for (const child of children) child.kill('SIGKILL');
    const pid = owner()?.pid;
    if (pid !== undefined && alive(pid)) {
      process.kill(pid, 'SIGCONT');
      await end('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return from(folder);
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A child that ended and was not waited for yet is gone as well.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>, patienceMs = 20_000): Promise<T> {
  for (const end = Date.now() + patienceMs; ; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${patienceMs} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Every file and folder below, with its mode and the hash of what it holds. */
export function tree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    const what = stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : stats.isDirectory() ? 'folder' : 'other';
    found[name] = `${stats.mode.toString(8)} ${stats.mtimeMs} ${what}`;
  }
  return found;
}

export const QUICK = `version: 1
name: quick
tasks:
  one: { run: "echo first", idempotent: true }
  two: { needs: [one], run: "echo second", idempotent: true }
`;

/** Asks for a decision between two commands. */
export const ASKS = `version: 1
name: asks
tasks:
  one: { run: "echo ready", idempotent: true }
  review: { needs: [one], approve: "Ship it?" }
  two: { needs: [review], run: "echo shipped", idempotent: true }
`;

/** Goes on until the file named in GATE is there. */
export const HELD = `version: 1
name: held
tasks:
  one: { run: "echo started; while [ ! -e gate ]; do sleep 0.05; done; echo through", in: project, idempotent: true }
  two: { needs: [one], run: "echo after", idempotent: true }
`;
