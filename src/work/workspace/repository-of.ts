/**
 * Which repository a project is part of: the one at its own folder, or above it, as for a package of a monorepo. One that
 * ignores the project is not its repository: somebody keeps the files of a home folder in git, and works below it.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { tryGit } from './git.ts';

export interface RepositoryOf {
  /** Absolute path of the top of the repository. */
  readonly top: string;
  /** Where in it the project lies, with `/`; missing at the top itself. */
  readonly folder?: string;
}

/** @param project absolute @throws BatonError `GIT_MISSING`, `WORKSPACE_TIMEOUT` */
export async function repositoryOf(project: string): Promise<RepositoryOf | undefined> {
  if (isTop(project)) return { top: project };
  const real = realpathSync(project);
  for (let top = dirname(real); top !== dirname(top); top = dirname(top)) {
    if (!isTop(top)) continue;
    const folder = relative(top, real);
    return isPlanted(top) || (await isIgnored(top, folder)) ? undefined : { top, folder };
  }
  return undefined;
}

/** A folder of git's, or the file that stands for it in a linked work tree. */
export const isTop = (folder: string): boolean => existsSync(join(folder, '.git'));

const ANYBODY_WRITES = 0o002;
/** Somebody else's, where anybody may write (`/tmp`): what is made below is not theirs. */
const isPlanted = (top: string): boolean =>
  (statSync(top).mode & ANYBODY_WRITES) !== 0 && statSync(join(top, '.git')).uid !== process.getuid?.();

/** By the same rules that a snapshot goes by. */
async function isIgnored(top: string, folder: string): Promise<boolean> {
  const config = { 'core.excludesFile': join(top, '.git', 'info', 'exclude') };
  const { code } = await tryGit(join(top, '.git'), ['check-ignore', '-q', '--', `${folder}/`], { worktree: top, config });
  return code === 0;
}
