/** Changes of trees, for people. */
import type { ChangeView } from '../api/trees.ts';
import { printable } from './width.ts';
import { plural } from './words.ts';

const SIGNS: Readonly<Record<ChangeView['kind'], string>> = { added: 'A', modified: 'M', deleted: 'D', mode: 'm' };

export const fileLines = (changes: readonly ChangeView[]): string[] =>
  changes.map(
    ({ kind, path, lines, executable }) =>
      `${SIGNS[kind]}  ${printable(path)}${lines ? `  +${lines.added} -${lines.removed}` : ''}${executable ? '  new executable' : ''}`,
  );

/** Said by itself, since a list of files is read quickly. */
export const executableLines = (paths: readonly string[]): string[] =>
  paths.length === 0 ? [] : [`${plural(paths.length, 'new executable')}: ${paths.map(printable).join(', ')}`];

/** `3 files, +12 -4`. */
export const changeSize = ({
  files,
  added,
  removed,
}: {
  readonly files: number;
  readonly added: number;
  readonly removed: number;
}): string => `${plural(files, 'file')}, +${added} -${removed}`;

/** A commit, as long as people need it. */
export const shortCommit = (commit: string): string => commit.slice(0, 12);
