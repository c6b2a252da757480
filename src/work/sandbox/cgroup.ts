/**
 * A control group for each sandbox, where this machine has cgroup v2 and lets us make groups beside our own: the one way
 * to limit the memory and the count of all processes together, and to end them without knowing them. What can't be had is
 * found by trying; the walls don't depend on it.
 *
 * Whoever is to be in the group enters it before anything else, by a shell that only writes its own number there.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLimits } from './sandbox.ts';

export interface Scope {
  /** Stands in front of the command. */
  readonly enter: readonly string[];
  /** Ends whoever is in it, and removes it. */
  release(): Promise<void>;
}
export interface Scopes {
  open(limits: SandboxLimits): Scope;
}

export interface ScopesOptions {
  readonly root?: string;
  /** Where this process is, as in `/proc/self/cgroup`. */
  readonly own?: string;
  /** Removes the folder of a group, which always has files in it. */
  readonly remove?: (folder: string) => void;
}

/** Those of bubblewrap itself. */
const PROCESSES_OF_WALLS = 3;
const ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
const [REMOVED_MS, POLL_MS] = [2_000, 10];
const LIMITS: SandboxLimits = { processes: 8, memoryBytes: 2 ** 26, cpuSeconds: 1, fileBytes: 1, openFiles: 1, temporaryBytes: 1 };

/** Undefined where a group can't be made, limited, entered or removed. */
export async function findScopes(options: ScopesOptions = {}): Promise<Scopes | undefined> {
  try {
    const { root = '/sys/fs/cgroup', own = readFileSync('/proc/self/cgroup', 'utf8'), remove = rmdirSync } = options;
    const path = /^0::(\/.+)$/m.exec(own)?.[1];
    if (path === undefined) return undefined;
    // Beside our own: a group that has processes can't share out memory to groups in it.
    const beside = dirname(join(root, path));
    const scopes: Scopes = { open: (limits) => open(beside, limits, remove) };
    const tried = scopes.open(LIMITS);
    try {
      const [program = '', ...args] = [...tried.enter, '/bin/true'];
      execFileSync(program, args, { stdio: 'ignore', env: {} });
    } finally {
      await tried.release();
    }
    return scopes;
  } catch {
    return undefined;
  }
}

function open(beside: string, { memoryBytes, processes }: SandboxLimits, remove: (folder: string) => void): Scope {
  const folder = join(beside, `baton-${randomBytes(8).toString('hex')}`);
  mkdirSync(folder);
  try {
    const set = (file: string, value: number) => writeFileSync(join(folder, file), String(value));
    set('memory.max', memoryBytes);
    set('memory.swap.max', 0);
    set('memory.oom.group', 1);
    set('pids.max', processes + PROCESSES_OF_WALLS);
  } catch (error) {
    remove(folder);
    throw error;
  }
  return { enter: ['/bin/sh', '-c', ENTER, folder], release: () => release(folder, remove) };
}

async function release(folder: string, remove: (folder: string) => void): Promise<void> {
  if (!existsSync(folder)) return;
  writeFileSync(join(folder, 'cgroup.kill'), '1');
  for (let waited = 0; ; waited += POLL_MS) {
    try {
      return remove(folder);
    } catch (error) {
      // Killed is not gone yet.
      if (waited >= REMOVED_MS) throw error;
      await sleep(POLL_MS);
    }
  }
}
