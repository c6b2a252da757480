/**
 * Checkouts on disk: one folder each, with an index of its own outside it, so that two never wait for one another and
 * nobody inside can touch it. A checkout is made under another name and then renamed: what has its name is whole.
 */
import { createHash } from 'node:crypto';
import { existsSync, lchownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seedGit } from './agents-git.ts';
import { git } from './git.ts';
import { limitOf } from './limits.ts';
import type { Store } from './store.ts';
import type { Commit, Workspace } from './workspace.ts';

export interface CheckoutOptions {
  readonly store: Store;
  /** Where checkouts, their indexes and their records are. */
  readonly folder: string;
  readonly project: string | undefined;
  /** Whom the files belong to, when Baton is root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** What is known of a checkout beside its files. */
interface Record {
  readonly id: string;
  readonly base: Commit;
}

export class Checkouts {
  private readonly options: CheckoutOptions;

  constructor(options: CheckoutOptions) {
    this.options = options;
    for (const part of ['trees', 'beside', 'seeds'])
      mkdirSync(join(options.folder, part), { recursive: true, mode: options.owner ? 0o711 : 0o700 });
  }

  folderOf(id: string): string {
    return join(this.options.folder, 'trees', nameOf(id));
  }
  indexOf(id: string): string {
    return join(this.options.folder, 'beside', `${nameOf(id)}.index`);
  }
  private recordOf(id: string): string {
    return join(this.options.folder, 'beside', `${nameOf(id)}.json`);
  }

  find(id: string): Workspace | undefined {
    const record = read(this.recordOf(id));
    const folder = this.folderOf(id);
    return record && existsSync(folder) ? { id, folder, base: record.base } : undefined;
  }

  note(id: string, base: Commit): Workspace {
    const record = this.recordOf(id);
    writeFileSync(`${record}.new`, JSON.stringify({ id, base } satisfies Record));
    renameSync(`${record}.new`, record);
    return { id, folder: this.folderOf(id), base };
  }

  async make(id: string, base: Commit): Promise<Workspace> {
    const { store, folder, project, owner } = this.options;
    const [to, index] = [this.folderOf(id), this.indexOf(id)];
    const making = `${to}.new`;
    for (const left of [making, to, index]) rmSync(left, { recursive: true, force: true });
    mkdirSync(making, { recursive: true, mode: 0o755 });
    await git(store.folder, ['read-tree', base], { index });
    await git(store.folder, ['checkout-index', '-a', '-f', '-u', '-q'], {
      index,
      worktree: making,
      limit: limitOf(store.limits(), 'checkout'),
    });
    for (const empty of await emptyFolders(store, base)) mkdirSync(join(making, empty), { recursive: true });
    await seedGit({ store, folder: join(folder, 'seeds'), project }, making, base);
    if (owner) give(making, owner);
    renameSync(making, to);
    return this.note(id, base);
  }

  list(): Workspace[] {
    return readdirSync(join(this.options.folder, 'beside')).flatMap((name) => {
      if (!name.endsWith('.json')) return [];
      const record = read(join(this.options.folder, 'beside', name));
      return (record && this.find(record.id)) ?? [];
    });
  }

  remove(id: string): void {
    for (const left of [this.folderOf(id), this.indexOf(id), this.recordOf(id)]) rmSync(left, { recursive: true, force: true });
  }

  /** Files that git has just written belong to root; whoever works there could not change them. */
  own(id: string): void {
    const { owner } = this.options;
    if (owner) give(this.folderOf(id), owner);
  }
}

function read(file: string): Record | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record;
  } catch {
    return undefined;
  }
}

export function give(folder: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  lchownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    lchownSync(join(entry.parentPath, entry.name), uid, gid);
}

const EMPTY = 'Empty-Folders: ';
/** Folders without a file are no part of a tree: they are in the words of the commit. */
export const withEmptyFolders = (message: string, folders: readonly string[]): string =>
  folders.length === 0 ? message : `${message}\n\n${EMPTY}${JSON.stringify(folders)}`;

export async function emptyFolders(store: Store, commit: Commit): Promise<readonly string[]> {
  const line = (await store.messageOf(commit)).split('\n').find((each) => each.startsWith(EMPTY));
  return line === undefined ? [] : (JSON.parse(line.slice(EMPTY.length)) as string[]);
}

const NAME_MAX = 100;
/** An id as one name that no two share, also where a disk ignores case. */
function nameOf(id: string): string {
  const name = id.replace(/[^a-z0-9_-]/g, (letter) => `%${letter.codePointAt(0)?.toString(16)}`);
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX)}-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
}
