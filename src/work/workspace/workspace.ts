/**
 * The port of workspaces: trees in Baton's own store, checkouts of them that somebody works in, and the way back into
 * the user's tree. What a task changed is always judged by trees, never by what somebody says or by the text of a diff.
 *
 * Trees and checkpoints are commits of one bare git store per project, under the home. The host names its own git
 * folder, index and configuration in every call and never reads a `.git` that somebody else could have written.
 */

/** Lower-case hex id of a commit in the store. */
export type Commit = string;

/** One path that differs between two trees. Renames are a deletion and an addition. */
export interface Change {
  /** Relative to the top of the tree, with `/`. */
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted' | 'mode';
  /** Git's octal mode afterwards (`100644`, `100755`, `120000`, `160000`), beforehand for a deletion. */
  readonly mode: string;
  /** Of the file afterwards, in bytes. 0 for a deletion. */
  readonly size: number;
  /** A program now, which it was not before. */
  readonly executable?: true;
}

/** Why a path may not come back to the user's tree. */
export interface Violation {
  readonly path: string;
  readonly code:
    | 'PATH_UNSAFE'
    | 'MODE_FORBIDDEN'
    | 'SYMLINK'
    | 'HARD_LINK'
    | 'SPECIAL_FILE'
    | 'NESTED_REPOSITORY'
    | 'OUTSIDE_WRITES'
    | 'PROTECTED'
    | 'CONTRACT';
  readonly message: string;
}

/** What a task may change. */
export interface ChangeRules {
  /** Globs; nothing else may change. Missing: anything that is not protected. */
  readonly writes?: readonly string[];
  /** Globs that may never change. */
  readonly protected?: readonly string[];
  /** Globs of paths that may change only where they are named letter by letter. */
  readonly contracts?: readonly string[];
  /** What is named so. */
  readonly named?: readonly string[];
  /** Symlinks that stay inside the tree are allowed. */
  readonly symlinks?: boolean;
}

export interface Checkpoint {
  readonly commit: Commit;
  /** Against the base of the workspace. */
  readonly changes: readonly Change[];
  /** What git can't say: found in the folder itself. */
  readonly violations: readonly Violation[];
  readonly bytes: number;
  readonly files: number;
}

export interface Quota {
  readonly bytes: number;
  readonly files: number;
}
export const QUOTA_DEFAULT: Quota = { bytes: 2 ** 30, files: 100_000 };

/** When a workspace is put on record while somebody is at work in it, besides the end of each command. */
export interface CheckpointRule {
  readonly everyMs: number;
  /** Files that have changed since the last one. */
  readonly changes: number;
}
export const CHECKPOINTS_DEFAULT: CheckpointRule = { everyMs: 60_000, changes: 100 };

/** A checkout that one task works in. */
export interface Workspace {
  /** `RUN/TASK`. */
  readonly id: string;
  /** Absolute path. */
  readonly folder: string;
  /** What it was made from. */
  readonly base: Commit;
}

export type Merged =
  | { readonly ok: true; readonly commit: Commit }
  /** Paths that both sides changed in ways that don't go together, each with its conflict in the usual marks, for whoever repairs it. */
  | { readonly ok: false; readonly conflicts: readonly { readonly path: string; readonly text: string }[] };

export interface LogEntry {
  readonly commit: Commit;
  readonly parents: readonly Commit[];
  readonly author: string;
  /** ISO 8601. */
  readonly date: string;
  readonly message: string;
}

/** The trees of one project. */
export interface Trees {
  /**
   * The user's tree as it is, uncommitted and untracked edits included, ignored files not.
   * @throws BatonError `NOT_A_REPOSITORY`, `NESTED_REPOSITORY`, `WORKSPACE_TIMEOUT`, or of the disk
   */
  snapshot(project: string, why: string): Promise<Commit>;
  /** Makes, or finds again, the checkout of `base` that a task works in. @throws BatonError `QUOTA_EXCEEDED`, `WORKSPACE_TIMEOUT`, or of the disk */
  open(id: string, base: Commit): Promise<Workspace>;
  /** A clean checkout for a check, in no way connected with where the work was done. */
  checkout(id: string, commit: Commit): Promise<Workspace>;
  /** The workspace as it stands, after a scan of the folder itself. @throws BatonError `QUOTA_EXCEEDED`, `NESTED_REPOSITORY`, `WORKSPACE_TIMEOUT` */
  checkpoint(workspace: Workspace, why: string): Promise<Checkpoint>;
  /** Every file as the checkpoint has it, or only `paths`; what was there is checkpointed first. Ignored files stay. */
  restore(workspace: Workspace, commit: Commit, paths?: readonly string[]): Promise<Commit>;
  /** The workspace goes on from another base: its own changes are merged onto it; conflicts stay in the files as marks. */
  rebase(workspace: Workspace, onto: Commit): Promise<{ readonly workspace: Workspace; readonly conflicts: readonly string[] }>;
  /** Three-way, in the store alone; touches no folder. `message` names the task. */
  merge(base: Commit, ours: Commit, theirs: Commit, message: string): Promise<Merged>;
  changes(from: Commit, to: Commit): Promise<readonly Change[]>;
  /** Names what a checkout of the commit holds, files and folders: the same for commits that hold the same. */
  contentOf(commit: Commit): Promise<string>;
  /** A unified diff for people. */
  patch(from: Commit, to: Commit, paths?: readonly string[]): Promise<string>;
  /** Newest first, beginning with the commit itself. @throws BatonError `UNKNOWN_COMMIT` */
  log(from: Commit, entriesMax: number): Promise<readonly LogEntry[]>;
  /** A file of a commit; nothing where it has none there. @throws BatonError `UNKNOWN_COMMIT`, `FILE_TOO_LARGE` */
  file(commit: Commit, path: string, bytesMax: number): Promise<Buffer | undefined>;
  judge(changes: readonly Change[], rules: ChangeRules): readonly Violation[];
  /** Keeps a commit from being collected, by a name; `undefined` lets it go. */
  keep(name: string, commit: Commit | undefined): Promise<void>;
  list(): Promise<readonly { readonly id: string; readonly folder: string; readonly bytes: number }[]>;
  /** Removes a workspace's folder; its checkpoints stay until `forget`. */
  remove(id: string): Promise<void>;
  /** What the names of kept commits go on with behind `prefix`, up to the next `/`: of `runs/`, the runs. Workspaces keep theirs as `workspaces/ID`. */
  keptBelow(prefix: string): Promise<readonly string[]>;
  /** Removes every ref whose name begins so; objects go with the next repacking. */
  forget(prefix: string): Promise<void>;
}

/** What a promotion did to the user's tree. */
export type Promoted =
  | {
      readonly ok: true;
      /** The user's tree before and after, as commits of the store. */
      readonly before: Commit;
      readonly after: Commit;
      readonly files: readonly Change[];
      /** Files the user saved in the middle of it: theirs stay, and the change to them did not happen. */
      readonly kept: readonly string[];
      /** What the branch points to now. Missing when none was asked for, and when the user moved it meanwhile: then it stays. */
      readonly branch?: Commit;
    }
  | {
      readonly ok: false;
      readonly code: 'PROMOTION_CONFLICT' | 'PROMOTION_REFUSED' | 'QUOTA_EXCEEDED';
      readonly message: string;
      readonly paths: readonly string[];
    };

export interface PromotionRequest {
  /** Names it: once it has happened, the same id gives the same result again. One that was refused has not happened. Letters, digits, `-`. */
  readonly id: string;
  readonly project: string;
  /** The snapshot the run began with, and the integration tree now. */
  readonly base: Commit;
  readonly tree: Commit;
  readonly rules: ChangeRules;
  /** Of one change. */
  readonly quota?: Quota;
  /** Also commit the result on this branch of the user's repository, which is made if it is missing; HEAD and index stay. */
  readonly branch?: { readonly name: string; readonly message: string };
}

export interface Promotions {
  /**
   * @throws BatonError `PROMOTION_BUSY`, `PROMOTION_RESTLESS`, `PROMOTION_UNSUPPORTED`, `IDEMPOTENCY_MISMATCH`, or of the disk: nothing was
   * changed then. `PROMOTION_UNFINISHED`: `recover` has to go on with it.
   */
  promote(request: PromotionRequest): Promise<Promoted>;
  /** Finishes or takes back what a crash interrupted. Called at start, before anything else touches the project. */
  recover(project: string): Promise<readonly { readonly id: string; readonly outcome: 'finished' | 'taken-back' }[]>;
  /**
   * Puts back what a promotion replaced, where nobody changed it since; such files are kept and named. Its branch goes back too.
   * @throws BatonError `PROMOTION_UNKNOWN`, `PROMOTION_CONFIRMED`, and as `promote`
   */
  undo(id: string, project: string): Promise<Promoted>;
  /** The user is content: backups go. May be repeated. @throws BatonError `PROMOTION_UNKNOWN` */
  confirm(id: string, project: string): Promise<void>;
}
