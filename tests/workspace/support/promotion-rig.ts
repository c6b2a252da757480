/** A user's repository, a store beside it, and a way to describe trees in a line. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createPromotions, type PromotionOptions } from '../../../src/work/workspace/promotion.ts';
import { createTrees } from '../../../src/work/workspace/trees.ts';
import type { Commit, Promoted, PromotionRequest, Promotions, Trees } from '../../../src/work/workspace/workspace.ts';

/** A file's content; an executable one; a link. `undefined` removes. */
export type Content = string | { readonly run: string } | { readonly link: string } | undefined;
export type Files = Readonly<Record<string, Content>>;

export function write(folder: string, files: Files): void {
  // What goes makes room for what comes.
  const entries = Object.entries(files).toSorted(([, a], [, b]) => Number(a !== undefined) - Number(b !== undefined));
  for (const [path, content] of entries) {
    const at = join(folder, path);
    rmSync(at, { recursive: true, force: true });
    if (content === undefined) {
      removeEmpty(folder, dirname(path));
      continue;
    }
    mkdirSync(dirname(at), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, at);
    else writeFileSync(at, typeof content === 'string' ? content : content.run);
    if (typeof content === 'object' && 'run' in content) chmodSync(at, 0o755);
  }
}

function removeEmpty(folder: string, path: string): void {
  if (path === '.' || !existsSync(join(folder, path)) || readdirSync(join(folder, path)).length > 0) return;
  rmSync(join(folder, path), { recursive: true });
  removeEmpty(folder, dirname(path));
}

/** Everything but `.git` and what is Baton's own, each in the form that `write` takes. */
export const read = (folder: string): Files => inOrder(readBelow(folder, ''));

function readBelow(folder: string, below: string): Files {
  const found: Record<string, Content> = {};
  for (const name of readdirSync(join(folder, below))) {
    const path = below ? `${below}/${name}` : name;
    if (path === '.git' || path === '.baton') continue;
    const at = join(folder, path);
    const stats = lstatSync(at);
    if (stats.isDirectory()) Object.assign(found, readBelow(folder, path));
    else if (stats.isSymbolicLink()) found[path] = { link: readlinkSync(at) };
    else found[path] = stats.mode & 0o100 ? { run: readFileSync(at, 'utf8') } : readFileSync(at, 'utf8');
  }
  return found;
}

/** As `read` gives it: sorted, without what is gone. */
export const inOrder = (files: Files): Files =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([, content]) => content !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** The user's HEAD, refs, index and configuration, to the byte. */
export function untouchedIn(project: string): Readonly<Record<string, string>> {
  const at = join(project, '.git');
  const names = readdirSync(at, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.startsWith('objects') && lstatSync(join(at, name)).isFile(),
  );
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(at, name)).toString('latin1')]));
}

export interface Rig {
  readonly folder: string;
  readonly project: string;
  readonly home: string;
  readonly trees: Trees;
  /** What the trees and the promotions share. */
  readonly store: string;
  readonly promotions: Promotions;
  /** The tree the run began with. */
  base: Commit;
  git(...args: string[]): string;
  /** A commit of the store with a tree of its own: the base with these changes. */
  candidate(changes: Files): Promise<Commit>;
  /** The base with entries that no workspace would hand over. */
  planted(entries: readonly { readonly mode: string; readonly path: string; readonly content?: string; readonly id?: string }[]): Commit;
  promote(tree: Commit, more?: Partial<PromotionRequest>): Promise<Promoted>;
  /** What a promotion must leave alone. */
  untouched(): Readonly<Record<string, string>>;
  with(options: Partial<PromotionOptions>): Promotions;
  /** Names of commits that are kept for promotions. */
  keptCommits(): string[];
  /** Whatever promotions have on the disk. */
  ownFiles(): string[];
  remove(): void;
}

export interface RigOptions {
  readonly under?: string;
  /** Another file system for the home. */
  readonly homeUnder?: string;
  readonly homeInside?: boolean;
}

const opened: Rig[] = [];

/** A rig that is gone after the test. */
export async function start(files: Files, options?: RigOptions): Promise<Rig> {
  const made = await rig(files, options);
  opened.push(made);
  return made;
}
export function removeStarted(): void {
  for (const each of opened.splice(0)) each.remove();
}

export async function rig(files: Files, { under = tmpdir(), homeInside = false, homeUnder }: RigOptions = {}): Promise<Rig> {
  const folder = realpathSync(mkdtempSync(join(under, 'promotion-')));
  const project = join(folder, 'project');
  const away = homeUnder === undefined ? undefined : mkdtempSync(join(homeUnder, 'promotion-'));
  const home = away ?? (homeInside ? join(project, '.baton') : join(folder, 'home'));
  const store = join(folder, 'trees');
  for (const each of [project, home]) mkdirSync(each, { recursive: true });
  if (homeInside) writeFileSync(join(home, '.gitignore'), '*\n');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'User',
    GIT_AUTHOR_EMAIL: 'u@x',
    GIT_COMMITTER_NAME: 'User',
    GIT_COMMITTER_EMAIL: 'u@x',
  };
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: project, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  git('init', '-q', '-b', 'main');
  write(project, files);
  git('add', '-A');
  git('commit', '-q', '-m', 'begin', '--allow-empty');
  const trees = createTrees({ folder: store });
  const base = await trees.snapshot(project, 'begin');
  let candidates = 0;
  const made: Rig = {
    folder,
    project,
    home,
    store,
    trees,
    promotions: createPromotions({ trees, folder: store, home }),
    base,
    git,
    async candidate(changes) {
      const { folder: at } = await trees.open(`candidate/${++candidates}`, made.base);
      write(at, changes);
      return (await trees.checkpoint({ id: `candidate/${candidates}`, folder: at, base: made.base }, 'work')).commit;
    },
    planted(entries) {
      const inStore = (args: readonly string[], input: string | Buffer) =>
        execFileSync('git', ['--git-dir', join(store, 'store.git'), ...args], { env, input, encoding: 'utf8' }).trim();
      const lines = inStore(['ls-tree', '-z', made.base], '')
        .split('\0')
        .filter((line) => line !== '')
        .map((line) => Buffer.from(`${line}\0`));
      for (const { mode, path, content, id } of entries) {
        const blob = id ?? inStore(['hash-object', '-w', '--stdin'], content ?? '');
        // One folder deep is as deep as anybody needs.
        const [top, ...names] = path.split('/');
        const below = names.length > 0 ? inStore(['mktree', '-z'], `${mode} blob ${blob}\t${names.join('/')}\0`) : undefined;
        const line = below ? `040000 tree ${below}\t${top}\0` : `${mode} ${mode === '160000' ? 'commit' : 'blob'} ${blob}\t${path}\0`;
        lines.push(Buffer.from(line, path.includes('\u00ff') ? 'latin1' : 'utf8'));
      }
      return inStore(['commit-tree', inStore(['mktree', '-z', '--missing'], Buffer.concat(lines)), '-m', 'planted'], '');
    },
    promote: (tree, more = {}) => made.promotions.promote({ id: 'p-1', project, base: made.base, tree, rules: {}, ...more }),
    untouched: () => untouchedIn(project),
    with: (options) => createPromotions({ trees, folder: store, home, ...options }),
    keptCommits: () =>
      execFileSync('git', ['--git-dir', join(store, 'store.git'), 'for-each-ref', '--format=%(refname)', 'refs/baton/promotions'], {
        encoding: 'utf8',
      })
        .split('\n')
        .filter((ref) => ref !== '')
        .map((ref) => ref.replace(/^refs\/baton\/|\/tip$/g, '')),
    ownFiles: () =>
      [home, join(project, '.baton')].flatMap((each) =>
        existsSync(join(each, 'promotions'))
          ? readdirSync(join(each, 'promotions'), { recursive: true, encoding: 'utf8' }).map((path) => join(each, 'promotions', path))
          : [],
      ),
    remove() {
      for (const each of [folder, away]) if (each !== undefined) rmSync(each, { recursive: true, force: true });
    },
  };
  return made;
}
