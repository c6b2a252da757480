import { openApprovals } from '../../engine/kernel/approval.ts';
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import type { Services } from './services.ts';

/** Something will happen in this home without a person: an owner that left now would be missed. */
export function somethingMoves({ views, state }: Services): boolean {
  const open = views.list({ limit: Number.MAX_SAFE_INTEGER, open: true });
  if (open.some(({ status }) => status === 'running' || status === 'planning' || status === 'cancelling')) return true;
  return open.some(({ run }) => {
    const found = state(run);
    return found !== undefined && moves(found);
  });
}

/** Work that a pause let finish, or an approval whose time runs out. A limit of wall time can as well be told at the next start. */
function moves(state: RunState): boolean {
  if (RUN_TERMINAL.has(state.status)) return false;
  if (openApprovals(state).some(({ owed }) => owed.some(({ type }) => type === 'timer'))) return true;
  if (state.counts.running + state.counts.validating === 0) return false;
  return [...state.tasks.values()].some(({ status, spec }) => status === 'validating' || (status === 'running' && spec.kind === 'work'));
}
