/** Facts to a run's state, by the kernel's own rules: a client that follows needs no second set of them. */
import type { RunFact, Stored } from '../../engine/kernel/facts.ts';
import { evolve } from '../../engine/kernel/kernel.ts';
import type { RunState } from '../../engine/kernel/state.ts';

/** Changes and returns the state it is given; without one, the first fact makes it. */
export function fold(state: RunState | undefined, { stream, at, fact, command }: Stored): RunState {
  return evolve(state, fact as RunFact, at, { added: [], removed: [] }, stream, command);
}
