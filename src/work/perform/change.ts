/**
 * What an attempt changed, put on record at its end. A workspace that can't
 * be put on record (over its quota, a full disk) loses nothing by it: the work stays in its folder, whoever merges it
 * tries again, and a person is asked if that fails too.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Commit } from '../../engine/kernel/plan.ts';
import type { Place } from './place.ts';
import { tried } from './trouble.ts';
import { aboutQuota, differs, type Watch, watchWorkspace, worthWarning } from './watch-workspace.ts';

/** Stands for a checkpoint that could not be made. */
const UNSAVED: Commit = '0'.repeat(40);

/** The outcome of an attempt with the change it made. Of one that failed, the workspace is put on record all the same. */
export async function withChange(place: Place, context: AttemptContext, act: (watch: Watch) => Promise<Outcome>): Promise<Outcome> {
  const watch = watchWorkspace(place, context);
  const outcome = await act(watch).finally(() => watch.stop());
  const { workspace, repository } = place;
  if (!workspace || !repository) return outcome;
  try {
    const checkpoint = await tried(() => repository.trees.checkpoint(workspace, `end of ${context.attemptKey}`));
    const share = worthWarning(checkpoint, repository.quota);
    if (share !== undefined) context.log(aboutQuota(share), 'note');
    if (!differs(checkpoint)) return outcome;
    const executables = checkpoint.changes.filter(({ executable }) => executable).map(({ path }) => path);
    if (executables.length > 0) context.log(`New executables: ${executables.join(', ')}\n`, 'note');
    await context.checkpoint(checkpoint.commit, 'end', checkpoint.changes.length, share).catch(() => {});
    return outcome.ok ? { ...outcome, change: checkpoint.commit } : outcome;
  } catch (error) {
    context.log(`The workspace could not be put on record: ${messageOf(error)}\n`, 'note');
    return outcome.ok ? { ...outcome, change: UNSAVED } : outcome;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
