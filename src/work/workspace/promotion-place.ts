/**
 * Where the files of promotions are. A file gets its name in the project by a hard link and leaves it by a rename, so they
 * must be on the project's own mount: in the home when that is there too, else in `.baton/promotions` of the project,
 * which git does not look at. Not in the project's `.git`: that is the user's, and in a linked worktree it is
 * somewhere else.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BatonError } from '../../errors.ts';
import { closeRoot, codeOf, mountOf, openRoot } from './walk.ts';

/** The folder of Baton's own in a project. No promotion writes into it. */
const OWN = '.baton';

export interface ProjectPlace {
  /** Without links. */
  readonly project: string;
  /** One folder a promotion, and the lock. */
  readonly folder: string;
  /** Paths in the project that are Baton's. */
  readonly own: readonly string[];
}

/** Makes nothing. @throws BatonError `NOT_A_FOLDER`, or of the disk */
export function placeOf(project: string, home: string): ProjectPlace {
  const real = realOf(project);
  const state = mountAt(home) === mountAt(real) ? realpathSync(home) : join(real, OWN);
  const root = join(state, 'promotions');
  // A project that is moved together with the home in it is still known.
  const name = createHash('sha256').update(relative(root, real)).digest('hex').slice(0, 16);
  const inside = relative(real, state);
  return { project: real, folder: join(root, name), own: [OWN, ...(inside.startsWith('..') ? [] : [inside])] };
}

/** @throws BatonError `PROMOTION_ELSEWHERE`, or of the disk */
export function makePlace({ project, folder }: ProjectPlace): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = join(project, OWN);
  if (folder.startsWith(`${own}/`) && !existsSync(join(own, '.gitignore'))) writeFileSync(join(own, '.gitignore'), '*\n', { mode: 0o600 });
  if (mountAt(folder) !== mountAt(project))
    throw new BatonError('PROMOTION_ELSEWHERE', `${folder} is on another file system than ${project}.`, {
      where: folder,
      hint: `Make ${OWN} a plain folder of the project.`,
    });
}

function mountAt(folder: string): string {
  const root = openRoot(realpathSync(folder));
  try {
    return mountOf({ root, path: 'any' });
  } finally {
    closeRoot(root);
  }
}

function realOf(project: string): string {
  try {
    const real = realpathSync(project);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
  throw new BatonError('NOT_A_FOLDER', `${project} is no folder.`, {
    where: project,
    hint: 'Was the project moved? Name it where it is now.',
  });
}
