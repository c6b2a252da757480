/** The one way out of a sandbox that a task may have: a filtering proxy that knows the domains its policy names. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Environment } from '../policy/environment.ts';
import type { Relay, Sandbox } from '../sandbox/sandbox.ts';
import type { Home, Whose } from './surroundings.ts';

/** Port of the proxy inside. */
const PROXY_PORT = 3128;

export interface WayOut {
  readonly env: Environment;
  readonly relay: Relay;
  close(): Promise<void>;
}

/** Nothing where no domain is named. */
export async function openWayOut(
  home: Home,
  _whose: Whose,
  allow: readonly string[],
  owner: Sandbox['owner'],
  signal: AbortSignal,
): Promise<WayOut | undefined> {
  if (allow.length === 0) return undefined;
  // Loaded when somebody is let out: most tasks never are.
  const { openGateway, proxyEnvironment } = await import('../sandbox/gateway.ts');
  const socket = socketIn(home.folders.sockets);
  const gateway = await openGateway({ ...home.reach, socket, allow, signal, ...(owner ? { owner } : {}) });
  return { env: proxyEnvironment(PROXY_PORT), relay: { port: PROXY_PORT, socket }, close: () => gateway.close() };
}

/** Paths of sockets are short: 107 bytes on Linux, 103 elsewhere. */
export const socketIn = (folder: string): string => join(folder, `${randomBytes(6).toString('hex')}.sock`);
