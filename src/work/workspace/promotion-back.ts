/**
 * The way back of a promotion, for undoing it and for taking it back when it could not be finished. Which files it has
 * exchanged is read from the disk: half of one file may be done.
 */
import { BACKUP, type PromotionRecord, STAGE } from './promotion-record.ts';
import { type Exchange, entryOf, type Roots, sameFile } from './promotion-roll.ts';
import { type Place, remove } from './walk.ts';

/** The exchanges that put back what is in the backup, and take out what was new. */
export function exchangesBack(roots: Roots, { course }: PromotionRecord): Exchange[] {
  return course.exchanges.flatMap((exchange) => back(roots, exchange) ?? []);
}

function back({ project, own }: Roots, { n, path, from, to }: Exchange): Exchange | undefined {
  const target: Place = { root: project, path };
  const staged: Place = { root: own, path: `${STAGE}/${n}` };
  // As it is now: whoever had the old file open may have written into it.
  const old = from === undefined ? undefined : entryOf({ root: own, path: `${BACKUP}/${n}` }, from);
  const put = old === undefined ? {} : { to: old };
  if (to === undefined) return old === undefined ? undefined : { n, path, to: old };
  if (entryOf(staged, to) !== undefined) {
    if (!sameFile(staged, target)) return old === undefined ? undefined : { n, path, to: old };
    remove(staged);
  }
  return from === undefined || old !== undefined ? { n, path, from: to, ...put } : undefined;
}
