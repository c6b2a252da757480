/** `kill -9` in the middle of W2, and everything that runs started again. */
import type { Entrant } from '../entrant.ts';
import type { Figures } from '../figures.ts';
import { recovery, type Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';

export const CRASH = 'Recovery: kill -9 in the middle of W2 (200 runs × 20 steps), then start again';
export const CRASH_1000 = 'Recovery: kill -9 with 1,000 runs of 20 steps in flight, then start again';
export const FIRST = 'to the first new step';
export const FINISHED = 'to the end of all runs';

export async function crash(
  figures: Figures,
  quiet: Quiet,
  site: Site,
  entrants: readonly Entrant[],
  { group, runs }: { readonly group: string; readonly runs: number },
): Promise<void> {
  for (const entrant of entrants)
    await figures.attempt(group, entrant.name, async () => {
      await quiet.wait();
      const { firstStepMs, finishedMs, unfinished, missing, repeated } = await recovery(entrant, site, runs);
      const key = { group, who: entrant.name };
      figures.add({ ...key, line: FIRST, unit: 'ms' }, firstStepMs);
      figures.add({ ...key, line: FINISHED, unit: 'ms' }, finishedMs);
      figures.add({ ...key, line: 'steps performed twice', unit: 'steps' }, repeated);
      figures.add({ ...key, line: 'steps never performed', unit: 'steps' }, missing);
      if (unfinished > 0) throw new Error('some runs did not end');
    });
}
