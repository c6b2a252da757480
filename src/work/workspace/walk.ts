/**
 * Files of the user's tree, reached by descriptors: every folder on the way is opened from the one above it without
 * following links, and the last step is made from an open folder. Whoever swaps a folder for a link in the meantime
 * causes an error (`ENOTDIR`, `ELOOP`), never a write somewhere else. Node has no `openat`; `/proc/self/fd/N/name` does
 * the same. Where that is missing (macOS, Windows) nothing is promoted: `PROMOTION_UNSUPPORTED`.
 *
 * Nothing here opens a file to write into it, so neither a hard link nor a file swapped in can be written through.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { BatonError } from '../../errors.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const DESCRIPTORS = '/proc/self/fd';
const READ_BYTES = 1024 * 1024;
/** A part of a path is no folder: a file, or a link that is not followed. */
const NO_FOLDER = new Set(['ENOTDIR', 'ELOOP']);

/** Descriptor of the folder that paths are relative to. */
export type Root = number;

/** A path, relative to an open folder, with `/`. */
export interface Place {
  readonly root: Root;
  readonly path: string;
}

/** What is at a place. `beneath`: a part of the path above it is no folder. `other`: git has no entry for it, or it can't be read. */
export type Found = { readonly kind: 'file'; readonly entry: Entry } | { readonly kind: 'absent' | 'folder' | 'beneath' | 'other' };

/** A file as git stores it: `MODE:BLOB`. */
export type Entry = string;

/** @throws BatonError `PROMOTION_UNSUPPORTED` */
export function mustWalk(): void {
  if (existsSync(DESCRIPTORS)) return;
  throw new BatonError('PROMOTION_UNSUPPORTED', `Files can't be replaced safely on this system: it has no ${DESCRIPTORS}.`, {
    where: process.platform,
    hint: 'Promote on Linux, or take the change over by hand: `baton diff` shows it.',
  });
}

/** @param folder absolute; links above it are followed, it must not be one itself */
export const openRoot = (folder: string): Root => openSync(folder, FOLDER);
export const closeRoot = (root: Root): void => closeSync(root);

/**
 * Reads the file whole: an entry is compared by content, never by time or size.
 * @param like any id or entry of the store: its length tells the hash
 */
export function find(place: Place, like: string): Found {
  try {
    return inFolder(place, (at) => lookOnce(at, like.length < 64 ? 'sha1' : 'sha256'));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { kind: 'absent' };
    if (NO_FOLDER.has(code)) return { kind: 'beneath' };
    if (code === 'EACCES' || code === 'ENXIO') return { kind: 'other' };
    throw error;
  }
}

/** Of the file at a place, if there is one. */
export function statsOf(place: Place): Stats | undefined {
  try {
    const stats = inFolder(place, (at) => lstatSync(at));
    return stats.isFile() || stats.isSymbolicLink() ? stats : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES' || NO_FOLDER.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** A file that becomes a link while it is looked at, or the other way round, is neither. */
function lookOnce(at: string, hash: string): Found {
  try {
    return look(at, hash);
  } catch (error) {
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'EINVAL') return { kind: 'other' };
    throw error;
  }
}

function look(at: string, hash: string): Found {
  const stats = lstatSync(at);
  if (stats.isDirectory()) return { kind: 'folder' };
  if (stats.isSymbolicLink()) {
    const to = readlinkSync(at, 'buffer');
    return { kind: 'file', entry: `120000:${blobHash(hash, to.length).update(to).digest('hex')}` };
  }
  return stats.isFile() ? readFile(at, hash) : { kind: 'other' };
}

function readFile(at: string, hash: string): Found {
  // A pipe that was swapped in would be waited for.
  const file = openSync(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { kind: 'other' };
    const digest = blobHash(hash, stats.size);
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, stats.size + 1));
    let size = 0;
    for (let read = -1; read !== 0; size += read) {
      read = readSync(file, buffer);
      digest.update(buffer.subarray(0, read));
    }
    // One that grows while it is read is like no entry.
    const id = size === stats.size ? digest.digest('hex') : 'changing';
    return { kind: 'file', entry: `${stats.mode & 0o100 ? '100755' : '100644'}:${id}` };
  } finally {
    closeSync(file);
  }
}

const blobHash = (hash: string, size: number) => createHash(hash).update(`blob ${size}\0`);

/** The mount that the folder of a place is on, or will be on: only within one can a file be renamed or get a second name. */
export const mountOf = (place: Place): string =>
  atNearest(place, (folder) => /^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${folder}`, 'utf8'))?.[1] ?? '');

/** Whose the folder of a place is, or the one that it will be made in. */
export const ownerOf = (place: Place): Pick<Stats, 'uid' | 'gid'> => atNearest(place, (folder) => fstatSync(folder));

/** The nearest folder above a place that exists. */
function atNearest<T>({ root, path }: Place, use: (folder: number) => T): T {
  const names = path.split('/');
  for (;;) {
    names.pop();
    try {
      return inOpened(root, names, false, use);
    } catch (error) {
      if (names.length === 0 || (codeOf(error) !== 'ENOENT' && !NO_FOLDER.has(codeOf(error)))) throw error;
    }
  }
}

/** Every folder at and below a place that is a folder, the deepest first, and everything else in them. */
export function below(place: Place): { readonly folders: readonly string[]; readonly others: readonly string[] } {
  const entries = inOpened(place.root, place.path.split('/'), false, (folder) =>
    readdirSync(`${DESCRIPTORS}/${folder}`, { withFileTypes: true }).map((each) => ({ name: each.name, folder: each.isDirectory() })),
  );
  const paths = entries.map(({ name, folder }) => ({ path: `${place.path}/${name}`, folder }));
  const within = paths.filter(({ folder }) => folder).map(({ path }) => below({ root: place.root, path }));
  return {
    folders: [...within.flatMap(({ folders }) => folders), place.path],
    others: [...paths.filter(({ folder }) => !folder).map(({ path }) => path), ...within.flatMap(({ others }) => others)],
  };
}

/** Moves whatever is at one place to another of the same file system. */
export const move = (from: Place, to: Place): void => inFolder(from, (a) => inFolder(to, (b) => renameSync(a, b)));

/**
 * Gives a file a second name, whose folders are made where they are missing.
 * @returns false when the name is taken, or a part of its path is no folder or went away meanwhile: nothing is ever replaced
 */
export function link(from: Place, to: Place): boolean {
  return inFolder(from, (a) => {
    try {
      inFolder(to, (b) => linkSync(a, b), true);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT' || NO_FOLDER.has(codeOf(error))) return false;
      throw error;
    }
  });
}

export const remove = (place: Place): void => inFolder(place, unlinkSync);

/** @returns false when it isn't an empty folder */
export function removeFolder(place: Place): boolean {
  try {
    inFolder(place, rmdirSync);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY'].includes(codeOf(error)) || NO_FOLDER.has(codeOf(error))) return false;
    throw error;
  }
}

/** Makes what happened in a folder durable; one that is gone by now has nothing to keep. */
export function syncFolder(root: Root, path: string): void {
  try {
    inOpened(root, path === '' ? [] : path.split('/'), false, fsyncSync);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && !NO_FOLDER.has(codeOf(error))) throw error;
  }
}

/**
 * Several steps in the one folder that a place is in, also when that is renamed or replaced meanwhile.
 * @returns undefined when there is no such folder
 */
export function within<T>({ root, path }: Place, make: boolean, use: (here: Place) => T): T | undefined {
  const names = path.split('/');
  const name = names.pop() ?? '';
  let folder: Root;
  try {
    folder = openFolder(root, names, make);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || NO_FOLDER.has(codeOf(error))) return undefined;
    throw error;
  }
  try {
    return use({ root: folder, path: name });
  } finally {
    closeSync(folder);
  }
}

function inFolder<T>({ root, path }: Place, use: (at: string) => T, make = false): T {
  const names = path.split('/');
  const name = names.pop() ?? '';
  return inOpened(root, names, make, (folder) => use(`${DESCRIPTORS}/${folder}/${name}`));
}

function inOpened<T>(root: Root, names: readonly string[], make: boolean, use: (folder: number) => T): T {
  const folder = openFolder(root, names, make);
  try {
    return use(folder);
  } finally {
    closeSync(folder);
  }
}

function openFolder(root: Root, names: readonly string[], make: boolean): Root {
  let folder = openSync(`${DESCRIPTORS}/${root}/.`, FOLDER);
  for (const name of names) {
    const above = folder;
    try {
      folder = step(above, name, make);
    } finally {
      closeSync(above);
    }
  }
  return folder;
}

function step(above: number, name: string, make: boolean): number {
  const at = `${DESCRIPTORS}/${above}/${name}`;
  const made = make && makeFolder(at);
  const folder = openSync(at, FOLDER);
  // As root, what is made in somebody's folder is theirs.
  if (made && process.getuid?.() === 0) {
    const { uid, gid } = fstatSync(above);
    fchownSync(folder, uid, gid);
  }
  return folder;
}

function makeFolder(at: string): boolean {
  try {
    mkdirSync(at);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
