/**
 * Globs of paths: `**` for any folders, `*` and `?` within a name, `{a,b}` for either. The time is bounded by the length of
 * the glob times that of the path, since both may be chosen by somebody who means us to wait.
 */
import { z } from 'zod';

/** Most globs that the braces of one may stand for. */
const ALTERNATIVES_MAX = 64;

export const glob = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => alternatives(text) !== undefined, `braces may not nest, and stand for at most ${ALTERNATIVES_MAX} globs`);

/** @param pattern one that `glob` takes */
export const globMatcher = (pattern: string): ((path: string) => boolean) => {
  const all = (alternatives(pattern) ?? []).map((each) => each.split('/'));
  return (path) => {
    const names = path.split('/');
    return all.some((segments) => fits(segments, names, '**', nameFits));
  };
};

const nameFits = (segment: string, name: string): boolean =>
  fits([...segment], [...name], '*', (letter, other) => letter === '?' || letter === other);

/** Does a list fit a pattern whose `any` stands for any number of items? One way back is enough: to the last `any`. */
const fits = (
  pattern: readonly string[],
  items: readonly string[],
  any: string,
  one: (pattern: string, item: string) => boolean,
): boolean => {
  let at = 0;
  let back: { readonly at: number; readonly item: number } | undefined;
  for (let item = 0; item < items.length; ) {
    const expected = pattern[at];
    if (expected === any) {
      back = { at, item };
      at += 1;
    } else if (expected !== undefined && one(expected, items[item] ?? '')) {
      at += 1;
      item += 1;
    } else if (back !== undefined) {
      back = { at: back.at, item: back.item + 1 };
      at = back.at + 1;
      item = back.item;
    } else return false;
  }
  return pattern.slice(at).every((rest) => rest === any);
};

const alternatives = (text: string): readonly string[] | undefined => {
  let found: readonly string[] = [''];
  for (const [, plain = '', choice] of text.matchAll(/([^{}]+)|\{([^{}]*)\}|[{}]/g)) {
    if (plain === '' && choice === undefined) return undefined;
    const parts = choice === undefined ? [plain] : choice.split(',');
    found = found.flatMap((before) => parts.map((part) => before + part));
    if (found.length > ALTERNATIVES_MAX) return undefined;
  }
  return found;
};
