/** Undoing a promotion: a promotion the other way, with the backups as its new files. */
import { exchangesBack } from './promotion-back.ts';
import { type Finishing, finishUndoing, withRoots } from './promotion-finish.ts';
import { commitWith } from './promotion-git.ts';
import { type Course, type PromotionRecord, writeJournal } from './promotion-record.ts';
import type { Exchange } from './promotion-roll.ts';
import { verify } from './promotion-verify.ts';
import type { Root } from './walk.ts';
import type { Promoted } from './workspace.ts';

export async function undo(finishing: Finishing, store: string, folder: string, record: PromotionRecord): Promise<PromotionRecord> {
  const back = await wayBack(finishing, store, folder, record);
  const undoing: PromotionRecord = { ...record, state: 'undoing', back };
  writeJournal(folder, undoing, finishing.step);
  return finishUndoing(finishing, folder, undoing, back);
}

/** What nobody has changed since, and whose backup nobody has written into. */
async function wayBack({ trees, place }: Finishing, store: string, folder: string, record: PromotionRecord): Promise<Course> {
  const { course, id } = record;
  const old = new Map(course.exchanges.map(({ n, from }) => [n, from]));
  const exchanges = await withRoots(place, folder, async (roots) => {
    const all = exchangesBack(roots, record).filter(({ n, to }) => to === old.get(n));
    return unchanged(roots.project, all);
  });
  const going = new Set(exchanges.map(({ n }) => n));
  const kept = course.exchanges.filter(({ n, path }) => !going.has(n) && !course.kept.includes(path)).map(({ path }) => path);
  const before = await trees.snapshot(place.project, `before undoing ${id}`);
  const after = await commitWith(store, before, exchanges, `undone: ${id}`);
  return { before, after, changes: await trees.changes(before, after), exchanges, removable: record.made, kept };
}

/** One that stays may stand in the way of another. */
function unchanged(project: Root, exchanges: readonly Exchange[]): readonly Exchange[] {
  const { other } = verify(project, exchanges);
  return other.size === 0
    ? exchanges
    : unchanged(
        project,
        exchanges.filter(({ path }) => !other.has(path)),
      );
}

export function undoneResult({ course, back = course }: PromotionRecord): Promoted {
  const { before, after, changes, kept } = back;
  return { ok: true, before, after, files: changes, kept };
}
