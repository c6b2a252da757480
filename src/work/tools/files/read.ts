/** `files.read` and `files.list`: what is in the workspace. */
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { BUILT_IN } from '../names.ts';
import { defineTool, done, type Tool } from '../tool.ts';
import { linesOf, readTextFile } from './content.ts';
import { glob, globMatcher } from './glob.ts';
import { filePath, folderPath } from './path.ts';
import { treeOf } from './tree.ts';

/** Lines of one answer where no number is asked for. */
const LINES_DEFAULT = 1000;
const LINES_MAX = 10_000;
/** Most characters of one line that are shown. */
const LINE_MAX = 1000;

export const filesRead: Tool = defineTool({
  name: 'files.read',
  ...BUILT_IN['files.read'],
  description: `Reads a text file of the workspace, each line with its number before it; by default its first ${LINES_DEFAULT} lines.`,
  input: z.strictObject({
    path: filePath.describe('File in the workspace'),
    from: z.int().min(1).default(1).describe('First line, counted from 1'),
    lines: z.int().min(1).max(LINES_MAX).default(LINES_DEFAULT).describe('How many lines'),
  }),

  async run({ path, from, lines: count }, { folder }) {
    const { bytes, text, exact } = await readTextFile(folder, path);
    const lines = linesOf(text);
    if (from > Math.max(1, lines.length))
      throw new BatonError('LINES_OUTSIDE', `"${path}" has ${lines.length} lines, and was asked for from line ${from} on.`, {
        where: path,
      });
    const part = lines.slice(from - 1, from - 1 + count);
    const to = from - 1 + part.length;
    const notes = [
      ...(exact ? [] : ['[It is not UTF-8: what can not be read is shown as U+FFFD.]']),
      ...(lines.length === 0 ? ['[It is empty.]'] : []),
      ...(to < lines.length || from > 1 ? [`[Lines ${from} to ${to} of ${lines.length}.]`] : []),
    ];
    const width = String(to).length;
    const numbered = part.map((line, index) => `${String(from + index).padStart(width)}\t${shortened(line)}`);
    return done([...numbered, ...notes].join('\n'), {
      path,
      text: part.join('\n'),
      from,
      to,
      lines: lines.length,
      size: bytes.length,
      utf8: exact,
    });
  },
});

const shortened = (line: string): string =>
  line.length <= LINE_MAX ? line : `${line.slice(0, LINE_MAX)}[… ${line.length - LINE_MAX} more characters]`;

const DEPTH_MAX = 20;
const ENTRIES_DEFAULT = 500;
const ENTRIES_MAX = 5000;

export const filesList: Tool = defineTool({
  name: 'files.list',
  ...BUILT_IN['files.list'],
  description: 'Lists files and folders of the workspace, as deep as asked. Leaves out .git, and what is in node_modules.',
  input: z.strictObject({
    path: folderPath.default('.').describe('Folder in the workspace'),
    depth: z.int().min(1).max(DEPTH_MAX).default(2).describe('1: only what is in the folder itself'),
    glob: glob.optional().describe('Only files whose path matches, such as src/**/*.ts'),
    max: z.int().min(1).max(ENTRIES_MAX).default(ENTRIES_DEFAULT),
  }),

  async run({ path, depth, glob: pattern, max }, { folder, signal }) {
    const wanted = pattern === undefined ? undefined : globMatcher(pattern);
    const entries: { path: string; kind: string; size?: number; executable?: true }[] = [];
    let more = false;
    for await (const { path: at, entry } of treeOf(folder, path, { depthMax: depth, signal })) {
      if (wanted !== undefined && (entry.kind === 'folder' || !wanted(at))) continue;
      more = entries.length === max;
      if (more) break;
      const { kind, size, executable } = entry;
      entries.push({ path: at, kind, ...(kind === 'file' ? { size } : {}), ...(executable ? { executable } : {}) });
    }
    const listed = entries.map(({ path: at, kind, size }) => (kind === 'folder' ? `${at}/` : `${at}  ${size ?? kind}`));
    if (more) listed.push(`[There are more than ${max}: ask for a folder, a glob or a larger max.]`);
    return done(listed.length === 0 ? 'There is nothing.' : listed.join('\n'), { entries, more });
  },
});
