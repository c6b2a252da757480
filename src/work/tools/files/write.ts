/** `files.write`, `files.edit`, `files.delete`: single files of the workspace, changed as a whole or at one place. */
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import { BUILT_IN } from '../names.ts';
import { defineTool, done, type Tool } from '../tool.ts';
import { deleteEntry, writeBytes } from './access.ts';
import { FILE_MAX, readTextFile } from './content.ts';
import { filePath } from './path.ts';

const content = z.string().refine((text) => Buffer.byteLength(text) <= FILE_MAX, `may have at most ${FILE_MAX} bytes`);

export const filesWrite: Tool = defineTool({
  name: 'files.write',
  ...BUILT_IN['files.write'],
  description: 'Writes a text file of the workspace whole; folders on the way are made. To change part of a file, files.edit is safer.',
  input: z.strictObject({
    path: filePath.describe('File in the workspace'),
    content: content.describe('All of its text'),
    executable: z.boolean().optional().describe('May be run; as it was where this is missing'),
  }),

  async run({ path, content: text, executable }, { folder }) {
    const bytes = Buffer.from(text);
    const existed = await writeBytes(folder, path, bytes, executable);
    return done(`${existed ? 'Replaced' : 'Made'} ${path}, ${bytes.length} bytes.`, { path, size: bytes.length, existed });
  },
});

export const filesEdit: Tool = defineTool({
  name: 'files.edit',
  ...BUILT_IN['files.edit'],
  description:
    'Replaces one place in a text file. `old` must be there exactly once, with every space and line end as in the file: give enough lines around the change to be unique.',
  input: z.strictObject({
    path: filePath.describe('File in the workspace'),
    old: z.string().min(1).describe('The text as it stands in the file'),
    new: content.describe('The text in its place'),
  }),

  async run({ path, old, new: replacement }, { folder }) {
    const { text, exact } = await readTextFile(folder, path);
    if (!exact)
      throw new BatonError('NOT_UTF8', `"${path}" is not UTF-8, and would be damaged by an edit.`, {
        hint: 'Change it with a command, such as sed.',
        where: path,
      });
    if (old === replacement) throw new BatonError('EDIT_NOTHING', '`old` and `new` are the same.', { where: path });
    const places = placesOf(text, old);
    const [at] = places;
    if (at === undefined) throw notThere(path, text, old);
    if (places.length > 1) throw notUnique(path, text, places);
    const changed = Buffer.from(text.slice(0, at) + replacement + text.slice(at + old.length));
    await writeBytes(folder, path, changed);
    const line = lineAt(text, at);
    return done(`Changed ${path} at line ${line}.`, { path, line, size: changed.length });
  },
});

const PLACES_TOLD = 10;

/** Where a text occurs, one place more than are told of at most. */
const placesOf = (text: string, part: string): readonly number[] => {
  const places: number[] = [];
  for (let at = text.indexOf(part); at >= 0 && places.length <= PLACES_TOLD; at = text.indexOf(part, at + 1)) places.push(at);
  return places;
};

const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length;

const notUnique = (path: string, text: string, places: readonly number[]): BatonError => {
  const lines = places.slice(0, PLACES_TOLD).map((at) => lineAt(text, at));
  const more = places.length > PLACES_TOLD ? ' and more' : '';
  return new BatonError('EDIT_NOT_UNIQUE', `\`old\` is in "${path}" several times: at lines ${lines.join(', ')}${more}.`, {
    hint: 'Give more of the lines around it.',
    where: path,
  });
};

const notThere = (path: string, text: string, old: string): BatonError =>
  new BatonError('EDIT_NOT_FOUND', `"${path}" does not hold \`old\`.`, { hint: whyNot(text, old), where: path });

/** Most often it is white space. */
const whyNot = (text: string, old: string): string => {
  if (text.includes('\r\n') && !old.includes('\r\n') && text.replaceAll('\r\n', '\n').includes(old))
    return 'The lines of this file end with \\r\\n: write them so, or rewrite the file.';
  const squeezed = (each: string): string => each.replace(/\s+/g, ' ').trim();
  if (squeezed(text).includes(squeezed(old))) return 'Only its spaces differ: read the file again, and copy the lines as they are.';
  return 'Read the file again: it may have changed, or the text is from another one.';
};

export const filesDelete: Tool = defineTool({
  name: 'files.delete',
  ...BUILT_IN['files.delete'],
  description: 'Deletes a file of the workspace, or a folder that is empty. A symbolic link is deleted itself.',
  input: z.strictObject({ path: filePath }),

  async run({ path }, { folder }) {
    const kind = await deleteEntry(folder, path);
    return done(`Deleted ${path}.`, { path, kind });
  },
});
