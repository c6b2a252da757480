/**
 * Walls by bubblewrap: namespaces of its own for everything, no network, a root file system put together from the few
 * folders that programs need, a filter of system calls, and limits for each process. Never as root: bubblewrap would keep
 * rights that no wall takes away again, so a root that runs Baton names another user, who owns the workspace.
 *
 * What runs, each becoming the next: [into the control group,] a shell, bubblewrap, and inside prlimit, [the relay, which
 * stays,] a shell, the command.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BatonError } from '../../errors.ts';
import { findScopes, type Scopes } from './cgroup.ts';
import { type Held, heldPaths } from './held.ts';
import { startInside } from './inside.ts';
import { prlimitArguments } from './limits.ts';
import { probe } from './probe.ts';
import { refuseUnreachable } from './reachable.ts';
import { relayed } from './relayed.ts';
import { type CheckedRequest, checked } from './request.ts';
import { INSIDE, type Sandbox } from './sandbox.ts';
import { seccompFilter } from './seccomp.ts';

export interface BubblewrapOptions {
  /** Of whoever is inside, when Baton is root. Default 61234, which no distribution gives to anybody. */
  readonly uid?: number;
}

const UID = 61_234;
const PROGRAMS = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];
const [BASH, PRLIMIT, SETPRIV] = ['/bin/bash', '/usr/bin/prlimit', '/usr/bin/setpriv'];
/** The first with `--disable-userns`. */
const VERSION_MIN = [0, 8] as const;
/** What programs look for in /etc. Nothing that says who may do what. */
const ETC = [
  'alternatives',
  'ca-certificates',
  'group',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'protocols',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'timezone',
];
const BECOME = `
exec 9< <(printf "$0")
for fd in /proc/self/fd/*; do
  fd=\${fd##*/}
  [ "$fd" -le 2 ] || [ "$fd" = 9 ] || eval "exec $fd>&-"
done
exec "$@"
`;
/** Everybody is this one inside, so that who looks itself up by its number is found. */
const NOBODY = '65534';

export function createBubblewrap({ uid = UID }: BubblewrapOptions = {}): Sandbox {
  const owner = process.getuid?.() === 0 ? { uid, gid: uid } : undefined;
  let scopes: Promise<Scopes | undefined> | undefined;
  const sandbox: Sandbox = {
    name: 'bubblewrap',
    ...(owner ? { owner } : {}),
    async probe() {
      const missing = await lacking();
      if (missing !== undefined) return probe(sandbox, { missing });
      scopes ??= findScopes();
      return probe(sandbox, {
        holds: (await scopes)
          ? 'processes, memory: cgroup; the rest: rlimit'
          : 'processes: rlimit, of the sandbox; memory and the rest: rlimit, of each process',
      });
    },
    async wrap(request) {
      const asked = checked(request);
      const program = PROGRAMS.find((each) => existsSync(each));
      if (program === undefined)
        throw new BatonError('SANDBOX_UNAVAILABLE', 'bubblewrap is not installed.', { hint: 'Debian, Ubuntu: apt-get install bubblewrap' });
      const relay = relayed(asked.relays, owner);
      const all = { ...asked, mounts: [...asked.mounts, ...relay.mounts] };
      refuseUnreachable(all.workspace, owner, 'write');
      for (const { from, write } of all.mounts) refuseUnreachable(from, owner, write ? 'write' : 'read');
      const held = heldPaths(all.workspace, all.readOnly);
      const started = startInside(all.command, all.env, held);
      const inside = [PRLIMIT, ...prlimitArguments(all.limits), ...relay.command, ...started.command];
      const command = throughShell([program, ...walls(all, held), '--', ...inside]);
      scopes ??= findScopes();
      const scope = (await scopes)?.open(all.limits);
      if (!scope) return { command, env: started.env, ...owner, release: async () => {} };
      // Only root may bring somebody into the group, so it is left to root, who then becomes the other one.
      const become = owner ? [SETPRIV, `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--'] : [];
      const [shell = '', ...enter] = scope.enter;
      return { command: [shell, ...enter, ...become, ...command], env: started.env, release: scope.release };
    },
  };
  return sandbox;
}

/**
 * A shell that becomes bubblewrap. It gives it the filter, which bubblewrap takes from a descriptor only, and closes every
 * other one: what this process was started with would be open inside.
 */
function throughShell([program, ...args]: readonly [string, ...string[]], filter = seccompFilter()): [string, ...string[]] {
  const octal = [...(filter ?? [])].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  return [BASH, '-c', BECOME, octal, program, ...(filter ? ['--seccomp', '9'] : []), ...args];
}

async function lacking(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `bubblewrap is for Linux, this is ${process.platform}`;
  const program = PROGRAMS.find((each) => existsSync(each));
  if (program === undefined) return 'bwrap is not installed (Debian, Ubuntu: apt-get install bubblewrap)';
  const absent = [BASH, PRLIMIT].find((each) => !existsSync(each));
  if (absent !== undefined) return `${absent} is not installed (packages bash, util-linux)`;
  const { stdout } = await promisify(execFile)(program, ['--version'], { env: {} }).catch(() => ({ stdout: '' }));
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? [];
  const tooOld = major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1]);
  return tooOld ? `${program} is "${stdout.trim()}"; it takes ${VERSION_MIN.join('.')} or later` : undefined;
}

function walls({ workspace, cwd, mounts, limits }: CheckedRequest, held: readonly Held[]): string[] {
  const temporary = (path: string) => ['--size', String(limits.temporaryBytes), '--tmpfs', path];
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--uid', NOBODY, '--gid', NOBODY, '--hostname', 'baton'],
    ...['--ro-bind', '/usr', '/usr'],
    ...['bin', 'sbin', 'lib', 'lib64', 'lib32'].flatMap(systemFolder),
    ...ETC.map((name) => `/etc/${name}`).flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--ro-bind-try', '/proc/sysrq-trigger', '/proc/sysrq-trigger'],
    ...['--dev', '/dev', ...temporary('/dev/shm'), ...temporary('/tmp'), ...temporary('/home'), '--dir', '/run'],
    ...['--bind', workspace, INSIDE],
    ...held.flatMap(({ path, write }) => [write ? '--bind' : '--ro-bind', join(workspace, path), join(INSIDE, path)]),
    ...mounts.flatMap(({ from, to, write }) => [write ? '--bind' : '--ro-bind', from, to]),
    // Both are file systems in memory, of no limited size.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', cwd],
  ];
}

/** Where `/bin` is a link to `usr/bin` it is one inside as well. */
function systemFolder(name: string): string[] {
  const path = `/${name}`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
