/**
 * Resolves what a task needs to know before it starts, and makes and closes the children of containers. Pure: from the
 * state and its blobs, without waiting. What goes wrong is a failure of the task, with the expression in its message.
 */
import type { Blobs, Resolver } from '../../engine/host/host.ts';
import type { Resolution } from '../../engine/kernel/commands.ts';
import type { Hash, TaskSpec } from '../../engine/kernel/plan.ts';
import { type RunState, type TaskRecord, TERMINAL } from '../../engine/kernel/state.ts';
import { taskOf } from '../../engine/kernel/task.ts';
import { BatonError } from '../../errors.ts';
import { textOf } from '../expressions/template.ts';
import type { ChildTemplate, Definition, HandoffContent, Part, Scope, Template, TemplateValue } from '../planning/definition.ts';
import { compileTasks, needsResolving, templateValue } from './compile.ts';
import type { CheckedFile } from './load.ts';
import { agentsOf, type RunSource, resolveInputs } from './plan.ts';
import { reopen } from './reopen.ts';
import { evaluate, resultOf, type Sight } from './values.ts';

type Of<K extends Definition['kind']> = Extract<Definition, { kind: K }>;

/** @param reusable sources kept parsed; each is one run's files */
export function createResolver(reusable = 256): Resolver {
  const sources = new Map<Hash, { source: RunSource; files: ReadonlyMap<string, CheckedFile> }>();
  const sourceOf = (hash: Hash, blobs: Blobs) => {
    const known = sources.get(hash);
    if (known) return known;
    const payload = blobs.get(hash);
    if (!payload) throw new BatonError('PAYLOAD_MISSING', 'The source of this run was removed.');
    const source = JSON.parse(Buffer.from(payload).toString('utf8')) as RunSource;
    const entry = { source, files: reopen(source) };
    if (sources.size >= reusable) sources.clear();
    sources.set(hash, entry);
    return entry;
  };
  return {
    resolve(state, task, blobs) {
      try {
        const { source, files } = sourceOf(state.plan.source, blobs);
        return resolve({ state, task: taskOf(state, task), blobs, source, files });
      } catch (error) {
        const code = error instanceof BatonError ? error.code : 'RESOLVER_THREW';
        const message = error instanceof Error ? error.message : String(error);
        return { to: 'fail', failure: { class: 'permanent', code, message, dispatched: false } };
      }
    },
  };
}

interface Job {
  readonly state: RunState;
  readonly task: TaskRecord;
  readonly blobs: Blobs;
  readonly source: RunSource;
  readonly files: ReadonlyMap<string, CheckedFile>;
}

function resolve(job: Job): Resolution {
  const { task, blobs } = job;
  const payload = blobs.get(task.spec.work);
  if (!payload) throw new BatonError('PAYLOAD_MISSING', `The definition of "${task.spec.id}" was removed.`);
  const definition = JSON.parse(Buffer.from(payload).toString('utf8')) as Definition;
  const sight = sightOf(job, definition.scope ?? { prefix: '' });
  const first = task.children === undefined || task.children.round === 0;
  if (first && definition.when !== undefined && evaluate(definition.when, sight) !== true) return { to: 'skip' };
  switch (definition.kind) {
    case 'foreach':
      return first ? openForeach(job, definition, sight) : closeForeach(job, definition);
    case 'until':
      return first ? { to: 'expand', add: [round(job, definition, 1)] } : closeUntil(job, definition, sight);
    case 'uses':
      return first ? openUses(job, definition, sight) : closeUses(job, definition);
    default:
      return { to: 'inputs', inputs: blobs.put(JSON.stringify(filled(definition, sight))) };
  }
}

function sightOf({ state, blobs, source, files }: Job, scope: Scope): Sight {
  const declared = scope.inputs === undefined ? files.get(source.main)?.value.inputs : undefined;
  return { state, blobs, source, scope, ...(declared ? { inputSchemas: declared } : {}) };
}

// ---- templates -------------------------------------------------------------------------------------------------

/** The definition with every expression replaced; `when` has been answered and is left out. */
function filled(definition: Definition, sight: Sight): Definition {
  const { when: _, ...rest } = definition;
  const env = rest.env ? { env: filledAll(rest.env, sight) } : {};
  const gates = rest.gates ? { gates: rest.gates.map((gate) => (gate.env ? { ...gate, env: filledAll(gate.env, sight) } : gate)) } : {};
  const probe = rest.probe ? { probe: { ...rest.probe, ...(rest.env ? { env: filledAll(rest.env, sight) } : {}) } } : {};
  const common = { ...env, ...gates, ...probe };
  switch (rest.kind) {
    case 'agent':
      return {
        ...rest,
        ...common,
        prompt: filledText(rest.prompt, sight),
        ...(rest.inputs ? { inputs: filledValues(rest.inputs, sight) } : {}),
      };
    case 'function':
      return { ...rest, ...common, ...(rest.inputs ? { inputs: filledValues(rest.inputs, sight) } : {}) };
    case 'decision':
      return { ...rest, ...common, question: filledText(rest.question, sight) };
    default:
      return { ...rest, ...common } as Definition;
  }
}

const filledAll = (env: Readonly<Record<string, Template>>, sight: Sight): Record<string, Template> =>
  Object.fromEntries(Object.entries(env).map(([name, text]) => [name, filledText(text, sight)]));

function filledText(text: Template, sight: Sight): Template {
  if (typeof text === 'string') return text;
  const parts = text.parts.map((part): Part => (typeof part === 'object' && 'expr' in part ? textOf(evaluate(part.expr, sight)) : part));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : { parts };
}

const filledValues = (values: Readonly<Record<string, TemplateValue>>, sight: Sight): Record<string, TemplateValue> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, filledValue(value, sight) as TemplateValue]));

/** A value that is one whole expression keeps its type. */
function filledValue(value: TemplateValue, sight: Sight): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: TemplateValue) => filledValue(each, sight));
  if ('parts' in value && Array.isArray(value['parts'])) {
    const { parts } = value as { parts: readonly Part[] };
    const [only] = parts;
    return parts.length === 1 && typeof only === 'object' && 'expr' in only ? evaluate(only.expr, sight) : filledText({ parts }, sight);
  }
  return filledValues(value as Readonly<Record<string, TemplateValue>>, sight);
}

// ---- containers ------------------------------------------------------------------------------------------------

function child({ task, blobs }: Job, id: string, { spec, definition }: ChildTemplate, scope: Scope): TaskSpec {
  const own: Definition = { ...definition, scope };
  return {
    ...(spec as unknown as Omit<TaskSpec, 'id' | 'needs' | 'work'>),
    id,
    needs: [],
    parent: task.spec.id,
    work: blobs.put(JSON.stringify(own)),
    ...(needsResolving(own) ? { resolve: true } : {}),
  };
}

function openForeach(job: Job, definition: Of<'foreach'>, sight: Sight): Resolution {
  const items = filledValue(definition.items, sight);
  if (!Array.isArray(items))
    throw new BatonError(
      'FOREACH_NOT_A_LIST',
      `\`foreach\` of "${job.task.spec.id}" gave ${JSON.stringify(items)?.slice(0, 80)}, which is no list.`,
    );
  if (items.length === 0) return commit(job, { ...EMPTY, items: [] });
  const scope = definition.scope ?? { prefix: '' };
  return {
    to: 'expand',
    add: items.map((item: unknown, index) => child(job, `${job.task.spec.id}[${index}]`, definition.child, { ...scope, item, index })),
  };
}

function closeForeach(job: Job, definition: Of<'foreach'>): Resolution {
  const children = childrenOf(job);
  const failed = definition.continueOnError ? undefined : children.find(bad);
  if (failed) return failedBy(job, failed);
  const items = children.map((each) => resultOf(each, job.blobs));
  return commit(job, { ...EMPTY, summary: `${items.length} items`, items });
}

function round(job: Job, definition: Of<'until'>, number: number): TaskSpec {
  return child(job, `${job.task.spec.id}~${number}`, definition.child, { ...(definition.scope ?? { prefix: '' }), round: number });
}

function closeUntil(job: Job, definition: Of<'until'>, sight: Sight): Resolution {
  const last = childrenOf(job).at(-1);
  if (!last) throw new Error(`"${job.task.spec.id}" closes without a round`);
  if (bad(last)) return failedBy(job, last);
  const self = resultOf(last, job.blobs);
  if (evaluate(definition.when, { ...sight, self }) === true)
    return last.result === undefined ? commit(job, EMPTY) : { to: 'commit', result: last.result };
  const rounds = job.task.children?.round ?? 0;
  if (rounds < definition.maxRounds) return { to: 'expand', add: [round(job, definition, rounds + 1)] };
  return {
    to: 'fail',
    failure: {
      class: 'permanent',
      code: 'ROUNDS_EXHAUSTED',
      message: `limit maxRounds = ${definition.maxRounds}: \`until\` of "${job.task.spec.id}" was not met.`,
    },
  };
}

function openUses(job: Job, definition: Of<'uses'>, sight: Sight): Resolution {
  const file = job.files.get(definition.workflow);
  if (!file) throw new BatonError('USES_NOT_FOUND', `The source of this run has no file ${definition.workflow}.`);
  const inputs = resolveInputs(file.value, filledValues(definition.with, sight));
  const { id } = job.task.spec;
  const agents = agentsOf(file.value, agentsAround(job));
  const put = (payload: string) => job.blobs.put(payload);
  return { to: 'expand', add: compileTasks({ file, agents, scope: { prefix: `${id}/`, inputs }, parent: id, put }) };
}

/** Agents that the files around a used one define, nearest last. */
function agentsAround({ source, files }: Job) {
  const main = files.get(source.main);
  return main ? agentsOf(main.value, source.agents).values() : source.agents;
}

function closeUses(job: Job, definition: Of<'uses'>): Resolution {
  const failed = childrenOf(job).find((each) => each.status === 'failed' && !each.spec.continueOnError);
  if (failed) return failedBy(job, failed);
  const file = job.files.get(definition.workflow);
  const own = taskScopeInputs(job);
  const sight = sightOf(job, { prefix: `${job.task.spec.id}/`, inputs: own });
  const outputs = Object.fromEntries(
    Object.entries(file?.value.outputs ?? {}).map(([name, text]) => [name, filledValue(templateValue(text), sight)]),
  );
  return commit(job, { ...EMPTY, outputs });
}

/** Inputs a used workflow was opened with: its children carry them. */
function taskScopeInputs(job: Job): Readonly<Record<string, unknown>> {
  const [first] = childrenOf(job);
  const payload = first && job.blobs.get(first.spec.work);
  return payload ? ((JSON.parse(Buffer.from(payload).toString('utf8')) as Definition).scope?.inputs ?? {}) : {};
}

const childrenOf = ({ state, task }: Job): TaskRecord[] =>
  (task.children?.ids ?? []).flatMap((id) => {
    const each = state.tasks.get(id);
    return each ? [each] : [];
  });

/** Ended in a way that its container can't pass over. A child skipped by its own `when` is fine. */
const bad = (child: TaskRecord): boolean =>
  TERMINAL.has(child.status) && child.status !== 'committed' && !(child.status === 'skipped' && child.cause?.cause === 'when');

const failedBy = ({ task }: Job, child: TaskRecord): Resolution => ({
  to: 'fail',
  failure: child.failure
    ? { ...child.failure, message: `${child.spec.id}: ${child.failure.message}` }
    : { class: 'permanent', code: 'CHILD_ENDED', message: `"${child.spec.id}" of "${task.spec.id}" was ${child.status}.` },
});

const EMPTY: HandoffContent = { summary: '', outputs: {}, artifacts: [], evidence: [], questions: [] };
const commit = ({ blobs }: Job, content: HandoffContent): Resolution => ({ to: 'commit', result: blobs.put(JSON.stringify(content)) });
