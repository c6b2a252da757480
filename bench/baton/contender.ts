/**
 * Baton as one contender among others: through its library, on a journal as everybody gets it (SQLite, WAL,
 * `synchronous=FULL`). The first run of a shape is started from a workflow as data; those that are measured are started
 * from its plan, as the peers start a workflow they have registered.
 */
import { join } from 'node:path';
import type { Contender } from '../child/drive.ts';
import type { Job } from '../child/job.ts';
import { commandOf, type Perform } from '../child/steps.ts';
import { chain, fan, library, type Plan, planOf } from './library.ts';

/** Attempts at once. None of the peers has such a limit; the default is 64, meant for agents. */
export const SLOTS = 1_000;

export async function openBaton(job: Job, perform: Perform): Promise<Contender> {
  const baton = await library.Baton.open({
    home: join(job.folder, 'home'),
    cwd: job.folder,
    env: { ...process.env, BATON_SLOTS: String(SLOTS) },
    functions: { step: ({ run, task }) => perform(run, task), join: () => undefined },
  });
  const plans = new Map<string, Plan>();
  const command = { run: commandOf(job), in: 'project', idempotent: true };
  const step = job.kind.does === 'process' ? command : { call: 'step' };

  async function finish(id: string, shape: 'chain' | 'fan', size: number): Promise<void> {
    const known = plans.get(shape + size);
    if (known) {
      await (await baton.startPlan(known, { commandId: id })).finished();
      return;
    }
    const run = await baton.start(shape === 'chain' ? chain(size, step) : fan(size, step, { call: 'join' }), { commandId: id });
    await run.finished();
    plans.set(shape + size, await planOf(baton, id));
  }

  return {
    run: (id, steps) => finish(id, 'chain', steps),
    fan: (id, width) => finish(id, 'fan', width),
    async resume(ids) {
      // They go on by themselves: it is enough to wait.
      await Promise.all(ids.map((id) => baton.run(id).finished()));
    },
    close: () => baton.close(),
  };
}
