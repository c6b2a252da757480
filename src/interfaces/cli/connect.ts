/** How a command reaches the API: at the owner of the home, at one it starts, or inside this process. */
import { BatonError } from '../../errors.ts';
import type { Transport } from '../api/call.ts';
import { BatonClient } from '../client/client.ts';
import type { Located, Opened, OpenOptions, Parts } from './parts.ts';

export interface Session {
  readonly client: BatonClient;
  /** `owner`: a process that goes on when this one ends. `here`: an engine in this process. `reader`: nobody carries runs on. */
  at(): 'owner' | 'here' | 'reader';
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--home`; overrides `BATON_HOME`. */
  readonly home?: string;
}

const environment = ({ env, home }: ConnectOptions) => (home === undefined ? env : { ...env, BATON_HOME: home });

/** Loaded when somebody may listen: node:http has its price. */
const atSocket = async (address: string): Promise<Transport> => (await import('./socket-transport.ts')).socketTransport(address);

async function locate(parts: Parts, options: ConnectOptions): Promise<{ open: OpenOptions; owner?: NonNullable<Located['owner']> }> {
  const env = environment(options);
  const { home, owner } = await parts.locate(options.cwd, env);
  return { open: { home, cwd: options.cwd, env }, ...(owner ? { owner } : {}) };
}

/** For commands that only read: the owner where there is one, else the stored facts. Writes nothing. */
export async function reading(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open, owner } = await locate(parts, options);
  const send = owner?.socket === undefined ? undefined : await atSocket(owner.socket);
  let reader: Promise<Opened> | undefined;
  const transport: Transport = async (call) => {
    if (!reader && send) {
      try {
        return await send(call);
      } catch (error) {
        if (!(error instanceof BatonError) || (error.code !== 'UNREACHABLE' && error.code !== 'OWNER_SILENT')) throw error;
      }
    }
    reader ??= parts.openReader(open);
    return (await reader).call(call);
  };
  return {
    client: new BatonClient({ transport }),
    at: () => (reader || send === undefined ? 'reader' : 'owner'),
    close: async () => (await reader)?.close(),
  };
}

/** For commands that change something: the owner, started in the background where there is none. */
export async function owning(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open, owner } = await locate(parts, options);
  const send = owner?.socket === undefined ? undefined : await atSocket(owner.socket);
  let current = owner && send && (await isStale(open, parts.version, owner.pid, send)) ? await replace(owner.pid, send) : send;
  const start = async (): Promise<Transport> => {
    const { startOwner } = await import('./start-owner.ts');
    const locateAgain = () => parts.locate(open.cwd, open.env);
    return atSocket(
      await startOwner({
        ...open,
        version: parts.version,
        locate: locateAgain,
        answers: async (address) => answers(await atSocket(address)),
      }),
    );
  };
  const transport: Transport = async (call) => {
    if (current) {
      try {
        return await current(call);
      } catch (error) {
        // A repeat is safe: requests that change something carry a command id.
        if (!(error instanceof BatonError) || error.code !== 'UNREACHABLE' || call.signal?.aborted) throw error;
      }
    }
    current = await start();
    return current(call);
  };
  return { client: new BatonClient({ transport }), at: () => 'owner', close: async () => {} };
}

async function answers(send: Transport): Promise<boolean> {
  try {
    return (await send({ method: 'GET', path: '/v1/health', headers: {} })).status === 200;
  } catch {
    return false;
  }
}

/** It has another environment or version than this command, and nothing to do that needs the one it has. */
async function isStale({ home, env }: OpenOptions, version: string, pid: number, send: Transport): Promise<boolean> {
  const { hasOtherEnvironment } = await import('./environment.ts');
  if (!hasOtherEnvironment(home, pid, env, version)) return false;
  const runs = await new BatonClient({ transport: send }).runs({ open: true, limit: 100_000 }).catch(() => undefined);
  return runs?.every(({ status }) => status === 'waiting' || status === 'paused' || status === 'awaiting-approval') ?? false;
}

async function replace(pid: number, send: Transport): Promise<undefined> {
  const { endOwner } = await import('./start-owner.ts');
  await endOwner(pid, () => answers(send));
}

/** The engine inside this process (`--foreground`). @throws BatonError `HOME_OWNED` */
export async function here(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open } = await locate(parts, options);
  const opened = await parts.openEngine(open);
  const client = new BatonClient({ transport: (call) => opened.call(call) });
  return { client, at: () => 'here', close: () => opened.close() };
}
