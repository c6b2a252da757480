/**
 * Changes of the plan: the first one, those of containers that make children, those a person or program asks for, and
 * the new segment that `retry` adds to an ended run. Each grows the version; a change made against another version is
 * stale. A change is checked whole before its first fact, so a refused one leaves the state as it was. Started tasks
 * can't be changed.
 */
import type { AskedCommand, HostCommand } from './commands.ts';
import type { ProposedChange, RunFact } from './facts.ts';
import { downstream, findCycle } from './graph.ts';
import { type Decided, type Deciders, type Evolvers, refuse } from './machine.ts';
import { type OwedChange, owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import type { PlanChange, TaskSpec } from './plan.ts';
import { latestOf, RUN_TERMINAL, type RunState, type TaskRecord, TERMINAL, touch } from './state.ts';
import { dropChild, enter, leave, move, newTask, stepBack, taskOf, tolerated, wake } from './task.ts';

/** No attempt of it was ever made, and none is about to be. */
export const hasNotBegun = ({ attempt, status }: TaskRecord): boolean =>
  attempt === 0 && (status === 'pending' || status === 'ready' || status === 'blocked');
const untouched = (task: TaskRecord): boolean => hasNotBegun(task) && task.claim === undefined;

/** Why a change may not be made, or nothing. */
export function checkChange(state: RunState, change: PlanChange): ReturnType<typeof refuse> | undefined {
  const { limits } = state;
  const { parent } = change;
  if (state.made + change.add.length > limits.tasks)
    return refuse('TASKS_EXCEEDED', `limit tasks = ${limits.tasks}: ${state.made} made, ${change.add.length} more asked`, {
      hint: 'Raise `limits.tasks`, or make fewer tasks.',
      details: { limit: limits.tasks, made: state.made, asked: change.add.length },
    });
  const drop = new Set(change.drop ?? []);
  const added = new Map(change.add.map((spec) => [spec.id, spec]));
  for (const spec of change.add) {
    if (state.tasks.has(spec.id) || added.get(spec.id) !== spec) return refuse('DUPLICATE_ID', `there is a task "${spec.id}" already`);
    if (spec.tree && !state.plan.tree) return refuse('PLAN_INVALID', `"${spec.id}" works in a tree, and the run has none`);
    if (spec.parent !== parent)
      return refuse('PLAN_INVALID', `"${spec.id}" names "${spec.parent ?? 'nothing'}" as its container`, {
        hint: 'Only a container makes its children, when it is resolved.',
      });
  }
  const depth = parent === undefined ? 0 : taskOf(state, parent).depth + 1;
  if (change.add.length > 0 && depth > limits.depth)
    return refuse('DEPTH_EXCEEDED', `limit depth = ${limits.depth}: "${change.add[0]?.id}" would be at ${depth}`, {
      details: { limit: limits.depth, depth },
    });
  const needs = newNeeds(change);
  for (const id of [...drop, ...needs.keys()]) {
    const task = state.tasks.get(id);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${id}"`);
    if (!untouched(task) || task.spec.parent !== parent)
      return refuse('PLAN_INVALID', `task "${id}" is ${task.status} and can't be changed`);
  }
  for (const id of Object.keys(change.rewire ?? {})) {
    const { inputs, approved } = taskOf(state, id);
    if (inputs !== undefined || approved) return refuse('PLAN_INVALID', `task "${id}" was resolved or approved with the needs it has`);
  }
  for (const spec of change.replace ?? []) {
    const { spec: before, approved } = taskOf(state, spec.id);
    if (approved) return refuse('PLAN_INVALID', `task "${spec.id}" was approved as it is`);
    if (spec.kind !== before.kind || spec.parent !== parent) return refuse('PLAN_INVALID', `"${spec.id}" can't become a ${spec.kind}`);
    if (spec.tree && !state.plan.tree) return refuse('PLAN_INVALID', `"${spec.id}" works in a tree, and the run has none`);
  }
  for (const id of needs.keys()) if (drop.has(id)) return refuse('PLAN_INVALID', `the change drops "${id}" and changes it`);
  for (const id of drop)
    for (const dependent of taskOf(state, id).dependents)
      if (!drop.has(dependent) && (needs.get(dependent) ?? [id]).includes(id))
        return refuse('PLAN_INVALID', `"${dependent}" needs "${id}", which the change drops`);
  const edges: [string, readonly string[]][] = [...change.add.map((spec): [string, readonly string[]] => [spec.id, spec.needs]), ...needs];
  for (const [id, after] of edges)
    for (const need of after) {
      if (drop.has(need) || !(added.has(need) || state.tasks.has(need)))
        return refuse('UNKNOWN_DEPENDENCY', `task "${id}" needs "${need}", which the plan does not have`);
      const latest = latestOf(state, need);
      if (latest !== need) return refuse('UNKNOWN_DEPENDENCY', `task "${id}" needs "${need}", which "${latest}" has replaced`);
    }
  const graph = new Map(edges);
  // Only new edges can close a cycle, and only through tasks that are rewired; started ones depend on nothing new.
  if (needs.size > 0)
    for (const task of state.tasks.values())
      if (!graph.has(task.spec.id) && !drop.has(task.spec.id)) graph.set(task.spec.id, task.spec.needs);
  const cycle = findCycle(graph);
  return cycle && refuse('CYCLE', `the tasks wait for each other: ${cycle.join(' → ')}`, { details: { cycle } });
}

/** Of tasks that are there: what they need from now on. */
const newNeeds = ({ rewire = {}, replace = [] }: PlanChange): ReadonlyMap<string, readonly string[]> =>
  new Map([...Object.entries(rewire), ...replace.map((spec): [string, readonly string[]] => [spec.id, spec.needs])]);

/** Nothing but what a change says. */
const saidBy = ({ add, drop, rewire, replace, parent, file }: PlanChange): PlanChange => ({
  add,
  ...(drop?.length ? { drop } : {}),
  ...(rewire ? { rewire } : {}),
  ...(replace?.length ? { replace } : {}),
  ...(parent === undefined ? {} : { parent }),
  ...(file === undefined ? {} : { file }),
});

/** Facts of one change; large ones are cut, so that no fact grows without bound. All are of one commit. */
export function changed(state: RunState, by: string, change: PlanChange): RunFact[] {
  const { add, ...once } = saidBy(change);
  const each = { type: 'plan.changed', version: state.version + 1, by } as const;
  const facts: RunFact[] = [{ ...each, ...once, add: add.slice(0, TASKS_PER_FACT) }];
  const { parent } = once;
  for (let from = TASKS_PER_FACT; from < add.length; from += TASKS_PER_FACT)
    facts.push({ ...each, add: add.slice(from, from + TASKS_PER_FACT), ...(parent === undefined ? {} : { parent }) });
  return facts;
}
const TASKS_PER_FACT = 1_000;

/** Asks for the approval that the plan wants of each change. */
function proposed(state: RunState, command: Extract<AskedCommand, { type: 'plan.change' }>): Decided {
  const { by, base, add, file } = command;
  const asked = [...state.approvals.values()].filter(({ subject }) => subject === 'change');
  const open = asked.find(({ status }) => status === 'open');
  if (open) return refuse('PLAN_INVALID', `the change "${open.id}" waits for approval`, { hint: 'Decide on it first.' });
  if (file === undefined || add.length > TASKS_PER_FACT)
    return refuse('PLAN_INVALID', `a change that is to be approved says how the workflow reads, and adds at most ${TASKS_PER_FACT} tasks`);
  const approval = `change:${asked.length + 1}`;
  const change: ProposedChange = { ...saidBy(command), by: by.id, base };
  return [{ type: 'approval.requested', approval, subject: 'change', binds: file, change }];
}

/** What an approved change makes of the plan: it must still be the plan that the change was made against. */
export function approved(state: RunState, { by, base, ...change }: ProposedChange): Decided {
  if (base !== state.version)
    return refuse('PLAN_STALE', `the plan is at version ${state.version}, the change was made against ${base}`, {
      hint: 'Reject it, and ask for it again.',
      details: { version: state.version },
    });
  return mayNotChange(state, change) ?? changed(state, by, change);
}

const mayNotChange = (state: RunState, change: PlanChange) => notAtWork(state, change.parent) ?? checkChange(state, change);

/** A container that has ended, or that looks for its next children, takes no others. */
function notAtWork(state: RunState, parent: string | undefined): ReturnType<typeof refuse> | undefined {
  const container = parent === undefined ? undefined : state.tasks.get(parent);
  if (parent === undefined || (container?.status === 'running' && (container.children?.open ?? 0) > 0)) return undefined;
  return refuse('PLAN_INVALID', `"${parent}" has no tasks at work that could be changed`, {
    hint: 'Change it before it starts, or after it ended retry it.',
  });
}

type Resolve = Extract<HostCommand, { type: 'task.resolve' }>;

export const changeDeciders = {
  'task.resolve'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (!task.owed.some((owed) => owed.type === 'resolve' && owed.round === command.round))
      return refuse('TASK_NOT_READY', `task "${command.task}" owes no resolving, round ${command.round}`);
    return resolved(state, task, command);
  },
  'plan.change'(state, command) {
    if (RUN_TERMINAL.has(state.status) || state.status === 'cancelling' || state.endedAs)
      return refuse('RUN_ENDED', `run ${state.id} is ${state.status}`);
    if (state.status === 'awaiting-approval')
      return refuse('PLAN_INVALID', `the plan of run ${state.id} waits for approval as it is`, {
        hint: 'Decide on it first, or cancel the run and create another.',
      });
    if (command.base !== state.version)
      return refuse('PLAN_STALE', `the plan is at version ${state.version}, the change was made against ${command.base}`, {
        hint: 'Look at the plan again and repeat the change.',
        details: { version: state.version },
      });
    return mayNotChange(state, command) ?? (state.plan.changes ? proposed(state, command) : changed(state, command.by.id, command));
  },
} satisfies Partial<Deciders>;

function resolved(state: RunState, task: TaskRecord, { resolution }: Resolve): Decided {
  const id = task.spec.id;
  const attempt = task.children?.round ?? 0;
  switch (resolution.to) {
    case 'inputs':
      return task.spec.kind === 'container'
        ? refuse('PLAN_INVALID', `container "${id}" was resolved like a task`)
        : [{ type: 'task.resolved', task: id, inputs: resolution.inputs }];
    case 'skip':
      return [{ type: 'task.skipped', task: id, cause: { cause: 'when' } }];
    case 'commit':
      return [{ type: 'task.committed', task: id, attempt, result: resolution.result }];
    case 'fail':
      return [{ type: 'task.failed', task: id, attempt, failure: resolution.failure }];
    case 'expand': {
      const change = { add: resolution.add, parent: id };
      const refused = change.add.length === 0 ? refuse('PLAN_INVALID', `container "${id}" expands to nothing`) : checkChange(state, change);
      if (refused)
        return [{ type: 'task.failed', task: id, attempt, failure: { class: 'permanent', code: refused.code, message: refused.message } }];
      return changed(state, id, change);
    }
    default:
      return resolution satisfies never;
  }
}

/** The facts that put `task^n`, and all that came after, in place of what an ended run has. */
export function retried(state: RunState, by: string, from: string | undefined): Decided {
  if (state.refused)
    return refuse('NOTHING_TO_RETRY', `the plan of run ${state.id} was not approved`, { hint: 'Create a new run, and approve its plan.' });
  const again = (task: TaskRecord): boolean => task.status === 'failed' || task.status === 'cancelled';
  const current = [...state.tasks.values()].filter((task) => task.replacedBy === undefined && task.spec.parent === undefined);
  const roots = from === undefined ? current.filter(again).map((task) => task.spec.id) : [latestOf(state, from)];
  if (roots.length === 0)
    return refuse('NOTHING_TO_RETRY', `run ${state.id} has no task that failed or was cancelled`, {
      hint: 'Name a task to run it and what follows again.',
    });
  for (const root of roots) {
    const task = state.tasks.get(root);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${from ?? root}"`);
    if (task.spec.parent !== undefined)
      return refuse('PLAN_INVALID', `"${root}" was made by "${task.spec.parent}"`, { hint: `Retry "${task.spec.parent}".` });
  }
  const redo = downstream(roots, (id) => taskOf(state, id).dependents.filter((each) => taskOf(state, each).replacedBy === undefined));
  const segment = state.segment + 1;
  const replaced: Record<string, string> = {};
  for (const id of redo) replaced[id] = `${id.replace(/\^\d+$/, '')}^${segment}`;
  const add = current
    .filter((task) => redo.has(task.spec.id))
    .map(
      (task): TaskSpec => ({
        ...task.spec,
        id: replaced[task.spec.id] ?? task.spec.id,
        needs: task.spec.needs.map((need) => replaced[need] ?? need),
      }),
    );
  const refused = checkChange(state, { add });
  return refused ?? [{ type: 'run.reopened', by, segment, replaced }, ...changed(state, by, { add })];
}

export const changeEvolvers = {
  'plan.changed'(state, fact, at, change) {
    state.version = fact.version;
    if (fact.file !== undefined) state.plan = { ...state.plan, files: { ...state.plan.files, [fact.parent ?? '']: fact.file } };
    const made = fact.add.map((spec) => newTask(state, spec));
    if (fact.parent !== undefined && made.length > 0) expand(state, taskOf(state, fact.parent), made, at, change);
    for (const id of fact.drop ?? []) dropTask(state, id, change);
    for (const task of made) link(state, task, task.spec.needs);
    for (const [id, needs] of Object.entries(fact.rewire ?? {})) become(state, { ...taskOf(state, id).spec, needs }, change);
    for (const spec of fact.replace ?? []) become(state, spec, change);
    if (state.status === 'planning' && state.plan.approval === undefined) {
      state.status = 'running';
      if (state.tree) owe(state, owedByRun(state), change);
    }
    for (const task of made) {
      wake(state, task);
      enter(state, task, change);
    }
  },
  'task.resolved'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.inputs = fact.inputs;
    enter(state, task, change);
  },
  'run.reopened'(state, fact, at, change) {
    state.segment = fact.segment;
    state.since = at;
    delete state.wallTimeOver;
    state.status = 'running';
    delete state.endedAt;
    if (state.tree) {
      delete state.tree.failure;
      delete state.tree.settled;
      delete state.tree.refused;
    }
    for (const [old, id] of Object.entries(fact.replaced)) {
      const task = taskOf(state, old);
      leave(state, task);
      if (task.status === 'failed' && !tolerated(task)) state.failures--;
      task.replacedBy = id;
      state.latest.set(old, id);
      touch(state, task);
    }
    owe(state, owedByRun(state), change);
  },
} satisfies Partial<Evolvers>;

function link(state: RunState, task: TaskRecord, needs: readonly string[]): void {
  for (const id of new Set(needs)) {
    const need = taskOf(state, id);
    if (need.dependents.length > 0) need.dependents.push(task.spec.id);
    else need.dependents = [task.spec.id];
    touch(state, need);
    if (!TERMINAL.has(need.status)) task.open++;
  }
}

function unlink(state: RunState, task: TaskRecord): void {
  for (const id of new Set(task.spec.needs)) {
    const need = state.tasks.get(id);
    if (!need) continue;
    const at = need.dependents.indexOf(task.spec.id);
    if (at >= 0) need.dependents.splice(at, 1);
    touch(state, need);
  }
  task.open = 0;
}

/** A task that was not started becomes another: whether it may run is decided anew, since it may need one that failed, or nothing any more. */
function become(state: RunState, spec: TaskSpec, change: OwedChange): void {
  const task = taskOf(state, spec.id);
  leave(state, task);
  unlink(state, task);
  if (spec.parent !== undefined) stepBack(state, task, change);
  delete task.bad;
  delete task.reason;
  delete task.inputs;
  task.remade = (task.remade ?? 0) + 1;
  const always = spec.always === true || (spec.parent !== undefined && taskOf(state, spec.parent).always);
  const other: TaskRecord = Object.assign(task, { spec, always, status: 'pending' as const });
  link(state, other, spec.needs);
  wake(state, other);
  enter(state, other, change);
}

function dropTask(state: RunState, id: string, change: OwedChange): void {
  const task = taskOf(state, id);
  leave(state, task);
  unlink(state, task);
  state.open--;
  touch(state, task);
  if (task.spec.parent !== undefined) dropChild(state, task, change);
  state.tasks.delete(id);
  change.removed.push(...task.owed);
  for (const message of state.messages.values()) if (message.task === id && message.status === 'waiting') state.due.add(message.id);
}

function expand(state: RunState, container: TaskRecord, made: readonly TaskRecord[], at: number, change: OwedChange): void {
  const { children } = container;
  if (!children) throw new Error(`task "${container.spec.id}" is no container`);
  leave(state, container);
  if (container.status === 'ready') {
    move(container, 'running');
    container.startedAt = at;
  }
  // A long list comes in several facts of one commit; the visit counts once.
  if (children.open === 0) children.round++;
  for (const child of made) {
    if (child.spec.parent !== container.spec.id) continue;
    children.open++;
    children.ids.push(child.spec.id);
  }
  enter(state, container, change);
}
