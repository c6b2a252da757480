/**
 * What the command line needs from `compose.ts`, which `main.ts` passes in. Importing compose must cost nothing: it
 * loads what it names when one of these functions is called, since `baton status` may not pay for an engine.
 */
import type { Answer, Call } from '../api/call.ts';

export interface Parts {
  readonly version: string;
  /** Which home a command is about, and who owned it last (it may be gone). Reads little, writes nothing. */
  locate(cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<Located>;
  /**
   * The API in this process, over a home that is only read; one that does not exist is empty. Writes nothing.
   * @throws BatonError of the journal
   */
  openReader(options: OpenOptions): Promise<Opened>;
  /**
   * Owns the home in this process and goes on with its unfinished runs.
   * @throws BatonError `HOME_OWNED` naming who has it, or of the journal
   */
  openEngine(options: OpenOptions): Promise<Opened>;
  /** Owns the home and serves it on a socket, until nothing is left to do or a signal ends it. @throws as `openEngine` */
  serveHome(options: OpenOptions & { readonly idleMs: number }): Promise<void>;
}

export interface Located {
  readonly home: string;
  readonly owner?: { readonly pid: number; readonly startedAt: number; readonly socket?: string };
}

export interface OpenOptions {
  readonly home: string;
  /** Folder the command was typed in; `baton.yaml` is looked for here and above. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Opened {
  /** The API. */
  call(call: Call): Promise<Answer>;
  /** Ends what runs as a crash would (it is lost, and the next owner decides), and gives the home back. */
  close(): Promise<void>;
}
