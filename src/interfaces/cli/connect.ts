/** How a command reaches the API: at the owner of the home, at one it starts, or inside this process. */
import { BatonError } from '../../errors.ts';
import { BatonClient } from '../client/client.ts';
import type { Fetch } from '../client/fetch.ts';
import type { Opened, OpenOptions, Parts } from './parts.ts';

export interface Session {
  readonly client: BatonClient;
  readonly home: string;
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
const socketFetch = async (address: string): Promise<Fetch> => (await import('./socket-fetch.ts')).socketFetch(address);

async function locate(parts: Parts, options: ConnectOptions): Promise<{ open: OpenOptions; socket?: string }> {
  const env = environment(options);
  const { home, owner } = await parts.locate(options.cwd, env);
  return { open: { home, cwd: options.cwd, env }, ...(owner?.socket === undefined ? {} : { socket: owner.socket }) };
}

/** For commands that only read: the owner where there is one, else the stored facts. Writes nothing. */
export async function reading(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open, socket } = await locate(parts, options);
  const send = socket === undefined ? undefined : await socketFetch(socket);
  let reader: Promise<Opened> | undefined;
  const fetch: Fetch = async (request) => {
    if (!reader && send) {
      const spare = request.clone();
      try {
        return await send(request);
      } catch (error) {
        if (!(error instanceof BatonError) || (error.code !== 'UNREACHABLE' && error.code !== 'OWNER_SILENT')) throw error;
        request = spare;
      }
    }
    reader ??= parts.openReader(open);
    return (await reader).fetch(request);
  };
  return {
    client: new BatonClient({ fetch }),
    home: open.home,
    at: () => (reader || socket === undefined ? 'reader' : 'owner'),
    close: async () => (await reader)?.close(),
  };
}

/** For commands that change something: the owner, started in the background where there is none. */
export async function owning(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open, socket } = await locate(parts, options);
  let send: Fetch | undefined = socket === undefined ? undefined : await socketFetch(socket);
  const start = async (): Promise<Fetch> => {
    const { startOwner } = await import('./start-owner.ts');
    const answers = async (address: string): Promise<boolean> => {
      try {
        const response = await (await socketFetch(address))(new Request('http://baton/v1/health'));
        return response.ok;
      } catch {
        return false;
      }
    };
    return socketFetch(await startOwner({ ...open, locate: () => parts.locate(open.cwd, open.env), answers }));
  };
  const fetch: Fetch = async (request) => {
    if (send) {
      const spare = request.clone();
      try {
        return await send(request);
      } catch (error) {
        // A repeat is safe: requests that change something carry a command id.
        if (!(error instanceof BatonError) || error.code !== 'UNREACHABLE' || request.signal.aborted) throw error;
        request = spare;
      }
    }
    send = await start();
    return send(request);
  };
  return { client: new BatonClient({ fetch }), home: open.home, at: () => 'owner', close: async () => {} };
}

/** The engine inside this process (`--foreground`). @throws BatonError `HOME_OWNED` */
export async function here(parts: Parts, options: ConnectOptions): Promise<Session> {
  const { open } = await locate(parts, options);
  const opened = await parts.openEngine(open);
  const client = new BatonClient({ fetch: (request) => opened.fetch(request) });
  return { client, home: open.home, at: () => 'here', close: () => opened.close() };
}
