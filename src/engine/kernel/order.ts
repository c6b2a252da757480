/**
 * Order among everything that waits for a slot or a grant: a fixed key, the submitted time minus a bonus for priority.
 * Being fixed, it ages without a clock: what was submitted a minute later needs one more level of priority to overtake.
 */
import type { TaskSpec } from './plan.ts';
import type { RunState } from './state.ts';

/** What one level of priority is worth, in milliseconds of waiting. */
export const PRIORITY_BONUS_MS = 60_000;
/** A run with a deadline is ordered as if submitted this long before it, if that is earlier. */
export const DEADLINE_LEAD_MS = 60 * 60_000;

export function orderKey(state: RunState, spec: TaskSpec): number {
  const { deadlineAt, priority } = state.plan;
  const since = deadlineAt === undefined ? state.submittedAt : Math.min(state.submittedAt, deadlineAt - DEADLINE_LEAD_MS);
  return since - ((priority ?? 0) + (spec.priority ?? 0)) * PRIORITY_BONUS_MS;
}
