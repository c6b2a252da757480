/**
 * The result as a commit on a branch of the user's repository, by plumbing alone: objects are added, one ref moves, and
 * neither HEAD nor an index nor a file is touched. A branch that is checked out somewhere is refused: what is there
 * would no longer belong to it.
 *
 * The commit has the files as they are on the disk, byte for byte. Where attributes would have git store something else
 * (a filter such as LFS, another encoding), that is refused too.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { git, textOf, tryGit } from './git.ts';
import { type Refusal, some } from './promotion-judge.ts';
import type { BranchMove } from './promotion-record.ts';
import type { Commit, PromotionRequest } from './workspace.ts';

export interface BranchRequest {
  /** Of the trees. */
  readonly store: string;
  readonly project: string;
  /** For files that are gone again at the end. */
  readonly folder: string;
  readonly branch: NonNullable<PromotionRequest['branch']>;
  /** Its tree is committed. */
  readonly commit: Commit;
}

const DURABLE = { 'core.fsync': 'all' };
/** Values of attributes that leave a file as it is. */
const PLAIN = new Set(['unspecified', 'unset', 'lf']);

/** Everything but moving the ref. Objects that nobody refers to go with the user's next `git gc`. */
export async function prepareBranch(request: BranchRequest): Promise<BranchMove | Refusal> {
  const { store, project, branch, commit, folder } = request;
  const { name, message } = branch;
  const repository = repositoryOf(project);
  if ((await tryGit(repository, ['check-ref-format', refOf(name)])).code !== 0) return refused(`"${name}" is no name for a branch.`);
  if (await isCheckedOut(repository, name))
    return refused(`Branch "${name}" is checked out; a promotion moves no branch that somebody works on.`);
  const format = async (each: string) => textOf(await git(each, ['rev-parse', '--show-object-format']));
  if ((await format(store)) !== (await format(repository)))
    return refused(`The repository has other ids (${await format(repository)}) than Baton's store.`);
  const tree = textOf(await git(store, ['rev-parse', `${commit}^{tree}`]));
  await bring(store, repository, tree);
  const changed = await filtered(repository, tree, folder);
  if (changed.length > 0) return refused(`Git would not store these files as they are: ${some(changed)}. Commit by hand.`, changed);
  const before = await headOf(repository, refOf(name));
  const parent = before ?? (await headOf(repository, 'HEAD'));
  if (before !== undefined && textOf(await git(repository, ['rev-parse', `${before}^{tree}`])) === tree)
    return { name, before, after: before };
  const after = textOf(await git(repository, ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message], { config: DURABLE }));
  return { name, ...(before ? { before } : {}), after };
}

/**
 * Safe to repeat. Also the way back, with the two ends exchanged.
 * @returns false when somebody else has moved the branch, or checked it out: then it stays
 */
export async function moveBranch(project: string, name: string, before: string | undefined, after: string | undefined): Promise<boolean> {
  const repository = repositoryOf(project);
  const now = await headOf(repository, refOf(name));
  if (now === after) return true;
  if (now !== before || (await isCheckedOut(repository, name))) return false;
  // As it was looked at, or not at all: no id is that of a branch that isn't there.
  const change = after === undefined ? ['-d', refOf(name), before ?? ''] : [refOf(name), after, before ?? '0'.repeat(after.length)];
  try {
    await git(repository, ['update-ref', '-m', 'baton: promotion', ...change], { config: DURABLE });
    return true;
  } catch (error) {
    if ((await headOf(repository, refOf(name))) === before) throw error;
    return false;
  }
}

const refOf = (name: string): string => `refs/heads/${name}`;

const refused = (message: string, paths: readonly string[] = []): Refusal => ({ ok: false, code: 'PROMOTION_REFUSED', message, paths });

/** A linked worktree has a file in place of the folder. */
function repositoryOf(project: string): string {
  const at = join(project, '.git');
  if (statSync(at).isDirectory()) return at;
  return resolve(
    project,
    readFileSync(at, 'utf8')
      .replace(/^gitdir: /, '')
      .trim(),
  );
}

async function headOf(repository: string, ref: string): Promise<string | undefined> {
  const { code, out } = await tryGit(repository, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  return code === 0 ? textOf(out) : undefined;
}

async function isCheckedOut(repository: string, name: string): Promise<boolean> {
  const list = await git(repository, ['worktree', 'list', '--porcelain', '-z']);
  return list
    .toString()
    .split('\0')
    .includes(`branch ${refOf(name)}`);
}

/** Carries over what the user's repository does not have yet of a tree. */
async function bring(store: string, repository: string, tree: string): Promise<void> {
  const all = await git(store, ['rev-list', '--objects', '--no-object-names', tree]);
  const known = await git(repository, ['cat-file', '--batch-check'], { input: all });
  const missing = known
    .toString()
    .split('\n')
    .filter((line) => line.endsWith(' missing'))
    .map((line) => line.split(' ')[0]);
  if (missing.length === 0) return;
  const pack = await git(store, ['pack-objects', '--stdout', '-q'], { input: `${missing.join('\n')}\n` });
  await git(repository, ['index-pack', '--stdin'], { input: pack, config: DURABLE });
}

/** Paths that the user's `git add` would not store as they are. */
async function filtered(repository: string, tree: string, folder: string): Promise<string[]> {
  const at = mkdtempSync(join(folder, 'index-'));
  const index = join(at, 'index');
  try {
    await git(repository, ['read-tree', tree], { index });
    const files = await git(repository, ['ls-files', '-z'], { index });
    const out = await git(repository, ['check-attr', '--cached', '-z', '--stdin', 'filter', 'ident', 'working-tree-encoding', 'eol'], {
      index,
      input: files,
    });
    const fields = out.toString().split('\0');
    return [...new Set(fields.filter((_, i) => i % 3 === 0 && !PLAIN.has(fields[i + 2] ?? 'unspecified')))];
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}
