/**
 * Promotion: the integration tree of a run comes into the user's own. The user's tree as it is now, edits and all, is
 * merged with it; what comes out is judged again, staged beside the project, and compared with the project once more.
 * Then the journal is written, and that is the commit point: before it nothing was touched, after it the promotion is
 * finished, by whoever comes next if this process dies. Only when a file can't be exchanged at all (no right, no room) is
 * everything taken back. Branch, HEAD and index of the user stay as they are. See docs/concepts/promotion.md.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { beginPromotion } from './promotion-begin.ts';
import { type Finishing, finish, recoverAll, tidy } from './promotion-finish.ts';
import { alone, LOCK_WAIT_MS } from './promotion-lock.ts';
import { makePlace, type ProjectPlace, placeOf } from './promotion-place.ts';
import { type PromotionRecord, readDone, writeDone } from './promotion-record.ts';
import type { Step } from './promotion-roll.ts';
import { undo, undoneResult } from './promotion-undo.ts';
import { codeOf, mustWalk } from './walk.ts';
import type { Promoted, PromotionRequest, Promotions, Trees } from './workspace.ts';

/** The trees' own, in their folder. */
const STORE = 'store.git';
const ID = /^[A-Za-z0-9-]{1,200}$/;

export interface PromotionOptions {
  readonly trees: Trees;
  /** Folder that the trees are in. */
  readonly folder: string;
  /** Home of Baton; files of promotions are in it where it is on the project's file system. */
  readonly home: string;
  /** How long to wait for another promotion into the same project, in milliseconds. */
  readonly lockWaitMs?: number;
  /** For tests. */
  readonly step?: Step;
}

export function createPromotions({
  trees,
  folder: around,
  home,
  lockWaitMs = LOCK_WAIT_MS,
  step = () => {},
}: PromotionOptions): Promotions {
  const store = join(around, STORE);
  /** With the project to itself, and nothing left from before. */
  const inProject = async <T>(project: string, work: (finishing: Finishing) => Promise<T>): Promise<T> => {
    mustWalk();
    const place = placeOf(project, home);
    makePlace(place);
    return alone(place.folder, lockWaitMs, () => work({ trees, place, step })).catch((error: unknown) => {
      throw ofDisk(error, place.project);
    });
  };
  return {
    promote: (request) =>
      inProject(request.project, async (finishing) => {
        const folder = folderOf(finishing.place, request.id);
        const hash = hashOf(request);
        await recoverAll(finishing);
        const known = readDone(folder);
        if (known) return resultOf(sameRequest(known, hash));
        const begun = await beginPromotion({ ...finishing, store, folder, request, hash });
        return 'ok' in begun ? begun : resultOf(await finish(finishing, folder, begun));
      }),

    async recover(project) {
      const { folder } = placeOf(project, home);
      return existsSync(folder) ? inProject(project, recoverAll) : [];
    },

    undo: (id, project) =>
      inProject(project, async (finishing) => {
        const folder = folderOf(finishing.place, id);
        await recoverAll(finishing);
        const record = known(folder, id);
        if (record.state === 'confirmed')
          throw new BatonError('PROMOTION_CONFIRMED', `Promotion ${id} was confirmed: its backups are gone.`, {
            where: id,
            hint: 'Undo it by hand.',
          });
        return record.state === 'undone' ? undoneResult(record) : undoneResult(await undo(finishing, store, folder, record));
      }),

    confirm: (id, project) =>
      inProject(project, async (finishing) => {
        const folder = folderOf(finishing.place, id);
        await recoverAll(finishing);
        const record = known(folder, id);
        // What it did stays known, how it was done doesn't.
        const course = { ...record.course, exchanges: [], removable: [] };
        if (record.state === 'done') writeDone(folder, { ...record, state: 'confirmed', course, made: [] }, step);
        await tidy(trees, folder, id);
      }),
  };
}

function folderOf({ folder }: ProjectPlace, id: string): string {
  if (ID.test(id)) return join(folder, id);
  throw new BatonError('PROMOTION_ID', `"${id}" is no id of a promotion.`, { where: id, hint: 'At most 200 letters, digits and `-`.' });
}

function known(folder: string, id: string): PromotionRecord {
  const record = readDone(folder);
  if (record) return record;
  throw new BatonError('PROMOTION_UNKNOWN', `No promotion ${id} has changed this project.`, {
    where: id,
    hint: 'Is it another project, or another home?',
  });
}

const OF_DISK: Readonly<Record<string, { readonly code: string; readonly what: string; readonly hint: string }>> = {
  ENOSPC: { code: 'DISK_FULL', what: 'has no room left', hint: 'Free some space, then promote again.' },
  EDQUOT: { code: 'DISK_FULL', what: 'has no room left for this user', hint: 'Free some space, then promote again.' },
  EACCES: {
    code: 'PROJECT_NOT_WRITABLE',
    what: 'may not be written everywhere',
    hint: 'Give this user the right to write there, then promote again.',
  },
  EPERM: {
    code: 'PROJECT_NOT_WRITABLE',
    what: 'may not be written everywhere',
    hint: 'Look for files that are locked (`lsattr`), then promote again.',
  },
  EROFS: { code: 'PROJECT_NOT_WRITABLE', what: 'is read-only', hint: 'Mount it for writing, then promote again.' },
};

function ofDisk(error: unknown, project: string): unknown {
  const known = OF_DISK[codeOf(error)];
  if (!known || error instanceof BatonError) return error;
  const path = error instanceof Error && 'path' in error ? `: ${String(error.path)}` : '';
  return new BatonError(known.code, `${project} ${known.what}${path}. It is as it was.`, {
    where: project,
    hint: known.hint,
    cause: error,
  });
}

/** The project is not in it: that may be moved. */
const hashOf = ({ base, tree, rules, branch }: PromotionRequest): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        base,
        tree,
        rules.writes,
        rules.protected,
        rules.contracts,
        rules.named,
        rules.symlinks,
        branch?.name,
        branch?.message,
      ]),
    )
    .digest('hex');

function sameRequest(record: PromotionRecord, hash: string): PromotionRecord {
  if (record.request === hash) return record;
  throw new BatonError('IDEMPOTENCY_MISMATCH', `Promotion ${record.id} was asked for before, with something else to promote.`, {
    where: record.id,
    hint: 'Take a new id.',
  });
}

function resultOf({ course, branch, branched }: PromotionRecord): Promoted {
  const { before, after, changes, kept } = course;
  return { ok: true, before, after, files: changes, kept, ...(branch && branched ? { branch: branch.after } : {}) };
}
