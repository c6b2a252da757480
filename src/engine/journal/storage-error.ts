/** Errors of the disk under the journal: each names the path and what to do about it. */
import { BatonError } from '../../errors.ts';
import { PAYLOAD_MAX } from './journal.ts';

const KNOWN: { readonly [primary: number]: { readonly code: string; readonly what: string; readonly hint: string } } = {
  5: {
    code: 'JOURNAL_BUSY',
    what: 'is locked by another program',
    hint: 'End the program that has it open (a backup, a database browser), then try again.',
  },
  8: {
    code: 'JOURNAL_READONLY',
    what: 'may not be written',
    hint: 'Give this user the right to write in the folder, or choose another with BATON_HOME.',
  },
  10: {
    code: 'JOURNAL_IO',
    what: 'could not be read or written',
    hint: 'Look at the disk and the system log; then run `baton audit verify`.',
  },
  11: { code: 'JOURNAL_CORRUPT', what: 'is damaged', hint: 'Restore it from a backup; `baton audit verify` says which runs are whole.' },
  13: {
    code: 'DISK_FULL',
    what: 'could not be written: the disk is full',
    hint: 'Free some space, or remove finished runs with `baton clean`.',
  },
  14: { code: 'JOURNAL_READONLY', what: 'can’t be opened', hint: 'Check that the folder exists and that this user may read and write it.' },
  26: {
    code: 'JOURNAL_CORRUPT',
    what: 'is not a journal',
    hint: 'Move the file away if it is something else, or restore it from a backup.',
  },
};

/** SQLite's primary result code of an error, or undefined when it is no error of SQLite. */
export function sqliteCode(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 255 : undefined;
}

/** What to throw for an error met at `path`; errors of ours and unknown ones pass unchanged, with the path as context. */
export function storageError(error: unknown, path: string): Error {
  if (error instanceof BatonError) return error;
  const primary = sqliteCode(error);
  const system: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  const known = primary === undefined ? SYSTEM[String(system)] : KNOWN[primary];
  if (known) return new BatonError(known.code, `${path} ${known.what}.`, { hint: known.hint, where: path, cause: error });
  if (primary === undefined) return error instanceof Error ? error : new Error(String(error));
  return new BatonError('JOURNAL_IO', `${path} could not be read or written (SQLite error ${primary}).`, {
    where: path,
    cause: error,
    hint: 'Look at the disk and the system log.',
  });
}
const SYSTEM: Readonly<Record<string, (typeof KNOWN)[number]>> = {
  ENOSPC: KNOWN[13],
  EDQUOT: KNOWN[13],
  EROFS: KNOWN[8],
  EACCES: KNOWN[8],
  EPERM: KNOWN[8],
  EIO: KNOWN[10],
} as Readonly<Record<string, (typeof KNOWN)[number]>>;

export const tooLarge = (size: number): BatonError =>
  new BatonError('PAYLOAD_TOO_LARGE', `limit PAYLOAD_MAX = ${PAYLOAD_MAX} bytes: the payload has ${size}.`, {
    hint: 'Hand over a file as an artifact, or less of it.',
    details: { limit: PAYLOAD_MAX, size },
  });
