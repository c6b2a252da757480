/**
 * The three ways to a plan, from the best to the one that always works: a model makes it, a recipe that engineers wrote by
 * hand fits, or one agent does the goal as a whole. Which one was used, and why, stands in the plan.
 */
import type { Draft, Finding, Repair } from './draft.ts';
import { type Judged, judge } from './judge.ts';
import { draftOf, whoOf } from './recipes/recipe.ts';
import { recipeFor } from './recipes/recipes.ts';
import type { Situation } from './situation.ts';

export type Level = 'model' | 'recipe' | 'single';

export interface Plan {
  readonly level: Level;
  /** Why this level and none before it. */
  readonly why: string;
  readonly draft: Draft;
  readonly repairs: readonly Repair[];
  /** Worth a note: of the plan, and of the levels that were tried before. */
  readonly findings: readonly Finding[];
  /** Who does the tasks that name neither an agent nor a capability. */
  readonly chosen: ReadonlyMap<string, string>;
}
export type Planned = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly findings: readonly Finding[] };

type Good = Extract<Judged, { ok: true }>;

export const planOf = (level: Level, why: string, { draft, repairs, findings, routed }: Good, earlier: readonly Finding[] = []): Plan => ({
  level,
  why,
  draft,
  repairs,
  findings: [...earlier, ...findings],
  chosen: new Map(routed.routing.assignments.flatMap(({ task, agent }) => (agent === undefined ? [] : [[task, agent]]))),
});

/** Without a model. `why` says what became of it; `earlier` what it was refused for. */
export function planWithoutModel(situation: Situation, why: string, earlier: readonly Finding[] = []): Planned {
  const { goal } = situation;
  const recipe = recipeFor(goal, situation);
  const noted = earlier.map((each): Finding => ({ ...each, level: 'note' }));
  if (recipe) {
    const judged = judge(draftOf(goal, recipe.tasks(goal, situation)), situation);
    if (judged.ok) return { ok: true, plan: planOf('recipe', `${why}; the recipe ${recipe.name} ${recipe.what}`, judged, noted) };
    noted.push(...judged.findings.map((each): Finding => ({ ...each, level: 'note' })));
  }
  const single = judge(draftOf(goal, [wholeOf(situation)]), situation);
  const because = recipe ? `the recipe ${recipe.name} can't be carried out here` : 'no recipe fits';
  return single.ok
    ? { ok: true, plan: planOf('single', `${why}; ${because}`, single, noted) }
    : { ok: false, findings: [...single.findings, ...noted] };
}

/** One agent does it all. */
const wholeOf = ({ goal, agents }: Situation): Draft['tasks'][number] => ({
  id: 'whole',
  kind: 'agent',
  title: goal.split('\n', 1)[0]?.slice(0, 80) ?? '',
  text: goal,
  needs: [],
  covers: ['R1'],
  ...whoOf(agents, ['code', 'text']),
});
