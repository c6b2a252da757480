/**
 * Resolves what a task needs to know before it starts, and makes and closes the children of containers. From the
 * state and its blobs, without waiting; what is routed is told as a fact, since agents come and go. What goes wrong is a failure of the task that names the file and the line.
 */
import type { Resolver } from '../../engine/host/host.ts';
import type { Resolution } from '../../engine/kernel/commands.ts';
import { taskOf } from '../../engine/kernel/task.ts';
import { BatonError } from '../../errors.ts';
import { close, open } from './containers.ts';
import { filled } from './fill.ts';
import { type Job, sightOf } from './job.ts';
import { locate } from './locate.ts';
import type { World } from './routes.ts';
import { Stored } from './stored.ts';
import { evaluateBoolean } from './values.ts';

export function createResolver(world: () => World = () => ({})): Resolver {
  const stored = new Stored();
  return {
    resolve(state, task, blobs) {
      let job: Job | undefined;
      try {
        const record = taskOf(state, task);
        job = {
          state,
          task: record,
          blobs,
          stored,
          world,
          definition: stored.definition(record.spec.work, blobs),
          ...stored.source(state.plan.source, blobs),
        };
        return resolve(job);
      } catch (error) {
        return failed(error, job);
      }
    },
  };
}

function resolve(job: Job): Resolution {
  const { definition, task, blobs } = job;
  const sight = sightOf(job, definition.scope ?? { prefix: '' });
  const first = task.children === undefined || task.children.round === 0;
  if (first && definition.when !== undefined && !evaluateBoolean(definition.when, sight)) return { to: 'skip' };
  switch (definition.kind) {
    case 'foreach':
    case 'until':
    case 'plan':
    case 'uses':
      return first ? open(job, definition) : close(job, definition);
    default:
      return { to: 'inputs', inputs: blobs.put(JSON.stringify(filled(definition, sight))) };
  }
}

function failed(error: unknown, job: Job | undefined): Resolution {
  const code = error instanceof BatonError ? error.code : 'RESOLVER_THREW';
  const message = error instanceof Error ? error.message : String(error);
  const expr = error instanceof BatonError ? error.details?.['expr'] : undefined;
  const place = typeof expr === 'string' && job ? locate(job, expr) : undefined;
  return { to: 'fail', failure: { class: 'permanent', code, message: place ? `${place}  ${message}` : message, dispatched: false } };
}
