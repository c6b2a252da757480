/**
 * The owner of a home, listening. It stays while a run can move without a person or somebody is connected, leaves when
 * it has been idle for a while, and ends cleanly when told to. Whoever calls `serve` holds the lock of the home: only
 * under it may a socket that an earlier owner left be removed.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { App } from './app.ts';
import { giveBackMemory } from './give-back.ts';
import { somethingMoves } from './idle.ts';
import type { Services } from './services.ts';
import { socketAddress } from './socket.ts';

export interface ServeOptions {
  readonly app: App;
  readonly services: Services;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long nothing may have happened before it leaves, in milliseconds. */
  readonly idleMs: number;
  /** Ends serving when aborted; the reason says why. */
  readonly signal: AbortSignal;
  /** Tells others where it listens. */
  announce(address: string): void;
}

/** Why it ended: `idle`, or the reason of the signal. The socket is gone then; engine and lock are the caller's. */
export async function serve({ app, services, env, idleMs, signal, announce }: ServeOptions): Promise<string> {
  const address = socketAddress(services.home, env);
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  // Streams stay open as long as somebody follows.
  server.requestTimeout = 0;
  rmSync(address, { force: true });
  await listen(server, address);
  announce(address);
  try {
    return await ended(server, services, idleMs, signal);
  } finally {
    app.close();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is this user's alone from its first moment.
    const before = process.umask(0o177);
    try {
      server.listen(address, () => {
        chmodSync(address, 0o600);
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function ended(server: Server, services: Services, idleMs: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let clients = 0;
    let quietSince = Date.now();
    let rests = false;
    const look = () => {
      const rested = rests;
      rests = clients === 0 && !somethingMoves(services);
      if (!rests) quietSince = Date.now();
      else if (Date.now() - quietSince >= idleMs) end('idle');
      else if (!rested) giveBackMemory();
    };
    const timer = setInterval(look, Math.max(50, Math.min(idleMs / 4, 10_000)));
    const onAbort = () => end(String(signal.reason));
    const end = (why: string) => {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      resolve(why);
    };
    server.on('connection', (socket) => {
      clients++;
      socket.on('close', () => {
        clients--;
        quietSince = Date.now();
      });
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
