const SECONDS = { h: 3600, m: 60, s: 1 };

/** Seconds in a text such as `1h30m` or `45s`. */
export function duration(text) {
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([hms])/g)) seconds = Number(count) * SECONDS[unit];
  return seconds;
}
