/** What the host keeps in memory of one stream. */
import type { NewFact } from '../journal/journal.ts';
import { GRANTS, type GrantState, newGrants } from '../kernel/grants.ts';
import type { Owed } from '../kernel/owed.ts';
import type { RunState } from '../kernel/state.ts';
import type { Performer } from './performer.ts';

export interface Live {
  readonly stream: string;
  run: RunState | undefined;
  grants: GrantState | undefined;
  /** Facts of this turn. */
  fresh: NewFact[];
  /** Last fact that was given to the journal. */
  stored: number;
  /** Commits under way that have facts of it. */
  underway: number;
  /** Of the last snapshot. */
  saved: number;
  /** Owed since this turn, to be dispatched after the commit. */
  dispatch: Owed[];
  /** Owed no more since this turn: who carries it out is told after the commit. */
  over: Owed[];
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
  underway: 0,
  saved: 0,
  dispatch: [],
  over: [],
  slots: new Map(),
  performers: new Map(),
  work: new Map(),
  timers: new Map(),
});
