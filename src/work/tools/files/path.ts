/** Paths as callers write them: relative to the workspace, with `/`, and never into what is Git's. */
import { z } from 'zod';

/** Longest path, in bytes. */
const PATH_MAX = 1024;

/** Why a path can't be taken; undefined when it can. `./` in front is fine, and means nothing. */
export const badPath = (path: string): string | undefined => {
  if (path === '') return 'is empty';
  if (Buffer.byteLength(path) > PATH_MAX) return `is longer than ${PATH_MAX} bytes`;
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'must be relative to the workspace';
  if (path.startsWith('-')) return 'may not begin with -';
  if (/[\0\\]/.test(path)) return 'may hold neither U+0000 nor \\';
  const parts = path.replace(/^(\.\/)+/, '').split('/');
  if (parts.some((part) => part === '..')) return 'may not hold ..';
  if (parts.some((part) => part === '' || part === '.')) return 'may hold neither // nor /./, and end with no /';
  if (parts.some(isGits)) return 'may not lead into .git';
  return undefined;
};

/** `.git` as any disk might read it: in any case, with characters that disks ignore, with endings that Windows drops. */
const isGits = (part: string): boolean => {
  const plain = part
    .normalize('NFKC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad]/g, '')
    .toLowerCase()
    .replace(/[. ]+$/, '')
    .replace(/:.*$/, '');
  return plain === '.git' || plain === 'git~1';
};

const checked = (schema: z.ZodString, alsoTop: boolean) =>
  schema.superRefine((path, context) => {
    const why = alsoTop && path === '.' ? undefined : badPath(path);
    if (why !== undefined) context.addIssue({ code: 'custom', message: `${JSON.stringify(path.slice(0, 200))} ${why}` });
  });
const plain = (path: string): string => path.replace(/^(\.\/)+/, '');

/** A file. */
export const filePath = checked(z.string(), false).transform(plain);
/** A folder; `.` is the workspace itself. */
export const folderPath = checked(z.string(), true).transform(plain);
