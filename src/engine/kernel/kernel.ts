/**
 * The kernel in one place: `decide` turns a command into facts or a refusal, `evolve` folds a fact into the state and
 * says how what is owed changed, `settle` gives the facts that follow from the state alone (a task whose needs forbid
 * it is skipped, a person is asked, a run without open tasks ends). Nothing here reads a clock, chance or the disk.
 */
import { approvalDeciders, approvalEvolvers, owedByApproval } from './approval.ts';
import { attemptDeciders, attemptEvolvers } from './attempt.ts';
import { budgetDeciders, budgetEvolvers } from './budget.ts';
import { changeDeciders, changed, changeEvolvers, checkChange } from './change.ts';
import type { RunCommand } from './commands.ts';
import type { CommandRef, FactOf, RunFact } from './facts.ts';
import { gateDeciders, gateEvolvers } from './gate.ts';
import { type Decided, type Deciders, type Evolvers, refuse } from './machine.ts';
import { messageDeciders, messageEvolvers, owedByMessage } from './message.ts';
import type { Owed, OwedChange } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import { outcomeOf, promotionDeciders, promotionDue, promotionEvolvers } from './promotion.ts';
import { deriveStatus, newRun, runDeciders, runEvolvers } from './run.ts';
import { RUN_TERMINAL, type RunState } from './state.ts';
import { owedByTask, runsAnyway, taskOf, treeFailed } from './task.ts';
import { treeDeciders, treeEvolvers } from './tree.ts';

const DECIDERS: Deciders = {
  ...runDeciders,
  ...changeDeciders,
  ...attemptDeciders,
  ...gateDeciders,
  ...approvalDeciders,
  ...budgetDeciders,
  ...messageDeciders,
  ...treeDeciders,
  ...promotionDeciders,
};
const EVOLVERS: Evolvers = {
  ...runEvolvers,
  ...changeEvolvers,
  ...attemptEvolvers,
  ...gateEvolvers,
  ...approvalEvolvers,
  ...budgetEvolvers,
  ...messageEvolvers,
  ...treeEvolvers,
  ...promotionEvolvers,
};

/**
 * What a command means for a run as it stands. Changes nothing, and never throws for what a command says.
 * @param at the owner's clock in milliseconds since the epoch; must not go back between calls
 */
export function decide(state: RunState | undefined, command: RunCommand, at: number): Decided {
  if (command.type === 'run.create') {
    if (state) return refuse('RUN_EXISTS', `there is a run ${state.id} already`);
    return create(command, at);
  }
  if (!state) return refuse('RUN_NOT_FOUND', 'there is no such run');
  const decider = DECIDERS[command.type] as (state: RunState, command: RunCommand, at: number) => Decided;
  return decider(state, command, at);
}

/** Has this command been answered before? Its last fact, a refusal when the arguments differ, or undefined. */
export function answered(state: RunState | undefined, ref: CommandRef | undefined): number | ReturnType<typeof refuse> | undefined {
  const before = ref && state?.commands.get(ref.id);
  if (!before) return undefined;
  if (before.args === ref.args) return before.seq;
  return refuse('IDEMPOTENCY_MISMATCH', `command ${ref.id} was given before with other arguments`, {
    hint: 'Use a new command id for a new command.',
  });
}

function create(command: Extract<RunCommand, { type: 'run.create' }>, at: number): Decided {
  const { tasks, ...plan } = command.plan;
  const created: RunFact = { type: 'run.created', plan, by: command.by, segment: 1 };
  const blank = newRun('', created, at);
  const refused = checkChange(blank, { add: tasks });
  if (refused) return refused;
  const facts = [created, ...changed(blank, command.by.id, { add: tasks })];
  if (plan.approval) facts.push({ type: 'approval.requested', approval: 'plan', subject: 'plan', binds: plan.source });
  return facts;
}

/** Folds one fact into the state (made by the first one) and adds to `change` how what is owed changed. */
export function evolve(
  state: RunState | undefined,
  fact: RunFact,
  at: number,
  change: OwedChange,
  stream = '',
  command?: CommandRef,
): RunState {
  const now = state ?? first(stream, fact, at);
  const evolver = EVOLVERS[fact.type] as (state: RunState, fact: RunFact, at: number, change: OwedChange) => void;
  evolver(now, fact, at, change);
  now.seq++;
  now.at = at;
  if (command) now.commands.set(command.id, { args: command.args, seq: now.seq });
  deriveStatus(now);
  return now;
}

function first(stream: string, fact: RunFact, at: number): RunState {
  if (fact.type !== 'run.created') throw new Error(`stream ${stream} begins with ${fact.type}`);
  return newRun(stream, fact as FactOf<'run.created'>, at);
}

/** Facts that follow from the state alone; to be evolved, and asked for again, until there are none. */
export function settle(state: RunState): RunFact[] {
  if (state.due.size > 0) return [...state.due].map((id) => dueFact(state, id));
  const promotions = promotionDue(state);
  if (promotions.length > 0) return state.status === 'paused' ? [] : promotions;
  return isOver(state) ? [{ type: 'run.ended', outcome: outcomeOf(state) }] : [];
}

const isOver = (state: RunState): boolean =>
  state.open === 0 &&
  state.version > 0 &&
  !state.tree?.promotion &&
  !RUN_TERMINAL.has(state.status) &&
  state.status !== 'awaiting-approval';

function dueFact(state: RunState, id: string): RunFact {
  const message = state.messages.get(id);
  if (message) return { type: 'message.returned', message: id, reason: `task "${message.task}" ended first` };
  const task = taskOf(state, id);
  if (task.status === 'ready' && !(state.status === 'cancelling' && !runsAnyway(state, task))) {
    if (treeFailed(state, task) && state.tree?.failure) return { type: 'task.failed', task: id, failure: state.tree.failure };
    if (task.spec.approval?.at === 'start' && !task.approved) {
      const inputs = task.inputs ?? task.spec.work;
      const binds = task.spec.tree ? `${inputs}@${state.tree?.head}` : inputs;
      return { type: 'approval.requested', approval: `start:${id}`, subject: 'start', task: id, binds };
    }
    if (task.spec.kind === 'question')
      return {
        type: 'task.started',
        task: id,
        attempt: task.attempt + 1,
        ...(task.spec.agent === undefined ? {} : { agent: task.spec.agent }),
      };
    return { type: 'approval.requested', approval: `task:${id}`, subject: 'task', task: id, binds: task.inputs ?? task.spec.work };
  }
  if (state.status === 'cancelling' && !runsAnyway(state, task)) return { type: 'task.cancelled', task: id };
  if (task.bad === undefined) throw new Error(`task "${id}" (${task.status}, run ${state.status}) is due and nothing follows`);
  const bad = taskOf(state, task.bad);
  return {
    type: 'task.skipped',
    task: id,
    cause: { cause: 'need', task: bad.spec.id, status: bad.status as 'failed' | 'cancelled' | 'skipped' },
  };
}

/** Everything the state owes: what a host that has just loaded it has to see to. */
export function owedBy(state: RunState): Owed[] {
  const all: Owed[] = [...state.owed];
  for (const task of state.tasks.values()) all.push(...task.owed);
  for (const approval of state.approvals.values()) all.push(...approval.owed);
  for (const message of state.messages.values()) all.push(...message.owed);
  return all;
}

/** Computes anew what each holder owes, after a state was restored or to check one. */
export function rederive(state: RunState): void {
  state.owed = owedByRun(state);
  for (const task of state.tasks.values()) task.owed = owedByTask(state, task);
  for (const approval of state.approvals.values()) approval.owed = owedByApproval(approval);
  for (const message of state.messages.values()) message.owed = owedByMessage(state, message);
}
