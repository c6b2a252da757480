/**
 * Runs that are over, removed with all they left. The way back of their promotions goes first, then their facts at once,
 * then folders: what a crash leaves of those belongs to no run any more, and the next cleaning takes it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HomePaths } from '../engine/journal/home.ts';
import type { Journal } from '../engine/journal/journal.ts';
import { RUN_TERMINAL, type RunState } from '../engine/kernel/state.ts';
import type { Removed } from '../interfaces/api/shapes.ts';
import { removeRunFolders } from '../work/perform/folders.ts';
import { promotionId } from '../work/perform/tree-handlers.ts';
import type { WorkPlaces } from './places.ts';
import type { HomeRepositories } from './repositories.ts';

export interface Removing {
  readonly journal: Pick<Journal, 'remove' | 'head'>;
  readonly paths: Pick<HomePaths, 'logs'>;
  readonly places: Pick<WorkPlaces, 'work'>;
  readonly repositories: Pick<HomeRepositories, 'confirm' | 'sweep'>;
  readonly state: (run: string) => RunState | undefined;
}

/** Somebody may promote a run that had ended, while others are being removed: it stays, with all its promotion needs. */
export async function removeRuns({ journal, paths, places, repositories, state }: Removing, runs: readonly string[]): Promise<Removed> {
  const isOver = (run: string) => RUN_TERMINAL.has(state(run)?.status ?? 'running');
  for (const run of runs) {
    const { plan, tree } = state(run) ?? {};
    if (!isOver(run) || plan?.scope === undefined || !tree) continue;
    await repositories.confirm(
      plan.scope,
      tree.done.map(({ id }) => promotionId(run, id)),
    );
  }
  const over = runs.filter(isOver);
  const { facts, blobs, bytes } = journal.remove(over);
  for (const run of over) {
    await removeRunFolders({ root: places.work }, run);
    await rm(join(paths.logs, run), { recursive: true, force: true });
  }
  const swept = await repositories.sweep((run) => journal.head(run) !== undefined);
  return { runs: over, facts, blobs, bytes, workspaces: swept.workspaces, workspaceBytes: swept.bytes, stores: swept.stores };
}
