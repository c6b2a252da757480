/** What must hold of every state between two steps. Checked by the simulator after every fact, and cheap enough to read. */
import { owedByApproval } from './approval.ts';
import { MEASURES } from './budget.ts';
import { owedByMessage } from './message.ts';
import { owedByRun } from './owed-by-run.ts';
import { promotionDue } from './promotion.ts';
import { RUN_TERMINAL, type RunState, TASK_STATUSES, TERMINAL } from './state.ts';
import { mover, owedByTask } from './task.ts';

/** The first rule that is broken, in words; undefined when all hold. */
export function violation(state: RunState): string | undefined {
  if (state.due.size > 0) return `still due: ${[...state.due].join(', ')}`;
  const counts = Object.fromEntries(TASK_STATUSES.map((status) => [status, 0]));
  let [open, active, people, failures] = [0, 0, 0, 0];
  const reserved = { costUsd: 0, tokens: 0, calls: 0 };
  for (const [id, task] of state.tasks) {
    if (!TERMINAL.has(task.status)) open++;
    for (const amounts of Object.values(task.reserved)) for (const measure of MEASURES) reserved[measure] += amounts[measure] ?? 0;
    if (TERMINAL.has(task.status) && Object.keys(task.reserved).length > 0) return `"${id}" is over and holds reservations`;
    const waiting = new Set(task.spec.needs.filter((need) => !TERMINAL.has(state.tasks.get(need)?.status ?? 'pending'))).size;
    if (!TERMINAL.has(task.status) && waiting !== task.open) return `"${id}" counts ${task.open} open needs, has ${waiting}`;
    if (task.status !== 'pending' && task.status !== 'cancelled' && waiting > 0)
      return `"${id}" is ${task.status} before its needs are over`;
    if (task.children) {
      const mine = task.children.ids.map((child) => state.tasks.get(child));
      const alive = mine.filter((child) => child && !TERMINAL.has(child.status));
      if (alive.length !== task.children.open) return `"${id}" counts ${task.children.open} open children, has ${alive.length}`;
      const admitted = alive.filter((child) => child?.admitted).length;
      if (admitted !== task.children.admitted) return `"${id}" counts ${task.children.admitted} children let in, has ${admitted}`;
      if (admitted > (task.spec.maxParallel ?? Number.POSITIVE_INFINITY)) return `"${id}" lets in ${admitted} children at once`;
      if (TERMINAL.has(task.status) && alive.length > 0) return `"${id}" is over before its children`;
    }
    if (!same(task.owed, owedByTask(state, task))) return `"${id}" owes other than its record says`;
    if (task.replacedBy !== undefined) continue;
    counts[task.status] = (counts[task.status] ?? 0) + 1;
    const who = mover(task);
    if (who === 'engine') active++;
    if (who === 'person') people++;
    if (task.status === 'failed' && task.spec.parent === undefined && !task.spec.continueOnError) failures++;
  }
  const promotion = state.tree?.promotion?.status;
  if (promotion === 'asked') people++;
  else if (promotion !== undefined) active++;
  const queued = [...state.tasks.values()].filter((task) => task.change !== undefined && task.status === 'validating' && !task.stalled);
  if (queued.length !== (state.tree?.queue.length ?? 0) || queued.some((task) => !state.tree?.queue.includes(task.spec.id)))
    return `the queue of the tree is ${state.tree?.queue.join(', ')}, of ${queued.map((task) => task.spec.id).join(', ')}`;
  if (!same(state.owed, owedByRun(state))) return 'the run owes other than it says';
  for (const approval of state.approvals.values())
    if (!same(approval.owed, owedByApproval(approval))) return `approval "${approval.id}" owes other than it says`;
  for (const message of state.messages.values())
    if (!same(message.owed, owedByMessage(state, message))) return `message "${message.id}" owes other than it says`;
  for (const status of TASK_STATUSES)
    if (counts[status] !== state.counts[status]) return `counts ${state.counts[status]} ${status}, has ${counts[status]}`;
  if (open !== state.open) return `counts ${state.open} open tasks, has ${open}`;
  if (active !== state.active || people !== state.people)
    return `counts ${state.active}/${state.people} moved by engine/people, has ${active}/${people}`;
  if (failures !== state.failures) return `counts ${state.failures} failures, has ${failures}`;
  for (const measure of MEASURES)
    if (Math.abs(reserved[measure] - state.reserved[measure]) > 1e-6)
      return `reserved ${measure} is ${state.reserved[measure]}, tasks hold ${reserved[measure]}`;
  if (RUN_TERMINAL.has(state.status) && promotion !== undefined) return `run is ${state.status} in the middle of a promotion`;
  if (RUN_TERMINAL.has(state.status)) return open > 0 ? `run is ${state.status} with ${open} open tasks` : undefined;
  const holds = promotion !== undefined || promotionDue(state).length > 0;
  if (open === 0 && state.status !== 'awaiting-approval' && !holds) return `run is ${state.status} without open tasks`;
  if ((state.status === 'running' || state.status === 'cancelling') && active === 0 && people === 0) {
    const open = [...state.tasks.values()].filter((task) => !TERMINAL.has(task.status));
    return `in nobody’s queue: ${open.map((task) => `"${task.spec.id}" ${task.status}`).join(', ')}`;
  }
  return undefined;
}

const same = (a: readonly { readonly id: string }[], b: readonly { readonly id: string }[]): boolean =>
  a.length === b.length && a.every((owed, i) => owed.id === b[i]?.id);
