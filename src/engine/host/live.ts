/** What the host keeps in memory of one stream. */
import type { CommandRef, Fact } from '../kernel/facts.ts';
import { GRANTS, type GrantState, newGrants } from '../kernel/grants.ts';
import type { Owed } from '../kernel/owed.ts';
import type { RunState } from '../kernel/state.ts';
import type { Performer } from './performer.ts';

export interface Live {
  readonly stream: string;
  run: RunState | undefined;
  grants: GrantState | undefined;
  /** Facts of this turn, not durable yet. */
  fresh: { at: number; fact: Fact; command?: CommandRef }[];
  /** Last durable fact. */
  stored: number;
  /** Of the last snapshot. */
  saved: number;
  /** Owed since this turn, to be dispatched after the commit. */
  dispatch: Owed[];
  /** Owed items that hold a slot, and whose agent it is. */
  readonly slots: Map<string, string>;
  readonly performers: Map<string, Performer>;
  /** Work on trees under way, by what is owed. */
  readonly work: Map<string, AbortController>;
  readonly timers: Map<string, () => void>;
}

export const newLive = (stream: string): Live => ({
  stream,
  run: undefined,
  grants: stream === GRANTS ? newGrants() : undefined,
  fresh: [],
  stored: 0,
  saved: 0,
  dispatch: [],
  slots: new Map(),
  performers: new Map(),
  work: new Map(),
  timers: new Map(),
});
