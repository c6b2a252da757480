/** A run by what people type: its id, the beginning of one that no other run shares, or `last`. */
import type { RunView } from '../../engine/journal/view.ts';
import { BatonError } from '../../errors.ts';
import type { Services } from './services.ts';

/** @throws BatonError `RUN_NOT_FOUND` with a guess, or `AMBIGUOUS_RUN` with the candidates */
export function findRun({ state, views }: Services, typed: string): string {
  if (typed !== 'last' && state(typed)) return typed;
  const runs = views.list({ limit: typed === 'last' ? 1 : Number.MAX_SAFE_INTEGER });
  const [newest] = runs;
  if (newest === undefined) throw new BatonError('RUN_NOT_FOUND', 'There are no runs here yet.', { hint: 'Start one: baton run FILE' });
  if (typed === 'last') return newest.run;
  const found = runs.filter(({ run }) => run.startsWith(typed));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.run;
  if (found.length > 1)
    throw new BatonError('AMBIGUOUS_RUN', `"${typed}" begins the ids of ${found.length} runs.`, {
      where: typed,
      hint: `Type more of it: ${found.slice(0, 5).map(described).join(', ')}${found.length > 5 ? ', …' : ''}`,
      details: { runs: found.map(({ run }) => run) },
    });
  const near = nearest(typed, runs);
  throw new BatonError('RUN_NOT_FOUND', `There is no run "${typed}".`, {
    where: typed,
    hint: near ? `Did you mean ${described(near)}?` : 'See the runs there are: baton list',
  });
}

const described = ({ run, name }: RunView): string => `${run} (${name})`;

/** The newest run of that name, or the one whose id is at most two changes away. */
function nearest(typed: string, runs: readonly RunView[]): RunView | undefined {
  const named = runs.find(({ name }) => name === typed);
  if (named) return named;
  let best: { view: RunView; distance: number } | undefined;
  for (const view of runs) {
    const distance = Math.min(changes(typed, view.run), changes(typed, view.run.slice(0, typed.length)));
    if (distance <= 2 && distance < typed.length / 2 && (!best || distance < best.distance)) best = { view, distance };
  }
  return best?.view;
}

/** Levenshtein's distance. */
function changes(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
