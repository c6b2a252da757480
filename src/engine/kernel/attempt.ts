/**
 * The life of an attempt: one try at a task by one agent.
 *
 * It begins when a slot was free. It ends once: with a result, with a failure, or `lost` when whoever performed it is
 * gone. A result goes to the gates or straight to the commit. A failure is retried as its class allows, but only where
 * a repeat is harmless: the task is idempotent, or nothing had reached the outside world. Otherwise nobody knows what
 * happened; a probe looks, then the `onLost` rule speaks, then a person. Being asked to stop is not an end: the attempt
 * runs until its performer says that it is gone. What arrives after the end is stored as late and changes nothing.
 */
import { settleReservations, spend } from './budget.ts';
import { committed } from './committed.ts';
import type { RunFact } from './facts.ts';
import { type Decided, type Deciders, type Evolvers, refuse } from './machine.ts';
import type { OwedChange } from './owed.ts';
import type { Commit, Failure, Hash, Usage } from './plan.ts';
import { CLASS_RULES, nextTryIn } from './retry.ts';
import { type RunState, type TaskRecord, touch, treeOf } from './state.ts';
import { arrive, end, enter, leave, move, taskOf } from './task.ts';

export const attemptDeciders = {
  'task.start'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (!task.owed.some((owed) => owed.type === 'start' && owed.attempt === command.attempt))
      return refuse('TASK_NOT_READY', `task "${command.task}" owes no start of attempt ${command.attempt}`);
    const { agent } = task.spec;
    const base = baseOf(state, task);
    return [
      {
        type: 'task.started',
        task: command.task,
        attempt: command.attempt,
        ...(agent === undefined ? {} : { agent }),
        ...(base === undefined ? {} : { base }),
      },
    ];
  },
  'task.block'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (!task.owed.some((owed) => owed.type === 'start')) return refuse('TASK_NOT_READY', `task "${command.task}" owes no start`);
    return [{ type: 'task.blocked', task: command.task, reason: command.reason }];
  },
  'attempt.end'(state, command, at) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    const { attempt, outcome } = command;
    if (task.status !== 'running' || task.attempt !== attempt) {
      if (!task.lost.includes(attempt)) return refuse('ATTEMPT_OVER', `attempt ${attempt} of "${command.task}" is over`);
      return [{ type: 'attempt.late', task: command.task, attempt, ...(outcome.ok ? { result: outcome.result } : {}) }];
    }
    const ended = { ...(outcome.ms === undefined ? {} : { ms: outcome.ms }), ...(outcome.usage ? { usage: outcome.usage } : {}) };
    if (task.stopping) return [{ type: 'task.cancelled', task: command.task, ...(outcome.ok ? { late: outcome.result } : {}), ...ended }];
    if (outcome.ok) return succeeded(task, outcome.result, ended, task.spec.tree ? outcome.change : undefined);
    return failed(state, task, outcome.failure, ended, at);
  },
  'attempt.lose'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'running' || task.attempt !== command.attempt || task.spec.kind !== 'work')
      return refuse('ATTEMPT_OVER', `attempt ${command.attempt} of "${command.task}" is over`);
    const lost = { type: 'attempt.lost', task: command.task, attempt: command.attempt } as const;
    if (task.stopping)
      return [
        { ...lost, again: false },
        { type: 'task.cancelled', task: command.task },
      ];
    const { spec } = task;
    const repeatable = spec.idempotent === true || (spec.onLost === 'retry' && !spec.probe);
    if (repeatable && (task.failures.lost ?? 0) + 1 < CLASS_RULES.lost.attempts) return [{ ...lost, again: true }];
    return [{ ...lost, again: false }, ...(spec.probe ? [] : unknown(task, 'lost'))];
  },
  'probe.end'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'undecided' || !task.probing || task.attempt !== command.attempt)
      return refuse('ATTEMPT_OVER', `no probe is looking for attempt ${command.attempt} of "${command.task}"`);
    const judged: RunFact = { type: 'probe.judged', task: command.task, attempt: command.attempt, verdict: command.verdict };
    if (command.verdict === 'happened') {
      if (command.result === undefined) return refuse('RESULT_MISSING', 'a probe that found the effect must bring its result');
      return [judged, { type: 'task.committed', task: command.task, attempt: command.attempt, result: command.result }];
    }
    return command.verdict === 'absent' ? [judged] : [judged, ...unknown(task, 'lost')];
  },
  'task.decide'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (task.status !== 'undecided') return refuse('TASK_NOT_UNDECIDED', `task "${command.task}" is ${task.status}, not undecided`);
    const decided: RunFact = {
      type: 'task.decided',
      task: command.task,
      by: command.by.id,
      decision: command.decision,
      ...(command.result === undefined ? {} : { result: command.result }),
    };
    if (command.decision === 'retry') return [decided];
    if (command.decision === 'fail') return [decided, failedBy(task, `decided by ${command.by.id}`)];
    if (command.result === undefined) return refuse('RESULT_MISSING', 'deciding that it happened needs its result');
    return [decided, { type: 'task.committed', task: command.task, attempt: task.attempt, result: command.result }];
  },
  'question.answer'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (task.spec.kind !== 'question' || task.status !== 'running')
      return refuse('NOT_A_QUESTION', `task "${command.task}" is not waiting for an answer (${task.spec.kind}, ${task.status})`);
    return succeeded(task, command.result, {});
  },
} satisfies Partial<Deciders>;

function succeeded(
  task: TaskRecord,
  result: Hash,
  ended: { readonly ms?: number; readonly usage?: Usage },
  change?: Commit,
): readonly RunFact[] {
  const { spec, attempt } = task;
  const checked = change !== undefined || (spec.gates?.length ?? 0) > 0;
  if (!checked && spec.approval?.at !== 'result') return [{ type: 'task.committed', task: spec.id, attempt, result, ...ended }];
  const succeeded: RunFact = {
    type: 'attempt.succeeded',
    task: spec.id,
    attempt,
    result,
    ...(change === undefined ? {} : { change }),
    ...ended,
  };
  return checked ? [succeeded] : [succeeded, ...committed({ ...task, result })];
}

/** A task that a person let start begins with the tree that person saw; any other with the tree as it stands. */
const baseOf = (state: RunState, task: TaskRecord): Commit | undefined =>
  !task.spec.tree ? undefined : task.spec.approval?.at === 'start' && task.reworks === 0 && task.base ? task.base : state.tree?.head;

function failed(
  state: RunState,
  task: TaskRecord,
  failure: Failure,
  ended: { readonly ms?: number; readonly usage?: Usage },
  at: number,
): Decided {
  const { spec, attempt } = task;
  const retry = (retryAt: number | undefined): RunFact => ({
    type: 'attempt.failed',
    task: spec.id,
    attempt,
    failure,
    ...(retryAt === undefined ? {} : { retryAt }),
    ...ended,
  });
  // The machine was in the way, which trying again would not change: a person has to clear it first.
  if (failure.holds)
    return spec.idempotent || failure.dispatched === false
      ? [retry(at), { type: 'task.blocked', task: spec.id, reason: failure.message }]
      : [retry(undefined)];
  // Out of budget is no fault of the task: it goes on when the run is resumed with more.
  const outOfBudget = failure.class === 'budget' && state.status === 'paused' && state.pausedBy === 'budget';
  const wait = outOfBudget ? 0 : nextTryIn(task, failure, `${state.id}/${spec.id}/${attempt}`);
  if (wait === undefined) return [{ type: 'task.failed', task: spec.id, attempt, failure, ...ended }];
  if (spec.idempotent || failure.dispatched === false) return [retry(at + wait)];
  return [retry(undefined), ...(spec.probe ? [] : unknown(task, failure.class))];
}

/** What the `onLost` rule says of an attempt that may have happened. */
function unknown(task: TaskRecord, why: string): RunFact[] {
  if (task.spec.onLost === 'retry') return [{ type: 'task.decided', task: task.spec.id, by: 'onLost', decision: 'retry' }];
  if (task.spec.onLost === 'fail') return [failedBy(task, `${why}; onLost: fail`)];
  return [];
}
const failedBy = (task: TaskRecord, why: string): RunFact => ({
  type: 'task.failed',
  task: task.spec.id,
  attempt: task.attempt,
  failure: { class: 'lost', code: 'ATTEMPT_UNKNOWN', message: `Nobody knows whether attempt ${task.attempt} happened: ${why}.` },
});

/** Clears what belonged to one attempt. */
function over(task: TaskRecord): void {
  if (task.spec.gates) task.verdicts = {};
  // Most of them are not there, and taking away what is not there costs more than a look.
  for (const field of OF_ONE_ATTEMPT) if (task[field] !== undefined) delete task[field];
}
const OF_ONE_ATTEMPT = ['result', 'change', 'merged', 'accepted', 'stalled', 'restoring', 'stopping', 'probing'] as const;

export const attemptEvolvers = {
  'task.started'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    move(task, 'running');
    over(task);
    task.attempt = fact.attempt;
    state.attempts++;
    task.startedAt = at;
    task.inputs ??= task.spec.work;
    if (fact.agent !== undefined) task.agent = fact.agent;
    if (fact.base !== undefined) task.base = fact.base;
    enter(state, task, change);
  },
  'task.committed'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    settleReservations(state, task, 'done');
    spend(state, task, fact.usage);
    task.result = fact.result;
    if (fact.tree !== undefined) grow(state, task, fact.tree, change);
    // Who was to move it on is counted by what it was until now, its probe included.
    arrive(state, task, 'committed', at, change);
    delete task.probing;
  },
  'task.failed'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    settleReservations(state, task, fact.failure.class);
    spend(state, task, fact.usage);
    task.failure = fact.failure;
    arrive(state, task, 'failed', at, change);
    delete task.probing;
  },
  'task.skipped'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    move(task, 'skipped');
    task.cause = fact.cause;
    end(state, task, at, change);
    enter(state, task, change);
  },
  'task.cancelled'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    settleReservations(state, task, 'cancelled');
    spend(state, task, fact.usage);
    over(task);
    move(task, 'cancelled');
    end(state, task, at, change);
    enter(state, task, change);
  },
  'task.blocked'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    task.reason = fact.reason;
    arrive(state, task, 'blocked', at, change);
  },
  'task.unblocked'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    delete task.reason;
    arrive(state, task, 'ready', at, change);
  },
  'task.decided'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    if (fact.decision === 'retry') arrive(state, task, 'ready', at, change);
  },
  'attempt.succeeded'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    settleReservations(state, task, 'done');
    spend(state, task, fact.usage);
    task.result = fact.result;
    if (fact.change !== undefined) task.change = fact.change;
    arrive(state, task, 'validating', at, change);
  },
  'attempt.failed'(state, fact, at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    settleReservations(state, task, fact.failure.class);
    spend(state, task, fact.usage);
    task.failures = { ...task.failures, [fact.failure.class]: (task.failures[fact.failure.class] ?? 0) + 1 };
    task.failure = fact.failure;
    if (fact.retryAt === undefined) undecided(task);
    else {
      move(task, 'ready');
      if (fact.retryAt > at) task.retryAt = fact.retryAt;
    }
    enter(state, task, change);
  },
  'attempt.lost'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    settleReservations(state, task, 'lost');
    task.failures = { ...task.failures, lost: (task.failures.lost ?? 0) + 1 };
    task.lost = [...task.lost, fact.attempt];
    if (fact.again) move(task, 'ready');
    else undecided(task);
    enter(state, task, change);
  },
  'attempt.late'(state, fact) {
    const task = taskOf(state, fact.task);
    task.lost = task.lost.filter((attempt) => attempt !== fact.attempt);
    touch(state, task);
  },
  'probe.judged'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    delete task.probing;
    if (fact.verdict === 'absent') move(task, 'ready');
    enter(state, task, change);
  },
} satisfies Partial<Evolvers>;

/** Work that no agent chose: the user wrote it down. */
export const OWN: ReadonlySet<string> = new Set(['command', 'function', 'tool', 'planning']);

/** What a task changed is in the integration tree from now on. */
function grow(state: RunState, task: TaskRecord, head: Commit, change: OwedChange): void {
  const tree = treeOf(state);
  tree.head = head;
  // A result that a person has just accepted comes before the one that is being merged and checked: that begins again.
  const first = tree.queue[0];
  if (first !== undefined && first !== task.spec.id) {
    const overtaken = taskOf(state, first);
    leave(state, overtaken);
    delete overtaken.merged;
    overtaken.verdicts = {};
    enter(state, overtaken, change);
  }
  if (!OWN.has(task.agent ?? '')) tree.touched = true;
}

function undecided(task: TaskRecord): void {
  move(task, 'undecided');
  if (task.spec.probe && !task.stopping) task.probing = true;
}
