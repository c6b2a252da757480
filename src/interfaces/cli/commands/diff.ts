import type { ChangeView } from '../../api/trees.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import type { Output } from '../output.ts';
import type { Paint } from '../style.ts';
import { changeSize, executableLines, fileLines } from '../tree-words.ts';
import { printable } from '../width.ts';

interface DiffOptions {
  readonly from?: string;
  readonly to?: string;
  readonly path?: readonly string[];
  readonly stat?: boolean;
}

export const diff: Handler<DiffOptions> = (context, [typed = '', task], { from, to, path, stat = false }) =>
  context.reading(async ({ client }) => {
    const { run } = await client.run(typed);
    const found = await client.diff(run, {
      ...(task === undefined ? {} : { task }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(path === undefined ? {} : { paths: path }),
    });
    context.out.result(found, () => {
      if (found.changes.length === 0) return ['Nothing changed.'];
      return stat
        ? [...fileLines(found.changes), sizeOf(found.changes), ...executablesIn(found.changes)]
        : patchLines(found.patch, context.out);
    });
    return EXIT.done;
  });

const executablesIn = (changes: readonly ChangeView[]): string[] =>
  executableLines(changes.filter(({ executable }) => executable).map(({ path }) => path));

function sizeOf(changes: readonly ChangeView[]): string {
  const sum = (what: 'added' | 'removed') => changes.reduce((all, { lines }) => all + (lines?.[what] ?? 0), 0);
  return changeSize({ files: changes.length, added: sum('added'), removed: sum('removed') });
}

/** What goes into a file is the patch to the byte; only a terminal is shielded from what files hold. */
function patchLines(patch: string, { paint, streams }: Output): string[] {
  const shown = streams.stdout.isTTY ? printable : (line: string) => line;
  return patch
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => paintLine(shown(line), paint));
}

function paintLine(line: string, paint: Paint): string {
  if (/^(\+\+\+ |--- |diff |index )/.test(line)) return paint('dim', line);
  return line.startsWith('+') ? paint('good', line) : line.startsWith('-') ? paint('bad', line) : line;
}
