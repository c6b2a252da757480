/**
 * The `.git` in a workspace: for whoever works there, so that status, diff and log say what they expect. Its one branch
 * begins with the tree the work started from, on top of the latest history of the user's own branch. The host makes it and
 * never reads it again: by then somebody else may have written in it.
 */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git, textOf, tryGit } from './git.ts';
import type { Store } from './store.ts';
import type { Commit } from './workspace.ts';

/** Commits of the user's branch that come along. */
const HISTORY_MAX = 100;
const BRANCH = 'refs/heads/work';

export interface Seed {
  readonly store: Store;
  /** Where one is kept for each tree that workspaces begin with. */
  readonly folder: string;
  /** The user's repository. */
  readonly project: string | undefined;
}

/** Puts one into a checkout of `base`. */
export async function seedGit({ store, folder, project }: Seed, checkout: string, base: Commit): Promise<void> {
  const tree = await store.treeOf(base);
  const seed = join(folder, tree);
  if (!existsSync(seed)) await make(store, seed, project, tree);
  cpSync(seed, join(checkout, '.git'), { recursive: true, preserveTimestamps: true });
}

async function make(store: Store, seed: string, project: string | undefined, tree: string): Promise<void> {
  const making = `${seed}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(making, { recursive: true });
  try {
    await git(making, ['init', '-q', '--bare', '--template=', making]);
    const parent = project === undefined ? undefined : await history(making, project);
    const objects = await git(store.folder, ['rev-list', '--objects', '--no-object-names', tree]);
    const pack = await git(store.folder, ['pack-objects', '--stdout', '-q'], { input: objects });
    await git(making, ['index-pack', '--stdin'], { input: pack });
    const commit = await git(making, ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', 'What the work begins with']);
    await git(making, ['update-ref', BRANCH, textOf(commit)]);
    await git(making, ['symbolic-ref', 'HEAD', BRANCH]);
    await git(making, ['config', 'core.bare', 'false']);
    await git(making, ['read-tree', tree], { index: join(making, 'index') });
    rmSync(join(making, 'FETCH_HEAD'), { force: true });
    writeFileSync(join(making, 'description'), 'Yours alone: nothing in here comes back.\n');
    renameSync(making, seed);
  } catch (error) {
    // Somebody else has made the same meanwhile.
    if (!existsSync(seed)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** The user's own repository is trusted as far as its user trusts it: it is read by git, for its objects alone. */
async function history(into: string, project: string): Promise<Commit | undefined> {
  const config = { 'protocol.file.allow': 'always', 'safe.directory': '*', 'uploadpack.allowAnySHA1InWant': 'false' };
  const args = [
    'fetch',
    '-q',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    `--depth=${HISTORY_MAX}`,
    '--update-shallow',
  ];
  const { code } = await tryGit(into, [...args, `file://${project}`, 'HEAD:refs/heads/yours'], { config });
  if (code !== 0) return undefined;
  const head = await tryGit(into, ['rev-parse', '--verify', '--quiet', 'refs/heads/yours']);
  return head.code === 0 ? textOf(head.out) : undefined;
}
