/** What follows when all checks of a result are green: it is committed, or a person is asked first. */
import type { RunFact } from './facts.ts';
import type { TaskRecord } from './state.ts';

export const resultApproval = (task: TaskRecord): string => `result:${task.spec.id}:${task.attempt}`;

export function committed(task: TaskRecord, merged: TaskRecord['merged'] = task.merged): RunFact[] {
  const { spec, attempt, result } = task;
  if (result === undefined) throw new Error(`task "${spec.id}" is validating without a result`);
  if (spec.approval?.at === 'result' && !task.accepted) {
    // Bound to the handoff and to the tree it was checked in.
    const binds = merged ? `${result}@${merged.tree}` : result;
    return [{ type: 'approval.requested', approval: resultApproval(task), subject: 'result', task: spec.id, binds }];
  }
  return [{ type: 'task.committed', task: spec.id, attempt, result, ...(merged ? { tree: merged.tree } : {}) }];
}
