/** Changes of trees, for people. */
import type { ChangeSummary, ChangeView, TreeView } from '../api/trees.ts';
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

/** Files of a change that are named to whoever decides about it. */
const NAMED = 10;

/** A change that waits for a decision, in short. */
export const summaryLines = (change: ChangeSummary, run: string): string[] => [
  ...fileLines(change.changes.slice(0, NAMED)),
  `${changeSize(change)}${change.files > NAMED ? `: baton diff ${run}` : ''}`,
];

/** How what a run committed stands to the user's tree; nothing before there is any. */
export function standing({ merged, ahead, promote, promotions }: TreeView, run: string, isOver: boolean): string | undefined {
  if (merged.length === 0) return undefined;
  const changes = plural(merged.length, 'change');
  const last = promotions.at(-1);
  if (last?.status === 'asked') return `${changes}; a person decides whether it goes into your tree → baton inbox ${run}`;
  if (last?.status === 'running') return `${changes}, on its way into your tree`;
  if (last?.status === 'undoing') return `${changes}, being taken out of your tree`;
  if (!ahead) return `${changes}, in your tree → take it back: baton promote ${run} --undo`;
  if (last?.status === 'refused' && last.refusal) return `${changes}, not in your tree: ${last.refusal.message} → baton promote ${run}`;
  if (!isOver && promote !== 'never') return `${changes}; your tree gets it ${promote === 'each' ? 'after each' : 'at the end'}`;
  return `${changes}, not in your tree → baton diff ${run}, baton promote ${run}`;
}
