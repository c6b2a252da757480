import { didYouMean } from '../../near.ts';

/** `Did you mean "…"?`, or an empty text when nothing known is near. */
export const suggestion = (meant: string, known: Iterable<string>): string => {
  const guess = didYouMean(meant, known);
  return guess === undefined ? '' : `Did you mean "${guess}"?`;
};
