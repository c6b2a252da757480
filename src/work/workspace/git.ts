/**
 * The one way Baton runs git: plumbing, in a store of its own, with everything named that git would otherwise look for.
 * No configuration of the system, the user or a repository counts, no hook and no monitor runs, nothing is fetched.
 */
import { spawn } from 'node:child_process';
import { BatonError } from '../../errors.ts';

export interface GitOptions {
  /** Absolute path of the work tree; without it none is touched. */
  readonly worktree?: string;
  /** Absolute path of the index; without it the store's own. */
  readonly index?: string;
  readonly input?: string | Uint8Array;
  readonly config?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Milliseconds; the name of the limit is what the error says. */
  readonly limit?: Limit;
}
export interface Limit {
  readonly name: string;
  readonly ms: number;
}
/** For anything that names no limit of its own. */
const LIMIT: Limit = { name: 'gitTimeout', ms: 120_000 };
const SAID_MAX = 4_000;

const CONFIG: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'false',
  'core.hooksPath': '/dev/null',
  'core.autocrlf': 'false',
  'core.eol': 'lf',
  'core.quotePath': 'false',
  'core.protectNTFS': 'true',
  'core.protectHFS': 'true',
  'core.symlinks': 'true',
  'core.fileMode': 'true',
  'core.looseCompression': '0',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'protocol.allow': 'never',
  'submodule.recurse': 'false',
  'diff.external': '',
  'commit.gpgSign': 'false',
};
const AUTHOR = { NAME: 'Baton', EMAIL: 'baton@localhost' };

export interface Answered {
  readonly code: number;
  readonly out: Buffer;
  readonly said: string;
}

/** @throws BatonError `DISK_FULL`, `GIT_FAILED` when it does not end with 0, and as `tryGit` */
export async function git(store: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { code, out, said } = await tryGit(store, args, options);
  if (code === 0) return out;
  // Git has no code of its own for it.
  if (/No space left on device|Out of diskspace|Disk quota exceeded/i.test(said))
    throw new BatonError('DISK_FULL', `There is no space left for the trees in ${store}.`, {
      where: store,
      hint: 'Make room, then `baton retry RUN TASK`: the work is still in its folder.',
    });
  throw new BatonError('GIT_FAILED', `git ${args[0]} ended with ${code}: ${said.trim() || 'it said nothing'}`, {
    where: store,
    details: { args: args.slice(0, 20), code },
  });
}

/** However it ends. @throws BatonError `GIT_MISSING`, `WORKSPACE_TIMEOUT` */
export function tryGit(store: string, args: readonly string[], options: GitOptions = {}): Promise<Answered> {
  const { worktree, index, input, config = {}, signal, limit = LIMIT } = options;
  const settings = Object.entries({ ...CONFIG, ...config }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...settings, ...args], {
      cwd: worktree ?? store,
      env: {
        PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
        HOME: '/nonexistent',
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_TERMINAL_PROMPT: '0',
        GIT_OPTIONAL_LOCKS: '0',
        GIT_NO_REPLACE_OBJECTS: '1',
        GIT_DIR: store,
        ...(worktree === undefined ? {} : { GIT_WORK_TREE: worktree }),
        ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
        GIT_AUTHOR_NAME: AUTHOR.NAME,
        GIT_AUTHOR_EMAIL: AUTHOR.EMAIL,
        GIT_COMMITTER_NAME: AUTHOR.NAME,
        GIT_COMMITTER_EMAIL: AUTHOR.EMAIL,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let said = '';
    let late = false;
    const end = () => child.kill('SIGKILL');
    const timer = setTimeout(() => {
      late = true;
      end();
    }, limit.ms);
    signal?.addEventListener('abort', end, { once: true });
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-SAID_MAX);
    });
    // What is written to one that has ended already is its own business: its code says how it went.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.on('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(cause.code === 'ENOENT' ? missing(worktree ?? store, cause) : cause);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else if (late) reject(tooSlow(worktree ?? store, limit, `git ${args[0]}`));
      else resolve({ code: code ?? -1, out: Buffer.concat(out), said });
    });
  });
}

export const tooSlow = (where: string, { name, ms }: Limit, what: string): BatonError =>
  new BatonError('WORKSPACE_TIMEOUT', `limit ${name} = ${ms} ms: ${what} took longer.`, {
    where,
    hint: `A slow disk or a very large tree; the work is where it was. ${name.startsWith('workspace.') ? `Raise \`${name}\` in baton.yaml` : 'See what keeps the disk busy'}, then \`baton retry RUN TASK\`.`,
  });

const missing = (where: string, cause: Error): BatonError =>
  new BatonError('GIT_MISSING', `git could not be started in ${where}.`, {
    where,
    hint: 'Install git 2.38 or newer, and see that the folder is there.',
    cause,
  });

/** The words of an answer, without the line's end. */
export const textOf = (out: Buffer): string => out.toString().trimEnd();
