/** Puts the relay in front of a command that may reach sockets outside: what has to be mounted, and what is started. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { BatonError } from '../../errors.ts';
import { type Owner, startable } from './reachable.ts';
import type { Mount, Relay } from './sandbox.ts';

const PLACE = '/run/baton';
const NODE = `${PLACE}/node`;
/** The Node that runs Baton, else one that is installed for everybody. */
const NODES = [process.execPath, '/usr/bin/node', '/usr/local/bin/node'];

let text: string | undefined;

export interface Relayed {
  /** Stands in front of the command; empty without relays. */
  readonly command: readonly string[];
  readonly mounts: readonly Required<Mount>[];
}

/** @throws BatonError `SANDBOX_UNREACHABLE` when there is no Node that the user inside may start */
export function relayed(relays: readonly Relay[], owner: Owner | undefined, nodes: readonly string[] = NODES): Relayed {
  if (relays.length === 0) return { command: [], mounts: [] };
  const node = startable(nodes, owner);
  if (node === undefined) throw noNode(nodes, owner);
  // The same file in the source and in what is built from it.
  text ??= readFileSync(new URL(`./relay${extname(import.meta.url)}`, import.meta.url), 'utf8');
  const inside = relays.map(({ socket }, i) => ({ from: socket, to: `${PLACE}/${i}.sock`, write: true }));
  const ways = relays.map(({ port }, i) => `${port}=${PLACE}/${i}.sock`);
  return {
    command: [NODE, '--no-warnings', '--input-type=module', '-e', text, '--', ...ways, '--'],
    mounts: [{ from: node, to: NODE, write: false }, ...inside],
  };
}

const noNode = (nodes: readonly string[], owner: Owner | undefined): BatonError =>
  new BatonError('SANDBOX_UNREACHABLE', `No Node can be started as uid ${owner?.uid} in the sandbox: ${nodes.join(', ')}.`, {
    ...(nodes[0] === undefined ? {} : { where: nodes[0] }),
    hint: 'Install Node for all users (Debian, Ubuntu: apt-get install nodejs), move this one to a folder that others may enter, or do not run Baton as root.',
  });
