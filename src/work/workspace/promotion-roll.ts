/**
 * Carries out the exchanges of a promotion, or of its undoing, file by file. It may be killed at any point and called
 * again: what is done already is seen on the disk, never remembered. For each file
 *
 *   what is there is moved aside ──► and looked at: is it what was merged? ──yes──► the new file gets its name
 *                                            │ no: somebody saved just now              │ the name is taken again
 *                                            └──► it gets its name back                 └──► whoever took it keeps it
 *
 * so nobody's file is ever replaced unseen. At the end all that was moved aside is looked at once more: a program that
 * had the old file open may have written into it.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { codeOf, type Entry, find, link, move, type Place, type Root, remove, removeFolder, statsOf, syncFolder, within } from './walk.ts';

/** One file that changes. `from` is missing where nothing was, `to` where nothing will be. */
export interface Exchange {
  /** Names its files in the promotion's own folder. */
  readonly n: number;
  readonly path: string;
  readonly from?: Entry;
  readonly to?: Entry;
}

export interface Roll {
  readonly exchanges: readonly Exchange[];
  /** Folders of the promotion's own: the new files, and where to put what was there. */
  readonly staged: string;
  readonly aside: string;
  /** Folders of the project that go when they are empty, the deepest first. */
  readonly removable: readonly string[];
}

/** Called after everything that changes the disk, and before what somebody could get in between. For tests: it may end the process. */
export type Step = (name: string) => void;

/** The user's tree, and the promotion's own folder on the same file system. */
export interface Roots {
  readonly project: Root;
  readonly own: Root;
}

/** The rest of the process gets its turn after so many files. */
const BREATHE_EVERY = 16;

/**
 * @returns the paths that somebody changed meanwhile: theirs stay
 * @throws errors of the system; it can be called again, or taken back
 */
export async function roll(roots: Roots, work: Roll, step: Step): Promise<readonly string[]> {
  const kept = new Set<string>();
  const each = work.exchanges.map((exchange) => oneFile(roots, work, exchange, step));
  const go = async (files: readonly OneFile[], act: (file: OneFile) => boolean): Promise<void> => {
    for (const [i, file] of files.entries()) {
      if (!act(file)) kept.add(file.path);
      if (i % BREATHE_EVERY === 0) await breathe();
    }
  };
  // A file may take the place of a folder, and a folder that of a file.
  await go(
    each.filter(({ goes }) => goes),
    (file) => file.exchange(),
  );
  for (const path of work.removable) if (removeFolder({ root: roots.project, path })) step('folder removed');
  await go(
    each.filter(({ goes }) => !goes),
    (file) => file.exchange(),
  );
  sync(roots, work, step);
  await go(each, (file) => file.settle());
  if (kept.size > 0) sync(roots, work, step);
  return [...kept].sort();
}

interface OneFile {
  readonly path: string;
  /** Nothing comes in its place. */
  readonly goes: boolean;
  /** @returns false when somebody changed it meanwhile */
  exchange(): boolean;
  /** Afterwards: was something written into what was moved aside? */
  settle(): boolean;
}

function oneFile({ project, own }: Roots, work: Roll, { n, path, from, to }: Exchange, step: Step): OneFile {
  const target: Place = { root: project, path };
  const staged: Place = { root: own, path: `${work.staged}/${n}` };
  const aside: Place = { root: own, path: `${work.aside}/${n}` };
  const entryAt = (place: Place): Entry | undefined => entryOf(place, from ?? to ?? '');

  /** Old content is out of the way. */
  function clear(here: Place): boolean {
    if (from === undefined) return true;
    if (entryAt(aside) === undefined) {
      if (entryAt(here) !== from) return false;
      step('looked at');
      if (!moveIfThere(here, aside)) return false;
      step('moved aside');
    }
    if (entryAt(aside) === from) return true;
    giveBack(aside, here);
    return false;
  }

  function leave(): boolean {
    const old = entryAt(aside);
    if (old === from || (old === undefined && find(target, '').kind === 'absent')) return true;
    return within(target, old !== undefined, clear) ?? false;
  }

  function replace(): boolean {
    const next = entryAt(staged);
    if (next === undefined) return true;
    if (next !== to) return false;
    const replaced = within(target, from === undefined, (here) => {
      if (!clear(here) || !nameAgain(staged, here)) return false;
      remove(staged);
      step('staged name gone');
      return true;
    });
    return replaced ?? false;
  }

  function settle(): boolean {
    const old = entryAt(aside);
    if (old === undefined || old === from) return true;
    if (to !== undefined && entryAt(staged) === undefined) {
      if (entryAt(target) !== to) return false;
      step('looked at again');
      if (!moveIfThere(target, staged)) return false;
      step('taken out again');
      if (entryAt(staged) !== to) {
        giveBack(staged, target);
        return false;
      }
    }
    giveBack(aside, target);
    return false;
  }

  /** Under its own name again; where somebody has taken that meanwhile it stays, until the promotion is confirmed. */
  function giveBack(place: Place, to: Place): void {
    if (entryAt(place) === 'folder') moveIfThere(place, to);
    else if (nameAgain(place, to)) remove(place);
    step('given back');
  }

  function nameAgain(place: Place, to: Place): boolean {
    if (!link(place, to) && !sameFile(place, to)) return false;
    step('named');
    return true;
  }

  const goes = to === undefined;
  return { path, goes, exchange: goes ? leave : replace, settle };
}

/** Undefined where nothing is; what git would not store is like no entry. */
export function entryOf(place: Place, like: string): Entry | undefined {
  const found = find(place, like);
  if (found.kind === 'file') return found.entry;
  return found.kind === 'absent' || found.kind === 'beneath' ? undefined : found.kind;
}

/** @returns false when it has gone, or its new name is taken by a folder that isn't empty or by a file */
function moveIfThere(from: Place, to: Place): boolean {
  try {
    move(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) return false;
    throw error;
  }
}

export function sameFile(a: Place, b: Place): boolean {
  const [one, other] = [statsOf(a), statsOf(b)];
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

function sync({ project, own }: Roots, { exchanges, staged, aside, removable }: Roll, step: Step): void {
  const paths = [...exchanges.map(({ path }) => path), ...removable];
  for (const folder of new Set(paths.flatMap(foldersAbove))) syncFolder(project, folder);
  for (const folder of [staged, aside]) syncFolder(own, folder);
  step('folders synced');
}

/** Every folder above a path, the nearest first, the project itself (`''`) last. */
export function foldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.map((_, i) => names.slice(0, names.length - 1 - i).join('/'));
}
