import type { Failure, Limits, TaskKind } from '../../engine/kernel/plan.ts';
import type { RunStatus, TaskStatus } from '../../engine/kernel/state.ts';
import type { Attention, RunView } from '../../engine/kernel/view.ts';

/** Body of `POST /v1/runs` and `POST /v1/plans`: the client is on the same machine, so a file is named by its path. */
export interface RunRequest {
  /** Absolute path of the workflow file. */
  readonly file: string;
  /** Absolute path of the folder the command was typed in; the project is found from there. */
  readonly cwd: string;
  /** A workflow as data, in place of what `file` holds: a single task from the command line. */
  readonly workflow?: Readonly<Record<string, unknown>>;
  /** Values as typed, to be read as the declared type, or already of that type. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Narrows what the file allows. */
  readonly limits?: Partial<Limits>;
  readonly priority?: number;
  /** Ask a person before anything starts. */
  readonly approvePlan?: boolean;
}

/** A run as lists show it. */
export type RunSummary = RunView;
export type { Attention };

/** An attention with the words a person needs to decide. */
export type InboxItem = Attention & { readonly run: string; readonly name: string; readonly text?: TaskText };

export interface TaskText {
  /** `run`'s command, the agent's prompt, the question: what the task is, as far as it is resolved. */
  readonly text?: string;
  /** Of a question: JSON Schema of the answer. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly in?: string;
}

export interface TaskSummary {
  readonly id: string;
  readonly kind: TaskKind;
  readonly status: TaskStatus;
  readonly needs: readonly string[];
  readonly agent?: string;
  readonly attempt: number;
  readonly reworks: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly costUsd: number;
  readonly tokens: number;
  readonly failure?: Failure;
  /** Why it is blocked, or was skipped. */
  readonly reason?: string;
  readonly replacedBy?: string;
}

export interface RunDetail extends RunSummary {
  readonly limits: Limits;
  readonly plan: string;
  readonly version: number;
  readonly taskList: readonly TaskSummary[];
  readonly messages: readonly { readonly id: string; readonly task: string; readonly by: string; readonly status: string }[];
}

export interface TaskDetail extends TaskSummary {
  readonly run: string;
  readonly definition: TaskText;
  readonly gates: readonly { readonly name: string; readonly verdict?: string; readonly score?: number; readonly evidence?: unknown }[];
  readonly feedback: readonly unknown[];
  readonly handoff?: unknown;
  readonly report?: unknown;
  /** Its workspace is being put back. */
  readonly restoring?: boolean;
}

export interface AgentView {
  readonly name: string;
  readonly kind: string;
  readonly capabilities: readonly string[];
  readonly slots: number;
  /** Where it was configured: `baton.yaml:12`, `found on PATH`. */
  readonly source?: string;
  readonly breaker?: 'closed' | 'open' | 'half-open';
  /** Of a model: `provider/model`. */
  readonly model?: string;
}

/** How one part of Baton is. */
export interface Check {
  readonly part: string;
  readonly well: boolean;
  /** `false` for parts that Baton can do without. Default true. */
  readonly needed?: boolean;
  readonly says: string;
  /** What to do when it is not well. */
  readonly hint?: string;
}

export interface Setting {
  readonly name: string;
  readonly value: unknown;
  /** `default`, `user`, `project`, `workflow`, `environment`, `flag`, with the file and line where there is one. */
  readonly source: string;
}

/** One problem of a workflow file. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What a run of a file would be. */
export interface PlanPreview {
  readonly name: string;
  readonly description?: string;
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  readonly tasks: readonly PlannedTask[];
  /** Findings that do not forbid the run. */
  readonly warnings: readonly Problem[];
}
export interface PlannedTask {
  readonly id: string;
  /** `run`, `agent`, `capability`, `uses`, `approve`, `foreach`, `until`. */
  readonly kind: string;
  readonly needs: readonly string[];
  readonly agent?: string;
  /** Why this agent. */
  readonly why?: string;
  /** The command or the first line of the prompt. */
  readonly text?: string;
  /** How many tasks it becomes at most, where the file tells. */
  readonly fanOut?: number;
  readonly approval?: string;
  readonly gates: readonly string[];
  readonly writes: readonly string[];
}

/** Answer to a command: durable when it is given. */
export interface CommandReply {
  readonly run: string;
  /** The last fact the command caused. */
  readonly seq: number;
}

export interface Health {
  readonly ok: boolean;
  readonly version: string;
  readonly home: string;
  readonly pid: number;
  /** Absent where the home is only read. */
  readonly engine?: { readonly startedAt: number; readonly epoch: number };
  readonly position: number;
}

export interface Doctor {
  readonly well: boolean;
  readonly checks: readonly Check[];
}

export interface ChainHeadView {
  readonly stream: string;
  readonly seq: number;
  readonly hash: string;
}
export interface Audit {
  readonly whole: boolean;
  readonly streams: number;
  readonly facts: number;
  readonly breaks: readonly { readonly stream: string; readonly seq: number; readonly problem: string; readonly message: string }[];
}

/** What `clean` would remove, or removed. */
export interface Cleaned {
  readonly runs: readonly { readonly run: string; readonly name: string; readonly status: RunStatus; readonly endedAt: number }[];
  readonly removed?: { readonly facts: number; readonly blobs: number; readonly bytes: number };
}

/** One path that differs between two trees. */
export interface ChangeView {
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted' | 'mode';
  readonly mode: string;
  /** Of the file afterwards, in bytes. */
  readonly size: number;
}
export interface DiffView {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly ChangeView[];
  /** A unified diff. */
  readonly patch: string;
}
export interface CheckpointView {
  readonly task: string;
  readonly attempt?: number;
  readonly checkpoint: string;
  readonly why: string;
  readonly files?: number;
  readonly at: number;
}
export interface PromotionView {
  readonly promotion: string;
  readonly tree: string;
  readonly status: 'asked' | 'running' | 'done' | 'refused' | 'undoing' | 'undone';
  readonly at: number;
  readonly refusal?: { readonly code: string; readonly message: string };
  /** What was done: files, edits of the user that were kept, or paths in the way. */
  readonly report?: unknown;
}
export interface WorkspaceView {
  readonly id: string;
  readonly folder: string;
  readonly bytes: number;
}
