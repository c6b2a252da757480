/**
 * Where tasks work on disk. Each has a folder of its own, empty when its work begins anew, and kept while checks send
 * the work back; what Baton and a program write to each other lies beside it, so that the folder holds only the work.
 *
 *   root/RUN/TASK/work/                     the folder, where the work is over no repository
 *   root/RUN/TASK/exchange/task-N.json      what attempt N is asked
 *   root/RUN/TASK/exchange/handoff-N.json   what it answers
 *   root/RUN/TASK/exchange/result-N.json    what its checks may read
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Folders {
  /** The user's tree, for tasks that run `in: project`. */
  readonly project: string;
  /** The tree of one run's user, where a home serves several. */
  readonly projectOf?: (run: string) => string | undefined;
  /** Where the folders of tasks are made. */
  readonly root: string;
  /** A folder of this owner's alone, with a short path, for sockets. */
  readonly sockets: string;
}

export interface TaskFolder {
  /** Absolute path of the folder. */
  readonly work: string;
  /** Absolute path of the folder that the three files are in. */
  readonly folder: string;
  readonly task: string;
  readonly handoff: string;
  readonly result: string;
}

export const taskFolder = ({ root }: Pick<Folders, 'root'>, run: string, task: string, attempt: number): TaskFolder => {
  const own = join(runFolder(root, run), fileName(task));
  const folder = join(own, 'exchange');
  const file = (name: string): string => join(folder, `${name}-${attempt}.json`);
  return { work: join(own, 'work'), folder, task: file('task'), handoff: file('handoff'), result: file('result') };
};

/** Makes the folder, empty unless the work in it goes on. A first attempt finds none. */
export const openFolder = async (
  { work, folder }: TaskFolder,
  { attempt, goesOn }: { readonly attempt: number; readonly goesOn: boolean },
): Promise<void> => {
  if (attempt > 1 && !goesOn) await rm(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  mkdirSync(folder, { recursive: true });
};

/** Removes everything the tasks of a run left on disk. */
export const removeRunFolders = ({ root }: Pick<Folders, 'root'>, run: string): Promise<void> =>
  rm(runFolder(root, run), { recursive: true, force: true });

const runFolder = (root: string, run: string): string => join(root, fileName(run));

const NAME_MAX = 100;
/** An id as the name of one file: ids have slashes, and two that differ must not meet on a disk that ignores case. */
const fileName = (id: string): string => {
  const name = id.replace(/[^a-z0-9_~^[\]-]/g, (character) => `%${character.codePointAt(0)?.toString(16)}.`);
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX)}-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
};
