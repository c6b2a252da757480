/**
 * Finds processes by what they carry in their environment, and ends the groups they are in. A process keeps the
 * environment it was started with, whatever session or group it moves to, so this also finds those that moved away.
 *
 * Linux reads `/proc`, macOS asks `ps`; system programs of macOS hide their environment, and are not found there.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Names a home: every process that its owner starts carries it. */
export const HOME_VARIABLE = 'BATON_HOME_ID';
/** Names an attempt (`run/task/attempt`). */
export const ATTEMPT_VARIABLE = 'BATON_ATTEMPT_KEY';

export interface Leftover {
  readonly pid: number;
  readonly group: number;
  /** Attempt it belonged to, where it says so. */
  readonly attempt?: string;
}

/** Ends everything that an earlier owner of this home left running, and tells what it was. */
export const endLeftovers = (homeId: string, { graceMs = 1000 } = {}): Promise<readonly Leftover[]> =>
  endCarriers(HOME_VARIABLE, homeId, graceMs);

/** Ends what an attempt started, wherever it moved to. */
export const endAttempt = (attemptKey: string, { graceMs = 0 } = {}): Promise<readonly Leftover[]> =>
  endCarriers(ATTEMPT_VARIABLE, attemptKey, graceMs);

const endCarriers = async (variable: string, value: string, graceMs: number): Promise<readonly Leftover[]> => {
  const found = await carriersOf(variable, value);
  let left = found;
  signalGroups(left, 'SIGTERM');
  for (let waitedMs = 0; left.length > 0 && waitedMs < graceMs; waitedMs += POLL_MS) {
    await sleep(POLL_MS);
    left = await carriersOf(variable, value);
  }
  // Killed is not gone yet: whoever asked may count on it that nothing is left.
  for (let waitedMs = 0; left.length > 0 && waitedMs < KILLED_MAX_MS; waitedMs += KILLED_POLL_MS) {
    signalGroups(left, 'SIGKILL');
    await sleep(KILLED_POLL_MS);
    left = await carriersOf(variable, value);
  }
  return found;
};

const POLL_MS = 50;
const KILLED_POLL_MS = 5;
/** A process in the middle of a slow system call may take longer; the system ends it when that returns. */
const KILLED_MAX_MS = 2_000;

const signalGroups = (leftovers: readonly Leftover[], signal: NodeJS.Signals): void => {
  for (const group of new Set(leftovers.map((leftover) => leftover.group))) signalGroup(group, signal);
};

/** True when there was somebody to tell. */
export const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
};

const carriersOf = async (variable: string, value: string): Promise<readonly Leftover[]> => {
  const all = process.platform === 'linux' ? await readProc(variable, value) : await askPs(variable, value);
  const own = all.find(({ pid }) => pid === process.pid)?.group;
  return all.filter(({ group }) => group !== own && group !== process.pid && group > 1);
};

const readProc = async (variable: string, value: string): Promise<readonly Leftover[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readCarrier(Number(pid), variable, value)));
  return found.filter((carrier) => carrier !== undefined);
};

/** Undefined for a process that carries something else, is gone, or belongs to somebody else. */
const readCarrier = async (pid: number, variable: string, value: string): Promise<Leftover | undefined> => {
  try {
    const environment = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
    if (!environment.includes(asLatin1(`${variable}=${value}`))) return undefined;
    // The name of the program, in parentheses, may hold anything; after it come state, parent and group.
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return undefined;
    return { pid, group: Number(group), ...attemptIn(environment) };
  } catch {
    return undefined;
  }
};

const asLatin1 = (text: string): string => Buffer.from(text).toString('latin1');

const askPs = async (variable: string, value: string): Promise<readonly Leftover[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-axEww', '-o', 'pid=,pgid=,command='], { maxBuffer: 64 << 20 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, group, rest] = /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line) ?? [];
    const environment = rest?.split(' ') ?? [];
    if (!environment.includes(`${variable}=${value}`)) return [];
    return [{ pid: Number(pid), group: Number(group), ...attemptIn(environment) }];
  });
};

const attemptIn = (environment: readonly string[]): { readonly attempt?: string } => {
  const entry = environment.find((line) => line.startsWith(`${ATTEMPT_VARIABLE}=`));
  return entry === undefined ? {} : { attempt: Buffer.from(entry.slice(ATTEMPT_VARIABLE.length + 1), 'latin1').toString('utf8') };
};
