/**
 * The life of a run: `planning → awaiting-approval? → running ⇄ paused | waiting → succeeded | failed | cancelled`.
 *
 * `waiting` is derived: nothing can move on but by a person. `paused` starts nothing new; what runs may finish. A cancel
 * closes the door first: no task starts any more but those that always run, running attempts are asked to stop, and the
 * run stays `cancelling` until the last of all these has ended. A run ends when no task is open; `retry` then adds a
 * new segment, and what was stored stays.
 */
import { denied } from './approval.ts';
import { retried } from './change.ts';
import type { RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { type Owed, type OwedChange, owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import { setPromotion } from './promotion.ts';
import { RUN_TERMINAL, type RunState, TASK_STATUSES, type TaskRecord, type TaskStatus, TERMINAL } from './state.ts';
import { enter, leave, runsAnyway, taskOf } from './task.ts';

export function newRun(id: string, fact: Extract<RunFact, { type: 'run.created' }>, at: number): RunState {
  return {
    id,
    status: fact.plan.approval ? 'awaiting-approval' : 'planning',
    seq: 0,
    at,
    plan: fact.plan,
    by: fact.by,
    limits: fact.plan.limits,
    version: 0,
    segment: fact.segment,
    submittedAt: at,
    since: at,
    tasks: new Map(),
    approvals: new Map(),
    messages: new Map(),
    commands: new Map(),
    latest: new Map(),
    counts: Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])) as Record<TaskStatus, number>,
    open: 0,
    attempts: 0,
    made: 0,
    active: 0,
    people: 0,
    failures: 0,
    spent: { costUsd: 0, tokens: 0, calls: 0 },
    reserved: { costUsd: 0, tokens: 0, calls: 0 },
    warned: [],
    ...(fact.plan.tree ? { tree: { queue: [], promotions: 0, done: [] } } : {}),
    due: new Set(),
    owed: [],
    dirty: [],
  };
}

const over = (state: RunState) => refuse('RUN_ENDED', `run ${state.id} is ${state.status}`, { hint: 'Retry it to add a new segment.' });

export const runDeciders = {
  'run.pause'(state, command) {
    if (RUN_TERMINAL.has(state.status) || state.status === 'cancelling' || state.endedAs) return over(state);
    if (state.status === 'paused') return refuse('RUN_PAUSED', `run ${state.id} is paused already`);
    if (state.status === 'awaiting-approval') return refuse('RUN_PAUSED', `run ${state.id} has not begun: its plan waits for approval`);
    return [{ type: 'run.paused', by: command.by.id, reason: 'asked', ...(command.note === undefined ? {} : { note: command.note }) }];
  },
  'run.resume'(state, command) {
    if (RUN_TERMINAL.has(state.status) || state.status === 'cancelling') return over(state);
    if (state.status !== 'paused' && !command.limits) return refuse('RUN_NOT_PAUSED', `run ${state.id} is ${state.status}, not paused`);
    return [{ type: 'run.resumed', by: command.by.id, ...(command.limits ? { limits: command.limits } : {}) }];
  },
  'run.cancel'(state, command) {
    if (RUN_TERMINAL.has(state.status) || state.status === 'cancelling' || state.endedAs) return over(state);
    return [{ type: 'run.cancelling', by: command.by.id, reason: command.reason ?? 'asked' }];
  },
  'run.retry'(state, command) {
    const task = command.task === undefined ? undefined : state.tasks.get(command.task);
    if (task?.status === 'blocked') return [{ type: 'task.unblocked', task: task.spec.id, by: command.by.id }];
    if (task?.stalled !== undefined) return [{ type: 'change.resumed', task: task.spec.id, by: command.by.id }];
    if (!RUN_TERMINAL.has(state.status))
      return refuse('RUN_NOT_ENDED', `run ${state.id} is ${state.status}`, { hint: 'Wait for its end, or cancel it first.' });
    return retried(state, command.by.id, command.task);
  },
  'timer.fire'(state, command, at) {
    const owed = timerOf(state, command.timer);
    if (!owed || owed.at > at)
      return refuse('TIMER_OVER', owed ? `timer "${command.timer}" is not due yet` : `timer "${command.timer}" is not owed`);
    const fired: RunFact = { type: 'timer.fired', timer: command.timer };
    if (command.timer === 'wallTime') {
      const limit = state.limits.wallTimeMs ?? 0;
      const paused: RunFact[] =
        state.status === 'paused' ? [] : [{ type: 'run.paused', by: 'baton', reason: 'budget', note: `wallTime limit ${limit} ms` }];
      return [fired, { type: 'budget.exhausted', scope: 'run', measure: 'wallTime', limit }, ...paused];
    }
    const approval = command.timer.startsWith('approval:') ? state.approvals.get(command.timer.slice('approval:'.length)) : undefined;
    if (!approval) return [fired];
    return approval.rule.onTimeout === 'escalate'
      ? [fired, { type: 'approval.escalated', approval: approval.id }]
      : [fired, ...denied(state, approval, 'timeout')];
  },
  'grant.received'(state, command) {
    const task = state.tasks.get(command.task);
    return task?.claim === 'asking' && !TERMINAL.has(task.status) ? [{ type: 'claim.held', task: command.task, epoch: command.epoch }] : [];
  },
  'grant.returned'(state, command) {
    const task = state.tasks.get(command.task);
    return task && TERMINAL.has(task.status) && (task.claim === 'held' || task.claim === 'asking')
      ? [{ type: 'claim.returned', task: command.task }]
      : [];
  },
} satisfies Partial<Deciders>;

function timerOf(state: RunState, timer: string): Extract<Owed, { type: 'timer' }> | undefined {
  const [kind, ...rest] = timer.split(':');
  const holder =
    kind === 'retry' ? state.tasks.get(rest.slice(0, -1).join(':')) : kind === 'approval' ? state.approvals.get(rest.join(':')) : state;
  return holder?.owed.find((owed): owed is Extract<Owed, { type: 'timer' }> => owed.type === 'timer' && owed.timer === timer);
}

export const runEvolvers = {
  // The state itself is made by `evolve`, which has no state to give before this fact.
  'run.created'(state, _fact, _at, change) {
    owe(state, owedByRun(state), change);
  },
  'run.paused'(state, fact, _at, change) {
    state.status = 'paused';
    state.pausedBy = fact.reason;
    reenter(state, change);
  },
  'run.resumed'(state, fact, _at, change) {
    if (state.status === 'paused') state.status = 'running';
    delete state.pausedBy;
    if (fact.limits) {
      state.limits = { ...state.limits, ...fact.limits };
      state.warned = [];
      delete state.wallTimeOver;
    }
    owe(state, owedByRun(state), change);
    reenter(state, change);
  },
  'run.cancelling'(state, _fact, _at, change) {
    if (state.status === 'awaiting-approval') state.refused = true;
    state.status = 'cancelling';
    delete state.pausedBy;
    owe(state, owedByRun(state), change);
    for (const approval of state.approvals.values())
      if (approval.task === undefined && approval.status === 'open') {
        approval.status = 'withdrawn';
        if (approval.subject === 'promotion') setPromotion(state, undefined);
        owe(approval, [], change);
      }
    for (const task of state.tasks.values()) {
      if (TERMINAL.has(task.status)) continue;
      leave(state, task);
      if (!runsAnyway(state, task)) stop(state, task);
      enter(state, task, change);
    }
  },
  'run.ended'(state, fact, at, change) {
    state.status = fact.outcome;
    state.endedAt = at;
    delete state.pausedBy;
    delete state.endedAs;
    owe(state, owedByRun(state), change);
    for (const approval of state.approvals.values())
      if (approval.subject === 'change' && approval.status === 'open') {
        approval.status = 'withdrawn';
        owe(approval, [], change);
      }
  },
  'timer.fired'(state, fact, _at, change) {
    if (!fact.timer.startsWith('retry:')) return;
    const task = taskOf(state, fact.timer.slice('retry:'.length).split(':').slice(0, -1).join(':'));
    leave(state, task);
    delete task.retryAt;
    enter(state, task, change);
  },
  'claim.held'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.claim = 'held';
    task.claimEpoch = fact.epoch;
    enter(state, task, change);
  },
  'claim.returned'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.claim = 'returned';
    enter(state, task, change);
  },
} satisfies Partial<Evolvers>;

/** Asks a running attempt to stop; what does not run is due to be cancelled at once. */
function stop(state: RunState, task: TaskRecord): void {
  if (task.status === 'running' && task.spec.kind === 'work') task.stopping = true;
  else if (!(task.status === 'running' && (task.children?.open ?? 0) > 0)) state.due.add(task.spec.id);
}

/** Ready tasks and waiting containers owe nothing while the run is paused. */
function reenter(state: RunState, change: OwedChange): void {
  for (const task of state.tasks.values())
    if (task.status === 'ready' || (task.status === 'running' && task.spec.kind === 'container')) {
      leave(state, task);
      enter(state, task, change);
    }
}

/** `running` or `waiting`, from who can move the run on. */
export function deriveStatus(state: RunState): void {
  if (state.status === 'running' && state.active === 0 && state.people > 0) state.status = 'waiting';
  else if (state.status === 'waiting' && (state.active > 0 || state.people === 0)) state.status = 'running';
}
