/**
 * A change of a plan that is being carried out: made in the text of its workflow, checked with it, and told to the kernel as
 * what is added, dropped, replaced and rewired. Tasks that a container made are changed in the file that the container has.
 */
import type { Blobs } from '../../engine/host/host.ts';
import { hasNotBegun } from '../../engine/kernel/change.ts';
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import { latestOf, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { type PlanChange, planChange } from './change-schema.ts';
import { compileTasks } from './compile.ts';
import { edit } from './edit.ts';
import { fileOf } from './job.ts';
import type { CheckedFile } from './load.ts';
import { needsOf } from './names.ts';
import { agentsOf } from './plan.ts';
import type { World } from './routes.ts';
import { Stored } from './stored.ts';

export interface ChangeContext {
  readonly state: RunState;
  readonly blobs: Blobs;
  /** Who there is now; those that the run began with go before them. */
  readonly agents: readonly AgentConfig[];
  readonly world: () => World;
  /** The file as it reads from now on, with the files that the run has beside it and the agents around. @throws BatonError `WORKFLOW_INVALID` */
  check(file: string, text: string, texts: ReadonlyMap<string, string>, agents: readonly AgentConfig[]): Promise<CheckedFile>;
}

export type PlanChangeCommand = Omit<Extract<AskedCommand, { type: 'plan.change' }>, 'by' | 'base'>;

/** @throws BatonError `CHANGE_INVALID`, `TASK_NOT_FOUND`, `DUPLICATE_ID`, `WORKFLOW_INVALID` */
export async function changedPlan(context: ChangeContext, asked: unknown): Promise<PlanChangeCommand> {
  const { state, blobs } = context;
  const stored = new Stored();
  const opened = stored.source(state.plan.source, blobs);
  const { prefix, change } = placed(readChange(asked));
  const now = (name: string) => latestOf(state, prefix + name);
  const parent = prefix === '' ? undefined : latestOf(state, prefix.slice(0, -1));
  const container = parent === undefined ? undefined : state.tasks.get(parent);
  const kind = container && stored.definition(container.spec.work, blobs).kind;
  if (parent !== undefined && kind !== 'plan' && kind !== 'uses')
    throw new BatonError('CHANGE_INVALID', `"${parent}" has no plan that could be changed.`, {
      hint: 'Tasks at the top can be changed, and those of `plan` and `uses`.',
    });
  const file = fileOf({ state, blobs, stored, ...opened }, { prefix });
  if (!file) throw new BatonError('CHANGE_INVALID', `Nothing is known of the plan of "${parent ?? state.id}".`);

  const edited = edit(file, change, (name) => {
    const task = state.tasks.get(now(name));
    return task !== undefined && hasNotBegun(task);
  });
  const texts = new Map(Object.entries(opened.source.files).map(([key, { text }]) => [key, text]));
  const main = opened.files.get(opened.source.main);
  const all = [...context.agents, ...opened.source.agents];
  const around = main ? [...agentsOf(main.value, all).values()] : all;
  const checked = await context.check(file.file, edited.text, texts, around);
  const agents = agentsOf(checked.value, around);
  const inputs = container && inputsOf(container, context, stored);
  const specs = new Map(
    compileTasks({
      file: checked,
      agents,
      scope: prefix === '' ? { prefix } : { prefix, ...(inputs ? { inputs } : {}) },
      ...(parent === undefined ? {} : { parent }),
      tree: state.plan.tree !== undefined,
      put: (payload) => blobs.put(payload),
      world: context.world,
      ...(opened.source.routing ? { routing: opened.source.routing } : {}),
      ...(kind === 'plan' ? { foreign: true } : {}),
    }).map((spec): [string, TaskSpec] => [spec.id.slice(prefix.length), withNeeds(spec, (id) => latestOf(state, id))]),
  );
  const specOf = (name: string, id: string): TaskSpec => {
    const spec = specs.get(name);
    if (!spec) throw new Error(`task "${name}" was changed and not compiled`);
    return { ...spec, id };
  };
  const rewired = edited.rewired.filter((name) => !edited.routed.includes(name));
  return {
    type: 'plan.change',
    add: edited.added.map((name) => specOf(name, prefix + name)),
    drop: edited.dropped.map(now),
    rewire: Object.fromEntries(rewired.map((name) => [now(name), specOf(name, now(name)).needs])),
    replace: edited.routed.map((name) => specOf(name, now(name))),
    file: blobs.put(edited.text),
    ...(parent === undefined ? {} : { parent }),
  };
}

function readChange(asked: unknown): PlanChange {
  const parsed = planChange.safeParse(asked);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new BatonError('CHANGE_INVALID', `The change can't be understood: ${problems.join('; ')}.`, { details: { problems } });
}

const withNeeds = (spec: TaskSpec, now: (id: string) => string): TaskSpec => ({ ...spec, needs: spec.needs.map(now) });

/** Of a used workflow: its children carry them. */
function inputsOf({ children }: TaskRecord, { state, blobs }: ChangeContext, stored: Stored) {
  const first = state.tasks.get(children?.ids[0] ?? '');
  return first && stored.definition(first.spec.work, blobs).scope?.inputs;
}

/** All ids of a change are of one plan: `goal/` in front of them names it. */
function placed(asked: PlanChange): { prefix: string; change: PlanChange } {
  const { insert = {}, add = {}, drop = [], route = {}, split = {} } = asked;
  const parts = Object.values(split).flatMap((each) => Object.keys(each));
  const targets = [...drop, ...Object.keys(route), ...Object.keys(split)];
  const ids = [...Object.keys(insert), ...Object.keys(add), ...targets, ...parts];
  const prefixOf = (id: string) => id.slice(0, id.lastIndexOf('/') + 1);
  const named = new Set(ids.map(prefixOf).filter((prefix) => prefix !== ''));
  const [prefix = ''] = named;
  if (named.size > 1 || (prefix !== '' && targets.some((id) => prefixOf(id) !== prefix)))
    throw new BatonError('CHANGE_INVALID', `These tasks are of different plans: ${ids.join(', ')}.`, { hint: 'Make one change for each.' });
  const short = (id: string) => (id.startsWith(prefix) ? id.slice(prefix.length) : id);
  const entries = <T>(map: Readonly<Record<string, T>>, of: (value: T) => T = (value) => value) =>
    Object.fromEntries(Object.entries(map).map(([id, value]): [string, T] => [short(id), of(value)]));
  const entry = (each: NonNullable<PlanChange['add']>[string]) =>
    each.needs === undefined ? each : { ...each, needs: needsOf(each).map(short) };
  return {
    prefix,
    change: {
      insert: entries(insert, entry),
      add: entries(add, entry),
      drop: drop.map(short),
      route: entries(route),
      split: entries(split, (each) => entries(each, entry)),
    },
  };
}
