// req P3, P8, P9, P13: what a planner said badly becomes the plan that was meant, with its repairs named, or a coded refusal.
import { expect, test } from 'vitest';
import { badPlans, check } from '../support/bad-plans.ts';

test.each(badPlans().map((each) => [each.name, each] as const))('%s', async (_, each) => {
  const { ended, problems } = await check(each);
  expect(problems).toEqual([]);
  expect(ended).toBe(each.refused ? 'refused' : 'plan');
});
