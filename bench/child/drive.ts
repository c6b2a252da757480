/**
 * Measures one contender in this process, as the job in the first argument says. For a second the same goes unmeasured, so
 * that code is compiled and connections are open, as in a process that has been up for a while; then each repeat is timed
 * from the first request to the last run's end.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { durableWrites } from './disk.ts';
import type { Job, Result } from './job.ts';
import { peakMb, sharedOutMb } from './processes.ts';
import { type Perform, type Steps, stepsOf, UNMEASURED } from './steps.ts';

/** Baton or a peer, opened in this process. Each promise resolves when the run is over, and rejects when it failed. */
export interface Contender {
  /** One run of `steps` steps, each durable before the next. */
  run(id: string, steps: number): Promise<void>;
  /** One run of `width` steps at once, and one step that follows them all. */
  fan(id: string, width: number): Promise<void>;
  /** After a crash: does whatever is needed so that these runs, which were started before, end. */
  resume(ids: readonly string[], steps: number): Promise<void>;
  /** Processes beside this one that it needs. */
  processes?(): readonly number[];
  close(): Promise<void>;
}

const PROBE_MS = 150;
const WARM_MS = 1_000;
/** Resolution of the event loop's histogram: a loop that is never late shows this much. */
const RESOLUTION_MS = 1;

export async function drive(open: (job: Job, perform: Perform) => Promise<Contender>): Promise<void> {
  const job = JSON.parse(process.argv[2] ?? '') as Job;
  // Nobody waits for the figures any more.
  process.on('disconnect', () => process.exit(1));
  const steps = stepsOf(job);
  const result = job.workload === 'resume' ? await resume(job, steps, open) : await measure(job, steps, open);
  process.send?.(result, () => process.exit(0));
}

async function measure(job: Job, steps: Steps, open: (job: Job, perform: Perform) => Promise<Contender>): Promise<Result> {
  const before = durableWrites(job.folder, PROBE_MS);
  const contender = await open(job, steps.perform);
  const warm = performance.now() + WARM_MS;
  await round(contender, job.workload === 'fan' ? job : { ...job, workload: 'chain' }, UNMEASURED, steps);
  for (let i = 0; performance.now() < warm; i++) await round(contender, warming(job), `${UNMEASURED}${i}`, steps);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const cpu = process.cpuUsage();
  delay.enable();
  const ms: number[] = [];
  let done = 0;
  for (let repeat = 0; repeat < job.repeats; repeat++) {
    const began = performance.now();
    done = await round(contender, job, `r${repeat}`, steps);
    ms.push(performance.now() - began);
  }
  // An engine that never let the loop turn is late by all of it.
  await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS));
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const result = {
    ms,
    steps: done,
    delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    cpuMs: (user + system) / 1000,
    memoryMb: peakMb(process.pid),
    serverMb: sharedOutMb(contender.processes?.() ?? []),
  };
  // A time box leaves runs behind that nobody waits for.
  if (job.workload !== 'steady') await contender.close();
  return { ...result, fsyncs: [before, durableWrites(job.folder, PROBE_MS)] };
}

/** Long crowds are begun with short ones. */
const warming = (job: Job): Job => (job.workload === 'steady' ? { ...job, workload: 'crowd', steps: 20 } : job);

export const runIds = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}-${i}`);

/** @returns steps done */
async function round(contender: Contender, job: Job, name: string, steps: Steps): Promise<number> {
  if (job.workload === 'fan') {
    await contender.fan(name, job.width);
    return job.width;
  }
  if (job.workload === 'chain') {
    await contender.run(name, job.steps);
    return job.steps;
  }
  if (job.workload === 'steady') steps.stopAt(performance.now() + job.boxMs);
  const all = Promise.all(runIds(name, job.runs).map((id) => contender.run(id, job.steps)));
  if (job.workload !== 'steady') {
    await all;
    return job.runs * job.steps;
  }
  let box: NodeJS.Timeout | undefined;
  await Promise.race([
    all,
    new Promise<void>((resolve) => {
      box = setTimeout(resolve, job.boxMs);
    }),
  ]);
  clearTimeout(box);
  all.catch(() => {});
  return steps.count();
}

async function resume(job: Job, steps: Steps, open: (job: Job, perform: Perform) => Promise<Contender>): Promise<Result> {
  const contender = await open(job, steps.perform);
  let unfinished = 0;
  await contender.resume(runIds('r0', job.runs), job.steps).catch((error: unknown) => {
    console.error(error);
    unfinished++;
  });
  const finishedMs = Date.now() - job.startedAt;
  await contender.close();
  return {
    ms: [],
    steps: steps.count(),
    fsyncs: [],
    delayP99Ms: 0,
    cpuMs: 0,
    memoryMb: peakMb(process.pid),
    serverMb: 0,
    firstStepMs: steps.firstAt() - job.startedAt,
    finishedMs,
    unfinished,
  };
}
