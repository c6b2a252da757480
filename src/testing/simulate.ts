/**
 * `npm run simulate -- --seeds N [--seed S] [--fault NAME] [--trace]`: plays N seeds (from S on) on all processors and
 * prints how often everything occurred. A seed that breaks a rule prints the one command that plays it again.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Coverage } from './simulation/coverage.ts';
import { PLANTED, type Planted } from './simulation/faults.ts';
import { simulate } from './simulation/simulate.ts';
import { World } from './simulation/world.ts';

/** From this many seeds on, a kind that never occurred fails the simulation. */
const COVERAGE_SEEDS = 5_000;
/** Seeds a worker plays before it reports. */
const CHUNK = 250;

interface Job {
  readonly from: number;
  readonly seeds: number;
  readonly step: number;
  readonly fault?: Planted;
}
interface Report {
  readonly seeds: number;
  readonly facts: number;
  readonly crashes: number;
  readonly factsLeast: number;
  readonly crashesLeast: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly failed?: { readonly seed: number; readonly message: string };
}

if (isMainThread) process.exitCode = await main();
else await work(workerData as Job);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      fault: { type: 'string' },
      trace: { type: 'boolean' },
      workers: { type: 'string' },
    },
  });
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 1_000 : 1));
  const from = Number(values.seed ?? 1);
  if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from)) {
    console.error('usage: npm run simulate -- --seeds N [--seed S] [--fault NAME] [--trace]');
    return 2;
  }
  if (values.fault !== undefined && !Object.hasOwn(PLANTED, values.fault)) {
    console.error(`There is no fault "${values.fault}". There are: ${Object.keys(PLANTED).join(', ')}.`);
    return 2;
  }
  const fault = values.fault as Planted | undefined;
  if (values.trace) return trace(from, fault);
  const began = performance.now();
  const workers = Math.min(Number(values.workers ?? availableParallelism()), Math.ceil(seeds / CHUNK));
  const all = await play(from, seeds, workers, fault);
  const seconds = (performance.now() - began) / 1_000;
  console.log(all.coverage.table());
  console.log(
    `${all.seeds} seeds, ${all.facts} facts (at least ${all.factsLeast} a seed), ${all.crashes} crashes (at least ${all.crashesLeast} a seed), ${seconds.toFixed(1)} s`,
  );
  if (all.failed) {
    console.error(
      `seed ${all.failed.seed}: ${all.failed.message}\nnpm run simulate -- --seed ${all.failed.seed}${fault ? ` --fault ${fault}` : ''} --trace`,
    );
    return 1;
  }
  const missing = all.coverage.missing();
  if (missing.length > 0 && seeds >= COVERAGE_SEEDS) {
    console.error(`never occurred: ${missing.join(', ')}`);
    return 1;
  }
  if (missing.length > 0) console.log(`not seen in so few seeds: ${missing.join(', ')}`);
  return 0;
}

async function trace(seed: number, fault: Planted | undefined): Promise<number> {
  try {
    await new World(seed, new Coverage(), { trace: (line) => console.log(line), ...(fault ? { fault } : {}) }).play();
    console.log(`seed ${seed}: no violation`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.stack : error);
    return 1;
  }
}

async function play(from: number, seeds: number, workers: number, fault: Planted | undefined) {
  const all = {
    seeds: 0,
    facts: 0,
    crashes: 0,
    factsLeast: Number.POSITIVE_INFINITY,
    crashesLeast: Number.POSITIVE_INFINITY,
    coverage: new Coverage(),
    failed: undefined as Report['failed'],
  };
  const crew = Array.from({ length: workers }, (_, i) => {
    const job: Job = { from: from + i, seeds: Math.ceil((seeds - i) / workers), step: workers, ...(fault ? { fault } : {}) };
    return new Worker(new URL(import.meta.url), { workerData: job });
  });
  await Promise.all(
    crew.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('message', (report: Report) => {
            all.seeds += report.seeds;
            all.facts += report.facts;
            all.crashes += report.crashes;
            all.factsLeast = Math.min(all.factsLeast, report.factsLeast);
            all.crashesLeast = Math.min(all.crashesLeast, report.crashesLeast);
            all.coverage.merge(report.counts);
            if (process.stderr.isTTY) process.stderr.write(`\r${all.seeds} of ${seeds}`);
            if (!report.failed) return;
            all.failed ??= report.failed;
            for (const each of crew) void each.terminate();
          });
          worker.on('error', reject);
          worker.on('exit', () => resolve());
        }),
    ),
  );
  if (process.stderr.isTTY) process.stderr.write('\r');
  return all;
}

/** Plays every `step`-th seed, reporting now and then. */
async function work({ from, seeds, step, fault }: Job): Promise<void> {
  for (let done = 0; done < seeds; done += CHUNK) {
    const result = await simulate(from + done * step, Math.min(CHUNK, seeds - done), { step, ...(fault ? { fault } : {}) });
    const { coverage, failed, ...sums } = result;
    const report: Report = {
      ...sums,
      counts: coverage.counts,
      ...(failed ? { failed: { seed: failed.seed, message: failed.error.message } } : {}),
    };
    parentPort?.postMessage(report);
    if (failed) return;
  }
}
