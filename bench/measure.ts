/** One measurement: everything anew, a fresh process, its answer, and nothing left behind. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Job, Result, StepKind } from './child/job.ts';
import { performed } from './child/steps.ts';
import type { Entrant, Env } from './entrant.ts';

const PATIENCE_MS = 180_000;
const SAID_MAX = 2_000;

export interface Site {
  /** On the disk that is measured. */
  readonly base: string;
  /** Base address of the server for steps that are an HTTP call. */
  readonly url: string;
}

export type Asked = Pick<Job, 'workload'> & Partial<Omit<Job, 'workload' | 'folder' | 'url' | 'startedAt'>>;

const SHAPE = {
  runs: 200,
  steps: 20,
  width: 1_000,
  repeats: 3,
  boxMs: 10_000,
  killAfter: 0,
  kind: { does: 'function', kib: 0 } as StepKind,
};

/** @throws Error with the last it said when its process fails */
export async function measure(entrant: Entrant, site: Site, asked: Asked): Promise<Result> {
  const folder = mkdtempSync(join(site.base, 'data-'));
  try {
    const env = await entrant.fresh(folder);
    const job = { ...SHAPE, ...asked, folder, url: site.url, startedAt: Date.now() };
    const { answer, said } = await child(entrant.script, job, env);
    if (!answer) throw new Error(`${entrant.name}, ${asked.workload}: no answer. ${said}`);
    return answer as Result;
  } finally {
    await entrant.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Recovery {
  readonly firstStepMs: number;
  readonly finishedMs: number;
  /** Runs or parts that did not end by themselves or when asked to. */
  readonly unfinished: number;
  /** Steps that were never performed, of all there are. */
  readonly missing: number;
  readonly repeated: number;
}

/** Of all steps, before the kill. */
const KILL_SHARE = 0.4;

/** Kills `-9` when some of all steps were done, starts again, and waits for all runs. */
export async function recovery(entrant: Entrant, site: Site, runs: number): Promise<Recovery> {
  const { steps } = SHAPE;
  const folder = mkdtempSync(join(site.base, 'data-'));
  try {
    const job = { ...SHAPE, workload: 'crash', runs, steps, repeats: 1, killAfter: Math.round(runs * steps * KILL_SHARE) } as const;
    const where = { folder, url: site.url };
    const first = await child(entrant.script, { ...job, ...where, startedAt: Date.now() }, await entrant.fresh(folder));
    await entrant.crash();
    if (first.signal !== 'SIGKILL') throw new Error(`${entrant.name} ended before it was killed. ${first.said}`);
    const startedAt = Date.now();
    const env = await entrant.restart();
    const { answer, said } = await child(entrant.script, { ...job, ...where, workload: 'resume', startedAt }, env);
    if (!answer) throw new Error(`${entrant.name} did not come back. ${said}`);
    const { firstStepMs = Number.NaN, finishedMs = Number.NaN, unfinished = 0 } = answer as Result;
    const { different, repeated } = performed(folder);
    return { firstStepMs, finishedMs, unfinished, missing: runs * steps - different, repeated };
  } finally {
    await entrant.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly answer: unknown;
  readonly signal: NodeJS.Signals | null;
  /** The last it printed. */
  readonly said: string;
}

/** A program of its own, with one JSON argument; its answer is the one message it sends. */
export function child(script: string, argument: unknown, env: Env = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const program = fork(script, [JSON.stringify(argument)], {
      env: { ...process.env, ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGTERM',
    });
    let said = '';
    let answer: unknown;
    for (const stream of [program.stdout, program.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-SAID_MAX);
      });
    program.on('message', (message) => {
      answer = message;
    });
    program.on('error', reject);
    program.on('close', (_code, signal) => resolve({ answer, signal, said }));
  });
}
