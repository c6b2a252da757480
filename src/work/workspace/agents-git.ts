/**
 * The `.git` in a workspace: for whoever works there, so that status, diff and log say what they expect. Its one branch
 * begins with the tree the work started from, on top of the latest history of the user's own branch. The host makes it and
 * never reads it again: by then somebody else may have written in it.
 */
import { constants, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git, textOf, tryGit } from './git.ts';
import type { Store } from './store.ts';
import type { Commit } from './workspace.ts';

/** Commits of the user's branch that come along. */
const HISTORY_MAX = 100;
const BRANCH = 'refs/heads/work';
/** How the name of a history begins: the commit it ends with follows. */
const HISTORY = 'history-';
/** Trees whose `.git` is kept for the next workspace that begins with the same. */
const SEEDS_MAX = 8;
const FETCH = [
  'fetch',
  '-q',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-recurse-submodules',
  `--depth=${HISTORY_MAX}`,
  '--update-shallow',
] as const;

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
  while (!existsSync(seed)) await make(store, folder, project, tree);
  copy(seed, join(checkout, '.git'));
}

/** Nobody waits between the two ends of a copy: what is copied can't be removed meanwhile. */
const copy = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, preserveTimestamps: true, mode: constants.COPYFILE_FICLONE });

/** The history is the same for many trees, and has most of their files: only what it lacks is brought. */
async function make(store: Store, folder: string, project: string | undefined, tree: string): Promise<void> {
  const known = project === undefined ? undefined : await history(folder, project);
  await made(join(folder, tree), async (making) => {
    const parent = known && existsSync(known.folder) ? known.head : undefined;
    if (known && parent) copy(known.folder, making);
    else await init(making);
    await bring(store, making, tree);
    const commit = await git(making, ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', 'What the work begins with']);
    await git(making, ['update-ref', BRANCH, textOf(commit)]);
    await git(making, ['symbolic-ref', 'HEAD', BRANCH]);
    await git(making, ['config', 'core.bare', 'false']);
    await git(making, ['read-tree', tree], { index: join(making, 'index') });
    writeFileSync(join(making, 'description'), 'Yours alone: nothing in here comes back.\n');
  });
  forgetOldest(folder, (name) => !name.startsWith(HISTORY), SEEDS_MAX);
}

/** The user's own repository is trusted as far as its user trusts it: it is read by git, for its objects alone. */
async function history(folder: string, project: string): Promise<{ readonly folder: string; readonly head: Commit } | undefined> {
  const config = { 'protocol.file.allow': 'always', 'safe.directory': '*', 'uploadpack.allowAnySHA1InWant': 'false' };
  const listed = await tryGit(folder, ['ls-remote', `file://${project}`, 'HEAD'], { config });
  const head = listed.code === 0 ? textOf(listed.out).split('\t')[0] : '';
  if (!head) return undefined;
  const known = join(folder, `${HISTORY}${head}`);
  if (!existsSync(known)) {
    const fetched = await made(known, async (making) => {
      await init(making);
      return (await tryGit(making, [...FETCH, `file://${project}`, 'HEAD:refs/heads/yours'], { config })).code === 0;
    });
    if (!fetched) return undefined;
    forgetOldest(folder, (name) => name.startsWith(HISTORY), 1);
  }
  const { code, out } = await tryGit(known, ['rev-parse', '--verify', '--quiet', 'refs/heads/yours']);
  return code === 0 ? { folder: known, head: textOf(out) } : undefined;
}

async function init(making: string): Promise<void> {
  mkdirSync(making, { recursive: true });
  await git(making, ['init', '-q', '--bare', '--template=', making]);
}

/** Objects of a tree that are not there yet. */
async function bring(store: Store, making: string, tree: string): Promise<void> {
  const all = await git(store.folder, ['rev-list', '--objects', '--no-object-names', tree]);
  const known = await git(making, ['cat-file', '--batch-check'], { input: all });
  const missing = known
    .toString()
    .split('\n')
    .filter((line) => line.endsWith(' missing'))
    .map((line) => line.slice(0, line.indexOf(' ')));
  if (missing.length === 0) return;
  const pack = await git(store.folder, ['pack-objects', '--stdout', '-q'], { input: `${missing.join('\n')}\n` });
  await git(making, ['index-pack', '--stdin'], { input: pack });
}

/** Under another name first: what has its name is whole. Somebody else may have made the same meanwhile. */
async function made<T>(to: string, fill: (making: string) => Promise<T>): Promise<T> {
  const making = `${to}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    const filled = await fill(making);
    if (filled !== false && !existsSync(to)) renameSync(making, to);
    return filled;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Ones that are being made have a dot in their name. */
function forgetOldest(folder: string, isOne: (name: string) => boolean, most: number): void {
  const all = readdirSync(folder).filter((name) => !name.includes('.') && isOne(name));
  const byAge = all.map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { name } of byAge.slice(most)) rmSync(join(folder, name), { recursive: true, force: true });
}
