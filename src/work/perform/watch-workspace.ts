/**
 * Looks after a workspace while somebody is at work in it, and puts it on record: at the end of each command, when much
 * has changed, and when long has passed. That much has changed is seen by the times of files, which is quick and can be
 * wrong; it only decides when to look. What a checkpoint holds is always what the folder holds, and the last one, at the
 * end of the attempt, needs none of this.
 */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { CheckpointReason } from '../../engine/kernel/facts.ts';
import { BatonError } from '../../errors.ts';
import { scan } from '../workspace/scan.ts';
import type { Checkpoint, Quota } from '../workspace/workspace.ts';
import type { Place } from './place.ts';
import { heldBack, TROUBLES_MAX } from './trouble.ts';

/** Share of the quota from which on people are told. */
const WARN_AT = 0.8;
/**
 * What says that the machine is in the way while somebody is at work. A file that goes away while git reads it does not; the
 * last checkpoint, when nobody is at work any more, decides about that.
 */
const IN_THE_WAY: ReadonlySet<string> = new Set(['WORKSPACE_TIMEOUT', 'DISK_FULL']);
/** Between two counts of what has changed, in milliseconds, at least; and as a multiple of what the last one took. */
const [COUNT_MS, COUNT_SHARE] = [2_000, 50];

const COUNT_LIMIT = { name: 'countTimeout', ms: 1_000 };

export interface Watch {
  /** Aborted when the workspace is over its quota, or could not be put on record three times in a row. */
  readonly signal: AbortSignal;
  /** A command has ended. Resolves when that is on record; never throws. */
  ran(): Promise<void>;
  /** Resolves when nothing is being put on record any more. */
  stop(): Promise<void>;
}

const NOBODY: Watch = { signal: new AbortController().signal, ran: async () => {}, stop: async () => {} };

export function watchWorkspace(
  place: Pick<Place, 'workspace' | 'repository'>,
  context: Pick<AttemptContext, 'attemptKey' | 'checkpoint' | 'log'>,
): Watch {
  const { workspace, repository } = place;
  if (!workspace || !repository) return NOBODY;
  const full = new AbortController();
  const { everyMs, changes } = repository.checkpoints;
  let last = workspace.base;
  let warned = false;
  /** Since when changes are counted, and how many files there were. */
  let seen = { at: Date.now(), files: 0 };
  let over = false;
  let troubles = 0;

  const look = async (why: CheckpointReason): Promise<void> => {
    if (over) return;
    const at = Date.now();
    const checkpoint = await repository.trees.checkpoint(workspace, `during ${context.attemptKey}`);
    seen = { at, files: checkpoint.files };
    const share = worthWarning(checkpoint, repository.quota);
    const first = share !== undefined && !warned;
    if (first) context.log(aboutQuota(share), 'note');
    warned ||= first;
    if (checkpoint.commit === last || !differs(checkpoint)) return;
    last = checkpoint.commit;
    await context.checkpoint(checkpoint.commit, why, checkpoint.changes.length, first ? share : undefined);
  };

  let line: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  /** One after the other; who asks while one waits for its turn shares that one. */
  const ask = (why: CheckpointReason): Promise<void> => {
    if (next) return next;
    const now = line
      .then(() => {
        next = undefined;
        return look(why);
      })
      .then(
        () => {
          troubles = 0;
        },
        (error: unknown) => {
          if (error instanceof BatonError && error.code === 'QUOTA_EXCEEDED') return full.abort(error);
          context.log(`The workspace could not be put on record: ${messageOf(error)}\n`, 'note');
          if (!(error instanceof BatonError && IN_THE_WAY.has(error.code))) return;
          troubles++;
          if (troubles >= TROUBLES_MAX) full.abort(heldBack(error, true));
        },
      );
    next = now;
    line = now;
    return now;
  };

  const timer = setInterval(() => void ask('time'), everyMs);
  timer.unref();
  let counter: NodeJS.Timeout | undefined;
  const countLater = (ms: number) => {
    counter = setTimeout(() => void count(), ms);
    counter.unref();
  };
  const count = async () => {
    const began = performance.now();
    if (changedIn(workspace.folder, seen) >= changes) await ask('count');
    if (!over) countLater(Math.max(COUNT_MS, COUNT_SHARE * (performance.now() - began)));
  };
  countLater(COUNT_MS);

  return {
    signal: full.signal,
    ran: () => ask('command'),
    async stop() {
      over = true;
      clearInterval(timer);
      clearTimeout(counter);
      await line;
    },
  };
}

/** A file that may not be there is something to be judged, though git does not see it. */
export const differs = ({ changes, violations }: Checkpoint): boolean => changes.length > 0 || violations.length > 0;

/** The share of its quota that a workspace takes, where people are told. */
export function worthWarning({ bytes, files }: Checkpoint, quota: Quota): number | undefined {
  const share = Math.max(bytes / quota.bytes, files / quota.files);
  return share >= WARN_AT ? share : undefined;
}
export const aboutQuota = (share: number): string =>
  `The workspace takes ${Math.round(share * 100)} % of its quota; at 100 % it stands aside.\n`;

/** Files that changed or went since; as far as one can tell. */
function changedIn(folder: string, { at, files }: { readonly at: number; readonly files: number }): number {
  try {
    const now = scan(folder, { since: at, limit: COUNT_LIMIT });
    return now.changed + Math.max(0, files - now.files);
  } catch {
    // The next checkpoint meets the same trouble, and says so.
    return 0;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
