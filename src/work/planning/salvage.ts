/**
 * A JSON value out of what a model said: with prose around it, in a fence, cut off in the middle, with commas too many,
 * comments or single quotes. What had to be left out is told.
 */
import { jsonrepair } from 'jsonrepair';

export type Salvaged =
  | { readonly ok: true; readonly value: unknown; readonly notes: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** Longest text that is looked at, in characters. */
export const SAID_MAX = 2 * 1024 * 1024;
/** Lists and maps that lie in each other. */
const NESTED_MAX = 64;

export function salvageJson(said: string): Salvaged {
  if (said.length > SAID_MAX) return { ok: false, message: `limit SAID_MAX = ${SAID_MAX} characters: the answer has ${said.length}` };
  const whole = parsed(said.trim());
  if (whole !== undefined) return shallow(whole, []);
  let best: { value: unknown; notes: string[] } | undefined;
  for (const piece of pieces(said)) {
    const read = readPiece(piece);
    if (read && (!best || weight(read.value) > weight(best.value))) best = read;
  }
  if (!best) return { ok: false, message: 'there is no JSON in the answer' };
  const notes =
    said.trim().startsWith('{') || said.trim().startsWith('[') ? best.notes : ['left out what stands around the JSON', ...best.notes];
  return shallow(best.value, notes);
}

/** Whatever reads the value goes into it by calling itself. */
function shallow(value: unknown, notes: readonly string[]): Salvaged {
  const open: (readonly [unknown, number])[] = [[value, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [each, depth] = next;
    if (typeof each !== 'object' || each === null) continue;
    if (depth > NESTED_MAX) return { ok: false, message: `limit NESTED_MAX = ${NESTED_MAX}: lists and maps lie deeper in each other` };
    for (const inner of Object.values(each)) open.push([inner, depth + 1]);
  }
  return { ok: true, value, notes };
}

interface Found {
  readonly text: string;
  /** Brackets that were open at the end, and where the last complete element before them ended. */
  readonly open: string;
  readonly complete: number;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** Every bracketed piece of a text that lies in no other; the last may be without its end. */
function* pieces(text: string): Generator<Found> {
  for (let from = next(text, 0); from >= 0; ) {
    const { end, open, complete } = scan(text, from);
    yield { text: text.slice(from, end), open, complete: complete - from };
    from = open === '' ? next(text, end) : -1;
  }
}
const next = (text: string, from: number): number => {
  const at = text.slice(from).search(/[{[]/);
  return at < 0 ? -1 : from + at;
};

function scan(text: string, from: number): { end: number; open: string; complete: number } {
  const open: string[] = [];
  let complete = from;
  for (let i = from; i < text.length; i++) {
    const letter = text[i] ?? '';
    if (letter === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (letter in CLOSING) open.push(letter);
    else if (letter === '}' || letter === ']') {
      open.pop();
      if (open.length === 0) return { end: i + 1, open: '', complete: i + 1 };
      // A complete element of a list that is not complete itself.
      if (open.at(-1) === '[') complete = i + 1;
    }
  }
  return { end: text.length, open: open.join(''), complete };
}

function readPiece({ text, open, complete }: Found): { value: unknown; notes: string[] } | undefined {
  if (open === '') {
    const value = parsed(text) ?? repaired(text);
    return value === undefined ? undefined : { value, notes: parsed(text) === undefined ? ['mended the JSON'] : [] };
  }
  if (complete <= 0) return undefined;
  const cut = text.slice(0, complete);
  const value = repaired(cut);
  return value === undefined
    ? undefined
    : { value, notes: [`the answer was cut off: ${text.length - complete} characters after its last complete part are lost`] };
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function repaired(text: string): unknown {
  try {
    return parsed(jsonrepair(text));
  } catch {
    return undefined;
  }
}

/** A plan is the piece that says most. */
const weight = (value: unknown): number => JSON.stringify(value).length;
