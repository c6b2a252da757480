/** Texts with `${{ expressions }}` in them, cut into pieces. */
import type { Part, Template } from '../planning/definition.ts';

export interface Piece {
  readonly expr: string;
  /** Offset of the expression's first character in the text. */
  readonly at: number;
}

/** The pieces of a text in order; an opening without an end is reported by its offset, and stays text. */
export function split(text: string): { readonly pieces: (string | Piece)[]; readonly unclosed?: number } {
  const pieces: (string | Piece)[] = [];
  let from = 0;
  for (let open = text.indexOf('${{'); open >= 0; open = text.indexOf('${{', from)) {
    const end = closing(text, open + 3);
    if (end < 0) return { pieces: [...pieces, text.slice(from)], unclosed: open };
    if (open > from) pieces.push(text.slice(from, open));
    const inner = text.slice(open + 3, end);
    const lead = inner.length - inner.trimStart().length;
    pieces.push({ expr: inner.trim(), at: open + 3 + lead });
    from = end + 2;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return { pieces };
}

/** Where `}}` ends the expression that begins at `from`, texts in quotes and maps aside; -1 when it does not end. */
function closing(text: string, from: number): number {
  let quote = '';
  let braces = 0;
  for (let i = from; i < text.length; i++) {
    const letter = text[i];
    if (quote !== '') {
      if (letter === '\\') i++;
      else if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '{') braces++;
    else if (letter === '}') {
      if (braces > 0) braces--;
      else if (text[i + 1] === '}') return i;
    }
  }
  return -1;
}

export const hasExpression = (text: string): boolean => text.includes('${{');

/** A text as a template: plain where nothing is to be filled in; secrets become references. */
export function template(text: string): Template {
  if (!hasExpression(text)) return text;
  const parts = split(text).pieces.map((piece): Part => {
    if (typeof piece === 'string') return piece;
    const secret = /^secrets\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(piece.expr)?.[1];
    return secret === undefined ? { expr: piece.expr } : { secret };
  });
  return { parts };
}

/** What a value becomes inside a text: itself when it is one, else canonical JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : canonical(value);
}

/** JSON with sorted keys, so that equal values have equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
