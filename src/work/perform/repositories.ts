/** What the perform floor knows of the repositories that runs work over. */

import type { ChangeRules, CheckpointRule, Promotions, Quota, Trees, Workspace } from '../workspace/workspace.ts';
import type { SetupRule } from './equip.ts';

/** A repository, as the project of one run sees it. */
export interface Repository {
  /** Absolute path of the user's tree: the top of the repository. */
  readonly top: string;
  /** Where in the tree the project lies, and so where its tasks work; missing at its top. */
  readonly folder?: string;
  readonly trees: Trees;
  readonly promotions: Promotions;
  /** What no task may change, whatever it claims. */
  readonly rules: Pick<ChangeRules, 'protected' | 'contracts' | 'symlinks'>;
  readonly quota: Quota;
  readonly checkpoints: CheckpointRule;
  /** What `equip` goes by: a part of what a check finds in its checkout. */
  readonly setup?: SetupRule | undefined;
  /** Puts dependencies into a fresh checkout, as the project's settings say. @throws AttemptError `SETUP_FAILED` */
  equip(workspace: Workspace, how: { readonly touched: boolean; readonly signal: AbortSignal }): Promise<void>;
}

export interface Repositories {
  /** The one that a run works over. @throws BatonError `NOT_A_REPOSITORY` */
  of(run: string): Repository;
}

/** A workspace belongs to a task for all its attempts. */
export const workspaceId = (run: string, task: string): string => `${run}/${task}`;
