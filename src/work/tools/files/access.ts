/**
 * Files of a workspace, reached one folder after the other by descriptors that follow no link: between looking at a path
 * and using it nobody can lead us elsewhere, since no path of more than one step is ever used.
 *
 * Linux alone can name a file beside an open folder (`/proc/self/fd/N/name`); elsewhere every call here is refused.
 */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readlink, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { BatonError } from '../../../errors.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

export interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Bytes of a file. */
  readonly size: number;
  readonly executable: boolean;
}

/** What is in a folder, by name. @throws BatonError `FILE_NOT_FOUND`, `NOT_A_FOLDER` */
export const listFolder = async (root: string, path: string): Promise<readonly Entry[]> => {
  await using folder = await openFolder(root, stepsOf(path));
  return await entriesOf(folder);
};

export const entriesOf = async (folder: FileHandle): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (const name of (await readdir(inFolder(folder, '.'))).sort()) {
    const stats = await lstat(inFolder(folder, name)).catch(absent);
    if (stats !== undefined)
      entries.push({ name, kind: kindOf(stats), size: stats.isFile() ? stats.size : 0, executable: isExecutable(stats) });
  }
  return entries;
};

/** @throws BatonError `FILE_NOT_FOUND`, `NOT_A_FILE`, `FILE_TOO_LARGE`, and as `listFolder` for the folders before it */
export const readBytes = async (root: string, path: string, bytesMax: number): Promise<Buffer> => {
  const { folder, name } = await openParent(root, path);
  await using parent = folder;
  return await readIn(parent, name, path, bytesMax);
};

export const readIn = async (parent: FileHandle, name: string, path: string, bytesMax: number): Promise<Buffer> => {
  await using file = await open(inFolder(parent, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error) => refuse(error, path));
  const stats = await file.stat();
  if (!stats.isFile()) throw notAFile(path, kindOf(stats));
  if (stats.size > bytesMax) throw tooLarge(path, stats.size, bytesMax);
  // It may have grown in between: no more is read than one byte too many.
  const chunks: Buffer[] = [];
  for await (const chunk of file.createReadStream({ end: bytesMax, autoClose: false })) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > bytesMax) throw tooLarge(path, bytes.length, bytesMax);
  return bytes;
};

/** A text, with what is no UTF-8 in it as U+FFFD; undefined where there is no such plain file, or it is too large. */
export const readText = (root: string, path: string, bytesMax: number): Promise<string | undefined> =>
  readBytes(root, path, bytesMax).then(
    (bytes) => bytes.toString('utf8'),
    (error: unknown) => {
      if (error instanceof BatonError) return undefined;
      throw error;
    },
  );

/**
 * Writes a file whole: beside the old one, then in its place. Folders on the way are made. A link, or one of several
 * names of a file, is never written through. What is new belongs to whoever the folder belongs to.
 * @returns whether there was one before @throws BatonError `NOT_A_FILE`, `NOT_A_FOLDER`
 */
export const writeBytes = async (root: string, path: string, bytes: Uint8Array, executable?: boolean): Promise<boolean> => {
  const { folder, name } = await openParent(root, path, true);
  await using parent = folder;
  const before = await lstat(inFolder(parent, name)).catch((error) => (codeOf(error) === 'ENOENT' ? undefined : refuse(error, path)));
  if (before !== undefined && !before.isFile()) throw notAFile(path, kindOf(before));
  const mode = (executable ?? (before !== undefined && isExecutable(before))) ? 0o755 : 0o644;
  const temporary = inFolder(parent, `.baton-${randomUUID()}`);
  try {
    await using file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    await file.chmod(mode);
    await giveToOwnerOf(parent, file);
    await file.writeFile(bytes);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await rename(temporary, inFolder(parent, name)).catch(async (error: unknown) => {
    await rm(temporary, { force: true });
    return refuse(error, path);
  });
  return before !== undefined;
};

/** Deletes a file or a link, or a folder that is empty. @throws BatonError `FILE_NOT_FOUND`, `FOLDER_NOT_EMPTY` */
export const deleteEntry = async (root: string, path: string): Promise<Entry['kind']> => {
  const { folder, name } = await openParent(root, path);
  await using parent = folder;
  const target = inFolder(parent, name);
  const stats = await lstat(target).catch((error) => refuse(error, path));
  await (stats.isDirectory() ? rmdir(target) : unlink(target)).catch((error) => refuse(error, path));
  return kindOf(stats);
};

/** Steps of a path; none for `.`. */
export const stepsOf = (path: string): readonly string[] => (path === '.' ? [] : path.split('/'));

const openParent = async (root: string, path: string, make = false): Promise<{ readonly folder: FileHandle; readonly name: string }> => {
  const steps = stepsOf(path);
  return { folder: await openFolder(root, steps.slice(0, -1), make), name: steps.at(-1) ?? '' };
};

/** @param root absolute, without links @throws BatonError `FILE_NOT_FOUND`, `NOT_A_FOLDER`, `PLATFORM_UNSUPPORTED` */
export const openFolder = async (root: string, steps: readonly string[], make = false): Promise<FileHandle> => {
  if (process.platform !== 'linux')
    throw new BatonError('PLATFORM_UNSUPPORTED', `The file tools need Linux, and this is ${process.platform}.`, {
      hint: 'Run Baton in Linux, for example in a container.',
    });
  let folder = await openRoot(root);
  for (const [index, step] of steps.entries()) {
    const path = steps.slice(0, index + 1).join('/');
    const outer = folder;
    try {
      folder = await openStep(outer, step, path, make);
    } finally {
      await outer.close();
    }
  }
  return folder;
};

/** The top of a project can lie below the top of the workspace: then somebody may have exchanged a folder on the way to it. */
const openRoot = async (root: string): Promise<FileHandle> => {
  const folder = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error) => refuse(error, '.', 'folder'));
  if ((await readlink(`/proc/self/fd/${folder.fd}`)) === root) return folder;
  await folder.close();
  throw new BatonError('NOT_A_FOLDER', 'The folder of the task is not where it was: a symbolic link leads elsewhere.', { where: root });
};

export const openStep = async (outer: FileHandle, step: string, path: string, make = false): Promise<FileHandle> => {
  const target = inFolder(outer, step);
  const enter = (): Promise<FileHandle> => open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    return await enter();
  } catch (error) {
    if (!make || codeOf(error) !== 'ENOENT') return refuse(error, path, 'folder');
  }
  await mkdir(target, 0o755).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  const made = await enter().catch((error) => refuse(error, path, 'folder'));
  await giveToOwnerOf(outer, made);
  return made;
};

/** Only root makes things for others. */
const giveToOwnerOf = async (folder: FileHandle, made: FileHandle): Promise<void> => {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await folder.stat();
  await made.chown(uid, gid);
};

export const inFolder = ({ fd }: FileHandle, name: string): string => `/proc/self/fd/${fd}/${name}`;

const kindOf = (stats: Stats): Entry['kind'] =>
  stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
const isExecutable = (stats: Stats): boolean => stats.isFile() && (stats.mode & 0o100) !== 0;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
const absent = (error: unknown): undefined => {
  if (codeOf(error) !== 'ENOENT') throw error;
};

const NAMES: Readonly<Record<Entry['kind'], string>> = {
  file: 'a file',
  folder: 'a folder',
  link: 'a symbolic link, and links are not followed',
  other: 'neither a file nor a folder',
};
const notAFile = (path: string, kind: Entry['kind']): BatonError =>
  new BatonError('NOT_A_FILE', `"${path}" is ${NAMES[kind]}.`, { where: path });
const tooLarge = (path: string, size: number, bytesMax: number): BatonError =>
  new BatonError('FILE_TOO_LARGE', `"${path}" has ${size} bytes, more than the ${bytesMax} that are read at once.`, {
    hint: 'Look at a part of it with a command, such as head or grep.',
    where: path,
    details: { size, bytesMax },
  });

/** What an error of the system means for whoever named the path. */
const refuse = (error: unknown, path: string, wanted: 'file' | 'folder' = 'file'): never => {
  const where = { where: path, cause: error };
  switch (codeOf(error)) {
    case 'ENOENT':
      throw new BatonError('FILE_NOT_FOUND', `There is no ${wanted} "${path}".`, where);
    case 'ENOTDIR':
      throw new BatonError('NOT_A_FOLDER', `"${path}" is no folder, or a symbolic link, and links are not followed.`, where);
    case 'ELOOP':
      throw new BatonError('NOT_A_FILE', `"${path}" is ${NAMES.link}.`, where);
    case 'EISDIR':
      throw new BatonError('NOT_A_FILE', `"${path}" is ${NAMES.folder}.`, where);
    case 'ENOTEMPTY':
      throw new BatonError('FOLDER_NOT_EMPTY', `The folder "${path}" is not empty; delete what is in it first.`, where);
    case 'ENXIO':
      throw new BatonError('NOT_A_FILE', `"${path}" is ${NAMES.other}.`, where);
    case 'ENAMETOOLONG':
      throw new BatonError('PATH_UNSAFE', `"${path.slice(0, 80)}…" has a name that is too long for the disk.`, where);
    default:
      throw error;
  }
};
