/** Everything one attempt of a coding agent has at hand, whatever way in it takes. */
import type { Work } from '../agent.ts';
import type { Walls } from '../walls.ts';
import type { CodingConfig } from './config.ts';
import type { Installed } from './installed.ts';
import type { Permission, PermissionPolicy } from './permission.ts';
import type { Place } from './place.ts';
import type { Profile, Setting } from './profile.ts';
import type { Transcript } from './transcript.ts';

export interface Stage {
  readonly work: Work;
  readonly walls: Walls;
  readonly config: CodingConfig;
  readonly profile: Profile;
  readonly setting: Setting;
  readonly installed: Installed;
  readonly place: Place;
  readonly transcript: Transcript;
  /** The conversation of an earlier attempt, which this one goes on with. */
  readonly session?: string;
  /** Aborted by whoever may end the attempt: the host, the budget, the watchdog. */
  readonly signal: AbortSignal;
  readonly timing: Timing;
  /** @throws when the attempt is over before a person has answered */
  readonly permit: (asked: Permission) => Promise<Permitted>;
}

export interface Permitted {
  readonly allow: boolean;
  readonly why: string;
}

/** All in milliseconds. */
export interface Timing {
  /** From asking an agent to cancel until its process is ended. */
  readonly cancelMs: number;
  /** From the end of its input until it is told to end. */
  readonly closeMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** From being asked to start until it has a conversation. */
  readonly startMs: number;
  /** How long a message waits for the end of a turn before the turn is interrupted. */
  readonly interruptMs: number;
  /** Between two looks of the watchdog. */
  readonly watchMs: number;
}
export const TIMING: Timing = { cancelMs: 2000, closeMs: 1000, graceMs: 1000, startMs: 120_000, interruptMs: 5000, watchMs: 1000 };

/** One attempt's conversation with an agent. */
export interface Talk {
  /** It knows the task from an earlier attempt. */
  readonly goesOn: boolean;
  /** Resolves when the turn is over and its last message is in the transcript. @throws AttemptError when it failed. */
  turn(prompt: string): Promise<void>;
  /** Takes a message while it works; false when it can't. */
  message?(text: string): Promise<boolean>;
  /** Ends whatever there is of it. */
  close(): Promise<void>;
}

export interface CodingOptions {
  /** Folders near which an installation is looked for before the PATH. */
  readonly near: readonly string[];
  readonly path: string;
  readonly policy?: PermissionPolicy;
  readonly timing?: Partial<Timing>;
  /** Milliseconds, of any beginning. */
  readonly now?: () => number;
}
