/**
 * What the kernel knows of a plan. Texts (prompts, commands, schemas, expressions) are in the blob that `work` names;
 * the kernel never opens a blob, so a plan of any size costs it only the graph and the rules.
 */

/** Lower-case hex SHA-256 of a payload in the blob store. */
export type Hash = string;

/** Lower-case hex id of a commit in the store of trees. The kernel never looks inside. */
export type Commit = string;

/** Why an attempt or a task failed. Classified by type at the source, never by words in a message. */
export const FAILURE_CLASSES = [
  'transient',
  'throttled',
  'invalid-output',
  'gate-failed',
  'timeout',
  'lost',
  'budget',
  'policy',
  'unsafe',
  'permanent',
  'cancelled',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface Failure {
  readonly class: FailureClass;
  /** Stable code such as `EXIT_CODE` or `HTTP_429`. */
  readonly code: string;
  readonly message: string;
  /** Hash of the whole report (stack, cause chain, output), when there is more than the message. */
  readonly report?: Hash;
  /** Milliseconds the other side asked us to wait. */
  readonly retryAfterMs?: number;
  /** False only when it is proved that nothing reached the outside world. */
  readonly dispatched?: boolean;
  /** The machine was in the way: the task waits for a person, and goes on where it was. */
  readonly holds?: boolean;
}

/** Tokens count input and output together. Money is US dollars. */
export interface Amounts {
  readonly costUsd?: number;
  readonly tokens?: number;
  readonly calls?: number;
}

/** What an attempt or a step used. A missing `costUsd` means that no price is known, not that it was free. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costUsd?: number;
  readonly calls?: number;
}

export interface RetryRule {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly on: readonly FailureClass[];
  readonly backoffMs?: number;
  readonly backoffMaxMs?: number;
}

export interface ApprovalRule {
  /** `start`: before the attempt; `result`: before the commit. A task of kind `decision` uses `task`. */
  readonly at: 'start' | 'result' | 'task';
  /** Any of these roles may decide. Empty: anybody. */
  readonly by: readonly string[];
  /** How many different principals must approve. Default 1. */
  readonly quorum?: number;
  /** Whoever submitted the run may not decide. */
  readonly notAuthor?: boolean;
  readonly timeoutMs?: number;
  /** What happens after `timeoutMs` without a decision. Default `wait`. */
  readonly onTimeout?: 'wait' | 'deny' | 'escalate';
  /** Roles that may decide as well once escalated. */
  readonly escalateTo?: readonly string[];
}

/** Who decides about one thing that an attempt asks leave for in the middle of its work. After `timeoutMs` the answer is no. */
export interface CallRule {
  /** Any of these roles. Empty: anybody. */
  readonly by: readonly string[];
  readonly timeoutMs: number;
}

/**
 * `work`: a handler of the host attempts it. `question`: a person answers it. `decision`: a person approves or rejects.
 * `container`: its children are the work (foreach, until, uses); its resolver makes them and closes it.
 */
export type TaskKind = 'work' | 'question' | 'decision' | 'container';

export interface TaskSpec {
  readonly id: string;
  readonly kind: TaskKind;
  readonly needs: readonly string[];
  /** The definition that resolvers and handlers read. */
  readonly work: Hash;
  /** The container this task was made by. */
  readonly parent?: string;
  /** Name of the agent (or `command`, `function`) whose slots an attempt takes. */
  readonly agent?: string;
  /** Expressions, `when` or `foreach` must be resolved before it starts. Containers always are. */
  readonly resolve?: boolean;
  /** May an attempt simply be repeated? Default false. */
  readonly idempotent?: boolean;
  readonly onLost?: 'ask' | 'fail' | 'retry';
  /** The definition has a probe that tells whether a lost attempt happened. */
  readonly probe?: boolean;
  readonly retry?: RetryRule;
  /** Names of the gates in the definition, in order. */
  readonly gates?: readonly string[];
  /** How often a failed gate sends the task back. Default 3. */
  readonly reworkMax?: number;
  readonly approval?: ApprovalRule;
  readonly always?: boolean;
  readonly continueOnError?: boolean;
  /** Its attempts work in a checkout of the integration tree, and what they change there is merged back. */
  readonly tree?: boolean;
  /** How many children of a container run at once. */
  readonly maxParallel?: number;
  /** Globs this task claims exclusively, relative to the project. A container claims nothing; its children do. */
  readonly claims?: readonly string[];
  readonly budget?: Amounts;
  /** Limit of one attempt, in milliseconds; the host enforces it. */
  readonly timeoutMs?: number;
  /** Higher starts earlier. Added to the run's priority. Default 0. */
  readonly priority?: number;
}

/** Limits of one run. Each is checked before the thing it limits happens. */
export interface Limits {
  /** Tasks a run may ever have, the ones made while it runs included. */
  readonly tasks: number;
  /** Nesting of containers. */
  readonly depth: number;
  readonly costUsd?: number;
  readonly tokens?: number;
  readonly calls?: number;
  readonly wallTimeMs?: number;
}
export const LIMITS_DEFAULT: Limits = { tasks: 1000, depth: 4 };

/** Who asks. Roles are decided by the interface that let the principal in. */
export interface Principal {
  readonly id: string;
  readonly roles: readonly string[];
}

/** What a run is created from. */
export interface Plan {
  readonly name: string;
  /** Hash of the checked source (workflow file with everything it uses, inputs, settings): the run's definition. */
  readonly source: Hash;
  readonly tasks: readonly TaskSpec[];
  readonly limits: Limits;
  /** The repository, else the folder of the project; claims of different scopes never meet. */
  readonly scope?: string;
  /** Where in `scope` the project lies, with `/`; missing: it is the scope. */
  readonly folder?: string;
  readonly priority?: number;
  /** Milliseconds since the epoch. A nearer deadline starts earlier. */
  readonly deadlineAt?: number;
  /** The plan itself must be approved before anything starts. */
  readonly approval?: ApprovalRule;
  /** The run works over a repository. */
  readonly tree?: TreeRule;
  /** Asked before the plan is changed while it is carried out. */
  readonly changes?: ApprovalRule;
  /** Workflows that were changed while the run went on, by the id of their container; `''` is the one at the top. */
  readonly files?: Readonly<Record<string, Hash>>;
}

/** What becomes of the tasks of a plan. */
export interface PlanChange {
  readonly add: readonly TaskSpec[];
  readonly drop?: readonly string[];
  /** Tasks, not started yet, that get these needs instead. */
  readonly rewire?: Readonly<Record<string, readonly string[]>>;
  /** Tasks, not started yet, that become these. */
  readonly replace?: readonly TaskSpec[];
  /** The container whose children these are; the tasks at the top where it is left out. */
  readonly parent?: string;
  /** The workflow as it reads from now on. */
  readonly file?: Hash;
}

/** What becomes of the integration tree of a run. */
export interface TreeRule {
  /** Carried into the user's tree when the run succeeded, after each commit that changed it, or only when somebody asks. */
  readonly promote: 'end' | 'each' | 'never';
  /** Asked before each promotion. */
  readonly approval?: ApprovalRule;
}

/** What a task claims, relative to the scope of its run. */
export const claimsIn = ({ folder }: Pick<Plan, 'folder'>, { claims = [] }: Pick<TaskSpec, 'claims'>): readonly string[] =>
  claims.map((glob) => inFolder(folder, glob));

/** A glob of a project as one of its scope. */
export const inFolder = (folder: string | undefined, glob: string): string =>
  folder === undefined ? glob : `${folder.replace(/[*?[{]/g, '[$&]')}/${glob}`;

/** The path that a glob without patterns means. */
export const plainPath = (glob: string): string => glob.replace(/\[([*?[{])\]/g, '$1');
