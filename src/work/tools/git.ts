/**
 * `git.status`, `git.diff`, `git.log`, `git.show`: what changed, and what was before. All of it is read from Baton's own
 * store, where the workspace is checkpointed; the `.git` in a workspace is never asked, since its configuration runs
 * programs and anybody in there may have written it.
 */
import { z } from 'zod';
import { BatonError } from '../../errors.ts';
import { exactText, FILE_MAX, isBinary } from './files/content.ts';
import { filePath } from './files/path.ts';
import { BUILT_IN } from './names.ts';
import { defineTool, done, type History, type LogEntry, type Tool, type ToolPlace } from './tool.ts';

const LOG_DEFAULT = 20;
const LOG_MAX = 200;
/** Most characters of a diff that are handed on as data. */
const PATCH_MAX = 1024 * 1024;
const CHANGES_MAX = 2000;

const commit = z
  .union([
    z.literal('base'),
    z.literal('now'),
    z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'must be `base`, `now` or the whole id of a commit'),
  ])
  .describe('`base`: what the workspace was made from; `now`: as it stands; or the id of a commit');
const paths = z.array(filePath).max(200).default([]).describe('Only these files or folders');

const historyOf = ({ history }: ToolPlace): History => {
  if (history !== undefined) return history;
  throw new BatonError('NO_REPOSITORY', 'This run works over no repository, so there is no history.', {
    hint: 'Use the file tools to see what is there.',
  });
};

const commitOf = (history: History, named: string): Promise<string> | string =>
  named === 'base' ? history.base : named === 'now' ? history.now() : named;

export const gitStatus: Tool = defineTool({
  name: 'git.status',
  ...BUILT_IN['git.status'],
  description: 'Lists what is changed in the workspace against what it was made from: added, modified, deleted, and changed modes.',
  input: z.strictObject({}),

  async run(_input, place) {
    const history = historyOf(place);
    const all = await history.changes(history.base, await history.now());
    const changes = all.slice(0, CHANGES_MAX);
    const lines = changes.map(({ path, kind }) => `${kind.padEnd(8)}  ${path}`);
    if (changes.length < all.length) lines.push(`… and ${all.length - changes.length} more`);
    return done(lines.length === 0 ? 'Nothing is changed.' : lines.join('\n'), {
      base: history.base,
      changes,
      leftOut: all.length - changes.length,
    });
  },
});

export const gitDiff: Tool = defineTool({
  name: 'git.diff',
  ...BUILT_IN['git.diff'],
  description: 'Shows changes as a unified diff: of the workspace against what it was made from, or between any two commits.',
  input: z.strictObject({ from: commit.default('base'), to: commit.default('now'), paths }),

  async run({ from, to, paths: only }, place) {
    const history = historyOf(place);
    const patch = await history.patch(await commitOf(history, from), await commitOf(history, to), only.length === 0 ? undefined : only);
    return done(patch === '' ? 'There is no difference.' : patch, {
      patch: patch.slice(0, PATCH_MAX),
      leftOut: Math.max(0, patch.length - PATCH_MAX),
    });
  },
});

export const gitLog: Tool = defineTool({
  name: 'git.log',
  ...BUILT_IN['git.log'],
  description: 'Lists commits, newest first: those that led to what the workspace was made from, or to any commit.',
  input: z.strictObject({ from: commit.default('base'), max: z.int().min(1).max(LOG_MAX).default(LOG_DEFAULT) }),

  async run({ from, max }, place) {
    const history = historyOf(place);
    const commits = await history.log(await commitOf(history, from), max);
    return done(commits.map(shown).join('\n'), { commits });
  },
});

const shown = ({ commit: id, date, author, message }: LogEntry): string =>
  `${id}  ${date}  ${author}\n    ${message.trimEnd().replaceAll('\n', '\n    ')}`;

export const gitShow: Tool = defineTool({
  name: 'git.show',
  ...BUILT_IN['git.show'],
  description: 'Shows a commit: its message and what it changed. With a path, that file as the commit has it.',
  input: z.strictObject({ commit: commit.default('base'), path: filePath.optional() }),

  async run({ commit: named, path }, place) {
    const history = historyOf(place);
    const id = await commitOf(history, named);
    if (path !== undefined) return showFile(history, id, path);
    const [entry, before] = await history.log(id, 2);
    if (entry === undefined) throw new BatonError('UNKNOWN_COMMIT', `There is no commit ${id}.`, { where: id });
    const patch = before === undefined ? '' : await history.patch(entry.parents[0] ?? before.commit, id);
    const text = [shown(entry), patch === '' ? 'It has nothing before it to compare with, or changed nothing.' : patch].join('\n\n');
    return done(text, { ...entry, patch: patch.slice(0, PATCH_MAX), leftOut: Math.max(0, patch.length - PATCH_MAX) });
  },
});

const showFile = async (history: History, id: string, path: string) => {
  const bytes = await history.file(id, path, FILE_MAX);
  if (bytes === undefined) throw new BatonError('FILE_NOT_FOUND', `${id.slice(0, 12)} has no file "${path}".`, { where: path });
  if (isBinary(bytes))
    throw new BatonError('BINARY_FILE', `"${path}" is no text: ${bytes.length} bytes with U+0000 among them.`, { where: path });
  const text = exactText(bytes);
  return done(text ?? bytes.toString('utf8'), {
    path,
    commit: id,
    text: text ?? bytes.toString('utf8'),
    size: bytes.length,
    utf8: text !== undefined,
  });
};
