/** The candidate a person most likely meant, or undefined when nothing is near. */
export const nearest = (meant: string, candidates: Iterable<string>): string | undefined => {
  let best: string | undefined;
  let bestDistance = Math.floor(Math.max(meant.length, 3) / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(meant.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
};

/** `Did you mean "…"?`, or an empty text. */
export const didYouMean = (meant: string, candidates: Iterable<string>): string => {
  const guess = nearest(meant, candidates);
  return guess === undefined ? '' : `Did you mean "${guess}"?`;
};

/** Levenshtein distance, or any number from `limit` on when it is at least that. */
const editDistance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? limit;
};
