/**
 * Past the commit point: a promotion is carried out, and an undoing; what a crash interrupted goes on here as if nothing
 * had happened. The branch moves first, because it is the likelier to be refused.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { exchangesBack } from './promotion-back.ts';
import { forgetPromotion, letGo } from './promotion-begin.ts';
import { moveBranch } from './promotion-branch.ts';
import type { ProjectPlace } from './promotion-place.ts';
import {
  backward,
  type Course,
  close,
  forward,
  GONE,
  isDone,
  type PromotionRecord,
  readDone,
  readJournal,
  removeFiles,
  removeHalf,
  removeJournal,
  writeJournal,
} from './promotion-record.ts';
import { type Roots, roll, type Step } from './promotion-roll.ts';
import { closeRoot, openRoot } from './walk.ts';
import type { Trees } from './workspace.ts';

export interface Finishing {
  readonly trees: Trees;
  readonly place: ProjectPlace;
  readonly step: Step;
}

/** @throws why it can't be done: everything was taken back then, or `recoverAll` will */
export async function finish(finishing: Finishing, folder: string, record: PromotionRecord): Promise<PromotionRecord> {
  const { place, step } = finishing;
  try {
    const branched = await moveTo(place, record);
    step('branch moved');
    const kept = await withRoots(place, folder, (roots) => roll(roots, forward(record), step));
    const done: PromotionRecord = { ...record, state: 'done', ...(branched ? { branched } : {}), course: { ...record.course, kept } };
    close(folder, done, step);
    return done;
  } catch (error) {
    await takeBack(finishing, folder, record).catch((cause: unknown) => {
      throw unfinished(place, error, cause);
    });
    throw error;
  }
}

const unfinished = ({ project }: ProjectPlace, error: unknown, cause: unknown): BatonError =>
  new BatonError(
    'PROMOTION_UNFINISHED',
    `${project} is between before and after: ${messageOf(error)}; taking it back: ${messageOf(cause)}.`,
    {
      where: project,
      hint: 'Clear the cause (room on the disk, rights in the folder); Baton goes on with it when it starts, and before the next promotion.',
      cause,
    },
  );
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function takeBack(finishing: Finishing, folder: string, record: PromotionRecord): Promise<void> {
  const exchanges = await withRoots(finishing.place, folder, async (roots) => exchangesBack(roots, record));
  const { before, after } = record.course;
  const back: Course = { before: after, after: before, changes: [], exchanges, removable: record.made, kept: [] };
  const reverting: PromotionRecord = { ...record, state: 'reverting', back };
  writeJournal(folder, reverting, finishing.step);
  await finishTakingBack(finishing, folder, reverting, back);
}

async function finishTakingBack({ trees, place, step }: Finishing, folder: string, record: PromotionRecord, back: Course): Promise<void> {
  await branchBack(place, record);
  await withRoots(place, folder, (roots) => roll(roots, backward(back), step));
  await forgetPromotion(trees, folder, record.id, step);
}

/** The record of an undoing, once its journal is written. */
export async function finishUndoing(
  { trees, place, step }: Finishing,
  folder: string,
  record: PromotionRecord,
  back: Course,
): Promise<PromotionRecord> {
  await branchBack(place, record);
  step('branch moved back');
  const late = await withRoots(place, folder, (roots) => roll(roots, backward(back), step));
  const kept = [...new Set([...back.kept, ...late])].sort();
  const undone: PromotionRecord = { ...record, state: 'undone', back: { ...back, kept } };
  close(folder, undone, step);
  await tidy(trees, folder, record.id);
  return undone;
}

/** Once nobody can ask for it back. */
export async function tidy(trees: Trees, folder: string, id: string): Promise<void> {
  removeFiles(folder);
  await letGo(trees, id);
}

const moveTo = async ({ project }: ProjectPlace, { branch }: PromotionRecord): Promise<boolean> =>
  branch !== undefined && (await moveBranch(project, branch.name, branch.before, branch.after));

async function branchBack({ project }: ProjectPlace, { branch }: PromotionRecord): Promise<void> {
  if (branch) await moveBranch(project, branch.name, branch.after, branch.before);
}

export interface Recovered {
  readonly id: string;
  readonly outcome: 'finished' | 'taken-back';
}

/** Everything that was interrupted in a project. */
export async function recoverAll(finishing: Finishing): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const folders = readdirSync(finishing.place.folder, { withFileTypes: true }).filter((each) => each.isDirectory());
  for (const { name } of folders) {
    const folder = join(finishing.place.folder, name);
    if (name.endsWith(GONE)) {
      rmSync(folder, { recursive: true, force: true });
      continue;
    }
    const outcome = await recover(finishing, folder, name);
    if (outcome) recovered.push({ id: name, outcome });
  }
  return recovered;
}

async function recover(finishing: Finishing, folder: string, id: string): Promise<Recovered['outcome'] | undefined> {
  const { trees, step } = finishing;
  removeHalf(folder);
  const journal = readJournal(folder);
  if (!journal) {
    if (isDone(folder)) return undefined;
    await forgetPromotion(trees, folder, id, step);
    return 'taken-back';
  }
  const { state, back } = journal;
  const done = readDone(folder);
  if (done && (state === 'applying' || done.state === 'undone')) {
    removeJournal(folder);
    if (done.state === 'undone') await tidy(trees, folder, id);
    return 'finished';
  }
  if (back && state === 'undoing') await finishUndoing(finishing, folder, journal, back);
  else if (back) {
    await finishTakingBack(finishing, folder, journal, back);
    return 'taken-back';
  } else {
    try {
      await finish(finishing, folder, journal);
    } catch (error) {
      if (readJournal(folder)) throw error;
      return 'taken-back';
    }
  }
  return 'finished';
}

export async function withRoots<T>({ project }: ProjectPlace, folder: string, work: (roots: Roots) => Promise<T>): Promise<T> {
  const root = openRoot(project);
  try {
    const own = openRoot(folder);
    try {
      return await work({ project: root, own });
    } finally {
      closeRoot(own);
    }
  } finally {
    closeRoot(root);
  }
}
