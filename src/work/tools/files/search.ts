/**
 * `files.search`: lines that hold a text or match a pattern. A pattern runs in a thread of its own, which is ended after
 * its time: what a pattern costs can't be told from looking at it, and this process has others to serve.
 */
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { BUILT_IN } from '../names.ts';
import { defineTool, done, type Tool, type ToolPlace } from '../tool.ts';
import { readIn } from './access.ts';
import { isBinary } from './content.ts';
import { glob, globMatcher } from './glob.ts';
import { type Matcher, patternMatcher, textMatcher } from './matching.ts';
import { filePath, folderPath } from './path.ts';
import { treeOf } from './tree.ts';

/** Larger files are left out. */
const SEARCHED_FILE_MAX = 2 * 1024 * 1024;
/** Most files of one search. */
const SEARCHED_FILES_MAX = 20_000;
const DEPTH_MAX = 50;
const MATCHES_DEFAULT = 100;
const MATCHES_MAX = 2000;

interface Match {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export const filesSearch: Tool = defineTool({
  name: 'files.search',
  ...BUILT_IN['files.search'],
  description:
    'Finds lines in the text files of the workspace that hold a text, or with `regex` match a JavaScript pattern. Leaves out .git, node_modules, binary files and files over 2 MiB.',
  input: z.strictObject({
    query: z.string().min(1).max(2000).describe('Text to find, or pattern'),
    regex: z.boolean().default(false),
    ignoreCase: z.boolean().default(false),
    path: z.union([filePath, folderPath]).default('.').describe('Folder to search'),
    glob: glob.optional().describe('Only files whose path matches, such as src/**/*.ts'),
    max: z.int().min(1).max(MATCHES_MAX).default(MATCHES_DEFAULT),
  }),

  async run({ query, regex, ignoreCase, path, glob: pattern, max }, place) {
    await using matcher = regex ? patternMatcher(query, ignoreCase) : textMatcher(query, ignoreCase);
    const { matches, files, more } = await search(matcher, place, {
      path,
      wanted: pattern === undefined ? undefined : globMatcher(pattern),
      max,
    });
    const listed = matches.map(({ path: at, line, text }) => `${at}:${line}: ${text}`);
    if (more) listed.push(`[There is more: narrow the search by path or glob, or ask for a larger max than ${max}.]`);
    return done(listed.length === 0 ? `Nothing in ${files} files.` : listed.join('\n'), { matches, files, more });
  },
});

interface Where {
  readonly path: string;
  readonly wanted: ((path: string) => boolean) | undefined;
  readonly max: number;
}

const search = async (
  matcher: Matcher,
  { folder, signal }: ToolPlace,
  { path, wanted, max }: Where,
): Promise<{ readonly matches: readonly Match[]; readonly files: number; readonly more: boolean }> => {
  const matches: Match[] = [];
  let files = 0;
  for await (const { path: at, entry, parent } of treeOf(folder, path, { depthMax: DEPTH_MAX, signal })) {
    if (entry.kind !== 'file' || entry.size > SEARCHED_FILE_MAX || wanted?.(at) === false) continue;
    if (files === SEARCHED_FILES_MAX) return { matches, files, more: true };
    const bytes = await readIn(parent, entry.name, at, SEARCHED_FILE_MAX).catch(skipUnreadable);
    if (bytes === undefined || isBinary(bytes)) continue;
    files += 1;
    for (const { line, text } of await matcher.matchesIn(bytes.toString('utf8'), max + 1 - matches.length))
      matches.push({ path: at, line, text });
    if (matches.length > max) return { matches: matches.slice(0, max), files, more: true };
  }
  return { matches, files, more: false };
};

/** Gone, grown or replaced since it was listed: of no interest to a search. */
const skipUnreadable = (error: unknown): undefined => {
  if (!(error instanceof BatonError)) throw error;
};
