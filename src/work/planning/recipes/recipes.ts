/** All recipes, in the order in which they are tried: the ones that say most precisely what they are for first. */
import type { Situation } from '../situation.ts';
import { addFeature, fixBug, fixFailingTests, refactor, upgradeDependency } from './code.ts';
import type { Recipe } from './recipe.ts';
import { document, release, research, reviewChange } from './text.ts';

export const RECIPES: readonly Recipe[] = [
  fixFailingTests,
  reviewChange,
  release,
  upgradeDependency,
  refactor,
  fixBug,
  research,
  document,
  addFeature,
];

export const recipeFor = (goal: string, situation: Situation): Recipe | undefined => RECIPES.find(({ fits }) => fits(goal, situation));
