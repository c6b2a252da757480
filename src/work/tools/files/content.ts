/** Bytes of a file as text, as far as they are any. */
import { BatonError } from '../../../errors.ts';
import { readBytes } from './access.ts';

/** Most bytes of a file that is read, written or changed by a tool: 10 MiB. */
export const FILE_MAX = 10 * 1024 * 1024;
/** Git looks as far. */
const BINARY_LOOKED_AT = 8000;

export const isBinary = (bytes: Uint8Array): boolean => bytes.subarray(0, BINARY_LOOKED_AT).includes(0);

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Undefined where it is not UTF-8. */
export const exactText = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** A text file. @throws BatonError `BINARY_FILE`, and as `readBytes` */
export const readTextFile = async (
  folder: string,
  path: string,
): Promise<{ readonly bytes: Buffer; readonly text: string; readonly exact: boolean }> => {
  const bytes = await readBytes(folder, path, FILE_MAX);
  if (isBinary(bytes))
    throw new BatonError('BINARY_FILE', `"${path}" is no text: ${bytes.length} bytes with U+0000 among them.`, {
      hint: 'Look at it with a command, such as file or xxd.',
      where: path,
    });
  const text = exactText(bytes);
  return { bytes, text: text ?? bytes.toString('utf8'), exact: text !== undefined };
};

/** Lines without their ends; an end at the very end begins no line. */
export const linesOf = (text: string): readonly string[] => {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
};
