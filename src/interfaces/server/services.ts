/**
 * What the API needs from the rest of Baton; `compose.ts` puts it together. An engine gives everything; a reader of a
 * home that nobody owns gives the same without `engine`, and then nothing at all is written. What answers with a promise
 * is loaded when somebody asks.
 */
import type { Host } from '../../engine/host/host.ts';
import type { Journal } from '../../engine/journal/journal.ts';
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { GrantState } from '../../engine/kernel/grants.ts';
import type { Hash, Plan, Principal } from '../../engine/kernel/plan.ts';
import type { RunState, TaskRecord } from '../../engine/kernel/state.ts';
import type { RunView } from '../../engine/kernel/view.ts';
import type {
  AgentReplay,
  AgentView,
  Check,
  KnowledgeEntry,
  KnowledgeSummary,
  PlanPreview,
  Removed,
  RunRequest,
  Setting,
  TaskText,
} from '../api/shapes.ts';
import type { DiffView, WorkspaceView } from '../api/trees.ts';

export interface Services {
  readonly version: string;
  /** Absolute path of the home. */
  readonly home: string;
  /** Folder for the live output of attempts, one folder a run. */
  readonly logs: string;
  readonly journal: Journal;
  readonly views: Views;
  /** A run as of its last durable fact: the live state, or folded from the journal. Read only. */
  state(run: string): RunState | undefined;
  /** What is handed out among runs. Read only. */
  grants(): GrantState;
  readonly workflows: Workflows;
  texts(): Promise<Texts>;
  /** As the settings of the project of this folder have them now. @throws BatonError `WORKFLOW_INVALID`, as those below */
  agents(cwd?: string): Promise<readonly AgentView[]>;
  /** What they would have done of the past of this home. @throws BatonError `ROUTING_RULES` */
  replay(cwd?: string): Promise<AgentReplay>;
  /** How the parts that only compose knows are (agents, providers, breakers); the server adds journal, disk and node. */
  checks(cwd?: string): Promise<readonly Check[]>;
  /** Each setting with its value and where it came from; never the value of a secret. */
  settings(cwd?: string): Promise<readonly Setting[]>;
  /** Those of the paths, relative to the scope, that are contracts there or in the project. @throws BatonError as above */
  contracts(where: Pick<Plan, 'scope' | 'folder'>, paths: readonly string[]): Promise<readonly string[]>;
  /** What is kept for later work of the project of this folder. */
  knowledge(cwd?: string): Promise<KnowledgeReader>;
  /** Who speaks through the local socket, or in this process: the machine's user, with every role. */
  readonly local: Principal;
  /** Trees of runs over repositories. */
  readonly trees: TreeService;
  /** Only where this process owns the home. */
  readonly engine?: Engine;
}

export interface Engine {
  readonly host: Host;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The handoff of a decided `approve` task; durable with the command that names it. */
  decided(run: string, task: string, decision: 'approve' | 'reject', by: Principal, note?: string): Hash;
  /** The handoff of an answer. @throws BatonError `INVALID_ANSWER` saying what the question's schema asks for */
  answered(run: string, task: string, answer: unknown, by: Principal): Hash;
  /** Feedback that a rejected result goes back with. */
  feedback(text: string): Hash;
  /** The handoff of an undecided task that a person says happened. @throws BatonError `INVALID_ANSWER` */
  happened(run: string, task: string, outputs: Readonly<Record<string, unknown>>, by: Principal): Hash;
  /**
   * Removes ended runs: their facts, payloads, logs, folders and workspaces, and the backups of their promotions. Workspaces
   * that an earlier removal left go as well.
   */
  remove(runs: readonly string[]): Promise<Removed>;
  /** As `Services.knowledge`, with the machine's user as its writer. */
  knowledge(cwd?: string): KnowledgeWriter;
}

/** Throws BatonError `KNOWLEDGE_…` for what the disk does, as the writer. */
export interface KnowledgeReader {
  /** Newest first. */
  list(max: number): readonly KnowledgeSummary[];
  /** Best first. @throws BatonError `KNOWLEDGE_QUERY` when there is no word in it */
  search(words: string, max: number): readonly KnowledgeSummary[];
  get(id: string): KnowledgeEntry | undefined;
}
export interface KnowledgeWriter {
  /** The same twice is one entry. @throws BatonError `KNOWLEDGE_TOO_LARGE`, `KNOWLEDGE_FULL` */
  put(entry: Pick<KnowledgeEntry, 'text'> & Partial<Pick<KnowledgeEntry, 'title' | 'tags' | 'source'>>): {
    readonly id: string;
    readonly isNew: boolean;
  };
  /** Whether it was there. */
  forget(id: string): boolean;
}

/** Only looks; whoever changes a tree does it by a command. */
export interface TreeService {
  /**
   * Between two commits that facts of the run name; only below `paths` where there are any.
   * @throws BatonError `NO_TREE`, `NOT_A_REPOSITORY`, `WORKSPACE_TIMEOUT`
   */
  diff(state: RunState, from: string, to: string, paths: readonly string[]): Promise<Pick<DiffView, 'changes' | 'patch'>>;
  workspaces(): Promise<readonly Pick<WorkspaceView, 'id' | 'folder' | 'bytes'>[]>;
}

export interface Views {
  /** Newest first. */
  list(query?: { readonly limit?: number; readonly open?: boolean }): readonly RunView[];
  view(run: string): RunView | undefined;
}

export interface Workflows {
  /** Checks a file and says what a run of it would be. Starts and writes nothing. @throws as `prepare` */
  plan(request: RunRequest): Promise<PlanPreview>;
  /**
   * Loads a file, with everything it uses, into a plan; its payloads are put into the journal.
   * @throws BatonError `WORKFLOW_INVALID` with `details.problems` (see `Problem` in the API), `FILE_NOT_FOUND`, `INVALID_INPUTS`
   */
  prepare(request: RunRequest): Promise<Plan>;
  /**
   * What a change of a run's plan means for it. Nothing is asked of the run.
   * @throws BatonError `CHANGE_INVALID`, `TASK_NOT_FOUND`, `DUPLICATE_ID`, `WORKFLOW_INVALID` for what the changed plan would be
   */
  change(state: RunState, change: unknown): Promise<Omit<Extract<AskedCommand, { type: 'plan.change' }>, 'by' | 'base'>>;
}

/** Words for people, out of payloads that only the work floor can read. None may throw: a missing payload gives less. */
export interface Texts {
  /** What a task is asked to do: the resolved definition where there is one. */
  task(state: RunState, record: TaskRecord): TaskText;
  /** The whole handoff of a committed result, following `schemas/handoff.v1.json`. */
  handoff(state: RunState, record: TaskRecord): unknown;
  /** What is stored under a hash, as JSON or text: evidence of a gate, feedback, a failure's report. */
  payload(hash: Hash): unknown;
}
