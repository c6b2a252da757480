/**
 * A plan as people, models and recipes make it: what the goal asks, and the tasks that are to bring it about. Whoever made
 * it, it is normalised, routed, validated and repaired in this shape, and then becomes a workflow like any other. Only
 * data: nothing here is ever evaluated.
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

/** What can be wrong with a plan. */
export const FINDINGS = {
  CYCLE: 'Tasks wait for each other. The path is in the message.',
  UNKNOWN_DEPENDENCY: 'A task needs one that the plan does not have.',
  DUPLICATE_ID: 'Two tasks have one id.',
  UNROUTABLE: 'Nobody can do a task. The missing capability and the nearest agents are in the message.',
  MISSING_INPUT: 'A task reads what nobody makes, what its maker does not promise, or what it does not wait for.',
  UNCOVERED_REQUIREMENT: 'The goal asks for something that no task brings about and that is not deferred.',
  REDUNDANT: 'Two tasks say the same, with the same inputs.',
  WRITE_CONFLICT: 'Two tasks write the same paths, and nothing says which is first.',
  ACL_DENIED: 'A task asks for an agent, a tool or a domain that it may not have.',
  OVER_BUDGET: 'The plan is expected to cost or to take more than the run may.',
  FANOUT_EXCEEDED: 'The plan has more tasks than it may.',
  DEPTH_EXCEEDED: 'Plans lie deeper in plans than they may.',
  DELEGATION_LOOP: 'A part of a plan has the goal of a plan that it lies in.',
  APPROVAL_MISSING: "A task can't be taken back, and nobody is asked before it starts.",
  GATE_UNSATISFIABLE: 'A gate can never pass, because what it runs is not there.',
  LIMIT_CALLS: 'Planning has used up its calls of a model.',
  LIMIT_TASKS: 'More was said than a plan may hold; what is left out is told.',
  LIMIT_TOKENS: 'Planning has used up its tokens.',
  LIMIT_TIME: 'Planning has used up its time.',
  BAD_SHAPE: 'What a planner said has no shape that a plan could be read from, or a part of it had to be read otherwise.',
} as const;
export type FindingCode = keyof typeof FINDINGS;

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
