/** The last look at the user's tree before a promotion begins: is every file it will exchange what the merge began from? */
import { type Exchange, foldersAbove } from './promotion-roll.ts';
import { below, find, mountOf, type Root } from './walk.ts';

export interface Verified {
  /** Paths that are not as they were merged, each with what is there. */
  readonly other: ReadonlyMap<string, string>;
  /** Paths on another mount than the project, where nothing can be renamed to. */
  readonly elsewhere: readonly string[];
  /** Folders that are empty once the exchanges are done. */
  readonly removable: readonly string[];
  /** Folders that have to be made. */
  readonly made: readonly string[];
}

export function verify(project: Root, exchanges: readonly Exchange[]): Verified {
  const leaving = new Set(exchanges.filter(({ to }) => to === undefined).map(({ path }) => path));
  const mount = mountOf({ root: project, path: 'any' });
  const other = new Map<string, string>();
  const emptied = new Set([...leaving].flatMap(foldersAbove));
  for (const { path, from } of exchanges) {
    const found = find({ root: project, path }, from ?? '');
    const said = found.kind === 'file' ? found.entry : found.kind;
    if (from !== undefined ? said === from : found.kind === 'absent') continue;
    if (from === undefined && found.kind === 'beneath' && foldersAbove(path).some((above) => leaving.has(above))) continue;
    if (from === undefined && found.kind === 'folder') {
      const { folders, others } = below({ root: project, path });
      for (const folder of folders) emptied.add(folder);
      if (others.every((each) => leaving.has(each))) continue;
    }
    other.set(path, said);
  }
  const needed = new Set(exchanges.filter(({ to }) => to !== undefined).flatMap(({ path }) => foldersAbove(path)));
  return {
    other,
    elsewhere: exchanges.map(({ path }) => path).filter((path) => mountOf({ root: project, path }) !== mount),
    removable: deepestFirst([...emptied].filter((folder) => folder !== '' && !needed.has(folder))),
    made: deepestFirst([...needed].filter((folder) => folder !== '' && find({ root: project, path: folder }, '').kind !== 'folder')),
  };
}

const deepestFirst = (folders: readonly string[]): string[] => folders.toSorted((a, b) => b.split('/').length - a.split('/').length);
