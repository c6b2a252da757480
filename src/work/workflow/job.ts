/** One visit of the resolver to one task: what it knows, and how it looks at the run from there. */
import type { Blobs } from '../../engine/host/host.ts';
import { latestOf, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { Definition, Scope } from '../planning/definition.ts';
import type { CheckedFile } from './load.ts';
import { taskNamed } from './names.ts';
import type { RunSource } from './plan.ts';
import type { World } from './routes.ts';
import type { Stored } from './stored.ts';
import type { Sight } from './values.ts';

export interface Job {
  readonly state: RunState;
  readonly task: TaskRecord;
  readonly definition: Definition;
  readonly blobs: Blobs;
  readonly stored: Stored;
  readonly source: RunSource;
  readonly files: ReadonlyMap<string, CheckedFile>;
  /** What routing is told of the world, as of now. */
  readonly world: () => World;
}

/** The id a task has in its file: without the containers around it, its place in a list, its round, and how often it was retried. */
export const nameInFile = (id: string, { prefix }: Scope): string => /^[a-z][a-z0-9_]*/.exec(id.slice(prefix.length))?.[0] ?? '';

/** The file that a scope is of: the main one, or the one that the container at the end of its prefix uses or has planned; as it was changed since. */
export function fileOf(job: FileJob, { prefix }: Pick<Scope, 'prefix'>): CheckedFile | undefined {
  const { state, stored, blobs } = job;
  const first = firstFileOf(job, prefix);
  const changed = state.plan.files?.[prefix.slice(0, -1)];
  return first && changed !== undefined ? stored.changed(changed, blobs, first.file) : first;
}

type FileJob = Pick<Job, 'state' | 'source' | 'files' | 'stored' | 'blobs'>;

function firstFileOf(job: FileJob, prefix: string): CheckedFile | undefined {
  const { state, source, files, stored, blobs } = job;
  if (prefix === '') return files.get(source.main);
  const container = state.tasks.get(prefix.slice(0, -1));
  const definition = container && stored.definition(container.spec.work, blobs);
  if (definition?.kind === 'uses') return files.get(definition.workflow);
  const planner = definition?.kind === 'plan' ? state.tasks.get(latestOf(state, `${container?.spec.id}~plan`)) : undefined;
  return planner && plannedFile(job, planner);
}

/** What a planner made: a workflow like any other. @throws BatonError `PLAN_INVALID` */
export function plannedFile({ stored, blobs }: Pick<Job, 'stored' | 'blobs'>, { spec, result }: TaskRecord): CheckedFile {
  if (result === undefined) throw new BatonError('PLAN_INVALID', `"${spec.id}" has made no plan.`);
  return stored.planned(result, blobs);
}

export function sightOf(job: Job, scope: Scope): Sight {
  const { state, blobs, stored, source, task } = job;
  const file = fileOf(job, scope)?.value;
  return { state, blobs, stored, source, scope, file, entry: file && taskNamed(file, nameInFile(task.spec.id, scope)) };
}
