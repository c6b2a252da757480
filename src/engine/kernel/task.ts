/**
 * The life of a task.
 *
 * A task is `pending` until every need is terminal. Then it is `skipped` when a need's end forbids it, else `ready`.
 * A ready task may first have its expressions resolved, wait for a person (`awaiting-start`), for its claims, for the
 * time of its retry, and for its container to let it in; then it owes a start, and a free slot makes it `running`.
 * A result makes it `validating` while gates look at it, `awaiting-result` while a person does, and `committed` at the
 * end; where nothing is to be checked, `running` goes straight to `committed`. A failed gate or attempt sends it back
 * to `ready`, as long as its rules allow. `undecided` means that an attempt may have happened and nobody knows;
 * `blocked` that nobody can do it: both wait for a decision. `committed`, `failed`, `skipped` and `cancelled` are final.
 *
 * This file owns the transitions, the counters, what a task owes, and what its end means for its neighbours.
 * Whoever changes a record takes it out of the counters with `leave` and puts it back with `enter`.
 */
import { redeliver } from './message.ts';
import { orderKey } from './order.ts';
import { type Owed, type OwedChange, owe } from './owed.ts';
import { claimsIn, type TaskSpec } from './plan.ts';
import { NO_ENTRIES, NONE, NOTHING_SPENT, type RunState, type TaskRecord, type TaskStatus, TERMINAL, touch, treeOf } from './state.ts';

const TRANSITIONS: { readonly [From in TaskStatus]: readonly TaskStatus[] } = {
  pending: ['ready', 'skipped', 'cancelled'],
  ready: ['awaiting-start', 'running', 'committed', 'failed', 'skipped', 'cancelled', 'blocked'],
  'awaiting-start': ['ready', 'failed', 'cancelled'],
  running: ['validating', 'committed', 'ready', 'undecided', 'failed', 'cancelled'],
  validating: ['awaiting-result', 'committed', 'ready', 'failed', 'cancelled'],
  'awaiting-result': ['committed', 'validating', 'ready', 'failed', 'cancelled'],
  undecided: ['ready', 'committed', 'failed', 'cancelled'],
  blocked: ['ready', 'cancelled'],
  committed: [],
  failed: [],
  skipped: [],
  cancelled: [],
};
export const transitions = TRANSITIONS;

/** Who moves a task on: the engine, a person, its needs or children, or nobody. */
export function mover(task: TaskRecord): 'engine' | 'person' | 'others' | 'nobody' {
  switch (task.status) {
    case 'pending':
      return 'others';
    case 'ready':
      return waitsForContainer(task) ? 'others' : 'engine';
    case 'running':
      if (task.spec.kind === 'work') return 'engine';
      if (task.spec.kind === 'container') return task.children && task.children.open > 0 ? 'others' : 'engine';
      return 'person';
    case 'validating':
      return task.stalled === undefined ? 'engine' : 'person';
    case 'awaiting-start':
    case 'awaiting-result':
    case 'blocked':
      return 'person';
    case 'undecided':
      return task.probing ? 'engine' : 'person';
    default:
      return 'nobody';
  }
}

/** Tasks that are `always` run even when a run is cancelled; nothing of a plan that was never approved runs. */
export const runsAnyway = (state: RunState, task: TaskRecord): boolean => task.always && state.refused !== true;

const waitsForContainer = (task: TaskRecord): boolean => task.spec.parent !== undefined && task.admitted !== true;

export function taskOf(state: RunState, id: string): TaskRecord {
  const task = state.tasks.get(id);
  if (!task) throw new Error(`run ${state.id} has no task "${id}"`);
  return task;
}

export function newTask(state: RunState, spec: TaskSpec): TaskRecord {
  const parent = spec.parent === undefined ? undefined : taskOf(state, spec.parent);
  const always = spec.always === true || parent?.always === true;
  const task: TaskRecord = {
    spec,
    index: state.made,
    status: 'pending',
    open: 0,
    dependents: NONE,
    attempt: 0,
    failures: NO_ENTRIES,
    reworks: 0,
    feedback: NONE,
    verdicts: NO_ENTRIES,
    steps: NO_ENTRIES,
    reserved: NO_ENTRIES,
    spent: NOTHING_SPENT,
    lost: NONE,
    always,
    depth: parent ? parent.depth + 1 : 0,
    dirty: false,
    owed: NONE,
  };
  if (spec.kind === 'container') task.children = { open: 0, admitted: 0, held: [], round: 0, ids: [] };
  state.made++;
  state.open++;
  state.tasks.set(spec.id, task);
  return task;
}

/** Takes a task out of the counters, so that it may be changed; what was due of it is decided anew. */
export function leave(state: RunState, task: TaskRecord): void {
  if (state.due.size > 0) state.due.delete(task.spec.id);
  if (task.replacedBy !== undefined) return;
  state.counts[task.status]--;
  const who = mover(task);
  if (who === 'engine') state.active--;
  else if (who === 'person') state.people--;
}

/** Puts a changed task back, and says what it owes now. */
export function enter(state: RunState, task: TaskRecord, change: OwedChange): void {
  if (task.replacedBy === undefined) {
    state.counts[task.status]++;
    const who = mover(task);
    if (who === 'engine') state.active++;
    else if (who === 'person') state.people++;
  }
  touch(state, task);
  if (task.status === 'ready') {
    if (wantsClaim(task) && mayStart(state, task)) task.claim = 'asking';
    if (dueWhenReady(state, task)) state.due.add(task.spec.id);
  }
  if (task.change !== undefined || state.tree?.queue.length) queueUp(state, task, change);
  owe(task, owedByTask(state, task), change);
  if (task.calls !== undefined) withdrawCalls(state, task, change);
  if (state.messages.size > 0) redeliver(state, task.spec.id, change);
}

/** What an attempt asked leave for is over with it. */
function withdrawCalls(state: RunState, task: TaskRecord, change: OwedChange): void {
  if (task.status === 'running' && !task.stopping) return;
  for (const id of task.calls ?? []) withdraw(state, id, change);
  delete task.calls;
}

function withdraw(state: RunState, id: string, change: OwedChange): void {
  const approval = state.approvals.get(id);
  if (approval?.status !== 'open') return;
  approval.status = 'withdrawn';
  owe(approval, [], change);
}

/** A change that is being checked has its place in the queue of the integration tree; any other has none. */
function queueUp(state: RunState, task: TaskRecord, change: OwedChange): void {
  const { queue } = treeOf(state);
  const at = queue.indexOf(task.spec.id);
  const queues = task.status === 'validating' && task.change !== undefined && task.stalled === undefined;
  if (queues && at < 0) queue.push(task.spec.id);
  if (queues || at < 0) return;
  queue.splice(at, 1);
  const next = at === 0 ? queue[0] : undefined;
  if (next === undefined) return;
  const first = taskOf(state, next);
  owe(first, owedByTask(state, first), change);
}

/** @throws Error when the life of a task has no such step: nothing illegal can be stored. */
export function move(task: TaskRecord, to: TaskStatus): void {
  if (!TRANSITIONS[task.status].includes(to)) throw new Error(`task "${task.spec.id}" can't go from ${task.status} to ${to}`);
  task.status = to;
}

/** Leaves the record in its new status, terminal or not, and tells the neighbours of an end. */
export function arrive(state: RunState, task: TaskRecord, to: TaskStatus, at: number, change: OwedChange): void {
  leave(state, task);
  move(task, to);
  if (TERMINAL.has(to)) end(state, task, at, change);
  enter(state, task, change);
}

/** What the end of a task means for those around it. The task is out of the counters and has its final status. */
export function end(state: RunState, task: TaskRecord, at: number, change: OwedChange): void {
  task.endedAt = at;
  state.open--;
  if (task.status === 'failed' && tolerated(task) === false) state.failures++;
  for (const id of task.dependents) {
    const dependent = taskOf(state, id);
    if (TERMINAL.has(dependent.status)) continue;
    leave(state, dependent);
    dependent.open--;
    wake(state, dependent);
    enter(state, dependent, change);
  }
  if (task.spec.parent !== undefined) childEnded(state, task, change);
  if (state.messages.size > 0)
    for (const message of state.messages.values())
      if (message.task === task.spec.id && message.status === 'waiting') state.due.add(message.id);
  if (state.approvals.size === 0) return;
  for (const id of [`start:${task.spec.id}`, `task:${task.spec.id}`, `result:${task.spec.id}:${task.attempt}`]) withdraw(state, id, change);
}

/** A failure at the top level that nobody tolerates fails the run; one inside a container is its container's business. */
export const tolerated = (task: TaskRecord): boolean => task.spec.parent !== undefined || task.spec.continueOnError === true;

/** Does the end of `need` forbid what depends on it? */
const forbids = (need: TaskRecord): boolean =>
  (need.status === 'failed' && need.spec.continueOnError !== true) ||
  need.status === 'cancelled' ||
  (need.status === 'skipped' && need.cause?.cause === 'need');

/** Decides what a pending task becomes once nothing it needs is open. Call between `leave` and `enter`. */
export function wake(state: RunState, task: TaskRecord): void {
  if (task.status !== 'pending' || task.open > 0 || state.status === 'awaiting-approval' || state.status === 'planning') return;
  const bad = task.spec.needs.find((need) => forbids(taskOf(state, need)));
  if (bad !== undefined && !runsAnyway(state, task)) {
    task.bad = bad;
    state.due.add(task.spec.id);
  } else if (state.status === 'cancelling' && !runsAnyway(state, task)) {
    state.due.add(task.spec.id);
  } else {
    move(task, 'ready');
    admit(state, task);
  }
}

/** Lets a child in, or makes it queue for its container. */
function admit(state: RunState, task: TaskRecord): void {
  if (task.spec.parent === undefined || task.admitted) return;
  const { parent, children } = familyOf(state, task);
  touch(state, parent);
  if (children.admitted < (parent.spec.maxParallel ?? Number.POSITIVE_INFINITY)) {
    children.admitted++;
    task.admitted = true;
  } else children.held.push(task.spec.id);
}

/** The container that a task was made by, and what it knows of all it made. */
function familyOf(
  state: RunState,
  child: TaskRecord,
): { readonly parent: TaskRecord; readonly children: NonNullable<TaskRecord['children']> } {
  const parent = taskOf(state, child.spec.parent ?? '');
  const { children } = parent;
  if (!children) throw new Error(`task "${parent.spec.id}" is no container`);
  return { parent, children };
}

/** A child gives its place to the next that waits for one. */
export function stepBack(state: RunState, child: TaskRecord, change: OwedChange): void {
  const { parent, children } = familyOf(state, child);
  touch(state, parent);
  if (child.admitted) children.admitted--;
  delete child.admitted;
  children.held = children.held.filter((id) => id !== child.spec.id);
  admitNext(state, parent, children, change);
}

function admitNext(state: RunState, parent: TaskRecord, children: NonNullable<TaskRecord['children']>, change: OwedChange): void {
  while (children.held.length > 0 && children.admitted < (parent.spec.maxParallel ?? Number.POSITIVE_INFINITY)) {
    const next = taskOf(state, children.held.shift() ?? '');
    if (next.status !== 'ready') continue;
    leave(state, next);
    admit(state, next);
    enter(state, next, change);
  }
}

/** A child that a change drops; without any that is open its container is visited again. */
export function dropChild(state: RunState, child: TaskRecord, change: OwedChange): void {
  const { parent, children } = familyOf(state, child);
  leave(state, parent);
  children.ids = children.ids.filter((id) => id !== child.spec.id);
  children.open--;
  stepBack(state, child, change);
  enter(state, parent, change);
}

function childEnded(state: RunState, child: TaskRecord, change: OwedChange): void {
  const { parent, children } = familyOf(state, child);
  leave(state, parent);
  children.open--;
  if (child.admitted) children.admitted--;
  admitNext(state, parent, children, change);
  if (children.open === 0 && state.status === 'cancelling' && !runsAnyway(state, parent)) state.due.add(parent.spec.id);
  enter(state, parent, change);
}

/** A container does nothing itself: if it held a path, its own children would wait for it for ever. */
const wantsClaim = (task: TaskRecord): boolean =>
  task.spec.kind !== 'container' && (task.spec.claims?.length ?? 0) > 0 && task.claim === undefined;

/** Resolved, approved and let in: what is left is to wait for its claims, its time and a slot. */
function mayStart(state: RunState, task: TaskRecord): boolean {
  return (
    task.status === 'ready' &&
    state.status !== 'paused' &&
    !waitsForContainer(task) &&
    !needsResolving(task) &&
    !(task.spec.approval?.at === 'start' && !task.approved) &&
    hasTree(state, task) &&
    task.restoring === undefined
  );
}

const hasTree = (state: RunState, task: TaskRecord): boolean => !task.spec.tree || state.tree?.head !== undefined;

/** The tree it would work in can't be had. */
export const treeFailed = (state: RunState, task: TaskRecord): boolean => task.spec.tree === true && state.tree?.failure !== undefined;

/** Containers are resolved once a person allowed them; others before a person is asked, who approves what was resolved. */
const needsResolving = (task: TaskRecord): boolean =>
  task.spec.kind !== 'container' && task.spec.resolve === true && task.inputs === undefined;

/** A ready task whose next fact needs neither a slot nor a resolver: asking a person. */
function dueWhenReady(state: RunState, task: TaskRecord): boolean {
  if (state.status === 'paused' || waitsForContainer(task) || needsResolving(task)) return false;
  if (state.status === 'cancelling' && !runsAnyway(state, task)) return false;
  if (treeFailed(state, task)) return true;
  if (!hasTree(state, task)) return false;
  if (task.spec.approval?.at === 'start' && !task.approved) return true;
  return (
    (task.spec.kind === 'question' || task.spec.kind === 'decision') &&
    task.retryAt === undefined &&
    (task.claim === 'held' || !task.spec.claims?.length)
  );
}

export const requestId = (run: string, task: string): string => `${run}/${task}`;

/** What a task owes, from its record alone (and whether the run is paused). */
export function owedByTask(state: RunState, task: TaskRecord): readonly Owed[] {
  const id = task.spec.id;
  if (TERMINAL.has(task.status))
    return task.claim === 'asking' || task.claim === 'held'
      ? [{ type: 'release', id: `release:${id}`, task: id, request: requestId(state.id, id) }]
      : NOTHING;
  switch (task.status) {
    case 'ready':
      return owedWhenReady(state, task);
    case 'running':
      return owedWhenRunning(state, task);
    case 'validating':
      return owedWhenValidating(state, task);
    case 'undecided':
      if (task.restoring) return [restoreOf(id, task.restoring)];
      return task.probing
        ? [{ type: 'probe', id: `probe:${id}:${task.attempt}`, task: id, attempt: task.attempt }]
        : [{ type: 'notify', id: `notify:undecided:${id}:${task.attempt}`, what: 'undecided', subject: id }];
    case 'blocked':
      return [{ type: 'notify', id: `notify:blocked:${id}:${task.attempt}`, what: 'blocked', subject: id }];
    default:
      return NOTHING;
  }
}
const NOTHING: readonly Owed[] = [];

const restoreOf = (task: string, restoring: NonNullable<TaskRecord['restoring']>): Owed => ({
  type: 'restore',
  id: `restore:${task}:${restoring.to}`,
  task,
  ...restoring,
});

/** First the merge, where something was changed, then the gates. */
function owedWhenValidating(state: RunState, task: TaskRecord): readonly Owed[] {
  const { spec, attempt, change, base, merged, result } = task;
  const { id } = spec;
  if (change !== undefined && merged === undefined) {
    const { queue, head: onto } = treeOf(state);
    if (queue[0] !== id || task.stalled !== undefined || onto === undefined || base === undefined) return NOTHING;
    return [{ type: 'integrate', id: `integrate:${id}:${attempt}:${onto}`, task: id, attempt, change, base, onto }];
  }
  if (result === undefined || task.stalled !== undefined) return NOTHING;
  const tree = merged?.tree ?? (spec.tree ? base : undefined);
  return (spec.gates ?? []).flatMap((_, gate): Owed[] => {
    if (task.verdicts[gate] !== undefined) return [];
    const owed = { type: 'gate', task: id, attempt, gate, result } as const;
    return [
      tree === undefined
        ? { ...owed, id: `gate:${id}:${attempt}:${gate}` }
        : { ...owed, id: `gate:${id}:${attempt}:${gate}:${tree}`, tree },
    ];
  });
}

function owedWhenReady(state: RunState, task: TaskRecord): readonly Owed[] {
  const id = task.spec.id;
  if (task.restoring) return [restoreOf(id, task.restoring)];
  if (state.status === 'paused' || waitsForContainer(task)) return NOTHING;
  if (needsResolving(task)) return [{ type: 'resolve', id: `resolve:${id}:0`, task: id, round: 0 }];
  if (!mayStart(state, task)) return NOTHING;
  if (task.claim === 'asking')
    return [
      {
        type: 'acquire',
        id: `acquire:${id}`,
        task: id,
        request: requestId(state.id, id),
        scope: state.plan.scope ?? '',
        claims: claimsIn(state.plan, task.spec),
        key: orderKey(state, task.spec),
      },
    ];
  if (task.retryAt !== undefined)
    return [{ type: 'timer', id: `timer:retry:${id}:${task.attempt}`, timer: `retry:${id}:${task.attempt}`, at: task.retryAt }];
  if (task.spec.kind === 'container') return [{ type: 'resolve', id: `resolve:${id}:0`, task: id, round: 0 }];
  if (task.spec.kind !== 'work') return NOTHING;
  const attempt = task.attempt + 1;
  return [
    {
      type: 'start',
      id: task.remade === undefined ? `start:${id}:${attempt}` : `start:${id}:${attempt}:${task.remade}`,
      task: id,
      attempt,
      agent: task.spec.agent ?? '',
      key: orderKey(state, task.spec),
      index: task.index,
    },
  ];
}

function owedWhenRunning(state: RunState, task: TaskRecord): readonly Owed[] {
  const id = task.spec.id;
  if (task.spec.kind === 'container') {
    const children = task.children;
    return children && children.open === 0 && state.status !== 'paused'
      ? [{ type: 'resolve', id: `resolve:${id}:${children.round}`, task: id, round: children.round }]
      : NOTHING;
  }
  if (task.spec.kind === 'question')
    return [{ type: 'notify', id: `notify:question:${id}:${task.attempt}`, what: 'question', subject: id }];
  if (task.spec.kind === 'decision') return NOTHING;
  if (task.stopping) return [{ type: 'stop', id: `stop:${id}:${task.attempt}`, task: id, attempt: task.attempt }];
  return [{ type: 'attempt', id: `attempt:${id}:${task.attempt}`, task: id, attempt: task.attempt, agent: task.agent ?? '' }];
}
