/**
 * Walls by bubblewrap: namespaces of its own for everything, no network, a root file system put together from the few
 * folders that programs need, and limits for each process. Never as root: bubblewrap would keep rights that no wall takes
 * away again, so a root that runs Baton names another user, who owns the workspace.
 */
import { existsSync, lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { probe } from './probe.ts';
import { behindRelay } from './relayed.ts';
import { INSIDE, type Mount, SANDBOX_LIMITS, type Sandbox, type SandboxLimits, type SandboxRequest, type Wrapped } from './sandbox.ts';

export interface BubblewrapOptions {
  /** Of whoever is inside, when Baton is root. Default 61234, which no distribution gives to anybody. */
  readonly uid?: number;
}

const UID = 61_234;
const PROGRAMS = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];
const PRLIMIT = '/usr/bin/prlimit';
/** What programs look for in /etc. Nothing that says who may do what. */
const ETC = [
  'alternatives',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'passwd',
  'group',
  'nsswitch.conf',
  'localtime',
  'timezone',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ca-certificates',
  'hosts',
  'mime.types',
  'protocols',
  'services',
] as const;
const DEFAULTS = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home', TMPDIR: '/tmp', LANG: 'C.UTF-8' };

export function createBubblewrap({ uid = UID }: BubblewrapOptions = {}): Sandbox {
  const root = process.getuid?.() === 0;
  const owner = root ? { uid, gid: uid } : undefined;
  const sandbox: Sandbox = {
    name: 'bubblewrap',
    ...(owner ? { owner } : {}),
    probe: () => probe(sandbox, missing()),
    async wrap(request) {
      refuseBad(request);
      const program = PROGRAMS.find((each) => existsSync(each));
      if (program === undefined)
        throw new BatonError('SANDBOX_UNAVAILABLE', 'bubblewrap is not installed.', { hint: 'apt-get install bubblewrap' });
      const { command, mounts } = behindRelay(request);
      const seen = [{ from: request.workspace }, ...mounts];
      if (owner) for (const { from } of seen) refuseUnreachable(from, owner.uid);
      const argv = [...walls(request, mounts), '--', PRLIMIT, ...limitsOf({ ...SANDBOX_LIMITS, ...request.limits }), ...command];
      return { command: [program, ...argv], env: {}, ...owner, release: async () => {} } satisfies Wrapped;
    },
  };
  return sandbox;
}

function missing(): string | undefined {
  if (process.platform !== 'linux') return `bubblewrap is for Linux, this is ${process.platform}`;
  if (!PROGRAMS.some((each) => existsSync(each))) return 'bwrap is not installed (Debian, Ubuntu: apt-get install bubblewrap)';
  return existsSync(PRLIMIT) ? undefined : `${PRLIMIT} is not installed (package util-linux)`;
}

function walls({ workspace, cwd = INSIDE, env, readOnly = [], limits }: SandboxRequest, mounts: readonly Mount[]): string[] {
  const size = String(limits?.temporaryBytes ?? SANDBOX_LIMITS.temporaryBytes);
  return [
    ...[
      '--unshare-all',
      '--unshare-user',
      '--disable-userns',
      '--die-with-parent',
      '--new-session',
      '--cap-drop',
      'ALL',
      '--hostname',
      'baton',
    ],
    ...['--ro-bind', '/usr', '/usr'],
    ...['bin', 'sbin', 'lib', 'lib64', 'lib32'].flatMap(systemFolder),
    ...ETC.map((name) => `/etc/${name}`).flatMap((path) => ['--ro-bind-try', path, path]),
    ...[
      '--proc',
      '/proc',
      '--ro-bind',
      '/proc/sys',
      '/proc/sys',
      '--ro-bind-try',
      '/proc/sysrq-trigger',
      '/proc/sysrq-trigger',
      '--dev',
      '/dev',
    ],
    ...['--size', size, '--tmpfs', '/tmp', '--size', size, '--tmpfs', '/home', '--dir', '/run'],
    ...['--bind', workspace, INSIDE],
    ...readOnly.flatMap((path) => ['--ro-bind-try', join(workspace, path), join(INSIDE, path)]),
    ...mounts.flatMap(({ from, to = from, write }) => [write ? '--bind' : '--ro-bind', from, to]),
    ...['--chdir', cwd, '--clearenv'],
    ...Object.entries({ ...DEFAULTS, ...env }).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

/** Where `/bin` is a link to `usr/bin` it is one inside as well. */
function systemFolder(name: string): string[] {
  const path = `/${name}`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}

/**
 * Memory is the writable memory of each process: the address space as a whole would stop engines that reserve far more than they use.
 * The count of processes holds for each sandbox by itself, since it is taken in the sandbox's own user namespace.
 */
const limitsOf = (limits: SandboxLimits): string[] => [
  `--nproc=${limits.processes}`,
  `--data=${limits.memoryBytes}`,
  `--cpu=${limits.cpuSeconds}`,
  `--fsize=${limits.fileBytes}`,
  `--nofile=${limits.openFiles}`,
  '--core=0',
  '--',
];

function refuseBad({ workspace, readOnly = [], mounts = [], env, command }: SandboxRequest): void {
  const wrong = [workspace, ...mounts.flatMap(({ from, to = from }) => [from, to])].find(
    (path) => !isAbsolute(path) || path.includes('\0'),
  );
  if (wrong !== undefined) throw bad(`"${wrong}" is no absolute path`);
  const inside = readOnly.find((path) => isAbsolute(path) || path.split('/').includes('..'));
  if (inside !== undefined) throw bad(`"${inside}" is not inside the workspace`);
  if ([...command, ...Object.entries(env).flat()].some((text) => text.includes('\0')))
    throw bad('a text for a process can not hold U+0000');
}
const bad = (what: string): BatonError => new BatonError('SANDBOX_REQUEST', `The sandbox was asked for something it can't do: ${what}.`);

const [OTHERS_ENTER, OTHERS_READ] = [0o001, 0o004];
/** bubblewrap itself is that other user, and has to find what it mounts. */
function refuseUnreachable(path: string, uid: number): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new BatonError('SANDBOX_UNREACHABLE', `${path} is not there to be mounted.`, { where: path });
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const { mode, uid: whose } = statSync(at);
    if ((mode & OTHERS_ENTER) === 0 && whose !== uid) throw unreachable(path, at);
  }
  if (stats.uid !== uid && !stats.isSocket() && (stats.mode & OTHERS_READ) === 0) throw unreachable(path, path);
}
const unreachable = (path: string, closed: string): BatonError =>
  new BatonError('SANDBOX_UNREACHABLE', `${path} can't be seen from inside the sandbox: ${closed} is closed to others.`, {
    where: closed,
    hint: 'Baton runs as root and its sandbox as somebody else. Move it to a folder that others may enter, or do not run Baton as root.',
  });
