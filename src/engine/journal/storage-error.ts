/** Errors of the disk under the journal: each names the path and what to do about it. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { BatonError } from '../../errors.ts';
import { PAYLOAD_MAX } from './journal.ts';

/** With less free space than this, in bytes, a disk is full. */
const ROOM_BYTES = 64 * 1024;

interface Problem {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

const FULL: Problem = {
  code: 'DISK_FULL',
  what: 'could not be written: the disk is full',
  hint: 'Free some space, or remove finished runs with `baton clean`.',
};
const READONLY: Problem = {
  code: 'JOURNAL_READONLY',
  what: 'may not be written',
  hint: 'Give this user the right to write in the folder, or choose another with BATON_HOME.',
};
const BROKEN: Problem = {
  code: 'JOURNAL_IO',
  what: 'could not be read or written',
  hint: 'Look at the disk and the system log; then run `baton audit verify`.',
};
const DAMAGED: Problem = {
  code: 'JOURNAL_CORRUPT',
  what: 'is damaged',
  hint: 'Restore it from a backup; `baton audit verify` says which runs are whole.',
};

const NO_FOLDER: Problem = {
  code: 'JOURNAL_READONLY',
  what: 'can’t be made: a part of the path is a file',
  hint: 'Move that file away, or choose another folder with BATON_HOME.',
};

/** By SQLite's primary result code. */
const OF_SQLITE: { readonly [primary: number]: Problem } = {
  5: {
    code: 'JOURNAL_BUSY',
    what: 'is locked by another program',
    hint: 'End the program that has it open (a backup, a database browser), then try again.',
  },
  8: READONLY,
  10: BROKEN,
  11: DAMAGED,
  13: FULL,
  14: {
    code: 'JOURNAL_READONLY',
    what: 'can’t be opened',
    hint: 'Check that the folder exists and that this user may read and write it.',
  },
  19: {
    code: 'STALE_WRITER',
    what: 'has been written by another program',
    hint: 'Only Baton may write it; run `baton audit verify`.',
  },
  26: {
    code: 'JOURNAL_NOT_A_DATABASE',
    what: 'is not a journal',
    hint: 'Move the file away if it is something else, or restore it from a backup.',
  },
};

/** By the system's name of an error with a file. */
const OF_SYSTEM: { readonly [code: string]: Problem } = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EROFS: READONLY,
  EACCES: READONLY,
  EPERM: READONLY,
  EIO: BROKEN,
  EFBIG: BROKEN,
  ENOTDIR: NO_FOLDER,
  EEXIST: NO_FOLDER,
};

/** SQLite's primary result code of an error, or undefined when it is no error of SQLite. */
export function sqliteCode(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 255 : undefined;
}

/** What to throw for an error met at `path`. Errors of ours pass unchanged, and so does what is no error of a disk. */
export function storageError(error: unknown, path: string): Error {
  if (error instanceof BatonError) return error;
  const known = problemOf(error, path);
  if (!known) return error instanceof Error ? error : new Error(String(error));
  const sqlite: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  const details = sqlite === undefined ? {} : { details: { sqlite } };
  return new BatonError(known.code, `${path} ${known.what}.`, { hint: known.hint, where: path, cause: error, ...details });
}

function problemOf(error: unknown, path: string): Problem | undefined {
  const primary = sqliteCode(error);
  const system: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const found = primary === undefined ? OF_SYSTEM[String(system)] : OF_SQLITE[primary];
  // Where SQLite needs a little room for files of its own, a full disk looks like a broken one.
  return found === BROKEN && hasNoRoom(path) ? FULL : found;
}

function hasNoRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < ROOM_BYTES;
  } catch {
    return false;
  }
}

export const isDiskFull = (error: unknown, path: string): boolean => {
  const found = storageError(error, path);
  return found instanceof BatonError && found.code === FULL.code;
};

/** @param what in the words of the reader, such as "fact 3 of run-1 can’t be found" */
export const corrupt = (path: string, what: string, cause?: unknown): BatonError =>
  new BatonError(DAMAGED.code, `${path} is damaged: ${what}.`, { where: path, hint: DAMAGED.hint, cause });

export const staleWriter = (message: string): BatonError =>
  new BatonError('STALE_WRITER', message, { hint: 'This process is no longer the owner of the home.' });

export const tooLarge = (size: number): BatonError =>
  new BatonError('PAYLOAD_TOO_LARGE', `limit PAYLOAD_MAX = ${PAYLOAD_MAX} bytes: the payload has ${size}.`, {
    hint: 'Hand over a file as an artifact, or less of it.',
    details: { limit: PAYLOAD_MAX, size },
  });
