/**
 * `files.patch`: applies a unified diff in the workspace, all of it or nothing. Everything is computed before anything is
 * written. What it did is judged afterwards by the tree, like any other change; the text of a diff proves nothing.
 */
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { BUILT_IN } from '../names.ts';
import { defineTool, done, type Tool } from '../tool.ts';
import { deleteEntry, readBytes, writeBytes } from './access.ts';
import { FILE_MAX } from './content.ts';
import { type FilePatch, type Hunk, latin1, readDiff, utf8 } from './diff.ts';

/** Most bytes of a patch: 10 MiB. */
const PATCH_MAX = FILE_MAX;

export interface Patched {
  readonly path: string;
  readonly kind: 'added' | 'modified' | 'deleted' | 'renamed';
  /** Where a renamed file was. */
  readonly from?: string;
  /** Hunks that were found on other lines than the patch said. */
  readonly moved: number;
}

export const filesPatch: Tool = defineTool({
  name: 'files.patch',
  ...BUILT_IN['files.patch'],
  description:
    'Applies a unified diff to the workspace (`--- a/path`, `+++ b/path`, `@@ -1,2 +1,3 @@`), all of it or nothing. Context must be exact; it is looked for elsewhere in the file when it is not at the line that the patch says.',
  input: z.strictObject({
    patch: z
      .string()
      .min(1)
      .refine((text) => Buffer.byteLength(text) <= PATCH_MAX, `may have at most ${PATCH_MAX} bytes`),
  }),

  async run({ patch }, { folder }) {
    const files = await applyPatch(folder, patch);
    const lines = files.map(
      ({ path, kind, from, moved }) =>
        `${kind}  ${from === undefined ? '' : `${from} → `}${path}${moved > 0 ? `  (${moved} hunks on other lines)` : ''}`,
    );
    return done(lines.join('\n'), { files });
  },
});

/** @throws BatonError `BAD_PATCH`, `PATCH_CONFLICT`, `FILE_NOT_FOUND` and the like: nothing was changed then */
export const applyPatch = async (folder: string, patch: string): Promise<readonly Patched[]> => {
  const after = new Map<string, Written>();
  const patched: Patched[] = [];
  for (const file of readDiff(latin1(patch))) patched.push(await plan(folder, file, after));
  for (const [path, written] of after) {
    if (written !== 'deleted') await writeBytes(folder, path, Buffer.from(written.bytes, 'latin1'), written.executable);
    else if (await exists(folder, path)) await deleteEntry(folder, path);
  }
  return patched;
};

/** What a file is to become; bytes as latin1. */
type Written = { readonly bytes: string; readonly executable?: boolean } | 'deleted';

const plan = async (folder: string, { from, to, hunks, executable }: FilePatch, after: Map<string, Written>): Promise<Patched> => {
  const [old, path] = [from, to].map((each) => (each === undefined ? undefined : utf8(each)));
  if (old === undefined && path !== undefined && (await contentOf(folder, path, after)) !== undefined)
    throw conflict(path, 'the patch makes it, and it is there already');
  const before = old === undefined ? '' : await contentOf(folder, old, after);
  if (before === undefined) throw conflict(old ?? '', 'there is no such file');
  const { bytes, moved } = changed(old ?? path ?? '', before, hunks);
  if (path === undefined && bytes !== '') throw conflict(old ?? '', 'the patch deletes it, and it has more in it than the patch says');
  if (old !== undefined && old !== path) after.set(old, 'deleted');
  if (path !== undefined) after.set(path, { bytes, ...(executable === undefined ? {} : { executable }) });
  if (path === undefined) return { path: old ?? '', kind: 'deleted', moved };
  if (old === undefined) return { path, kind: 'added', moved };
  return old === path ? { path, kind: 'modified', moved } : { path, kind: 'renamed', from: old, moved };
};

/** The file as the patch has left it so far; undefined where there is none. */
const contentOf = async (folder: string, path: string, after: ReadonlyMap<string, Written>): Promise<string | undefined> => {
  const written = after.get(path);
  if (written === 'deleted') return undefined;
  if (written !== undefined) return written.bytes;
  try {
    return (await readBytes(folder, path, FILE_MAX)).toString('latin1');
  } catch (error) {
    if (error instanceof BatonError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  }
};

const exists = async (folder: string, path: string): Promise<boolean> => (await contentOf(folder, path, new Map())) !== undefined;

const conflict = (path: string, why: string): BatonError =>
  new BatonError('PATCH_CONFLICT', `The patch does not fit "${path}": ${why}. Nothing was changed.`, {
    hint: 'Read the file as it is now, and write the patch anew.',
    where: path,
  });

const changed = (path: string, before: string, hunks: readonly Hunk[]): { readonly bytes: string; readonly moved: number } => {
  const lines = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  let shift = 0;
  let moved = 0;
  for (const hunk of hunks) {
    // A hunk that only adds says the line before it.
    const said = hunk.old.length === 0 ? hunk.line : hunk.line - 1;
    const found = place(lines, hunk, at, said + shift);
    if (typeof found === 'string') throw conflict(path, `line ${hunk.at} of the patch ${found}`);
    if (found !== said + shift) moved += 1;
    shift = found - said;
    out.push(...lines.slice(at, found), ...hunk.new);
    at = found + hunk.old.length;
  }
  return { bytes: [...out, ...lines.slice(at)].join(''), moved };
};

/** Most lines that are compared to find one hunk: a file of equal lines would take for ever. */
const COMPARED_MAX = 10_000_000;

/** Where the old lines of a hunk are: where it says, or at the one other place that has them. */
const place = (lines: readonly string[], { old }: Hunk, from: number, said: number): number | string => {
  let compared = 0;
  const fits = (at: number): boolean => {
    if (at < from || at + old.length > lines.length) return false;
    const differs = old.findIndex((line, index) => lines[at + index] !== line);
    compared += differs < 0 ? old.length : differs + 1;
    return differs < 0;
  };
  if (fits(said)) return said;
  if (old.length === 0) return `adds after line ${said}, which the file does not have`;
  const others: number[] = [];
  for (let at = from; at + old.length <= lines.length && others.length < 2 && compared <= COMPARED_MAX; at += 1)
    if (fits(at)) others.push(at);
  const [only, second] = others;
  if (compared > COMPARED_MAX)
    return `begins a hunk that is not at its line, and finding it takes more than COMPARED_MAX = ${COMPARED_MAX} lines`;
  if (only === undefined) return 'begins a hunk whose old lines are not in the file';
  return second === undefined ? only : 'begins a hunk that fits in several places, and at none of the lines it says';
};
