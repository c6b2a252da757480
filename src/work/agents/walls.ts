/**
 * What stands around a coding agent while it works: walls around its process, and inside them the one address at which
 * models answer. Whoever performs an attempt puts them up from the sandbox, the relay and the meter of this machine, and
 * takes them down when the attempt has ended. Without them a coding agent does not start at all.
 */
import type { Failure, Usage } from '../../engine/kernel/plan.ts';
import type { Mount, Wrapped } from '../sandbox/sandbox.ts';

export interface Walls {
  /** Where the agent works, such as `/workspace`, or a package of the repository there. */
  readonly folder: string;
  /** Everything it may change: the same folder, or one above it. */
  readonly workspace: string;
  /**
   * Absolute path, on this machine, of a folder that stays from one attempt of the task to the next. The adapter keeps
   * there what an agent may go on with; whoever is inside must be able to reach what is mounted from it.
   */
  readonly state: string;
  /** Whom the agent runs as, when Baton is root: what is made for it in `state` becomes theirs. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** What to spawn in place of the command; released by whoever spawned it. May be called several times in one attempt. */
  wrap(request: WallsRequest): Promise<Wrapped>;
  readonly models: ModelsInside;
}

export interface WallsRequest {
  readonly command: readonly [string, ...string[]];
  /** Everything the agent gets to see of an environment, but for what the walls add by themselves (`PATH` and the like). */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** Folder inside. Default: the workspace. */
  readonly cwd?: string;
}

/** The meter, as it is seen from inside and asked from outside. */
export interface ModelsInside {
  /** Base URL up to and with the version: `…/openai/v1`, which `/chat/completions` and `/responses` follow. */
  readonly openai: string;
  /** Base URL without a version: `/v1/messages` follows. */
  readonly anthropic: string;
  /** Base URL without a version: `/v1beta/models/…` follows. */
  readonly gemini: string;
  /** The key the agent is given; worth nothing anywhere else. */
  readonly token: string;
  /** Milliseconds since a request was begun or a byte of one passed. */
  quietMs(): number;
  /** Of all requests answered so far. They are recorded as steps by the meter, so an outcome doesn't report them again. */
  total(): Usage;
  /** What became of the latest requests, when no model answered them: the last failure, and how many there were in a row. */
  failing(): { readonly failure: Failure; readonly requests: number } | undefined;
  /** Aborted, with the error, when the budget refused a request. */
  readonly exhausted: AbortSignal;
}
