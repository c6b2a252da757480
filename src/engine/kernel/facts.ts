/**
 * The facts of the two kinds of stream. A fact says what happened, in the past tense; nothing derivable is stored.
 * The table below is data: versions, documents and the simulator's coverage come from it.
 */
import type { Amounts, Failure, Hash, Limits, Plan, Principal, TaskSpec, Usage } from './plan.ts';

export type ApprovalSubject = 'start' | 'result' | 'task' | 'plan';
export type SkipCause =
  | { readonly cause: 'when' }
  | { readonly cause: 'need'; readonly task: string; readonly status: 'failed' | 'cancelled' | 'skipped' };
/** How an attempt ended: its latency, and what it used besides its recorded steps. */
interface End {
  /** Milliseconds from start to end, by the host's clock. */
  readonly ms?: number;
  readonly usage?: Usage;
}

export type RunFact =
  // run
  | { readonly type: 'run.created'; readonly plan: Omit<Plan, 'tasks'>; readonly by: Principal; readonly segment: number }
  | { readonly type: 'run.paused'; readonly by: string; readonly reason: 'asked' | 'budget'; readonly note?: string }
  | { readonly type: 'run.resumed'; readonly by: string; readonly limits?: Partial<Limits> }
  | { readonly type: 'run.cancelling'; readonly by: string; readonly reason: string }
  | { readonly type: 'run.ended'; readonly outcome: 'succeeded' | 'failed' | 'cancelled' }
  | {
      readonly type: 'run.reopened';
      readonly by: string;
      readonly segment: number;
      /** Old id to the id that takes its place. */
      readonly replaced: Readonly<Record<string, string>>;
    }
  // plan change
  | {
      readonly type: 'plan.changed';
      readonly version: number;
      readonly by: string;
      readonly add: readonly TaskSpec[];
      readonly drop?: readonly string[];
      /** Tasks, not started yet, that get these needs instead. */
      readonly rewire?: Readonly<Record<string, readonly string[]>>;
      /** The container that asked for it. */
      readonly parent?: string;
    }
  // task
  | { readonly type: 'task.resolved'; readonly task: string; readonly inputs: Hash }
  | { readonly type: 'task.started'; readonly task: string; readonly attempt: number; readonly agent?: string }
  | { readonly type: 'task.committed'; readonly task: string; readonly attempt: number; readonly result: Hash } & End
  | { readonly type: 'task.failed'; readonly task: string; readonly failure: Failure; readonly attempt?: number } & End
  | { readonly type: 'task.skipped'; readonly task: string; readonly cause: SkipCause }
  | { readonly type: 'task.cancelled'; readonly task: string; readonly late?: Hash } & End
  | { readonly type: 'task.blocked'; readonly task: string; readonly reason: string }
  | { readonly type: 'task.unblocked'; readonly task: string; readonly by: string }
  | {
      readonly type: 'task.decided';
      readonly task: string;
      readonly by: string;
      readonly decision: 'retry' | 'committed' | 'fail';
      readonly result?: Hash;
    }
  // attempt
  | { readonly type: 'attempt.succeeded'; readonly task: string; readonly attempt: number; readonly result: Hash } & End
  | {
      readonly type: 'attempt.failed';
      readonly task: string;
      readonly attempt: number;
      readonly failure: Failure;
      /** When the next attempt may start, in milliseconds since the epoch. Without it the task is `undecided`. */
      readonly retryAt?: number;
    } & End
  | { readonly type: 'attempt.lost'; readonly task: string; readonly attempt: number; readonly again: boolean }
  | { readonly type: 'attempt.late'; readonly task: string; readonly attempt: number; readonly result?: Hash }
  | { readonly type: 'probe.judged'; readonly task: string; readonly attempt: number; readonly verdict: 'happened' | 'absent' | 'unknown' }
  | { readonly type: 'step.reserved'; readonly task: string; readonly attempt: number; readonly step: string; readonly amounts: Amounts }
  | {
      readonly type: 'step.recorded';
      readonly task: string;
      readonly attempt: number;
      readonly step: string;
      readonly output: Hash;
      readonly usage?: Usage;
    }
  // gate
  | {
      readonly type: 'gate.judged';
      readonly task: string;
      readonly attempt: number;
      readonly gate: number;
      readonly verdict: 'pass' | 'fail' | 'error';
      /** Blob with command, exit code, output hash and what it is bound to. */
      readonly evidence: Hash;
      /** 0 to 1, where the gate gives one. */
      readonly score?: number;
    }
  | { readonly type: 'task.reworked'; readonly task: string; readonly rework: number; readonly feedback: readonly Hash[] }
  // approval
  | {
      readonly type: 'approval.requested';
      readonly approval: string;
      readonly subject: ApprovalSubject;
      readonly task?: string;
      /** The hash of exactly what is approved. */
      readonly binds: string;
    }
  | {
      readonly type: 'approval.voted';
      readonly approval: string;
      readonly by: string;
      readonly decision: 'approve' | 'reject';
      readonly note?: string;
    }
  | { readonly type: 'approval.granted'; readonly approval: string }
  | { readonly type: 'approval.denied'; readonly approval: string; readonly by: string }
  | { readonly type: 'approval.escalated'; readonly approval: string }
  // budget
  | { readonly type: 'budget.warned'; readonly scope: string; readonly measure: keyof Amounts; readonly limit: number }
  | { readonly type: 'budget.exhausted'; readonly scope: string; readonly measure: keyof Amounts | 'wallTime'; readonly limit: number }
  // timer
  | { readonly type: 'timer.fired'; readonly timer: string }
  // message
  | { readonly type: 'message.sent'; readonly message: string; readonly task: string; readonly body: Hash; readonly by: string }
  | { readonly type: 'message.acknowledged'; readonly message: string; readonly attempt: number }
  | { readonly type: 'message.refused'; readonly message: string; readonly attempt: number; readonly reason: string }
  | { readonly type: 'message.returned'; readonly message: string; readonly reason: string }
  // claims, held by way of the grants stream
  | { readonly type: 'claim.held'; readonly task: string; readonly epoch: number }
  | { readonly type: 'claim.returned'; readonly task: string };

/** Facts of the one stream `grants`, which hands out what runs share. */
export type GrantFact =
  | {
      readonly type: 'grant.requested';
      readonly request: string;
      readonly run: string;
      readonly task: string;
      readonly scope: string;
      readonly claims: readonly string[];
      /** Fixed order key: smaller is earlier. */
      readonly key: number;
      readonly epoch: number;
    }
  | { readonly type: 'grant.given'; readonly request: string; readonly epoch: number }
  | { readonly type: 'grant.acknowledged'; readonly request: string }
  | { readonly type: 'grant.released'; readonly request: string };

export type Fact = RunFact | GrantFact;
export type FactType = Fact['type'];
export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;

/** The external command a batch of facts answers; remembered so that the same command twice has one effect. */
export interface CommandRef {
  readonly id: string;
  /** Hash of the command's arguments, made by the interface that received it. */
  readonly args: string;
}

/** What is stored beside each fact. `seq` starts at 1 and has no gaps within a stream. */
export interface Stored<F extends Fact = Fact> {
  readonly stream: string;
  readonly seq: number;
  /** Milliseconds since the epoch, by the owner's clock; never goes back within a stream. */
  readonly at: number;
  /** The owner's epoch when it was written. */
  readonly epoch: number;
  readonly fact: F;
  readonly command?: CommandRef;
}

/** The current version of each kind's shape; `upcast.ts` lifts older ones. */
export const FACT_VERSIONS = {
  'run.created': 1,
  'run.paused': 1,
  'run.resumed': 1,
  'run.cancelling': 1,
  'run.ended': 1,
  'run.reopened': 1,
  'plan.changed': 1,
  'task.resolved': 1,
  'task.started': 1,
  'task.committed': 1,
  'task.failed': 1,
  'task.skipped': 1,
  'task.cancelled': 1,
  'task.blocked': 1,
  'task.unblocked': 1,
  'task.decided': 1,
  'attempt.succeeded': 1,
  'attempt.failed': 1,
  'attempt.lost': 1,
  'attempt.late': 1,
  'probe.judged': 1,
  'step.reserved': 1,
  'step.recorded': 1,
  'gate.judged': 1,
  'task.reworked': 1,
  'approval.requested': 1,
  'approval.voted': 1,
  'approval.granted': 1,
  'approval.denied': 1,
  'approval.escalated': 1,
  'budget.warned': 1,
  'budget.exhausted': 1,
  'timer.fired': 1,
  'message.sent': 1,
  'message.acknowledged': 1,
  'message.refused': 1,
  'message.returned': 1,
  'claim.held': 1,
  'claim.returned': 1,
  'grant.requested': 1,
  'grant.given': 1,
  'grant.acknowledged': 1,
  'grant.released': 1,
} as const satisfies Record<FactType, number>;
