/**
 * The state of one run: what its facts add up to. Plain data (maps, records, numbers, strings), so that it can be
 * saved as a header and one record per task, compared after a replay, and looked at in a debugger.
 *
 * `evolve` changes the state it is given; whoever holds a state holds it alone.
 */
import type { ApprovalSubject, ProposedChange, SkipCause } from './facts.ts';
import type { Owed } from './owed.ts';
import type { Amounts, ApprovalRule, Commit, Failure, Hash, Limits, Plan, Principal, TaskSpec } from './plan.ts';

/** Sums that grow as a run goes on. */
export type Totals = { -readonly [M in keyof Amounts]-?: number };

export const RUN_STATUSES = [
  'planning',
  'awaiting-approval',
  'running',
  'paused',
  'waiting',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const TASK_STATUSES = [
  'pending',
  'ready',
  'awaiting-start',
  'running',
  'validating',
  'awaiting-result',
  'undecided',
  'blocked',
  'committed',
  'failed',
  'skipped',
  'cancelled',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export interface Judged {
  readonly verdict: 'pass' | 'fail' | 'error';
  readonly evidence: Hash;
  readonly score?: number;
  /** Nothing was run: the evidence of an earlier verdict that it rests on. */
  readonly reuses?: Hash;
}

/** An attempt or a result being checked. Cleared when the task moves on. */
export interface TaskRecord {
  readonly spec: TaskSpec;
  /** Position in submission order. */
  readonly index: number;
  status: TaskStatus;
  /** Needs that are not terminal yet. */
  open: number;
  /** The first need, in order of `needs`, whose end forbids this task; decides about skipping once `open` is 0. */
  bad?: string;
  /** Tasks that need this one, in submission order. */
  dependents: string[];

  /** Number of the latest attempt; 0 before the first. */
  attempt: number;
  /** When the latest attempt started. */
  startedAt?: number;
  /** When it became terminal. */
  endedAt?: number;
  /** Agent of the latest attempt. */
  agent?: string;
  /** Hash of the resolved definition; `spec.work` where nothing needs resolving. */
  inputs?: Hash;
  /** Handoff content waiting to be checked, or committed. */
  result?: Hash;
  failure?: Failure;
  cause?: SkipCause;
  reason?: string;
  /** Attempts that failed, per class, in this task's life: what retry rules count. */
  failures: Readonly<Partial<Record<Failure['class'], number>>>;
  /** Not before this time. Cleared by its timer. */
  retryAt?: number;
  reworks: number;
  /** Blobs of what its agents are told of the work before, oldest first; and how many of them one has acknowledged. */
  feedback: readonly Hash[];
  acknowledged?: number;
  /** Verdicts of the current attempt's gates, by gate number. */
  verdicts: Readonly<Record<number, Judged>>;
  /** Outputs of recorded steps by key; they outlive a lost attempt. */
  steps: Record<string, Hash>;
  /** What is reserved and not settled, by step key. */
  reserved: Record<string, Amounts>;
  spent: Readonly<Totals>;
  /** Set while an attempt is being ended because the task or run is cancelled. */
  stopping?: boolean;
  /** A probe is looking whether the lost attempt happened. */
  probing?: boolean;
  approved?: boolean;
  /** Its claims: `asking` the grants stream, `held` with the epoch of the grant, `returned` once that stream took it back. */
  claim?: 'asking' | 'held' | 'returned';
  claimEpoch?: number;
  /** Of a container: children not terminal yet, children let in at once, those waiting to be let in, visits of its resolver. */
  children?: { open: number; admitted: number; held: string[]; round: number; ids: string[] };
  /** Of a child: its container lets it run. */
  admitted?: boolean;
  /** Of a task that works in a tree: what its latest attempt started from. */
  base?: Commit;
  /** Its latest checkpoint, and how many there are. */
  checkpoint?: Commit;
  checkpoints?: number;
  /** What the attempt changed, while that is being checked; and the integration tree with it, once merged. */
  change?: Commit;
  merged?: { readonly onto: Commit; readonly tree: Commit };
  /** A person has seen the result; a clean merge with green gates needs no second look. */
  accepted?: boolean;
  /** Its change could not be merged, or not checked, for a reason of the machine. */
  stalled?: string;
  restoring?: { readonly to: Commit; readonly paths?: readonly string[] };
  /** Approvals that its attempt waits for in the middle of its work. */
  calls?: readonly string[];
  /** Attempts that were lost and whose result would be late. */
  lost: readonly number[];
  /** It, or a container around it, runs in every case. */
  readonly always: boolean;
  /** Depth in the nesting of containers; 0 at the top. */
  readonly depth: number;
  /** The id that took its place in a later segment. */
  replacedBy?: string;

  /** It has changed since the last snapshot. */
  dirty: boolean;
  /** How often a change made another task of it: what it owes then is something else. */
  remade?: number;
  /** What this task owes, as last told to the host. */
  owed: readonly Owed[];
}

export interface Approval {
  readonly id: string;
  readonly subject: ApprovalSubject;
  readonly task?: string;
  readonly binds: string;
  readonly rule: ApprovalRule;
  readonly requestedAt: number;
  votes: { by: string; decision: 'approve' | 'reject' }[];
  /** `withdrawn`: its task ended some other way. */
  status: 'open' | 'granted' | 'denied' | 'withdrawn';
  readonly change?: ProposedChange;
  escalated?: boolean;
  owed: readonly Owed[];
}

export interface Message {
  readonly id: string;
  readonly task: string;
  readonly body: Hash;
  readonly by: string;
  status: 'waiting' | 'acknowledged' | 'returned';
  /** Deliveries that were refused. */
  refused: number;
  /** The attempt that refused it last: the next delivery goes to a later one. */
  refusedBy?: number;
  owed: readonly Owed[];
}

export interface RunState {
  readonly id: string;
  status: RunStatus;
  /** Of the last fact. */
  seq: number;
  at: number;
  plan: Omit<Plan, 'tasks'>;
  by: Principal;
  limits: Limits;
  /** Grows with each change of the plan. */
  version: number;
  segment: number;
  submittedAt: number;
  /** When the present segment began: what wall time counts from. */
  since: number;
  endedAt?: number;
  tasks: Map<string, TaskRecord>;
  approvals: Map<string, Approval>;
  messages: Map<string, Message>;
  /** Commands already answered: id to the hash of their arguments and the last fact they caused. */
  commands: Map<string, { args: string; seq: number }>;
  /** Latest id of a task that retry replaced: `fix` to `fix^2`. */
  latest: Map<string, string>;
  /** How many tasks stand in each status; replaced ones are not counted. */
  counts: Record<TaskStatus, number>;
  /** Tasks that are not terminal. */
  open: number;
  /** Attempts that began. */
  attempts: number;
  /** Tasks the run ever had, which `limits.tasks` bounds and submission order counts. */
  made: number;
  /** Tasks that something other than a person or their needs moves on. */
  active: number;
  /** Tasks that only a person moves on. */
  people: number;
  /** Tasks at the top level that failed and were not tolerated. */
  failures: number;
  spent: Totals;
  reserved: Totals;
  /** Measures whose 80 % was told, as `scope/measure`. */
  warned: string[];
  pausedBy?: 'asked' | 'budget';
  /** Cancelled before its plan was approved: not even `always` tasks run. */
  refused?: boolean;
  /** Of a run over a repository. */
  tree?: TreeState;
  /** A run that had ended and goes on for a promotion: how it had ended. */
  endedAs?: 'succeeded' | 'failed' | 'cancelled';
  /** The wall-time limit was told; cleared when it is raised. */
  wallTimeOver?: boolean;

  /** Tasks (by id) whose next fact follows from the state alone, and `settle` has to store it. Empty between steps. */
  due: Set<string>;
  /** Owed by the run itself (its wall-time timer). */
  owed: readonly Owed[];
  /** Ids of tasks changed or dropped since the last snapshot. */
  dirty: string[];
}

/** The integration tree of a run. */
export interface TreeState {
  /** The user's tree when the run began, and what was committed on top of it so far. */
  base?: Commit;
  head?: Commit;
  failure?: Failure;
  /** An agent has changed it: commands in it run that agent's code. */
  touched?: boolean;
  /** Green verdicts by what their gates were given; a red one that was given the same takes it away. */
  green?: Record<Hash, Green>;
  /** Tasks whose change is to be merged, in the order they came; only the first is at it. */
  queue: string[];
  /** The one that is asked about or under way. */
  promotion?: { readonly id: string; readonly tree: Commit; readonly branch?: string; status: 'asked' | 'running' | 'undoing' };
  promotions: number;
  /** Those that are in the user's tree, oldest first. */
  done: { readonly id: string; readonly tree: Commit }[];
  /** The head that promoting by itself is over with. */
  settled?: Commit;
  refused?: boolean;
}

/** A green verdict that may stand for another. */
export interface Green {
  readonly task: string;
  readonly attempt: number;
  readonly evidence: Hash;
}

/** Latest id that stands for `id` after retries. */
export const latestOf = (state: RunState, id: string): string => {
  let latest = id;
  for (let next = state.latest.get(latest); next !== undefined; next = state.latest.get(latest)) latest = next;
  return latest;
};

/**
 * Most tasks never have any of these, so all share one. A run of 1,000 tasks took 100 objects for each ten of them, which the
 * collector walked again and again; whoever has the first to write makes one of its own.
 */
export const NONE: never[] = Object.freeze([]) as unknown as never[];
export const NO_ENTRIES: Record<string, never> = Object.freeze({});
export const NOTHING_SPENT = Object.freeze({ costUsd: 0, tokens: 0, calls: 0 });

/** Takes note that the task has changed since the last snapshot. */
export function touch(state: RunState, task: TaskRecord): void {
  if (task.dirty) return;
  task.dirty = true;
  state.dirty.push(task.spec.id);
}

export const TERMINAL: ReadonlySet<TaskStatus> = new Set(['committed', 'failed', 'skipped', 'cancelled']);
export const RUN_TERMINAL: ReadonlySet<RunStatus> = new Set(['succeeded', 'failed', 'cancelled']);

export const treeOf = (state: RunState): TreeState => {
  if (!state.tree) throw new Error(`run ${state.id} has no tree`);
  return state.tree;
};
