/** Containers make their children when they are first visited, and close when those have ended: foreach, until, plan, uses. */
import type { Resolution } from '../../engine/kernel/commands.ts';
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import { type TaskRecord, TERMINAL } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { ChildTemplate, Definition, HandoffContent, Scope } from '../planning/definition.ts';
import { delegatesAmong, PLAN_LIMITS_DEFAULT, plannerAmong } from '../planning/situation.ts';
import { compileTasks } from './compile.ts';
import { filledValue, filledValues } from './fill.ts';
import { resolveInputs } from './inputs.ts';
import { type Job, plannedFile, sightOf } from './job.ts';
import type { CheckedFile } from './load.ts';
import { agentsOf } from './plan.ts';
import { needsResolving, templateValues } from './templates.ts';
import { evaluateBoolean, resultOf } from './values.ts';

type Kind = 'foreach' | 'until' | 'plan' | 'uses';
export type Container<K extends Kind = Kind> = Extract<Definition, { kind: K }>;

export function open(job: Job, definition: Container): Resolution {
  switch (definition.kind) {
    case 'foreach':
      return openForeach(job, definition);
    case 'until':
      return { to: 'expand', add: [round(job, definition, 1)] };
    case 'plan':
      return openPlan(job, definition);
    case 'uses':
      return openUses(job, definition);
    default:
      return definition satisfies never;
  }
}

export function close(job: Job, definition: Container): Resolution {
  switch (definition.kind) {
    case 'foreach':
      return closeForeach(job, definition);
    case 'until':
      return closeUntil(job, definition);
    case 'plan':
      return closePlan(job, definition);
    case 'uses':
      return closeUses(job, definition);
    default:
      return definition satisfies never;
  }
}

const scopeOf = ({ scope }: Definition): Scope => scope ?? { prefix: '' };

function child({ task, blobs }: Job, id: string, { spec, definition }: ChildTemplate, scope: Scope): TaskSpec {
  const own: Definition = { ...definition, scope };
  return {
    ...spec,
    id,
    needs: [],
    parent: task.spec.id,
    work: blobs.put(JSON.stringify(own)),
    ...(needsResolving(own) ? { resolve: true } : {}),
  };
}

function openForeach(job: Job, definition: Container<'foreach'>): Resolution {
  const scope = scopeOf(definition);
  const items = filledValue(definition.items, sightOf(job, scope));
  const { id } = job.task.spec;
  if (!Array.isArray(items)) throw new BatonError('FOREACH_NOT_A_LIST', `\`foreach\` of "${id}" is ${shown(items)}, which is no list.`);
  // An empty list is done at once.
  if (items.length === 0) return commit(job, { ...EMPTY, items: [] });
  return {
    to: 'expand',
    add: items.map((item: unknown, index) => child(job, `${id}[${index}]`, definition.child, { ...scope, item, index })),
  };
}

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';

function closeForeach(job: Job, definition: Container<'foreach'>): Resolution {
  const children = childrenOf(job);
  const failed = definition.continueOnError ? undefined : children.find(bad);
  if (failed) return failedBy(job, failed);
  const items = children.map((each) => resultOf(each, job));
  return commit(job, { ...EMPTY, summary: items.length === 1 ? '1 item' : `${items.length} items`, items });
}

const round = (job: Job, definition: Container<'until'>, number: number): TaskSpec =>
  child(job, `${job.task.spec.id}~${number}`, definition.child, { ...scopeOf(definition), round: number });

function closeUntil(job: Job, definition: Container<'until'>): Resolution {
  const last = childrenOf(job).at(-1);
  const { id } = job.task.spec;
  if (!last) throw new Error(`"${id}" closes without a round`);
  if (bad(last)) return failedBy(job, last);
  const rounds = job.task.children?.round ?? 0;
  const sight = sightOf(job, { ...scopeOf(definition), round: rounds });
  if (evaluateBoolean(definition.until, { ...sight, self: resultOf(last, job) }))
    return last.result === undefined ? commit(job, EMPTY) : { to: 'commit', result: last.result };
  if (rounds < definition.maxRounds) return { to: 'expand', add: [round(job, definition, rounds + 1)] };
  const message = `limit maxRounds = ${definition.maxRounds}: \`until\` of "${id}" was not met.`;
  return { to: 'fail', failure: { class: 'permanent', code: 'ROUNDS_EXHAUSTED', message, dispatched: false } };
}

function openPlan(job: Job, { child: { spec, definition } }: Container<'plan'>): Resolution {
  const { limits, network = [], agent, agents: allowed } = job.source.planning ?? { limits: PLAN_LIMITS_DEFAULT };
  const around = [...agentsAround(job)];
  const agents = delegatesAmong(around, allowed);
  const planner = plannerAmong(around, agent);
  const above = goalsAround(job);
  const { routing } = job.source;
  const own = {
    ...definition,
    agents,
    ...(planner ? { planner } : {}),
    limits,
    network,
    ...(above.length > 0 ? { above } : {}),
    depth: above.length + 1,
    ...(routing ? { routing: { rules: routing.rules, weights: routing.weights } } : {}),
  } as Definition;
  return { to: 'expand', add: [child(job, `${job.task.spec.id}~plan`, { spec, definition: own }, scopeOf(job.definition))] };
}

/** Goals of the plans that this one lies in, as their planners were told them; the nearest first. */
function goalsAround({ state, task, stored, blobs }: Job): string[] {
  const goals: string[] = [];
  for (let at = task.spec.parent; at !== undefined; at = state.tasks.get(at)?.spec.parent) {
    const around = state.tasks.get(at);
    if (!around || stored.definition(around.spec.work, blobs).kind !== 'plan') continue;
    const planner = state.tasks.get(`${at}~plan`);
    const told = planner && stored.definition(planner.inputs ?? planner.spec.work, blobs);
    goals.push(told?.kind === 'planner' && typeof told.goal === 'string' ? told.goal : '');
  }
  return goals;
}

/** The planner has ended, and its tasks are made; or they have ended too. */
function closePlan(job: Job, { carryOut }: Container<'plan'>): Resolution {
  const [planner, ...tasks] = childrenOf(job);
  if (!planner) throw new Error(`"${job.task.spec.id}" closes without a plan`);
  if (bad(planner)) return failedBy(job, planner);
  if (carryOut === false && planner.result !== undefined) return { to: 'commit', result: planner.result };
  const file = plannedFile(job, planner);
  if (tasks.length > 0) return closeFile(job, file);
  const { id } = job.task.spec;
  const agents = agentsOf(file.value, delegatesAmong(agentsAround(job), job.source.planning?.agents));
  const put = (payload: string) => job.blobs.put(payload);
  const tree = job.state.plan.tree !== undefined;
  return {
    to: 'expand',
    add: compileTasks({ file, agents, scope: { prefix: `${id}/` }, parent: id, tree, put, foreign: true, ...routingOf(job) }),
  };
}

function openUses(job: Job, definition: Container<'uses'>): Resolution {
  const file = job.files.get(definition.workflow);
  if (!file) throw new BatonError('USES_NOT_FOUND', `The source of this run has no file ${definition.workflow}.`);
  const inputs = resolveInputs(file.value, filledValues(definition.with, sightOf(job, scopeOf(definition))));
  const { id } = job.task.spec;
  const agents = agentsOf(file.value, agentsAround(job));
  const put = (payload: string) => job.blobs.put(payload);
  const tree = job.state.plan.tree !== undefined;
  return {
    to: 'expand',
    add: compileTasks({ file, agents, scope: { prefix: `${id}/`, inputs }, parent: id, tree, put, ...routingOf(job) }),
  };
}

const routingOf = ({ source: { routing }, world }: Job) => ({ world, ...(routing ? { routing } : {}) });

/** A used file sees the agents of project and user, and those of the main file; its own go before them. */
function agentsAround({ source, files }: Job) {
  const main = files.get(source.main);
  return main ? agentsOf(main.value, source.agents).values() : source.agents;
}

function closeUses(job: Job, definition: Container<'uses'>): Resolution {
  return closeFile(job, job.files.get(definition.workflow), inputsWithin(job));
}

/** The tasks of a file have ended: what it declares as outputs is the result. */
function closeFile(job: Job, file: CheckedFile | undefined, inputs?: Scope['inputs']): Resolution {
  const failed = childrenOf(job).find((each) => each.status === 'failed' && !each.spec.continueOnError);
  if (failed) return failedBy(job, failed);
  const sight = sightOf(job, { prefix: `${job.task.spec.id}/`, ...(inputs ? { inputs } : {}) });
  return commit(job, { ...EMPTY, outputs: filledValues(templateValues(file?.value.outputs ?? {}), sight) });
}

/** Inputs a used workflow was opened with: its children carry them. */
function inputsWithin(job: Job): Readonly<Record<string, unknown>> {
  const [first] = childrenOf(job);
  return (first && job.stored.definition(first.spec.work, job.blobs).scope?.inputs) ?? {};
}

const childrenOf = ({ state, task }: Job): TaskRecord[] =>
  (task.children?.ids ?? []).flatMap((id) => {
    const each = state.tasks.get(id);
    return each ? [each] : [];
  });

/** Ended in a way that its container can't pass over. A child skipped by its own `when` is fine. */
const bad = (each: TaskRecord): boolean =>
  TERMINAL.has(each.status) && each.status !== 'committed' && !(each.status === 'skipped' && each.cause?.cause === 'when');

const failedBy = ({ task }: Job, each: TaskRecord): Resolution => ({
  to: 'fail',
  failure: each.failure
    ? { ...each.failure, message: `${each.spec.id}: ${each.failure.message}` }
    : { class: 'permanent', code: 'CHILD_ENDED', message: `"${each.spec.id}" of "${task.spec.id}" was ${each.status}.`, dispatched: false },
});

const EMPTY: HandoffContent = { summary: '', outputs: {}, artifacts: [], evidence: [], questions: [] };
const commit = ({ blobs }: Job, content: HandoffContent): Resolution => ({ to: 'commit', result: blobs.put(JSON.stringify(content)) });
