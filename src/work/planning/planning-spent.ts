/**
 * What planning has used in a run so far, as somebody sees it who begins to plan: whoever began before and still plans counts
 * with all it may use. Whoever began later counts us, so together they never use more than there is.
 */
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import { type RunState, TERMINAL } from '../../engine/kernel/state.ts';

export interface Spent {
  readonly calls: number;
  readonly tokens: number;
  readonly timeMs: number;
}

/** What the agent of a task that makes a plan is called. */
export const PLANNER = 'planning';

/**
 * @param own is not counted
 * @param atOnce calls that one planner makes at most
 */
export function spentOn({ tasks }: Pick<RunState, 'tasks'>, own: TaskSpec, atOnce: number, now: number): Spent {
  let [calls, tokens, timeMs] = [0, 0, 0];
  const me = tasks.get(own.id);
  const mine = { startedAt: me?.startedAt ?? now, index: me?.index ?? tasks.size };
  for (const { spec, status, spent, startedAt, endedAt, index } of tasks.values()) {
    if (spec.agent !== PLANNER || spec.id === own.id || startedAt === undefined) continue;
    const later = startedAt > mine.startedAt || (startedAt === mine.startedAt && index > mine.index);
    if (later && !TERMINAL.has(status)) continue;
    calls += TERMINAL.has(status) ? spent.calls : Math.max(atOnce, spent.calls);
    tokens += spent.tokens;
    timeMs += (endedAt ?? now) - startedAt;
  }
  return { calls, tokens, timeMs };
}
