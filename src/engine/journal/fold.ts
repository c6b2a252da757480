/** The state of a stream from what the journal has of it: of a run its last snapshot and the facts since. */
import type { GrantFact, RunFact } from '../kernel/facts.ts';
import { evolveGrant, GRANTS, type GrantState, newGrants } from '../kernel/grants.ts';
import { evolve } from '../kernel/kernel.ts';
import type { OwedChange } from '../kernel/owed.ts';
import { restore } from '../kernel/snapshot.ts';
import type { RunState } from '../kernel/state.ts';
import type { Journal } from './journal.ts';

export interface Folded {
  readonly state: RunState;
  /** Of the snapshot it began with; 0 without one. */
  readonly savedSeq: number;
}

/** What is handed out among runs. */
export function foldGrants(journal: Pick<Journal, 'read'>): GrantState {
  const grants = newGrants();
  const ignored: OwedChange = { added: [], removed: [] };
  for (const { fact, at } of journal.read(GRANTS)) evolveGrant(grants, fact as GrantFact, at, ignored);
  return grants;
}

export function foldRun(journal: Journal, stream: string): Folded | undefined {
  // Each new run is asked for once: one look, instead of one at each of its tables.
  if (!journal.head(stream)) return undefined;
  const snapshot = journal.snapshot(stream);
  let state = snapshot ? restore(snapshot) : undefined;
  const ignored: OwedChange = { added: [], removed: [] };
  for (const { fact, at, command } of journal.read(stream, snapshot?.seq ?? 0)) {
    state = evolve(state, fact as RunFact, at, ignored, stream, command);
    ignored.added.length = 0;
    ignored.removed.length = 0;
  }
  return state && { state, savedSeq: snapshot?.seq ?? 0 };
}
