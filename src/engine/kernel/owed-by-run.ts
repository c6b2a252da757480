/** What a run itself owes, beside its tasks: its wall-time timer, the snapshot its tree begins with, its promotion. */
import type { Owed } from './owed.ts';
import { RUN_TERMINAL, type RunState } from './state.ts';

export function owedByRun(state: RunState): readonly Owed[] {
  const { tree } = state;
  const timer = wallTimeTimer(state);
  if (!tree) return timer;
  const owed = [...timer];
  const begun = !RUN_TERMINAL.has(state.status) && state.status !== 'planning' && state.status !== 'awaiting-approval' && !state.refused;
  if (tree.base === undefined && !tree.failure && begun) owed.push({ type: 'snapshot', id: `snapshot:${state.segment}` });
  const { promotion } = tree;
  const base = tree.done.at(-1)?.tree ?? tree.base;
  if (promotion && promotion.status !== 'asked' && base !== undefined) {
    const undo = promotion.status === 'undoing';
    owed.push({
      type: 'promote',
      id: `promote:${promotion.id}:${promotion.status}`,
      promotion: promotion.id,
      undo,
      base,
      tree: promotion.tree,
      ...(promotion.branch === undefined ? {} : { branch: promotion.branch }),
    });
  }
  return owed;
}

/** The wall time is a budget as well: a timer, from the beginning of a segment on, once the plan may run. */
function wallTimeTimer(state: RunState): readonly Owed[] {
  const { wallTimeMs } = state.limits;
  const counts = !RUN_TERMINAL.has(state.status) && state.status !== 'cancelling' && state.status !== 'awaiting-approval';
  if (wallTimeMs === undefined || state.wallTimeOver || !counts || state.endedAs) return [];
  return [{ type: 'timer', id: `timer:wallTime:${wallTimeMs}:${state.segment}`, timer: 'wallTime', at: state.since + wallTimeMs }];
}
