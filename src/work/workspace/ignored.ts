/**
 * Which new files count. What the base tree ignores (build results, installed packages) is no part of a change. The
 * ignore files that count are those of the base: whoever works in the tree can write their own, and could hide with them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { git, textOf, tryGit } from './git.ts';
import type { Store } from './store.ts';
import type { Commit } from './workspace.ts';

const IGNORE = /(^|\/)\.gitignore$/;

/** Has the folder other ignore files than the base? `paths` are those that differ. */
export const ignoresChanged = (paths: readonly string[]): boolean => paths.some((path) => IGNORE.test(path));

/** Of some paths, those that the base ignores. */
export async function ignoredByBase(store: Store, base: Commit, paths: readonly string[], scratch: string): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const rules = mkdtempSync(join(scratch, 'ignore-'));
  try {
    const names = textOf(await git(store.folder, ['ls-tree', '-r', '-z', '--name-only', base])).split('\0');
    for (const name of names.filter((each) => IGNORE.test(each))) {
      mkdirSync(dirname(join(rules, name)), { recursive: true });
      writeFileSync(join(rules, name), await git(store.folder, ['cat-file', 'blob', `${base}:${name}`]));
    }
    const input = paths.map((path) => `${path}\0`).join('');
    const { out } = await tryGit(store.folder, ['check-ignore', '--no-index', '--stdin', '-z'], { worktree: rules, input });
    return new Set(
      out
        .toString()
        .split('\0')
        .filter((path) => path !== ''),
    );
  } finally {
    rmSync(rules, { recursive: true, force: true });
  }
}
