// req P2, P3, P8, P9, P13: recorded bad answers of planners, each with the plan or the refusal that is expected of it.
import { badPlans, check } from '../../support/bad-plans.ts';
import { point } from '../point.ts';

const [CASES_MIN, PLANS_MIN] = [60, 45];

export default point(import.meta, {
  id: 'planning/bad-plans',
  title: 'bad answers of planners',
  bar: `at least ${CASES_MIN} answers, at least ${PLANS_MIN} of them end in the expected plan with the repairs named, the rest in the expected coded refusal`,
  async run() {
    const cases = badPlans();
    const wrong: string[] = [];
    const ends = { plan: 0, refused: 0 };
    for (const each of cases) {
      const { ended, problems } = await check(each);
      if (problems.length === 0 && (ended === 'refused') === (each.refused !== undefined)) ends[ended]++;
      else wrong.push(`${each.name}: ${problems.join('; ') || ended}`);
    }
    return {
      holds: wrong.length === 0 && cases.length >= CASES_MIN && ends.plan >= PLANS_MIN,
      figure: `${cases.length} answers: ${ends.plan} end in the expected plan, ${ends.refused} in the expected refusal, ${wrong.length} in anything else`,
      detail: wrong.join('\n'),
    };
  },
});
