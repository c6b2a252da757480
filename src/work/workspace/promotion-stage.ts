/**
 * The new files of a promotion, written and synced beside the project before anything of it is touched. Each looks like
 * the file that it replaces: same permissions but for the executable bit, same owner; never setuid or setgid.
 */
import { closeSync, constants, fchmodSync, fchownSync, fsync, lchownSync, openSync, type Stats, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { contents } from './promotion-git.ts';
import { STAGE, syncFolderAt } from './promotion-record.ts';
import type { Exchange, Step } from './promotion-roll.ts';
import { ownerOf, type Root, statsOf } from './walk.ts';
import type { Change } from './workspace.ts';

const sync = promisify(fsync);
/** Files that are synced together. */
const AT_ONCE = 32;
const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
const [LINK, EXECUTABLE] = ['120000', '100755'];

export interface Staging {
  /** The store of the trees. */
  readonly store: string;
  readonly project: Root;
  /** Folder of the promotion. */
  readonly folder: string;
  readonly exchanges: readonly Exchange[];
  readonly changes: readonly Change[];
  readonly step: Step;
}

export async function stage({ store, project, folder, exchanges, changes, step }: Staging): Promise<void> {
  const sizes = new Map(changes.map(({ path, size }) => [path, size]));
  const wanted = exchanges.flatMap(({ n, path, to }) => {
    const [mode = '', blob = ''] = to?.split(':') ?? [];
    return to === undefined ? [] : [{ n, path, mode, blob, size: sizes.get(path) ?? 0 }];
  });
  const open: number[] = [];
  try {
    for await (const { of, bytes } of contents(store, wanted)) {
      const file = join(folder, STAGE, String(of.n));
      const like = statsOf({ root: project, path: of.path });
      const owner = process.getuid?.() === 0 ? (like ?? ownerOf({ root: project, path: of.path })) : undefined;
      if (of.mode === LINK) {
        symlinkSync(bytes, file);
        if (owner) lchownSync(file, owner.uid, owner.gid);
      } else open.push(write(file, bytes, of.mode === EXECUTABLE, like, owner));
      step('file staged');
      if (open.length === AT_ONCE) await syncAndClose(open);
    }
  } finally {
    await syncAndClose(open);
  }
  syncFolderAt(join(folder, STAGE));
  step('stage synced');
}

/** Together: a disk that syncs one file has done most of the work for the next. */
async function syncAndClose(open: number[]): Promise<void> {
  const files = open.splice(0);
  const synced = await Promise.allSettled(files.map((file) => sync(file)));
  for (const file of files) closeSync(file);
  for (const each of synced) if (each.status === 'rejected') throw each.reason;
}

function write(
  file: string,
  bytes: Buffer,
  executable: boolean,
  like: Stats | undefined,
  owner: Pick<Stats, 'uid' | 'gid'> | undefined,
): number {
  const handle = openSync(file, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, executable ? 0o777 : 0o666);
  try {
    writeFileSync(handle, bytes);
    if (owner) fchownSync(handle, owner.uid, owner.gid);
    if (like?.isFile()) fchmodSync(handle, modeLike(like.mode, executable));
    return handle;
  } catch (error) {
    closeSync(handle);
    throw error;
  }
}

/** Whoever may read it may run it. */
function modeLike(mode: number, executable: boolean): number {
  const plain = mode & 0o666;
  return executable ? plain | ((plain & 0o444) >> 2) : plain;
}
