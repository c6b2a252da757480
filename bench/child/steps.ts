/** What one step of a measured run does; the same function for everybody. */
import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from './job.ts';

/** Does one step. A function with an empty result returns without a promise. */
export type Perform = (run: string, step: number | string) => undefined | string | Promise<string>;

export interface Steps {
  readonly perform: Perform;
  /** Calls so far, those of unmeasured runs left out. */
  readonly count: () => number;
  /** When the first of them began, in milliseconds since the epoch. */
  readonly firstAt: () => number;
  /** From then on, in milliseconds of `performance.now()`, steps begin and never end: whoever is measured comes to rest. */
  readonly stopAt: (time: number) => void;
}

/** Runs whose id begins like this are not measured. */
export const UNMEASURED = 'warm';

/** The command of a step that spawns a process. */
export function commandOf({ folder, kind }: Job): readonly string[] {
  if (kind.kib === 0) return ['true'];
  const file = join(folder, 'printed.txt');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, 'x'.repeat(kind.kib * 1024));
  return ['cat', file];
}

const NEVER = new Promise<string>(() => {});

export function stepsOf(job: Job): Steps {
  const work = workOf(job);
  const log = openLog(job);
  const killAfter = job.workload === 'crash' ? job.killAfter : Number.POSITIVE_INFINITY;
  let count = 0;
  let firstAt = 0;
  let stopAt = Number.POSITIVE_INFINITY;
  return {
    stopAt: (time) => {
      stopAt = time;
    },
    count: () => count,
    firstAt: () => firstAt,
    perform(run, step) {
      if (stopAt !== Number.POSITIVE_INFINITY && performance.now() >= stopAt) return NEVER;
      if (!run.startsWith(UNMEASURED)) {
        if (count++ === 0) firstAt = Date.now();
        log?.(`${run} ${step}\n`);
        if (count >= killAfter) process.kill(process.pid, 'SIGKILL');
      }
      return work();
    },
  };
}

function workOf(job: Job): () => undefined | string | Promise<string> {
  const { does, kib } = job.kind;
  const text = 'x'.repeat(kib * 1024);
  switch (does) {
    case 'function':
      return () => (kib === 0 ? undefined : text);
    case 'http':
      return async () => (await fetch(`${job.url}/${kib}`)).text();
    case 'process': {
      const [program = '', ...args] = commandOf(job);
      return () =>
        new Promise((resolve, reject) =>
          execFile(program, args, { maxBuffer: 1 << 24 }, (error, stdout) => (error ? reject(error) : resolve(stdout))),
        );
    }
  }
}

const logFile = (folder: string): string => join(folder, 'performed.log');

/** Every step that began, also across a crash: what was written to the page cache survives kill -9. */
function openLog({ workload, folder }: Job): ((line: string) => void) | undefined {
  if (workload !== 'crash' && workload !== 'resume') return undefined;
  const file = openSync(logFile(folder), 'a');
  process.on('exit', () => closeSync(file));
  return (line) => {
    writeSync(file, line);
  };
}

/** How many steps were performed at all, and how many of them more than once. */
export function performed(folder: string): { readonly different: number; readonly repeated: number } {
  const times = new Map<string, number>();
  for (const line of readFileSync(logFile(folder), 'utf8').split('\n')) if (line !== '') times.set(line, (times.get(line) ?? 0) + 1);
  return { different: times.size, repeated: [...times.values()].filter((each) => each > 1).length };
}
