/** Lines of JSON from a stream, one by one; what is no JSON object comes as text. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { JsonObject } from './profile.ts';

/** Longest line, in characters: what goes beyond it is skipped, for only tools print so much. */
export const LINE_MAX = 16 * 1024 * 1024;

export interface LineReader {
  readonly onObject: (line: JsonObject) => void;
  readonly onText: (line: string) => void;
}

export const readJsonLines = (stream: Readable, { onObject, onText }: LineReader, lineMax = LINE_MAX): void => {
  const decoder = new StringDecoder('utf8');
  let pieces: string[] = [];
  let length = 0;
  let skipping = false;

  const endLine = (): void => {
    const line = pieces.join('');
    if (skipping) onText(`(a line longer than LINE_MAX = ${lineMax} characters was skipped)`);
    else if (line.trim() !== '') take(line);
    pieces = [];
    length = 0;
    skipping = false;
  };
  const take = (line: string): void => {
    const object = parsed(line);
    if (object === undefined) onText(line);
    else onObject(object);
  };
  const add = (piece: string): void => {
    length += piece.length;
    if (length > lineMax) {
      skipping = true;
      pieces = [];
    } else pieces.push(piece);
  };

  stream.on('data', (chunk: Buffer) => {
    const [first = '', ...rest] = decoder.write(chunk).split('\n');
    add(first);
    for (const piece of rest) {
      endLine();
      add(piece);
    }
  });
  stream.on('end', endLine);
};

const parsed = (line: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
};
