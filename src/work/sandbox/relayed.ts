/** Puts the relay in front of a command that may reach sockets outside: what has to be mounted, and what is started. */
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mount, SandboxRequest } from './sandbox.ts';

const PLACE = '/run/baton';
const RELAY = fileURLToPath(new URL(`./relay${extname(import.meta.url)}`, import.meta.url));

export function behindRelay({ command, mounts = [], relays = [] }: Pick<SandboxRequest, 'command' | 'mounts' | 'relays'>): {
  readonly command: readonly string[];
  readonly mounts: readonly Mount[];
} {
  if (relays.length === 0) return { command, mounts };
  const sockets = relays.map(({ socket }, i): Mount => ({ from: socket, to: `${PLACE}/${i}.sock`, write: true }));
  const program = [
    { from: process.execPath, to: `${PLACE}/node` },
    { from: RELAY, to: `${PLACE}/${basename(RELAY)}` },
  ];
  const ways = relays.map(({ port }, i) => `${port}=${PLACE}/${i}.sock`);
  return {
    command: [`${PLACE}/node`, '--no-warnings', `${PLACE}/${basename(RELAY)}`, ...ways, '--', ...command],
    mounts: [...mounts, ...program, ...sockets],
  };
}
