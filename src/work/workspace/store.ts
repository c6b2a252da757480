/**
 * The bare store of one project's trees: what git is asked about commits, and the names that keep them. Nothing here
 * touches a folder that somebody works in.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../errors.ts';
import { git, textOf, tryGit } from './git.ts';
import { limitOf, type StepLimits } from './limits.ts';
import type { Change, Commit, Merged } from './workspace.ts';

/** What a project's attributes say must not change a byte. */
const ATTRIBUTES = '* -text -ident -filter -working-tree-encoding !merge !diff\n';
const REFS = 'refs/baton';
const NOTHING = '000000';
const EXECUTABLE = '100755';
/** Of one conflict that is shown, in characters. */
const CONFLICT_MAX = 20_000;
const PATCH_MAX = 8 * 2 ** 20;

export class Store {
  readonly folder: string;
  readonly limits: () => StepLimits;

  constructor(folder: string, limits: () => StepLimits) {
    this.folder = folder;
    this.limits = limits;
  }

  /** Makes it where it is missing. */
  async open(): Promise<void> {
    if (existsSync(join(this.folder, 'HEAD'))) return;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    await git(this.folder, ['init', '-q', '--bare', '--template=', this.folder]);
    mkdirSync(join(this.folder, 'info'), { recursive: true });
    writeFileSync(join(this.folder, 'info', 'attributes'), ATTRIBUTES);
  }

  async treeOf(commit: Commit): Promise<string> {
    return textOf(await git(this.folder, ['rev-parse', '--verify', `${commit}^{tree}`]));
  }

  async commit(tree: string, parents: readonly Commit[], message: string): Promise<Commit> {
    const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', message];
    return textOf(await git(this.folder, args));
  }

  async messageOf(commit: Commit): Promise<string> {
    return (await git(this.folder, ['log', '-1', '--format=%B', commit])).toString();
  }

  async keep(name: string, commit: Commit | undefined): Promise<void> {
    const ref = refOf(name);
    if (commit !== undefined) await git(this.folder, ['update-ref', ref, commit]);
    else await git(this.folder, ['update-ref', '-d', ref]);
  }

  async kept(name: string): Promise<Commit | undefined> {
    const { code, out } = await tryGit(this.folder, ['rev-parse', '--verify', '--quiet', refOf(name)]);
    return code === 0 ? textOf(out) : undefined;
  }

  /** What names below go on with: of `runs/`, the runs. */
  async keptBelow(prefix: string): Promise<string[]> {
    const at = encoded(prefix).length;
    return [...new Set((await this.refs(prefix)).map((ref) => ref.slice(at).split('/', 1)[0] ?? ''))];
  }

  private async refs(prefix: string): Promise<string[]> {
    return textOf(await git(this.folder, ['for-each-ref', '--format=%(refname)', REFS]))
      .split('\n')
      .filter((ref) => ref !== '' && ref.startsWith(encoded(prefix)));
  }

  async forget(prefix: string): Promise<void> {
    const refs = await this.refs(prefix);
    if (refs.length > 0) await git(this.folder, ['update-ref', '--stdin'], { input: refs.map((ref) => `delete ${ref}\n`).join('') });
  }

  /** @param sizeOf where the files of `to` are at hand: git need not be asked */
  async changes(from: Commit, to: Commit, sizeOf?: (path: string) => number): Promise<Change[]> {
    if (from === to) return [];
    const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index', from, to];
    const fields = (await git(this.folder, args, { limit: limitOf(this.limits(), 'diff') })).toString().split('\0');
    const found: (Omit<Change, 'size'> & { readonly blob: string })[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const [before = '', after = '', oldBlob = '', blob = '', status = ''] = (fields[i] ?? '').slice(1).split(' ');
      const kind =
        before === NOTHING ? 'added' : after === NOTHING ? 'deleted' : status.startsWith('M') && oldBlob === blob ? 'mode' : 'modified';
      found.push({
        path: fields[i + 1] ?? '',
        kind,
        mode: after === NOTHING ? before : after,
        blob: after === NOTHING ? '' : blob,
        ...(after === EXECUTABLE && before !== EXECUTABLE ? { executable: true } : {}),
      });
    }
    if (sizeOf) return found.map(({ blob, ...change }) => ({ ...change, size: blob === '' ? 0 : sizeOf(change.path) }));
    const sizes = await this.sizes(found.map(({ blob }) => blob).filter((blob) => blob !== ''));
    return found.map(({ blob, ...change }) => ({ ...change, size: sizes.get(blob) ?? 0 }));
  }

  private async sizes(blobs: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (blobs.length === 0) return new Map();
    const input = blobs.map((blob) => `${blob}\n`).join('');
    const out = await git(this.folder, ['cat-file', '--batch-check=%(objectname) %(objectsize)'], {
      input,
      limit: limitOf(this.limits(), 'diff'),
    });
    return new Map(
      out
        .toString()
        .split('\n')
        .map((line): [string, number] => [line.split(' ')[0] ?? '', Number(line.split(' ')[1] ?? 0) || 0]),
    );
  }

  async patch(from: Commit, to: Commit, paths: readonly string[] = []): Promise<string> {
    const args = [
      'diff',
      '--no-color',
      '--no-ext-diff',
      '--no-textconv',
      '--full-index',
      '-M',
      from,
      to,
      '--',
      ...paths.map((path) => `:(literal)${path}`),
    ];
    const out = await git(this.folder, args, { limit: limitOf(this.limits(), 'diff') });
    return out.length <= PATCH_MAX ? out.toString() : `${out.subarray(0, PATCH_MAX).toString()}\n… (${out.length} bytes in all)\n`;
  }

  async log(
    from: Commit,
    entriesMax: number,
  ): Promise<{ commit: Commit; parents: Commit[]; author: string; date: string; message: string }[]> {
    const format = '%H%x00%P%x00%an%x00%aI%x00%B%x01';
    const { code, out } = await tryGit(this.folder, ['log', `--max-count=${entriesMax}`, `--format=${format}`, from]);
    if (code !== 0) throw unknown(from);
    return out
      .toString()
      .split('\u0001')
      .map((entry) => entry.replace(/^\n/, '').split('\0'))
      .filter(([commit]) => commit !== '')
      .map(([commit = '', parents = '', author = '', date = '', message = '']) => ({
        commit,
        parents: parents === '' ? [] : parents.split(' '),
        author,
        date,
        message: message.trimEnd(),
      }));
  }

  /** Nothing where the commit has no such file. */
  async file(commit: Commit, path: string, bytesMax: number): Promise<Buffer | undefined> {
    const found = await tryGit(this.folder, ['cat-file', '-s', `${commit}:${path}`]);
    if (found.code !== 0) {
      if ((await tryGit(this.folder, ['cat-file', '-e', `${commit}^{commit}`])).code !== 0) throw unknown(commit);
      return undefined;
    }
    const size = Number(textOf(found.out));
    if (size > bytesMax)
      throw new BatonError('FILE_TOO_LARGE', `${path} has ${size} bytes, more than the ${bytesMax} allowed.`, { where: path });
    const { code, out } = await tryGit(this.folder, ['cat-file', 'blob', `${commit}:${path}`]);
    return code === 0 ? out : undefined;
  }

  /** A commit whose tree has both changes, or the paths at which they don't go together; either way the tree with the usual marks. */
  async mergeTrees(base: Commit, ours: Commit, theirs: Commit): Promise<{ readonly tree: string; readonly conflicts: readonly string[] }> {
    // Both sides as one step from the same base, so that git has no other history to think about.
    const sides = await Promise.all([ours, theirs].map(async (side) => this.commit(await this.treeOf(side), [base], 'side')));
    const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ...sides];
    const { code, out, said } = await tryGit(this.folder, args, { limit: limitOf(this.limits(), 'merge') });
    if (code !== 0 && code !== 1)
      throw new BatonError('GIT_FAILED', `git merge-tree ended with ${code}: ${said.trim()}`, { where: this.folder });
    const [tree = '', ...paths] = out.toString().split('\0');
    return { tree: tree.trim(), conflicts: code === 0 ? [] : [...new Set(paths.filter((path) => path !== '' && path !== '\n'))] };
  }

  async merge(base: Commit, ours: Commit, theirs: Commit, message: string): Promise<Merged> {
    if (ours === base) return { ok: true, commit: await this.commit(await this.treeOf(theirs), [ours], message) };
    const { tree, conflicts } = await this.mergeTrees(base, ours, theirs);
    if (conflicts.length === 0) return { ok: true, commit: await this.commit(tree, [ours, theirs], message) };
    const shown = await Promise.all(conflicts.map(async (path) => ({ path, text: await this.conflictAt(tree, path) })));
    return { ok: false, conflicts: shown };
  }

  private async conflictAt(tree: string, path: string): Promise<string> {
    const { code, out } = await tryGit(this.folder, ['cat-file', 'blob', `${tree}:${path}`]);
    if (code !== 0) return '(deleted on one side, changed on the other)';
    const text = out.toString();
    return text.length <= CONFLICT_MAX ? text : `${text.slice(0, CONFLICT_MAX)}\n… (${text.length} characters in all)`;
  }
}

const unknown = (commit: Commit): BatonError =>
  new BatonError('UNKNOWN_COMMIT', `There is no tree ${commit.slice(0, 12)} here.`, {
    hint: '`baton checkpoints RUN` lists those there are.',
  });

/** Ids have characters that names of git may not have. */
const encoded = (name: string): string =>
  `${REFS}/${name.replace(/[^A-Za-z0-9/_-]/g, (letter) => `%${letter.codePointAt(0)?.toString(16)}`)}`;
/** Some begin with the whole of another: each is a folder to git, with the one name in it. */
const refOf = (name: string): string => `${encoded(name)}/tip`;
