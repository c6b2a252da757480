/**
 * What is on the disk of one promotion, in a folder of its own on the project's file system:
 *
 *   stage/N       the new file of exchange N, until it gets its name in the project
 *   backup/N      what was there before, until the promotion is confirmed or undone
 *   again/N       what an undoing found in its place
 *   journal.json  there is something to finish, and how. Writing it is the commit point.
 *   done.json     nothing is left to finish, and how it came out
 *
 * Both are written whole and renamed into place. Without either, nothing of the project was touched yet.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BatonError } from '../../errors.ts';
import type { Exchange, Roll, Step } from './promotion-roll.ts';
import { codeOf } from './walk.ts';
import type { Change, Commit } from './workspace.ts';

/** The branch that gets the result: from where to where. `before` is missing for a new one. */
export interface BranchMove {
  readonly name: string;
  readonly before?: string;
  readonly after: string;
}

/** A way of the tree from one state to another, as it was decided and as it went. */
export interface Course {
  readonly before: Commit;
  readonly after: Commit;
  readonly changes: readonly Change[];
  readonly exchanges: readonly Exchange[];
  readonly removable: readonly string[];
  /** Once it is over. */
  readonly kept: readonly string[];
}

export interface PromotionRecord {
  readonly version: 1;
  readonly id: string;
  /** Hash of what was asked for. */
  readonly request: string;
  /**
   * applying ──► done ──► undoing ──► undone
   *    └──► reverting ──► (removed)      done, undone ──► confirmed
   */
  readonly state: 'applying' | 'reverting' | 'done' | 'undoing' | 'undone' | 'confirmed';
  readonly course: Course;
  /** Folders that are made on the way, the deepest first: an undoing removes them. */
  readonly made: readonly string[];
  readonly branch?: BranchMove;
  /** The branch was set. */
  readonly branched?: boolean;
  /** The way back, for `reverting`, `undoing` and `undone`. */
  readonly back?: Course;
}

export const STAGE = 'stage';
export const BACKUP = 'backup';
export const AGAIN = 'again';
const FOLDERS = [STAGE, BACKUP, AGAIN];
const [JOURNAL, DONE] = ['journal.json', 'done.json'];
const NEW = '.new';
export const GONE = '.gone';

/** Where a promotion's files are for its way there, and for the way back. */
export const forward = ({ course }: PromotionRecord): Roll => ({ ...course, staged: STAGE, aside: BACKUP });
export const backward = (course: Course): Roll => ({ ...course, staged: BACKUP, aside: AGAIN });

export function makeRecordFolder(folder: string): void {
  for (const each of FOLDERS) mkdirSync(join(folder, each), { recursive: true, mode: 0o700 });
}

/** From here on it is finished, one way or the other, whatever happens. */
export const writeJournal = (folder: string, record: PromotionRecord, step: Step): void => write(folder, JOURNAL, record, step);

export const writeDone = (folder: string, record: PromotionRecord, step: Step): void => write(folder, DONE, record, step);

/** Over: the journal goes, the result stays. */
export function close(folder: string, record: PromotionRecord, step: Step): void {
  writeDone(folder, record, step);
  removeJournal(folder);
  step('journal gone');
}

export function removeJournal(folder: string): void {
  rmSync(join(folder, JOURNAL), { force: true });
  syncFolderAt(folder);
}

/** What there is to finish. */
export const readJournal = (folder: string): PromotionRecord | undefined => read(join(folder, JOURNAL));
export const isDone = (folder: string): boolean => existsSync(join(folder, DONE));
/** What is over. */
export const readDone = (folder: string): PromotionRecord | undefined => read(join(folder, DONE));

/** Nothing is left of it. What a kill leaves half removed has another name, which nobody takes for a promotion. */
export function removeRecord(folder: string, step: Step): void {
  renameSync(folder, folder + GONE);
  step('record renamed');
  syncFolderAt(dirname(folder));
  rmSync(folder + GONE, { recursive: true, force: true });
  step('record gone');
}

/** What a kill left half written. */
export function removeHalf(folder: string): void {
  for (const name of [JOURNAL, DONE]) rmSync(join(folder, `${name}${NEW}`), { force: true });
}

/** The result stays, the files go. */
export function removeFiles(folder: string): void {
  for (const each of FOLDERS) rmSync(join(folder, each), { recursive: true, force: true });
}

function write(folder: string, name: string, record: PromotionRecord, step: Step): void {
  const [file, temporary] = [join(folder, name), join(folder, `${name}${NEW}`)];
  const handle = openSync(temporary, 'w', 0o600);
  try {
    writeFileSync(handle, `${JSON.stringify(record)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  step(`${name} written`);
  renameSync(temporary, file);
  step(`${name} in place`);
  syncFolderAt(folder);
  step(`${name} durable`);
}

function read(file: string): PromotionRecord | undefined {
  let record: PromotionRecord;
  try {
    record = JSON.parse(readFileSync(file, 'utf8')) as PromotionRecord;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new BatonError('PROMOTION_CORRUPT', `${file} can't be read.`, {
      where: file,
      hint: `The files as they were before are in ${join(dirname(file), BACKUP)}.`,
      cause: error,
    });
  }
  if (record.version === 1) return record;
  throw new BatonError('PROMOTION_NEWER', `${file} was written by a newer Baton.`, { where: file, hint: 'Use that one to finish it.' });
}

export function syncFolderAt(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
