import { type ConnectOptions, here, owning, reading, type Session } from './connect.ts';
import { Output, type Streams } from './output.ts';
import type { Parts } from './parts.ts';

/** What every command gets. */
export interface Context {
  readonly out: Output;
  readonly parts: Parts;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): number;
  /** Never writes. */
  reading<T>(use: (session: Session) => Promise<T>): Promise<T>;
  /** Starts an owner where there is none. */
  owning<T>(use: (session: Session) => Promise<T>): Promise<T>;
  /** An engine in this process. */
  here<T>(use: (session: Session) => Promise<T>): Promise<T>;
}

/** Options that every command knows. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly color?: boolean;
  readonly home?: string;
}

export interface Machine {
  readonly parts: Parts;
  readonly streams: Streams;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createContext({ parts, streams, cwd, env }: Machine, { json = false, color, home }: GlobalOptions): Context {
  const options: ConnectOptions = { cwd, env, ...(home === undefined ? {} : { home }) };
  const using =
    (connect: (parts: Parts, options: ConnectOptions) => Promise<Session>) =>
    async <T>(use: (session: Session) => Promise<T>): Promise<T> => {
      const session = await connect(parts, options);
      try {
        return await use(session);
      } finally {
        await session.close();
      }
    };
  const out = new Output({ streams, env, json, ...(color === undefined ? {} : { colour: color }) });
  return { out, parts, cwd, env, now: Date.now, reading: using(reading), owning: using(owning), here: using(here) };
}

/** Exit codes that scripts may rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, person: 3, policy: 4, interrupted: 130 } as const;
