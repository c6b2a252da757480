/** Who takes part: Baton, or a peer. This is its side in the parent; what it does in a measured process is a `Contender`. */
import { fileURLToPath } from 'node:url';

export type Env = Readonly<Record<string, string>>;

export interface Entrant {
  readonly name: string;
  readonly version: string;
  /** Is every step on the disk before the next one begins? If not, why not. */
  readonly durable: true | string;
  /** What it promises, in a few words. */
  readonly promises: string;
  /** The program that measures it, in a process of its own. */
  readonly script: string;
  /** Makes all that a measurement begins with anew: an empty database, a server without history. @returns what its program needs to know */
  fresh(folder: string): Promise<Env>;
  /** After `kill -9` of its program: kills what would die with it on a machine that fails. */
  crash(): Promise<void>;
  /** Starts again what `crash` has killed. */
  restart(): Promise<Env>;
  /** Ends all it has started. May be called at any time, and twice. */
  stop(): Promise<void>;
}

export const baton = (version: string): Entrant => ({
  name: 'Baton',
  version,
  durable: true,
  promises: 'exactly one stored result a step; runs go on by themselves; hash chain over all facts',
  script: fileURLToPath(new URL('./baton/worker.ts', import.meta.url)),
  fresh: async () => ({}),
  crash: async () => {},
  restart: async () => ({}),
  stop: async () => {},
});
