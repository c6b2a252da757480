import type { Failure, Limits, TaskKind } from '../../engine/kernel/plan.ts';
import type { RunStatus, TaskStatus } from '../../engine/kernel/state.ts';
import type { Attention, RunView } from '../../engine/kernel/view.ts';
import type { ChangeSummary } from './trees.ts';

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
export type InboxItem = Attention & {
  readonly run: string;
  readonly name: string;
  readonly text?: TaskText;
  /** Of a result or a promotion that waits for a decision: what it changes. */
  readonly change?: ChangeSummary;
  /** Of a change of the plan. */
  readonly plan?: readonly PlanLine[];
};

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
  /** Why it is blocked, or was skipped, or for whom it waits. */
  readonly reason?: string;
  readonly replacedBy?: string;
}

export interface RunDetail extends RunSummary {
  /** Of a run over a repository: absolute path of the user's tree. */
  readonly project?: string;
  readonly limits: Limits;
  readonly plan: string;
  readonly version: number;
  readonly taskList: readonly TaskSummary[];
  readonly messages: readonly { readonly id: string; readonly task: string; readonly by: string; readonly status: string }[];
}

export interface TaskDetail extends TaskSummary {
  readonly run: string;
  readonly definition: TaskText;
  readonly gates: readonly GateView[];
  /** What its agents are told of the work before, oldest first; and how many of these one has acknowledged. */
  readonly feedback: readonly unknown[];
  readonly acknowledged: number;
  readonly handoff?: unknown;
  readonly report?: unknown;
  /** Of a task that works in a tree, once it has begun. */
  readonly tree?: TaskTree;
  /** Tasks that claim a path in common with this one and come first. */
  readonly waitsFor?: readonly ClaimAhead[];
}

export interface ClaimAhead {
  readonly run: string;
  readonly task: string;
  /** The claim of the task itself, and the other's, that meet. */
  readonly claims: readonly [string, string];
  /** Hash of both tasks, of what they are and claim: what a person binds a decision to. */
  readonly binds: string;
}

export interface GateView {
  readonly name: string;
  readonly verdict?: string;
  readonly score?: number;
  readonly evidence?: unknown;
  /** Nothing was run for it: hash of the earlier evidence that it rests on. */
  readonly reuses?: string;
}

export interface TaskTree {
  /** What its latest attempt started from, its latest checkpoint, and how many there are. */
  readonly base?: string;
  readonly checkpoint?: string;
  readonly checkpoints: number;
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
  /** What routing counts on, one for each capability that it has, or has outcomes at. */
  readonly expected?: readonly AgentExpected[];
  /** Whether outcomes count; the setting `routing.learn`. */
  readonly learn?: boolean;
}

/** What is expected of an agent for a task of size 2, and where each figure is from. */
export interface AgentExpected {
  /** Empty: of tasks that named the agent, where it has no capability or several. */
  readonly capability: string;
  /** How many there are; 0 where they do not count. */
  readonly outcomes: number;
  /** From 0 to 1. */
  readonly quality: ExpectedFigure;
  /** Chance that an attempt is accepted, from 0 to 1. */
  readonly success: ExpectedFigure;
  readonly costUsd: ExpectedSpread;
  readonly latencyMs: ExpectedSpread;
}
/** `assumed`: nobody said anything, and this is usual for its kind. */
export type FigureSource = 'outcomes' | 'declared' | 'assumed';
export interface ExpectedFigure {
  readonly value: number;
  readonly from: FigureSource;
}
/** From nine in ten being more to nine in ten being less. */
export interface ExpectedSpread {
  readonly low: number;
  readonly mean: number;
  readonly high: number;
  readonly from: FigureSource;
}

/** What routing would have done with the past of a home, by the agents that a project has now. */
export interface AgentReplay {
  /** Of the past, the latest; each is one attempt with its outcome. */
  readonly tasks: number;
  /** Those before them, from which is only learned. */
  readonly earlier: number;
  /** Whether outcomes count at present; the replay always learns. */
  readonly learn: boolean;
  /** Tasks that named their agent: they stay with it. */
  readonly named: number;
  /** Tasks that would have gone to another agent. */
  readonly moved: number;
  /** Of those, to one of whom nothing is known at that capability; not compared. */
  readonly unknown: number;
  /** Tasks that none of these agents can do; not compared. */
  readonly nobody: number;
  /** The same tasks as they were done, and as those they would have gone to did on average. Left out where there are none. */
  readonly compared?: { readonly tasks: number; readonly done: ReplaySide; readonly routed: ReplaySide };
  /** Brier scores of forecasts of success, 0 the best. Left out where there are no tasks. */
  readonly brier?: { readonly learned: number; readonly assumed: number };
}
/** Means for one task. Costs and times are of the tasks where they are known on both sides. */
export interface ReplaySide {
  /** Share that was accepted. */
  readonly success: number;
  readonly costUsd?: number;
  readonly latencyMs?: number;
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
  /** Pairs of tasks that claim a path in common and are ordered by nothing else: they take turns. Of a `foreach`, its items. */
  readonly turns: readonly { readonly tasks: readonly [string, string]; readonly claims: readonly [string, string] }[];
  /** Of a run over a repository: when its change goes into the user's tree, and who has to approve that, if anybody. */
  readonly trees?: { readonly promote: 'end' | 'each' | 'never'; readonly approval?: { readonly by: readonly string[] } };
  readonly estimate: PlanEstimate;
  /** Findings that forbid the run: it would need more than it may. */
  readonly refused: readonly Problem[];
  /** Findings that do not. */
  readonly warnings: readonly Problem[];
}

/** One line of a change of a plan: what becomes of a task. */
export interface PlanLine {
  readonly what: 'added' | 'dropped' | 'agent' | 'needs';
  readonly task: string;
  readonly before?: string;
  readonly after?: string;
}
/** What a change of a plan would do; it is asked for with the version it was looked at. */
export interface ChangePreview {
  readonly run: string;
  /** Of the plan. */
  readonly version: number;
  readonly lines: readonly PlanLine[];
  /** It waits for an approval, and is made when that is given. */
  readonly asks: boolean;
}

/** What is expected of a plan before it starts: from outcomes, else from what agents declare. */
export interface PlanEstimate {
  readonly tasks: number;
  readonly byAgents: number;
  /** Most tasks that agents do at one moment. */
  readonly widest: number;
  /** Ids, first to last: the chain that takes longest. */
  readonly criticalPath: readonly string[];
  readonly costUsd: EstimateRange;
  readonly timeMs: EstimateRange;
  readonly approvals: readonly { readonly task: string; readonly at: 'start' | 'result' | 'task' }[];
  readonly writes: readonly { readonly task: string; readonly globs: readonly string[] }[];
}
export interface EstimateRange {
  readonly low: number;
  readonly high: number;
  /** Tasks of which nothing is known; the range is of the others. */
  readonly unknown: readonly string[];
}
export interface PlannedTask {
  readonly id: string;
  /** `run`, `agent`, `capability`, `uses`, `approve`, `foreach`, `until`. */
  readonly kind: string;
  readonly needs: readonly string[];
  readonly agent?: string;
  /** Why this agent. */
  readonly why?: string;
  /** Of a task that was routed: everybody, the one that was chosen first. */
  readonly candidates?: readonly RouteCandidate[];
  /** The command or the first line of the prompt. */
  readonly text?: string;
  /** How many tasks it becomes at most, where the file tells. */
  readonly fanOut?: number;
  readonly approval?: string;
  readonly gates: readonly string[];
  readonly writes: readonly string[];
  /** Over a repository it works in a checkout of its own. */
  readonly tree?: true;
}

/** What routing thinks of an agent for one task. */
export interface RouteCandidate {
  readonly agent: string;
  readonly chosen: boolean;
  /** Why not, or why this one. */
  readonly reason: string;
  /** Of those that could do it: chances from 0 to 1, US dollars, milliseconds, and what the whole plan would be worth with it. */
  readonly terms?: {
    readonly quality: number;
    readonly success: number;
    readonly costUsd: number;
    readonly latencyMs: number;
    readonly waitMs: number;
    readonly utility: number;
  };
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

/** What work, or a person, keeps for later work of a project. */
export interface KnowledgeEntry {
  readonly id: string;
  /** Empty where it has none. */
  readonly title: string;
  readonly tags: readonly string[];
  readonly text: string;
  readonly by:
    | { readonly person: string }
    | { readonly run: string; readonly task: string; readonly attempt: number; readonly agent?: string };
  /** Where its writer says it is from. */
  readonly source?: string;
  readonly at: number;
  /** Only what a person put. */
  readonly trusted: boolean;
}
/** With only a part of its text. */
export type KnowledgeSummary = Omit<KnowledgeEntry, 'text'> & { readonly snippet: string };

/** What `clean` would remove, or removed. */
export interface Cleaned {
  readonly runs: readonly CleanedRun[];
  readonly removed?: Removed;
}
export interface CleanedRun {
  readonly run: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly endedAt: number;
  /** Its checkouts, and the bytes in them. */
  readonly workspaces?: { readonly count: number; readonly bytes: number };
  /** Promotions of it in the user's tree, which can be taken back until it is removed. */
  readonly promotions?: number;
  /** Some of what it committed never came into the user's tree, or was taken out again: it goes with the run. */
  readonly ahead?: boolean;
}
export interface Removed {
  /** Those that were over: one that somebody promotes meanwhile stays. */
  readonly runs: readonly string[];
  readonly facts: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly workspaces: number;
  readonly workspaceBytes: number;
  /** Stores of projects that no run needs any more. */
  readonly stores: number;
}
