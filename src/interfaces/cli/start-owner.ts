/** Starts the owner of a home in the background, in a session of its own, and waits until it answers. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { rememberEnvironment } from './environment.ts';
import type { Located } from './parts.ts';

/** How long an owner may take until it answers, in milliseconds: it may have many runs to load. */
const START_MS = 20_000;
const LOOK_MS = 25;
/** How long to wait before another one is started, when somebody else owns the home and does not listen yet (or no more). */
const AGAIN_MS = 500;

export interface StartOwner {
  readonly version: string;
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  locate(): Promise<Located>;
  /** Does somebody answer at this address? */
  answers(address: string): Promise<boolean>;
}

/** The address it listens at. @throws BatonError `OWNER_FAILED` with what it said last */
export async function startOwner(options: StartOwner): Promise<string> {
  const { home } = options;
  const log = logFile(home);
  const deadline = Date.now() + START_MS;
  let child = begin(options, log);
  let againAt = Number.POSITIVE_INFINITY;
  while (Date.now() < deadline) {
    const { owner } = await options.locate();
    if (owner?.socket !== undefined && (await options.answers(owner.socket))) {
      if (owner.pid === child.pid) rememberEnvironment(home, owner.pid, options.env, options.version);
      return owner.socket;
    }
    if (child.code !== undefined) {
      if (child.code !== OWNED && child.code !== 0) throw failed(home, log, child.from, child.code);
      // Another process has the home: it will listen soon, or is about to leave.
      if (againAt === Number.POSITIVE_INFINITY) againAt = Date.now() + AGAIN_MS;
      else if (Date.now() > againAt) {
        child = begin(options, log);
        againAt = Number.POSITIVE_INFINITY;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw failed(home, log, child.from, child.code);
}

/** Exit code of an owner that found the home owned. */
export const OWNED = 75;

interface Child {
  readonly pid: number | undefined;
  /** Where the log ended when it was started. */
  readonly from: number;
  code: number | undefined;
}

function begin({ home, cwd, env }: StartOwner, log: string): Child {
  const script = process.argv[1];
  if (script === undefined) throw new Error('the program does not know its own file');
  const out = openSync(log, 'a', 0o600);
  try {
    const from = statSync(log).size;
    const child = spawn(process.execPath, [...process.execArgv, script, 'owner', '--home', home], {
      cwd,
      env: { ...env },
      detached: true,
      stdio: ['ignore', out, out],
    });
    const started: Child = { pid: child.pid, from, code: undefined };
    child.on('error', () => {
      started.code = 1;
    });
    child.on('exit', (code) => {
      started.code = code ?? 1;
    });
    child.unref();
    return started;
  } finally {
    closeSync(out);
  }
}

/** A log larger than this, in bytes, is put aside when an owner starts; one older is kept. */
const LOG_MAX = 16 * 1024 * 1024;

function logFile(home: string): string {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const file = join(home, 'owner.log');
    closeSync(openSync(file, 'a', 0o600));
    if (statSync(file).size > LOG_MAX) renameSync(file, `${file}.1`);
    return file;
  } catch (error) {
    throw new BatonError('HOME_NOT_WRITABLE', `${home} can't be written: ${error instanceof Error ? error.message : String(error)}`, {
      where: home,
      hint: 'Make it writable, or name another folder: --home FOLDER (or BATON_HOME).',
      cause: error,
    });
  }
}

/** Ends an owner that has nothing to do, and waits until it is gone. */
export async function endOwner(pid: number, answers: () => Promise<boolean>): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    return;
  }
  for (const deadline = Date.now() + START_MS; Date.now() < deadline && (await answers()); )
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

const TAIL = 4_000;

function failed(home: string, log: string, from: number, code: number | undefined): BatonError {
  const file = openSync(log, 'r');
  const size = statSync(log).size;
  const buffer = Buffer.alloc(Math.min(TAIL, Math.max(0, size - from)));
  readSync(file, buffer, 0, buffer.length, size - buffer.length);
  closeSync(file);
  const said = buffer.toString('utf8').trim();
  const how = code === undefined ? `did not answer within ${START_MS / 1_000} s` : `ended with code ${code}`;
  return new BatonError('OWNER_FAILED', `The process that should own ${home} ${how}.${said === '' ? '' : `\n${said}`}`, {
    where: log,
    hint: `Its log is ${log}. The same in the foreground: add --foreground.`,
  });
}
