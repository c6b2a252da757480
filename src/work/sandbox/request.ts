/** What a sandbox may be asked for. Everything is held against the rules before anything is made of it. */
import { isAbsolute, normalize } from 'node:path';
import { BatonError } from '../../errors.ts';
import { INSIDE, type Mount, SANDBOX_LIMITS, type SandboxLimits, type SandboxRequest } from './sandbox.ts';

/** Port numbers below are for processes with rights that nobody has inside. */
const PORT_MIN = 1024;
const PORT_MAX = 65_535;
/** A relay is a Node, which does not start with less: it reserves room for the code it will compile. */
const RELAY_MEMORY_MIN = 2 ** 30;
/** Too much to be shown to anybody, at whatever place. */
const NEVER_MOUNTED = new Set(['/', '/boot', '/dev', '/etc', '/home', '/proc', '/root', '/run', '/sys', '/tmp', '/var', '/var/run']);

export type CheckedRequest = Required<Omit<SandboxRequest, 'limits' | 'mounts'>> & {
  readonly limits: SandboxLimits;
  readonly mounts: readonly Required<Mount>[];
};

/** @throws BatonError `SANDBOX_REQUEST` */
export function checked(request: SandboxRequest): CheckedRequest {
  const { command, workspace, cwd = INSIDE, env, readOnly = [], relays = [] } = request;
  const mounts = (request.mounts ?? []).map(({ from, to = from, write = false }) => ({ from: trimmed(from), to: trimmed(to), write }));
  const limits = limitsOf(request.limits ?? {});
  for (const path of [workspace, cwd, ...mounts.flatMap(({ from, to }) => [from, to]), ...relays.map(({ socket }) => socket)])
    refuseUnless(isAbsolute(path) && trimmed(normalize(path)) === trimmed(path), `"${path}" is no absolute path without detours`);
  refuseUnless(command[0] !== '', 'the command has no program');
  for (const name of Object.keys(env)) refuseUnless(name !== '' && !name.includes('='), `"${name}" is no name of a variable`);
  for (const { from, to } of mounts) {
    refuseUnless(!NEVER_MOUNTED.has(from), `${from} as a whole is never mounted`);
    // What is mounted there would be made by way of links that whoever is inside has laid.
    refuseUnless(!isWithin(to, INSIDE), `${to} is inside the workspace, where nothing can be mounted`);
    refuseUnless(!isWithin(from, workspace), `${from} is in the workspace, which is there already, as ${INSIDE}`);
  }
  for (const path of readOnly)
    refuseUnless(
      path !== '' && !isAbsolute(path) && !path.split('/').some((part) => ['', '.', '..'].includes(part)),
      `"${path}" is no path inside the workspace`,
    );
  for (const { port } of relays)
    refuseUnless(
      Number.isInteger(port) && port >= PORT_MIN && port <= PORT_MAX,
      `a relay on port ${port}; it can be from ${PORT_MIN} to ${PORT_MAX}`,
    );
  refuseUnless(new Set(relays.map(({ port }) => port)).size === relays.length, 'two relays on one port');
  refuseUnless(
    relays.length === 0 || limits.memoryBytes >= RELAY_MEMORY_MIN,
    `a relay within limits.memoryBytes of ${limits.memoryBytes}; it takes ${RELAY_MEMORY_MIN}`,
  );
  for (const text of [
    workspace,
    cwd,
    ...command,
    ...Object.entries(env).flat(),
    ...readOnly,
    ...mounts.flatMap(({ from, to }) => [from, to]),
  ])
    refuseUnless(!text.includes('\0'), 'a text for a process, which holds U+0000');
  return { command, workspace: trimmed(workspace), cwd, env, mounts, readOnly, relays, limits };
}

function limitsOf(given: Partial<SandboxLimits>): SandboxLimits {
  const limits = { ...SANDBOX_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits))
    refuseUnless(
      Number.isSafeInteger(value) && value > 0,
      `limits.${name} of ${value}; it is a whole number above 0 (default ${SANDBOX_LIMITS[name as keyof SandboxLimits]})`,
    );
  return limits;
}

const trimmed = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') || '/' : path);
const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${trimmed(folder)}/`);

function refuseUnless(holds: boolean, what: string): void {
  if (!holds) throw refused(what);
}
export const refused = (what: string): BatonError =>
  new BatonError('SANDBOX_REQUEST', `The sandbox was asked for something it can't do: ${what}.`, {
    hint: 'This is a request of the program that uses the sandbox; what it may ask for is in docs/concepts/sandbox.md.',
  });
