/** Measures Baton alone, in a process of its own: large runs, starting, and homes with a history. */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { residentMb } from '../child/processes.ts';
import { SLOTS } from './contender.ts';
import { chain, library, type Plan } from './library.ts';
import type { OwnJob, OwnResult, Shape } from './own-job.ts';

const WARM_MS = 1_000;
const WARM_TASKS = 1_000;
/** Tasks side by side in a layer. */
const LAYER = 100;
const STEPS = 3;

const job = JSON.parse(process.argv[2] ?? '') as OwnJob;
const baton = await library.Baton.open({
  home: join(job.folder, 'home'),
  cwd: job.folder,
  env: { ...process.env, BATON_SLOTS: String(SLOTS) },
  functions: { step: () => undefined },
});
const delay = monitorEventLoopDelay({ resolution: 1 });
const ms = await measured();
delay.disable();
const result: OwnResult = {
  ms,
  memoryMb: residentMb(process.pid),
  delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1),
  delayMaxMs: Math.max(0, delay.max / 1e6 - 1),
};
await baton.close();
process.send?.(result, () => process.exit(0));

async function measured(): Promise<number[]> {
  switch (job.what) {
    case 'large': {
      const small = planOf(job.shape, WARM_TASKS);
      for (const end = performance.now() + WARM_MS; performance.now() < end; ) await finish(small);
      const plan = planOf(job.shape, job.tasks);
      delay.enable();
      return timed(job.repeats, () => finish(plan));
    }
    case 'start': {
      const workflow = chain(job.tasks, { approve: 'May it begin?' });
      const start = () => baton.start(workflow).then(() => {});
      await start();
      delay.enable();
      return timed(job.repeats, start);
    }
    case 'home': {
      await baton.start(chain(STEPS, { call: 'step' })).then((run) => run.finished());
      const plan = planOf('chain', STEPS);
      delay.enable();
      return timed(1, async () => {
        await Promise.all(Array.from({ length: job.runs - 1 }, () => finish(plan)));
      });
    }
  }
}

async function timed(repeats: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times;
}

async function finish(plan: Plan): Promise<void> {
  await (await baton.startPlan(plan)).finished();
}

/** By hand: a file of 100,000 tasks is larger than a workflow file may be. */
function planOf(shape: Shape, tasks: number): Plan {
  const work = put({ kind: 'function', name: 'step' });
  const needs: Readonly<Record<Shape, (i: number) => string[]>> = {
    chain: (i) => (i === 0 ? [] : [`s${i - 1}`]),
    wide: () => [],
    foreach: () => [],
    // The task above and its neighbour, round the edge.
    layers: (i) => (i < LAYER ? [] : [`s${i - LAYER}`, `s${i - LAYER - (i % LAYER) + ((i + 1) % LAYER)}`]),
  };
  const step = { kind: 'work', agent: 'function', idempotent: true } as const;
  const plain = Array.from({ length: tasks }, (_, i) => ({ id: `s${i}`, needs: needs[shape](i), work, ...step }));
  const items = Array.from({ length: tasks - 1 }, (_, i) => i);
  const child = { spec: step, definition: { kind: 'function', name: 'step' } };
  const each = {
    id: 'each',
    needs: [],
    kind: 'container',
    work: put({ kind: 'foreach', items, child }),
    idempotent: true,
    resolve: true,
  } as const;
  return {
    name: 'bench',
    source: put({ main: 'bench', files: {}, inputs: {}, agents: [], secrets: [] }),
    tasks: shape === 'foreach' ? [each] : plain,
    limits: { tasks: 100_000, depth: 4 },
  };
}

function put(value: unknown): string {
  return baton.put(JSON.stringify(value));
}
