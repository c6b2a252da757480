/** Finds the lines of a text that match, by text in this thread or by pattern in another one. */
import { Worker } from 'node:worker_threads';
import { BatonError } from '../../../errors.ts';

export interface LineMatch {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}
export interface Matcher extends AsyncDisposable {
  /** @throws BatonError `BAD_PATTERN`, `PATTERN_TOO_SLOW` */
  matchesIn(text: string, max: number): Promise<readonly LineMatch[]>;
}

/** What all files of one search may take a pattern, in milliseconds. */
export const PATTERN_TIME_MAX_MS = 5_000;
/** Most characters of a line that are shown. */
const LINE_MAX = 300;

export const textMatcher = (wanted: string, ignoreCase: boolean): Matcher => {
  const folded = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const needle = folded(wanted);
  return {
    async matchesIn(text, max) {
      const found: LineMatch[] = [];
      // Most files hold nothing, and that is quickly said of the whole.
      if (!folded(text).includes(needle)) return found;
      for (const [index, line] of text.split('\n').entries()) {
        if (!folded(line).includes(needle)) continue;
        found.push({ line: index + 1, text: line.trimEnd().slice(0, LINE_MAX) });
        if (found.length >= max) break;
      }
      return found;
    },
    async [Symbol.asyncDispose]() {},
  };
};

/** Runs as a text, so that it is the same file or no file wherever Baton is built to. */
const SEARCHER = `
const { parentPort, workerData } = require('node:worker_threads');
const pattern = new RegExp(workerData.pattern, workerData.flags);
parentPort.on('message', ({ text, max, shown }) => {
  const found = [];
  let number = 0;
  for (const line of text.split('\\n')) {
    number += 1;
    if (!pattern.test(line)) continue;
    found.push({ line: number, text: line.trimEnd().slice(0, shown) });
    if (found.length >= max) break;
  }
  parentPort.postMessage(found);
});
`;

export const patternMatcher = (pattern: string, ignoreCase: boolean, timeMaxMs: number = PATTERN_TIME_MAX_MS): Matcher => {
  const flags = ignoreCase ? 'iu' : 'u';
  try {
    new RegExp(pattern, flags);
  } catch (error) {
    throw new BatonError(
      'BAD_PATTERN',
      `${JSON.stringify(pattern)} is no pattern: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'Leave out `regex` to find it as a text.',
        cause: error,
      },
    );
  }
  const worker = new Worker(SEARCHER, {
    eval: true,
    workerData: { pattern, flags },
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  let leftMs = timeMaxMs;
  return {
    async matchesIn(text, max) {
      const from = performance.now();
      const { promise, resolve, reject } = Promise.withResolvers<readonly LineMatch[]>();
      const limit = setTimeout(() => reject(tooSlow(pattern, timeMaxMs)), Math.max(0, leftMs));
      worker.once('message', resolve).once('error', reject);
      try {
        worker.postMessage({ text, max, shown: LINE_MAX });
        return await promise;
      } finally {
        clearTimeout(limit);
        worker.off('message', resolve).off('error', reject);
        leftMs -= performance.now() - from;
      }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
};

const tooSlow = (pattern: string, timeMaxMs: number): BatonError =>
  new BatonError('PATTERN_TOO_SLOW', `The pattern ${JSON.stringify(pattern)} took more than PATTERN_TIME_MAX_MS = ${timeMaxMs} ms.`, {
    hint: 'Avoid repetitions within repetitions, or search a smaller folder, or for a text.',
    details: { timeMaxMs },
  });
