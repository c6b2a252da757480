/** A run by what people type: its id, the beginning of one that no other run shares, or `last`. */
import type { RunView } from '../../engine/kernel/view.ts';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
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

/** The newest run of that name, or the one whose id, or the beginning of it, is nearly what was typed. */
function nearest(typed: string, runs: readonly RunView[]): RunView | undefined {
  const guess = didYouMean(
    typed,
    runs.flatMap(({ run, name }) => [run, run.slice(0, typed.length), name]),
  );
  return guess === undefined ? undefined : runs.find(({ run, name }) => name === guess || run.startsWith(guess));
}
