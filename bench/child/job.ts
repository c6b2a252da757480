/**
 * What a child process is asked to measure, and what it answers. Baton and its peers get the same jobs, so this folder
 * is copied beside the peers' own programs: nothing in it imports anything of Baton or of an npm package.
 */

export interface StepKind {
  /** What a step does: returns from a function, spawns a process that prints, or asks a server on this machine. */
  readonly does: 'function' | 'process' | 'http';
  /** Size of what a step brings, in KiB. */
  readonly kib: number;
}

export interface Job {
  /**
   * `chain`: one run of `steps` steps one after another. `crowd`: `runs` such runs at once. `steady`: the same, until
   * `boxMs` is over. `fan`: one run of `width` steps at once and one that joins them. `crash`: a crowd that ends by
   * `kill -9` after `killAfter` steps. `resume`: what the process after that one does.
   */
  readonly workload: 'chain' | 'crowd' | 'steady' | 'fan' | 'crash' | 'resume';
  readonly kind: StepKind;
  readonly runs: number;
  readonly steps: number;
  readonly width: number;
  /** Measured that often in one process, after one unmeasured run. */
  readonly repeats: number;
  readonly boxMs: number;
  readonly killAfter: number;
  /** Data go here; on the disk that is measured. */
  readonly folder: string;
  /** Base address of the server for steps that are an HTTP call. */
  readonly url: string;
  /** When the parent began to start this process, in milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface Result {
  /** Milliseconds of each repeat. */
  readonly ms: readonly number[];
  /** Steps done in the time box; of all runs otherwise. */
  readonly steps: number;
  /** 4 KiB overwrites with fdatasync per second in this process, before and after. */
  readonly fsyncs: readonly number[];
  /** Delay of the event loop while measuring, in milliseconds. */
  readonly delayP99Ms: number;
  readonly cpuMs: number;
  readonly memoryMb: number;
  /** Of other processes that belong to it: a database, a server. */
  readonly serverMb: number;
  /** `resume`: from `startedAt` to the first step that had not been done, and to the end of the last run. */
  readonly firstStepMs?: number;
  readonly finishedMs?: number;
  readonly unfinished?: number;
}
