/**
 * The trees of one project: the user's tree as it is, checkouts that tasks work in, checkpoints of them, and merges. See
 * the port for what each promises. Work on one checkout goes one after the other; two never wait for each other.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { Checkouts, emptyFolders, withEmptyFolders } from './checkouts.ts';
import { git, textOf, tryGit } from './git.ts';
import { ignoredByBase, ignoresChanged } from './ignored.ts';
import { limitOf, STEP_LIMITS_DEFAULT, type StepLimits, sizeOf } from './limits.ts';
import { judge } from './paths.ts';
import { type Scan, scan } from './scan.ts';
import { Store } from './store.ts';
import { type Change, type Checkpoint, type Commit, QUOTA_DEFAULT, type Quota, type Trees, type Workspace } from './workspace.ts';

export interface TreesOptions {
  /** Absolute path of a folder of the store's own. */
  readonly folder: string;
  /** The user's tree, whose latest history checkouts show; without it they have none. */
  readonly project?: string;
  /** Of one workspace, by its id. */
  readonly quotaOf?: (id: string) => Quota;
  /** Read when it is asked for. */
  readonly limits?: () => StepLimits;
  /** Whom checkouts belong to, when Baton is root and a sandbox works as somebody else. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

interface Last {
  /** Far below its quota: what it holds may be stored while it is looked at. */
  readonly roomy?: boolean;
  /** How often the limit of a checkpoint counts. */
  readonly size?: number;
  readonly commit: Commit;
  readonly tree: string;
  readonly empty: readonly string[];
}

export function createTrees({
  folder,
  project,
  quotaOf = () => QUOTA_DEFAULT,
  limits = () => STEP_LIMITS_DEFAULT,
  owner,
}: TreesOptions): Trees {
  mkdirSync(folder, { recursive: true, mode: owner ? 0o711 : 0o700 });
  const store = new Store(join(folder, 'store.git'), limits);
  const checkouts = new Checkouts({ store, folder, project, ...(owner ? { owner } : {}) });
  const lines = new Map<string, Promise<unknown>>();
  const latest = new Map<string, Last>();
  let opened: Promise<void> | undefined;

  /** One after the other for each name. */
  function inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
    opened ??= store.open();
    const before = lines.get(name) ?? opened;
    const now = before.then(act, act);
    lines.set(name, now);
    void now.catch(() => {}).finally(() => lines.get(name) === now && lines.delete(name));
    return now;
  }

  async function checkpoint(workspace: Workspace, why: string): Promise<Checkpoint> {
    const last = latest.get(workspace.id) ?? (await lastOf(workspace));
    const seen = await taken(workspace, last);
    const { tree, changes } = await written(workspace, seen);
    const same = tree === last.tree && String(seen.empty) === String(last.empty);
    const commit = same ? last.commit : await store.commit(tree, [last.commit], withEmptyFolders(why, seen.empty));
    if (!same) await store.keep(`workspaces/${workspace.id}`, commit);
    latest.set(workspace.id, { commit, tree, empty: seen.empty, roomy: isRoomy(seen, quotaOf(workspace.id)), size: sizeOf(seen) });
    const { bytes, files, violations } = seen;
    return { commit, changes, violations: violations.filter(({ path, code }) => counts(path, code, changes)), bytes, files };
  }

  /** What is on record of a workspace; asked of git once, since each question costs it a start. */
  async function lastOf({ id, base }: Workspace): Promise<Last> {
    const commit = (await store.kept(`workspaces/${id}`)) ?? base;
    return { commit, tree: await store.treeOf(commit), empty: await emptyFolders(store, commit) };
  }

  /** Hard links count where the file is part of the change: package managers link their own. */
  const counts = (path: string, code: string, changes: Checkpoint['changes']): boolean =>
    code !== 'HARD_LINK' || changes.some((change) => change.path === path);

  const look = (place: string): Scan => scan(place, { limit: limitOf(limits(), 'scan') });

  /** The other has ended when this has, however it ends. */
  async function lookWhile(other: Promise<unknown>, place: string): Promise<Scan> {
    try {
      return look(place);
    } finally {
      await other;
    }
  }

  /** The folder is looked at, and brought into its index: at the same time, where one is not likely to forbid the other. */
  async function taken(workspace: Workspace, last: Last): Promise<Scan> {
    const index = checkouts.indexOf(workspace.id);
    const around = (times = 1) => ({ worktree: workspace.folder, index, limit: limitOf(limits(), 'checkpoint', times) });
    unlocked(index);
    if (last.roomy) {
      // What it can't do in its time is done once more below, where its size is known.
      const adding = tryGit(store.folder, ['add', '-A', '--', '.'], around(last.size)).catch(() => undefined);
      const seen = await lookWhile(adding, workspace.folder);
      refuseTooMuch(workspace, seen, quotaOf(workspace.id));
      if ((await adding)?.code === 0 && seen.nested.length === 0) return seen;
      unlocked(index);
      await git(store.folder, ['read-tree', last.commit], around());
    }
    const seen = look(workspace.folder);
    refuseTooMuch(workspace, seen, quotaOf(workspace.id));
    await git(store.folder, ['add', '-A', '--', '.', ...sparing(seen)], around(sizeOf(seen)));
    return seen;
  }

  /** The folder as a tree. */
  async function written(
    { id, folder: worktree, base }: Workspace,
    seen: Scan,
  ): Promise<{ readonly tree: string; readonly changes: readonly Change[] }> {
    const index = checkouts.indexOf(id);
    const around = { worktree, index, limit: limitOf(limits(), 'checkpoint', sizeOf(seen)) };
    const tree = textOf(await git(store.folder, ['write-tree'], around));
    const bytesOf = (path: string) => lstatSync(join(worktree, path), { throwIfNoEntry: false })?.size ?? 0;
    const changes = await store.changes(base, tree, bytesOf);
    if (!ignoresChanged(changes.map(({ path }) => path))) return { tree, changes };
    // Other ignore files than the base has: everything is looked at, and the base decides.
    await git(store.folder, ['add', '-A', '-f', '--', '.', ...sparing(seen)], around);
    const all = textOf(await git(store.folder, ['write-tree'], around));
    const added = textOf(
      await git(store.folder, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--diff-filter=A', base, all]),
    ).split('\0');
    const ignored = await ignoredByBase(
      store,
      base,
      added.filter((path) => path !== ''),
      folder,
    );
    const input = [...ignored].map((path) => `0 ${'0'.repeat(40)}\t${path}\0`).join('');
    await git(store.folder, ['update-index', '-z', '--index-info'], { ...around, input });
    const judged = textOf(await git(store.folder, ['write-tree'], around));
    return { tree: judged, changes: await store.changes(base, judged, bytesOf) };
  }

  /** The folder becomes the tree: what is tracked is as the tree has it, what is ignored stays. Its index says what was there. */
  async function become({ id, folder: worktree }: Workspace, tree: string, empty: readonly string[]): Promise<void> {
    const index = checkouts.indexOf(id);
    await git(store.folder, ['read-tree', '--reset', '-u', tree], { worktree, index, limit: limitOf(limits(), 'checkout') });
    for (const each of empty) mkdirSync(join(worktree, each), { recursive: true });
    checkouts.own(id);
  }

  /** The tree of the workspace with some paths as another commit has them. */
  async function exchanged({ id }: Workspace, from: Commit, paths: readonly string[]): Promise<string> {
    const scratch = `${checkouts.indexOf(id)}.partial`;
    const now = await store.kept(`workspaces/${id}`);
    await git(store.folder, ['read-tree', now ?? from], { index: scratch });
    const literal = paths.map((path) => `:(literal)${path}`);
    const listed = textOf(await git(store.folder, ['ls-files', '-z', '--', ...literal], { index: scratch })).split('\0');
    const gone = listed.filter((path) => path !== '').map((path) => `0 ${'0'.repeat(40)}\t${path}\0`);
    const there = (await git(store.folder, ['ls-tree', '-r', '-z', from, '--', ...paths])).toString();
    await git(store.folder, ['update-index', '-z', '--index-info'], { index: scratch, input: gone.join('') });
    await git(store.folder, ['update-index', '-z', '--index-info'], { index: scratch, input: there });
    return textOf(await git(store.folder, ['write-tree'], { index: scratch }));
  }

  return {
    snapshot: (source, why) =>
      inTurn(`snapshot ${source}`, async () => {
        if (!existsSync(join(source, '.git')))
          throw new BatonError('NOT_A_REPOSITORY', `${source} is no git repository.`, {
            where: source,
            hint: 'Make it one with `git init`.',
          });
        const index = join(folder, 'beside', `snapshot-${createHash('sha256').update(source).digest('hex').slice(0, 16)}.index`);
        // What the user keeps out of sight without a file in the tree is out of sight here too.
        const config = { 'core.excludesFile': join(source, '.git', 'info', 'exclude') };
        const around = { worktree: source, index, config, limit: limitOf(limits(), 'snapshot') };
        unlocked(index);
        const added = await tryGit(store.folder, ['add', '-A', '--', '.'], around);
        if (added.code !== 0) throw notTaken(source, added.said);
        // Files that the user's own repository has, whatever its ignore files say of them.
        const kept = (await keptThoughIgnored(source)).filter((path) => existsSync(join(source, path)));
        if (kept.length > 0)
          await git(store.folder, ['add', '-f', '--pathspec-from-file=-', '--pathspec-file-nul'], {
            ...around,
            input: kept.map((path) => `:(literal)${path}\0`).join(''),
          });
        const nested = textOf(await git(store.folder, ['ls-files', '-s', '-z'], around))
          .split('\0')
          .find((entry) => entry.startsWith('160000'));
        if (nested !== undefined) throw nestedIn(source, nested.split('\t')[1] ?? '');
        return store.commit(textOf(await git(store.folder, ['write-tree'], around)), [], why);
      }),

    open: (id, base) =>
      inTurn(id, async () => {
        const found = checkouts.find(id);
        if (found) return found;
        latest.delete(id);
        await store.keep(`workspaces/${id}`, base);
        return checkouts.make(id, base);
      }),

    checkout: (id, commit) =>
      inTurn(id, async () => {
        latest.delete(id);
        await store.keep(`workspaces/${id}`, commit);
        return checkouts.make(id, commit);
      }),

    checkpoint: (workspace, why) => inTurn(workspace.id, () => checkpoint(workspace, why)),

    restore: (workspace, commit, paths) =>
      inTurn(workspace.id, async () => {
        const before = await checkpoint(workspace, 'before it was put back');
        const tree = paths === undefined ? await store.treeOf(commit) : await exchanged(workspace, commit, paths);
        await become(workspace, tree, paths === undefined ? await emptyFolders(store, commit) : []);
        return before.commit;
      }),

    rebase: (workspace, onto) =>
      inTurn(workspace.id, async () => {
        const { commit } = await checkpoint(workspace, 'before it went on');
        const { tree, conflicts } = await store.mergeTrees(workspace.base, onto, commit);
        await become(workspace, tree, await emptyFolders(store, commit));
        return { workspace: checkouts.note(workspace.id, onto), conflicts };
      }),

    merge: (base, ours, theirs, message) => inTurn('merge', () => store.merge(base, ours, theirs, message)),
    contentOf: (commit) => inTurn('read', async () => [await store.treeOf(commit), ...(await emptyFolders(store, commit))].join('\0')),
    changes: (from, to) => inTurn('read', () => store.changes(from, to)),
    patch: (from, to, paths) => inTurn('read', () => store.patch(from, to, paths)),
    log: (from, entriesMax) => inTurn('read', () => store.log(from, entriesMax)),
    file: (commit, path, bytesMax) => inTurn('read', () => store.file(commit, path, bytesMax)),
    judge,
    keep: (name, commit) => inTurn('keep', () => store.keep(name, commit)),
    list: () =>
      inTurn('list', async () => checkouts.list().map(({ id, folder: place }) => ({ id, folder: place, bytes: look(place).bytes }))),
    remove: (id) =>
      inTurn(id, async () => {
        latest.delete(id);
        checkouts.remove(id);
      }),
    keptBelow: (prefix) => inTurn('keep', () => store.keptBelow(prefix)),
    forget: (prefix) => inTurn('keep', () => store.forget(prefix)),
  };
}

/** Git is kept out of repositories inside. */
const sparing = ({ nested }: Scan): string[] => nested.map((path) => `:(exclude,literal)${path}`);

const ROOMY = 0.5;
const isRoomy = ({ bytes, files }: Scan, quota: Quota): boolean => bytes < ROOMY * quota.bytes && files < ROOMY * quota.files;

/** Left by a git that died with its machine: nobody else writes an index of ours, and one at a time. */
function unlocked(index: string): void {
  rmSync(`${index}.lock`, { force: true });
}

/** Of the user's own index, what its ignore files would leave out. Nothing of the repository's configuration is run. */
async function keptThoughIgnored(project: string): Promise<readonly string[]> {
  const own = textOf(await git(join(project, '.git'), ['rev-parse', '--absolute-git-dir'], { worktree: project }).catch(() => Buffer.of()));
  if (own === '') return [];
  const { code, out } = await tryGit(own, ['ls-files', '-c', '-i', '--exclude-standard', '-z'], { worktree: project });
  return code === 0
    ? out
        .toString()
        .split('\0')
        .filter((path) => path !== '')
    : [];
}

function refuseTooMuch({ folder }: Workspace, { bytes, files }: Scan, quota: Quota): void {
  const over =
    bytes > quota.bytes
      ? `quota.bytes = ${quota.bytes}: it has ${bytes}`
      : files > quota.files
        ? `quota.files = ${quota.files}: it has ${files}`
        : '';
  if (over === '') return;
  throw new BatonError('QUOTA_EXCEEDED', `The workspace is over its limit ${over}.`, {
    where: folder,
    hint: 'Remove what is not needed there, or raise `workspace.quota` in baton.yaml.',
  });
}

const nestedIn = (where: string, path: string): BatonError =>
  new BatonError('NESTED_REPOSITORY', `${join(where, path)} is a repository inside the repository.`, {
    where: join(where, path),
    hint: 'Runs work over one repository: ignore the inner one, or run inside it.',
  });

function notTaken(where: string, said: string): BatonError {
  const nested = /'(.+?)\/?' does not have a commit checked out/.exec(said)?.[1];
  if (nested !== undefined) return nestedIn(where, nested);
  return new BatonError('GIT_FAILED', `The tree could not be read: ${said.trim()}`, { where });
}
