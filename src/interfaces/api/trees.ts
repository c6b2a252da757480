/** How the API shows trees: what changed, how workspaces stood along the way, and what went into the user's tree. */
import type { TaskStatus } from '../../engine/kernel/state.ts';
import type { RunView } from '../../engine/kernel/view.ts';

/** One path that differs between two trees. */
export interface ChangeView {
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted' | 'mode';
  readonly mode: string;
  /** Of the file afterwards, in bytes. */
  readonly size: number;
  /** A program now, which it was not before. */
  readonly executable?: true;
  /** Lines that came and went; missing where nobody counts lines, as in a picture. */
  readonly lines?: { readonly added: number; readonly removed: number };
}

export interface DiffView {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly ChangeView[];
  /** A unified diff. */
  readonly patch: string;
}

/** A difference in short, for whoever decides about it. */
export interface ChangeSummary {
  readonly from: string;
  readonly to: string;
  readonly files: number;
  readonly added: number;
  readonly removed: number;
  /** Files that are programs now and were none before: all of them. */
  readonly executables: readonly string[];
  /** The first of the files. */
  readonly changes: readonly ChangeView[];
}

export interface CheckpointView {
  readonly task: string;
  readonly attempt?: number;
  readonly checkpoint: string;
  /** What the workspace began with (`start`), or why it was put on record. */
  readonly why: 'start' | 'command' | 'count' | 'time' | 'end' | 'restore';
  /** Files that differ from the start of the attempt. */
  readonly files?: number;
  readonly at: number;
}

/** How the integration tree of a run stands, and how it came to that. */
export interface TreeView {
  /** The user's tree when the run began, and what was committed on top of it so far. */
  readonly base?: string;
  readonly head?: string;
  readonly failure?: { readonly code: string; readonly message: string };
  readonly promote: 'end' | 'each' | 'never';
  /** The user's tree lacks some of it. */
  readonly ahead: boolean;
  /** Changes that were committed, in their order. */
  readonly merged: readonly { readonly task: string; readonly tree: string; readonly at: number }[];
  /** Changes that went back to their task: they conflict with what was committed meanwhile, or break a rule. */
  readonly sentBack: readonly {
    readonly task: string;
    readonly attempt: number;
    readonly why: 'conflict' | 'rules';
    readonly at: number;
  }[];
  /** Tasks whose change is to be merged, in the order they came. */
  readonly waiting: readonly string[];
  /** Changes that could not be merged for a reason of the machine. */
  readonly stalled: readonly { readonly task: string; readonly reason: string }[];
  readonly promotions: readonly PromotionView[];
}

export interface PromotionView {
  readonly promotion: string;
  readonly tree: string;
  readonly status: 'asked' | 'running' | 'done' | 'refused' | 'undoing' | 'undone';
  readonly at: number;
  /** Files of the user's tree that were exchanged, in this promotion or in its undoing. */
  readonly files: readonly ChangeView[];
  /** Files that the user saved in the meantime: they stayed as they are. */
  readonly kept: readonly string[];
  /** Of the repository. `commit`: what it points to now; missing until it is done, and when somebody moved it meanwhile. */
  readonly branch?: { readonly name: string; readonly commit?: string };
  /** Why it did not happen; of one that is done: why its undoing did not. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly paths: readonly string[] };
}

/** A checkout that somebody works in. */
export interface WorkspaceView {
  readonly id: string;
  readonly folder: string;
  readonly bytes: number;
  readonly run?: string;
  readonly task?: string;
  readonly status?: TaskStatus;
  readonly runStatus?: RunView['status'];
}
