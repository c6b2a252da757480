/**
 * Budgets of a run and of a task. An amount is reserved durably before the call it is for, and settled by what the call
 * used: spent + reserved never exceeds a limit by a reservation. At 80 % the run is warned once per measure; a refused
 * reservation pauses the run (it can be resumed with a larger limit), or fails the task when the limit is the task's own.
 * A reservation whose call may have been served without our knowing (lost, timed out, cut off) counts as spent.
 */
import type { RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import type { Amounts, Failure, Usage } from './plan.ts';
import { NO_ENTRIES, type RunState, type TaskRecord, type Totals, touch } from './state.ts';
import { taskOf } from './task.ts';

export const MEASURES = ['costUsd', 'tokens', 'calls'] as const satisfies readonly (keyof Amounts)[];
export const WARN_AT = 0.8;

interface Scope {
  readonly name: string;
  readonly limits: Amounts;
  readonly spent: Totals;
  readonly reserved: (measure: keyof Amounts) => number;
}

function scopes(state: RunState, task: TaskRecord): Scope[] {
  const run: Scope = { name: 'run', limits: state.limits, spent: state.spent, reserved: (measure) => state.reserved[measure] };
  if (!task.spec.budget) return [run];
  const held = (measure: keyof Amounts) => Object.values(task.reserved).reduce((sum, amounts) => sum + (amounts[measure] ?? 0), 0);
  return [run, { name: `task:${task.spec.id}`, limits: task.spec.budget, spent: task.spent, reserved: held }];
}

/** Warnings that `amounts`, in place of what the step had reserved `before`, bring for the first time. */
function warnings(state: RunState, task: TaskRecord, amounts: Amounts, before: Amounts | undefined): RunFact[] {
  const facts: RunFact[] = [];
  for (const scope of scopes(state, task))
    for (const measure of MEASURES) {
      const limit = scope.limits[measure];
      if (limit === undefined || state.warned.includes(`${scope.name}/${measure}`)) continue;
      const asked = (amounts[measure] ?? 0) - (before?.[measure] ?? 0);
      if (scope.spent[measure] + scope.reserved(measure) + asked >= WARN_AT * limit)
        facts.push({ type: 'budget.warned', scope: scope.name, measure, limit });
    }
  return facts;
}

export const budgetDeciders = {
  'step.reserve'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'running' || task.attempt !== command.attempt || task.stopping)
      return refuse('STEP_OVER', `attempt ${command.attempt} of "${command.task}" is over`);
    if (task.steps[command.step] !== undefined) return refuse('STEP_OVER', `step "${command.step}" is recorded already`);
    const again = task.reserved[command.step];
    for (const scope of scopes(state, task))
      for (const measure of MEASURES) {
        const limit = scope.limits[measure];
        const asked = (command.amounts[measure] ?? 0) - (again?.[measure] ?? 0);
        if (limit === undefined || asked <= 0) continue;
        const used = scope.spent[measure] + scope.reserved(measure);
        if (used + asked <= limit) continue;
        const facts: RunFact[] = [];
        const told = `${scope.name}/${measure}/over`;
        if (!state.warned.includes(told)) facts.push({ type: 'budget.exhausted', scope: scope.name, measure, limit });
        if (scope.name === 'run' && state.status !== 'paused' && state.status !== 'cancelling')
          facts.push({
            type: 'run.paused',
            by: 'baton',
            reason: 'budget',
            note: `${measure} limit ${limit}: ${used} used or reserved, ${asked} more asked`,
          });
        return facts.length > 0
          ? facts
          : refuse('BUDGET_EXCEEDED', `${scope.name}: ${measure} limit ${limit}, ${used} used or reserved, ${asked} more asked`, {
              hint: 'Resume the run with a larger limit.',
              details: { scope: scope.name, measure, limit, used, asked },
            });
      }
    return [
      ...warnings(state, task, command.amounts, again),
      { type: 'step.reserved', task: command.task, attempt: command.attempt, step: command.step, amounts: command.amounts },
    ];
  },
  'step.record'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'running' || task.attempt !== command.attempt)
      return refuse('STEP_OVER', `attempt ${command.attempt} of "${command.task}" is over`);
    if (task.steps[command.step] !== undefined) return refuse('STEP_OVER', `step "${command.step}" is recorded already`);
    const { type: _, ...step } = command;
    return [{ type: 'step.recorded', ...step }];
  },
} satisfies Partial<Deciders>;

export const budgetEvolvers = {
  'step.reserved'(state, fact) {
    const task = taskOf(state, fact.task);
    release(state, task, fact.step);
    task.reserved = { ...task.reserved, [fact.step]: fact.amounts };
    for (const measure of MEASURES) state.reserved[measure] += fact.amounts[measure] ?? 0;
    touch(state, task);
  },
  'step.recorded'(state, fact) {
    const task = taskOf(state, fact.task);
    release(state, task, fact.step);
    spend(state, task, fact.usage);
    if (task.steps === NO_ENTRIES) task.steps = {};
    task.steps[fact.step] = fact.output;
    touch(state, task);
  },
  'budget.warned'(state, fact) {
    state.warned.push(`${fact.scope}/${fact.measure}`);
  },
  'budget.exhausted'(state, fact, _at, change) {
    if (fact.measure !== 'wallTime') state.warned.push(`${fact.scope}/${fact.measure}/over`);
    else {
      state.wallTimeOver = true;
      owe(state, owedByRun(state), change);
    }
  },
} satisfies Partial<Evolvers>;

function release(state: RunState, task: TaskRecord, step: string): void {
  const amounts = task.reserved[step];
  if (!amounts) return;
  const { [step]: _, ...left } = task.reserved;
  task.reserved = left;
  for (const measure of MEASURES) state.reserved[measure] -= amounts[measure] ?? 0;
}

export function spend(state: RunState, task: TaskRecord, usage: Usage | undefined): void {
  if (!usage) return;
  const amounts = { costUsd: usage.costUsd ?? 0, tokens: (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0), calls: usage.calls ?? 0 };
  add(state, task, amounts);
}

function add(state: RunState, task: TaskRecord, { costUsd = 0, tokens = 0, calls = 0 }: Amounts): void {
  const { spent } = task;
  task.spent = { costUsd: spent.costUsd + costUsd, tokens: spent.tokens + tokens, calls: spent.calls + calls };
  state.spent.costUsd += costUsd;
  state.spent.tokens += tokens;
  state.spent.calls += calls;
}

/** Settles what an attempt left reserved when it ended. */
export function settleReservations(state: RunState, task: TaskRecord, ended: Failure['class'] | 'done'): void {
  const served = ended === 'lost' || ended === 'timeout' || ended === 'cancelled';
  for (const step of Object.keys(task.reserved)) {
    const amounts = task.reserved[step] ?? {};
    release(state, task, step);
    if (served) add(state, task, amounts);
  }
}
