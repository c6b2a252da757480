/** Paths as callers write them: relative to the workspace, with `/`, and fit to be written in any tree. */
import { z } from 'zod';
import { badPath as unsafePath } from '../../workspace/paths.ts';

/** `./` in front is fine, and means nothing. */
const plain = (path: string): string => path.replace(/^(\.\/)+/, '');

/** Why a path can't be taken; undefined when it can. */
export const badPath = (path: string): string | undefined =>
  // A program would take it for an option.
  path.startsWith('-') ? 'begins with -' : unsafePath(plain(path));

const checked = (alsoTop: boolean) =>
  z
    .string()
    .superRefine((path, context) => {
      const why = alsoTop && path === '.' ? undefined : badPath(path);
      if (why !== undefined) context.addIssue({ code: 'custom', message: `the path ${JSON.stringify(path.slice(0, SHOWN_MAX))} ${why}` });
    })
    .transform(plain);
const SHOWN_MAX = 200;

/** A file. */
export const filePath = checked(false);
/** A folder; `.` is the workspace itself. */
export const folderPath = checked(true);
