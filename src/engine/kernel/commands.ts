/**
 * What a person, a program or the host asks of a stream. A command is decided into facts, or refused with a reason.
 * Commands of people carry an id, which makes a repeat harmless; those of the host are de-duplicated by what they name
 * (an attempt, a gate, a timer).
 */
import type { CheckpointReason, CommandRef } from './facts.ts';
import type { Amounts, CallRule, Commit, Failure, Hash, Limits, Plan, PlanChange, Principal, TaskSpec, Usage } from './plan.ts';

/** How an attempt ended, as its performer reports it. `usage` is what it used besides its recorded steps. */
export type Outcome =
  | {
      readonly ok: true;
      readonly result: Hash;
      /** The last checkpoint of its workspace, where that differs from what it started from. */
      readonly change?: Commit;
      readonly usage?: Usage;
      readonly ms?: number;
    }
  | { readonly ok: false; readonly failure: Failure; readonly usage?: Usage; readonly ms?: number };

/** What a resolver makes of a task: see `TaskSpec.resolve` and containers. */
export type Resolution =
  /** The definition with every expression replaced (secrets stay references). */
  | { readonly to: 'inputs'; readonly inputs: Hash }
  /** Its own `when` is false. */
  | { readonly to: 'skip' }
  /** A container makes its (next) children; at least one. */
  | { readonly to: 'expand'; readonly add: readonly TaskSpec[] }
  /** A container is done, or has nothing to do. */
  | { readonly to: 'commit'; readonly result: Hash }
  | { readonly to: 'fail'; readonly failure: Failure };

/** What became of merging a change: the tree that gates look at, words for whoever has to work on it again, or trouble of the machine. */
export type Integration =
  | { readonly to: 'merged'; readonly tree: Commit }
  | { readonly to: 'refused'; readonly why: 'conflict' | 'rules'; readonly feedback: Hash }
  | { readonly to: 'stalled'; readonly failure: Failure };

export type Restored =
  | { readonly ok: true; readonly before: Commit; readonly checkpoint: Commit; readonly feedback?: Hash }
  | { readonly ok: false; readonly reason: string };

/** `report` says which files, and which of the user's were kept. */
export type Promotion =
  | { readonly ok: true; readonly report: Hash }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly report?: Hash };

/** Asked by people and programs; may carry `ref`. */
export type AskedCommand =
  | { readonly type: 'run.create'; readonly plan: Plan; readonly by: Principal }
  | { readonly type: 'run.pause'; readonly by: Principal; readonly note?: string }
  /** With `limits` the budget is raised. */
  | { readonly type: 'run.resume'; readonly by: Principal; readonly limits?: Partial<Limits> }
  | { readonly type: 'run.cancel'; readonly by: Principal; readonly reason?: string }
  /** Puts `task^n`, and what came after it, in a new segment of an ended run; or unblocks a `blocked` task. Without `task`: every failed or cancelled task. */
  | { readonly type: 'run.retry'; readonly by: Principal; readonly task?: string }
  /** @param base the plan version the change was made against */
  | ({ readonly type: 'plan.change'; readonly by: Principal; readonly base: number } & PlanChange)
  | {
      readonly type: 'approval.decide';
      readonly by: Principal;
      readonly approval: string;
      /** What the principal saw; refused when the approval binds something else. */
      readonly binds: string;
      readonly decision: 'approve' | 'reject';
      readonly note?: string;
      /** Stored by the interface: the handoff `{decision, by}` of a `decision` task, or the feedback of a rejected result. */
      readonly result?: Hash;
    }
  /** Answers a `question` task. */
  | { readonly type: 'question.answer'; readonly by: Principal; readonly task: string; readonly result: Hash }
  /** Decides an `undecided` task. */
  | {
      readonly type: 'task.decide';
      readonly by: Principal;
      readonly task: string;
      readonly decision: 'retry' | 'committed' | 'fail';
      readonly result?: Hash;
    }
  /** Carries the integration tree as it stands into the user's tree, whatever the plan says about when, and commits it on a branch if asked to. */
  | { readonly type: 'run.promote'; readonly by: Principal; readonly branch?: string }
  /** Puts back what the last promotion replaced. */
  | { readonly type: 'promotion.undo'; readonly by: Principal }
  /** Puts the workspace of a task that is not being attempted back to a checkpoint. */
  | {
      readonly type: 'workspace.restore';
      readonly by: Principal;
      readonly task: string;
      readonly to: Commit;
      readonly paths?: readonly string[];
    }
  | { readonly type: 'message.send'; readonly by: Principal; readonly task: string; readonly body: Hash };

/** Asked by the host, as results of what is owed. */
export type HostCommand =
  | { readonly type: 'task.resolve'; readonly task: string; readonly round: number; readonly resolution: Resolution }
  /** A slot is free. */
  | { readonly type: 'task.start'; readonly task: string; readonly attempt: number }
  /** Nobody can do it (no such agent, breaker open for good). */
  | { readonly type: 'task.block'; readonly task: string; readonly reason: string }
  | { readonly type: 'attempt.end'; readonly task: string; readonly attempt: number; readonly outcome: Outcome }
  /** Its performer is known to be gone (the process that ran it died). */
  | { readonly type: 'attempt.lose'; readonly task: string; readonly attempt: number }
  | {
      readonly type: 'probe.end';
      readonly task: string;
      readonly attempt: number;
      readonly verdict: 'happened' | 'absent' | 'unknown';
      readonly result?: Hash;
    }
  | { readonly type: 'step.reserve'; readonly task: string; readonly attempt: number; readonly step: string; readonly amounts: Amounts }
  | {
      readonly type: 'step.record';
      readonly task: string;
      readonly attempt: number;
      readonly step: string;
      readonly output: Hash;
      readonly usage?: Usage;
    }
  /** The attempt wants to do something that a person has to allow. `call` counts its calls, so that a repeat is harmless. */
  | {
      readonly type: 'call.ask';
      readonly task: string;
      readonly attempt: number;
      readonly call: number;
      /** What it wants to do. */
      readonly binds: Hash;
      readonly rule: CallRule;
    }
  | {
      readonly type: 'gate.end';
      readonly task: string;
      readonly attempt: number;
      readonly gate: number;
      readonly verdict: 'pass' | 'fail' | 'error';
      readonly evidence: Hash;
      readonly score?: number;
      readonly given?: Hash;
      readonly reuses?: Hash;
    }
  | { readonly type: 'gate.stall'; readonly task: string; readonly attempt: number; readonly gate: number; readonly failure: Failure }
  | { readonly type: 'feedback.acknowledge'; readonly task: string; readonly attempt: number; readonly count: number }
  | { readonly type: 'tree.open'; readonly tree: Commit }
  | { readonly type: 'tree.fail'; readonly failure: Failure }
  | {
      readonly type: 'checkpoint.take';
      readonly task: string;
      readonly attempt: number;
      readonly checkpoint: Commit;
      readonly why: CheckpointReason;
      readonly files: number;
      readonly quotaShare?: number;
    }
  | {
      readonly type: 'integrate.end';
      readonly task: string;
      readonly attempt: number;
      readonly onto: Commit;
      readonly outcome: Integration;
    }
  | { readonly type: 'restore.end'; readonly task: string; readonly to: Commit; readonly outcome: Restored }
  | { readonly type: 'promote.end'; readonly promotion: string; readonly outcome: Promotion }
  | { readonly type: 'timer.fire'; readonly timer: string }
  | {
      readonly type: 'message.end';
      readonly message: string;
      readonly attempt: number;
      readonly acknowledged: boolean;
      readonly reason?: string;
    }
  | { readonly type: 'grant.received'; readonly task: string; readonly epoch: number }
  | { readonly type: 'grant.returned'; readonly task: string };

/** Asked of the `grants` stream, by runs, by way of the host. */
export type GrantCommand =
  | {
      readonly type: 'grant.request';
      readonly request: string;
      readonly run: string;
      readonly task: string;
      readonly scope: string;
      readonly claims: readonly string[];
      readonly key: number;
      readonly epoch: number;
    }
  | { readonly type: 'grant.acknowledge'; readonly request: string }
  | { readonly type: 'grant.release'; readonly request: string }
  /** A person lets two requests overlap that meet: these two, and no others. */
  | {
      readonly type: 'grant.share';
      readonly request: string;
      readonly other: string;
      /** What the person saw of the two. */
      readonly binds: Hash;
      /** Paths that are contracts: two that both claim one by its name can't overlap. */
      readonly contracts: readonly string[];
      readonly by: Principal;
    };

export type RunCommand = (AskedCommand & { readonly ref?: CommandRef }) | HostCommand;
export type Command = RunCommand | GrantCommand;

/** Every reason for a refusal, and what it means. */
export const REFUSALS = {
  IDEMPOTENCY_MISMATCH: 'The command id was used before with other arguments.',
  RUN_NOT_FOUND: 'There is no such run.',
  RUN_EXISTS: 'There is such a run already.',
  RUNS_EXCEEDED: '`runsMax` unfinished runs are there already.',
  RUN_ENDED: 'The run is over, or being cancelled.',
  RUN_NOT_ENDED: 'The run is not over yet.',
  RUN_PAUSED: 'The run is paused already, or has not begun.',
  RUN_NOT_PAUSED: 'The run is not paused.',
  TASK_NOT_FOUND: 'The run has no such task.',
  TASK_NOT_READY: 'The task does not owe this.',
  TASK_NOT_UNDECIDED: 'Nothing about the task is undecided.',
  NOT_A_QUESTION: 'The task waits for no answer.',
  RESULT_MISSING: 'This decision needs a result.',
  ATTEMPT_OVER: 'The attempt, or the task, is over.',
  GATE_OVER: 'This verdict is not owed.',
  EVIDENCE_STALE: 'The evidence that was to be used again does not stand for this.',
  STEP_OVER: 'The step is recorded already, or its attempt is over.',
  TIMER_OVER: 'The timer is not owed, or not due.',
  APPROVAL_NOT_FOUND: 'The run has no such approval.',
  APPROVAL_OVER: 'The approval is decided already.',
  APPROVAL_STALE: 'What you saw is not what the approval binds.',
  APPROVAL_FORBIDDEN: 'You may not decide this.',
  ALREADY_VOTED: 'You have voted already.',
  NO_TREE: 'The run does not work over a repository.',
  TREE_OVER: 'Nothing of the kind is owed by the integration tree.',
  TASK_RUNNING: 'An attempt is at work there.',
  NOTHING_TO_PROMOTE: 'The user’s tree has all of it already, or there is nothing.',
  PROMOTION_OPEN: 'A promotion is under way, or waits for its approval.',
  NOTHING_TO_UNDO: 'No promotion of this run is there to be undone.',
  MESSAGE_OVER: 'The message is not waiting.',
  PLAN_STALE: 'The change was made against another version of the plan.',
  PLAN_INVALID: 'The change can’t be made.',
  CYCLE: 'Tasks would wait for each other.',
  UNKNOWN_DEPENDENCY: 'A task needs one that the plan does not have.',
  DUPLICATE_ID: 'There is a task with this id already.',
  TASKS_EXCEEDED: 'The run would have more tasks than `limits.tasks`.',
  DEPTH_EXCEEDED: 'Containers would be nested deeper than `limits.depth`.',
  BUDGET_EXCEEDED: 'The budget does not allow the step.',
  NOTHING_TO_RETRY: 'No task of the run failed or was cancelled.',
  GRANT_OVER: 'There is no such grant.',
  NO_OVERLAP: 'The two tasks do not wait for each other.',
  OVERLAP_CONTRACT: 'Both tasks write a contract; nobody can let them overlap.',
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** Why a command had no effect. Nothing was stored. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}
