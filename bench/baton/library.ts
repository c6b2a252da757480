/** Baton as its users get it: the built package where there is one, as `npm run bench` makes it; the source otherwise. */
import { existsSync } from 'node:fs';
import type { Baton, Plan, WorkflowData } from '../../src/index.ts';

export type { Plan };

const built = new URL('../../dist/index.js', import.meta.url);
const source = new URL('../../src/index.ts', import.meta.url);

export const library = (await import((existsSync(built) ? built : source).href)) as typeof import('../../src/index.ts');

type Task = Readonly<Record<string, unknown>> & { readonly needs?: readonly string[] };

/** One task after another, each in the words of `each`. */
export const chain = (steps: number, each: Task): WorkflowData =>
  workflow(Array.from({ length: steps }, (_, i) => [`s${i}`, i === 0 ? each : { ...each, needs: [`s${i - 1}`] }]));

/** Many tasks at once, and one that needs them all. */
export const fan = (width: number, each: Task, join: Task): WorkflowData => {
  const wide = Array.from({ length: width }, (_, i): [string, Task] => [`s${i}`, each]);
  return workflow([...wide, ['join', { ...join, needs: wide.map(([id]) => id) }]]);
};

const workflow = (tasks: readonly (readonly [string, Task])[]): WorkflowData => ({
  version: 1,
  name: 'bench',
  limits: { tasks: 100_000 },
  tasks: Object.fromEntries(tasks),
});

/** The plan of a run that was started from a workflow, so that the same can be started again without being compiled. */
export async function planOf(baton: Baton, run: string): Promise<Plan> {
  let created: Omit<Plan, 'tasks'> | undefined;
  for await (const { fact } of baton.run(run).follow()) {
    if (fact.type === 'run.created') created = fact.plan;
    if (fact.type === 'plan.changed' && created) return { ...created, tasks: fact.add };
  }
  throw new Error(`run ${run} has no plan`);
}
