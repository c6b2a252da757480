/**
 * What an attempt changed, put on record: now and then while an agent is at work, and at its end. A workspace that can't
 * be put on record (over its quota, a full disk) loses nothing by it: the work stays in its folder, whoever merges it
 * tries again, and a person is asked if that fails too.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Commit } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import type { Checkpoint, Quota } from '../workspace/workspace.ts';
import type { Place } from './place.ts';

/** Stands for a checkpoint that could not be made. */
const UNSAVED: Commit = '0'.repeat(40);
/** Between checkpoints of an agent at work, in milliseconds. */
const EVERY_MS = 60_000;
/** Share of the quota from which on people are told. */
const WARN_AT = 0.8;

/** The outcome of an attempt with the change it made. Of one that failed, the workspace is put on record all the same. */
export async function withChange(outcome: Outcome, place: Place, context: AttemptContext): Promise<Outcome> {
  if (!place.workspace || !place.repository) return outcome;
  try {
    const checkpoint = await place.repository.trees.checkpoint(place.workspace, `end of ${context.attemptKey}`);
    const share = worthWarning(checkpoint, place.repository.quota);
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

/** A file that may not be there is something to be judged, though git does not see it. */
const differs = ({ changes, violations }: Checkpoint): boolean => changes.length > 0 || violations.length > 0;

/** The share of its quota that a workspace takes, where people are told. */
function worthWarning({ bytes, files }: Checkpoint, quota: Quota): number | undefined {
  const share = Math.max(bytes / quota.bytes, files / quota.files);
  return share >= WARN_AT ? share : undefined;
}
const aboutQuota = (share: number): string => `The workspace takes ${Math.round(share * 100)} % of its quota; at 100 % it stands aside.\n`;

export interface Watch {
  /** Aborted when the workspace is over its quota. */
  readonly signal: AbortSignal;
  stop(): void;
}

export function watchWorkspace(place: Place, context: AttemptContext, everyMs: number = EVERY_MS): Watch {
  const full = new AbortController();
  const { workspace, repository } = place;
  if (!workspace || !repository) return { signal: full.signal, stop: () => {} };
  let last = workspace.base;
  let warned = false;
  let looking = false;
  const look = async () => {
    const checkpoint = await repository.trees.checkpoint(workspace, `during ${context.attemptKey}`);
    const share = worthWarning(checkpoint, repository.quota);
    const first = share !== undefined && !warned;
    if (first) context.log(aboutQuota(share), 'note');
    warned ||= first;
    if (checkpoint.commit === last || !differs(checkpoint)) return;
    last = checkpoint.commit;
    await context.checkpoint(checkpoint.commit, 'time', checkpoint.changes.length, first ? share : undefined);
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        if (error instanceof BatonError && error.code === 'QUOTA_EXCEEDED') full.abort(error);
        else context.log(`The workspace could not be put on record: ${messageOf(error)}\n`, 'note');
      })
      .finally(() => {
        looking = false;
      });
  }, everyMs);
  timer.unref();
  return { signal: full.signal, stop: () => clearInterval(timer) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
