/**
 * The facts of the two kinds of stream. A fact says what happened, in the past tense; nothing derivable is stored.
 * The table below is data: versions, documents and the simulator's coverage come from it.
 */
import type { Amounts, CallRule, Commit, Failure, Hash, Limits, Plan, PlanChange, Principal, Usage } from './plan.ts';

/** A change of the plan that waits for its approval. */
export interface ProposedChange extends PlanChange {
  readonly by: string;
  /** The plan version it was made against. */
  readonly base: number;
}

/** `call`: one thing that a running attempt wants to do, and waits for leave to. */
export type ApprovalSubject = 'start' | 'result' | 'task' | 'plan' | 'change' | 'promotion' | 'call';
export type SkipCause =
  | { readonly cause: 'when' }
  | { readonly cause: 'need'; readonly task: string; readonly status: 'failed' | 'cancelled' | 'skipped' };
/** Why a workspace was put on record: somebody ran a command, much or long has passed, the attempt ended, it was about to be restored. */
export type CheckpointReason = 'command' | 'count' | 'time' | 'end' | 'restore';
/** How an attempt ended: its latency, and what it used besides its recorded steps. */
export interface End {
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
  | ({ readonly type: 'plan.changed'; readonly version: number; readonly by: string } & PlanChange)
  // task
  | { readonly type: 'task.resolved'; readonly task: string; readonly inputs: Hash }
  | {
      readonly type: 'task.started';
      readonly task: string;
      readonly attempt: number;
      readonly agent?: string;
      /** The integration tree as it stood. */
      readonly base?: Commit;
    }
  | ({
      readonly type: 'task.committed';
      readonly task: string;
      readonly attempt: number;
      readonly result: Hash;
      /** The integration tree with its change in it. */
      readonly tree?: Commit;
    } & End)
  | ({ readonly type: 'task.failed'; readonly task: string; readonly failure: Failure; readonly attempt?: number } & End)
  | { readonly type: 'task.skipped'; readonly task: string; readonly cause: SkipCause }
  | ({ readonly type: 'task.cancelled'; readonly task: string; readonly late?: Hash } & End)
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
  | ({
      readonly type: 'attempt.succeeded';
      readonly task: string;
      readonly attempt: number;
      readonly result: Hash;
      /** Its last checkpoint, where that differs from what it started from. */
      readonly change?: Commit;
    } & End)
  | ({
      readonly type: 'attempt.failed';
      readonly task: string;
      readonly attempt: number;
      readonly failure: Failure;
      /** When the next attempt may start, in milliseconds since the epoch. Without it the task is `undecided`. */
      readonly retryAt?: number;
    } & End)
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
      /** Hash of all that the gate was given, over a repository: where it is the same, one green verdict is as good as another. */
      readonly given?: Hash;
      /** Nothing was run: the evidence of an earlier green verdict that was given the same. */
      readonly reuses?: Hash;
    }
  | { readonly type: 'task.reworked'; readonly task: string; readonly rework: number; readonly feedback: readonly Hash[] }
  /** `count`: of everything it was ever told. */
  | { readonly type: 'feedback.acknowledged'; readonly task: string; readonly attempt: number; readonly count: number }
  // approval
  | {
      readonly type: 'approval.requested';
      readonly approval: string;
      readonly subject: ApprovalSubject;
      readonly task?: string;
      /** The hash of exactly what is approved. */
      readonly binds: string;
      /** Of a `change`: what is made when it is approved. */
      readonly change?: ProposedChange;
      /** Of a call; the others have theirs in the plan. */
      readonly rule?: CallRule;
      /** Of a promotion: where it will be committed as well. */
      readonly branch?: string;
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
  // integration tree and workspaces
  | { readonly type: 'tree.opened'; readonly tree: Commit }
  | { readonly type: 'tree.failed'; readonly failure: Failure }
  | {
      readonly type: 'checkpoint.taken';
      readonly task: string;
      readonly attempt: number;
      readonly checkpoint: Commit;
      readonly why: CheckpointReason;
      /** Files that differ from the attempt's base. */
      readonly files: number;
      /** Share of its quota that the workspace takes, where that is worth a warning. */
      readonly quotaShare?: number;
    }
  | { readonly type: 'change.merged'; readonly task: string; readonly attempt: number; readonly onto: Commit; readonly tree: Commit }
  | {
      readonly type: 'change.refused';
      readonly task: string;
      readonly attempt: number;
      readonly onto: Commit;
      /** It does not go together with what was committed meanwhile, or it may not be made at all. */
      readonly why: 'conflict' | 'rules';
      readonly feedback: Hash;
    }
  | { readonly type: 'change.stalled'; readonly task: string; readonly attempt: number; readonly failure: Failure }
  | { readonly type: 'change.resumed'; readonly task: string; readonly by: string }
  | {
      readonly type: 'restore.asked';
      readonly task: string;
      readonly by: string;
      readonly to: Commit;
      /** Only these; every file otherwise. */
      readonly paths?: readonly string[];
    }
  /** `checkpoint` is what the workspace is now, `before` what it was; without them it could not be done, and `reason` says why. */
  | {
      readonly type: 'restore.ended';
      readonly task: string;
      readonly before?: Commit;
      readonly checkpoint?: Commit;
      /** Words for whoever goes on in it. */
      readonly feedback?: Hash;
      readonly reason?: string;
    }
  // promotion
  | {
      readonly type: 'promotion.started';
      readonly promotion: string;
      readonly tree: Commit;
      readonly by: string;
      /** Of the user's repository: the result is committed there as well. */
      readonly branch?: string;
    }
  | { readonly type: 'promotion.done'; readonly promotion: string; readonly report: Hash }
  | {
      readonly type: 'promotion.refused';
      readonly promotion: string;
      readonly code: string;
      readonly message: string;
      readonly report?: Hash;
    }
  | { readonly type: 'promotion.undoing'; readonly promotion: string; readonly by: string }
  | { readonly type: 'promotion.undone'; readonly promotion: string; readonly report: Hash }
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
  | { readonly type: 'grant.released'; readonly request: string }
  | {
      readonly type: 'grant.shared';
      readonly request: string;
      readonly other: string;
      /** Hash of what the person saw: both tasks, what they are and what they claim. */
      readonly binds: Hash;
      readonly by: string;
    };

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

/** Every kind of fact: the current version of its shape (`upcast.ts` lifts older ones) and what it says. */
export const FACTS = {
  'run.created': { version: 1, means: 'A run was created from a plan; the first fact of its stream.' },
  'run.paused': { version: 1, means: 'Nothing new starts; a person asked for it, or a budget is used up.' },
  'run.resumed': { version: 1, means: 'Work may start again, perhaps with larger limits.' },
  'run.cancelling': { version: 1, means: 'The door is closed: running attempts are asked to stop, only `always` tasks start.' },
  'run.ended': { version: 1, means: 'No task is open any more.' },
  'run.reopened': { version: 1, means: 'An ended run got a new segment; the named tasks were replaced.' },
  'plan.changed': { version: 1, means: 'Tasks were added, dropped, rewired or replaced; the plan has a new version.' },
  'task.resolved': { version: 1, means: 'Expressions of a task were replaced by values; the hash names them.' },
  'task.started': { version: 1, means: 'A slot was free, or a person is asked: an attempt began.' },
  'task.committed': { version: 1, means: 'The result of a task is final and its dependents may use it.' },
  'task.failed': { version: 1, means: 'A task is over without a result.' },
  'task.skipped': { version: 1, means: 'A task did not run: its own `when` was false, or the end of a need forbids it.' },
  'task.cancelled': { version: 1, means: 'A task was ended by a cancel; a result that came too late is named.' },
  'task.blocked': { version: 1, means: 'Nobody can do this task as things are.' },
  'task.unblocked': { version: 1, means: 'A person let a blocked task try again.' },
  'task.decided': { version: 1, means: 'A person or the `onLost` rule decided about an attempt that may have happened.' },
  'attempt.succeeded': { version: 1, means: 'An attempt brought a result, which gates or a person still check.' },
  'attempt.failed': { version: 1, means: 'An attempt failed; another follows, or nobody knows what it did.' },
  'attempt.lost': { version: 1, means: 'Whoever performed an attempt is gone.' },
  'attempt.late': { version: 1, means: 'A lost attempt reported after all; its result changes nothing.' },
  'probe.judged': { version: 1, means: 'A probe looked whether a lost attempt happened.' },
  'step.reserved': { version: 1, means: 'Budget was set aside for one step of an attempt, before it was performed.' },
  'step.recorded': { version: 1, means: 'What a step brought is stored; a later attempt goes on after it.' },
  'gate.judged': { version: 1, means: 'A gate gave its verdict, with evidence.' },
  'task.reworked': { version: 1, means: 'A task was sent back with feedback.' },
  'feedback.acknowledged': { version: 1, means: 'An agent went to work with what it was told of the work before.' },
  'approval.requested': { version: 1, means: 'A person has to decide about exactly what the hash names.' },
  'approval.voted': { version: 1, means: 'A principal approved or rejected.' },
  'approval.granted': { version: 1, means: 'Enough principals approved.' },
  'approval.denied': { version: 1, means: 'A principal rejected, or time ran out and the rule denies.' },
  'approval.escalated': { version: 1, means: 'Time ran out; more roles may decide now.' },
  'budget.warned': { version: 1, means: '80 % of a limit is used or reserved.' },
  'budget.exhausted': { version: 1, means: 'A reservation was refused, or the wall time is over.' },
  'timer.fired': { version: 1, means: 'A timer that the state owed is over.' },
  'message.sent': { version: 1, means: 'A person sent a message to a task.' },
  'message.acknowledged': { version: 1, means: 'An attempt took the message.' },
  'message.refused': { version: 1, means: 'An attempt did not take the message.' },
  'message.returned': { version: 1, means: 'Nobody took the message; its sender is told.' },
  'tree.opened': { version: 1, means: 'The user’s tree was snapshotted; the integration tree of the run begins with it.' },
  'tree.failed': { version: 1, means: 'The user’s tree could not be snapshotted; tasks that work in it fail.' },
  'checkpoint.taken': { version: 1, means: 'The workspace of a task was put on record as it stood.' },
  'change.merged': { version: 1, means: 'What an attempt changed was merged with the integration tree; gates look at that.' },
  'change.refused': { version: 1, means: 'What an attempt changed conflicts with the integration tree, or breaks a rule.' },
  'change.stalled': {
    version: 1,
    means: 'A change could not be merged or checked for a reason of the machine; others go on, and a person is asked.',
  },
  'change.resumed': { version: 1, means: 'A person let a stalled change try again.' },
  'restore.asked': { version: 1, means: 'A person wants the workspace of a task back as a checkpoint has it.' },
  'restore.ended': { version: 1, means: 'The workspace is as the checkpoint has it, or it could not be done.' },
  'promotion.started': { version: 1, means: 'The integration tree is being carried into the user’s tree.' },
  'promotion.done': { version: 1, means: 'The user’s tree has the change.' },
  'promotion.refused': { version: 1, means: 'The user’s tree was left untouched.' },
  'promotion.undoing': { version: 1, means: 'What a promotion replaced is being put back.' },
  'promotion.undone': { version: 1, means: 'The user’s tree is as it was, but for what somebody changed since.' },
  'claim.held': { version: 1, means: 'The grants stream gave a task its claims.' },
  'claim.returned': { version: 1, means: 'The grants stream took the claims back.' },
  'grant.requested': { version: 1, means: 'A task asked for all its claims at once.' },
  'grant.given': { version: 1, means: 'The claims are its own now.' },
  'grant.acknowledged': { version: 1, means: 'The task knows that it holds them.' },
  'grant.released': { version: 1, means: 'They are free again, or the request was withdrawn.' },
  'grant.shared': { version: 1, means: 'A person let two tasks work at once though they claim one path.' },
} as const satisfies Record<FactType, { readonly version: number; readonly means: string }>;
