/**
 * A plan as people, models and recipes make it: what the goal asks, and the tasks that are to bring it about. Whoever made
 * it, it is normalised, routed, validated and repaired in this shape, and then becomes a workflow like any other. A
 * workflow file that somebody wrote is looked at in this shape too. Only data: nothing here is ever evaluated.
 */

export interface Draft {
  readonly goal: string;
  readonly requirements: readonly Requirement[];
  /** What has to be known before the plan can be right. */
  readonly questions: readonly DraftQuestion[];
  readonly tasks: readonly DraftTask[];
}

/** One obligation out of the goal: some task covers it, or it says why it waits. Ids are `R1`, `R2` … */
export interface Requirement {
  readonly id: string;
  readonly text: string;
  /** Why no task of this plan covers it. */
  readonly deferred?: string;
}

/** Becomes a task that a person answers; tasks that depend on the answer need its id. */
export interface DraftQuestion {
  readonly id: string;
  readonly text: string;
  readonly choices?: readonly string[];
}

/**
 * `agent`: somebody with the capability does what the prompt says. `command`: a line of the project's own. `tool`: one
 * operation Baton brings. `approve`: a person's decision. `composite`: planned when its needs have committed.
 */
export type DraftTaskKind = 'agent' | 'command' | 'tool' | 'approve' | 'composite';

export interface DraftTask {
  /** `[a-z][a-z0-9_]*`, unique in the plan. */
  readonly id: string;
  readonly kind: DraftTaskKind;
  /** What it is, in a line. */
  readonly title: string;
  readonly needs: readonly string[];
  /** Prompt, command line, name of the tool, or the question of a decision. */
  readonly text: string;
  /** Arguments of a tool. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** What whoever does it must be able to do. */
  readonly capability?: string;
  /** Named by the author; routing keeps it. */
  readonly agent?: string;
  /** What it reads of others: `task.output` by the name it uses. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Names of the outputs it promises. */
  readonly outputs?: readonly string[];
  /** Globs. */
  readonly writes?: readonly string[];
  readonly gates?: readonly DraftGate[];
  /** Ids of requirements. */
  readonly covers?: readonly string[];
  readonly approval?: 'start' | 'result';
  /** It changes something that can't be taken back, such as a release or a message. */
  readonly irreversible?: boolean;
  /** How much work it is, from 1 (a line) to 5 (days). Default 2. */
  readonly size?: number;
  readonly timeoutMs?: number;
  readonly budgetUsd?: number;
  readonly network?: readonly string[];
}
export interface DraftGate {
  readonly name?: string;
  readonly run: string | readonly string[];
}

export const FINDING_CODES = [
  'CYCLE',
  'UNKNOWN_DEPENDENCY',
  'DUPLICATE_ID',
  'UNROUTABLE',
  'MISSING_INPUT',
  'UNCOVERED_REQUIREMENT',
  'REDUNDANT',
  'WRITE_CONFLICT',
  'ACL_DENIED',
  'OVER_BUDGET',
  'FANOUT_EXCEEDED',
  'DEPTH_EXCEEDED',
  'APPROVAL_MISSING',
  'GATE_UNSATISFIABLE',
  'LIMIT_CALLS',
  'LIMIT_TASKS',
  'LIMIT_TOKENS',
  'LIMIT_TIME',
  'BAD_SHAPE',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** What is wrong with a plan. `refuse`: it can't run as it is. `note`: it can, and whoever reads it should know. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: 'refuse' | 'note';
  /** Ids, in the order of the plan. */
  readonly tasks: readonly string[];
  readonly message: string;
  /** What would mend it, in words. */
  readonly fix: string;
}

/** One thing that normalising or repairing changed: shown to people as a difference. */
export interface Repair {
  readonly code: FindingCode;
  readonly tasks: readonly string[];
  /** `dropped the dependency of "a" on "b"` */
  readonly message: string;
}
