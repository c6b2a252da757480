// req P5: the router against the exact optimum.
import { Random } from '../../../src/testing/simulation/random.ts';
import { route } from '../../../src/work/planning/route/route.ts';
import { bestUtility, overCapacity, randomInstance, tooEarly, utilityOf } from '../../support/exact-routing.ts';
import { point } from '../point.ts';

const INSTANCES = 2_000;
const GAP_MAX = 0.05;

export default point(import.meta, {
  id: 'planning/routing',
  title: 'Routing is within 5 % of the exact optimum',
  bar: `${INSTANCES} random instances of up to 8 tasks and 3 agents: the worst gap to the exact optimum of U at most 5 %, no agent over its slots at any moment, no task before its needs, all assigned`,
  async run() {
    let [worst, worstSeed, exact, over, early, unassigned] = [0, 0, 0, 0, 0, 0];
    for (let seed = 1; seed <= INSTANCES; seed++) {
      const random = new Random(seed);
      const { tasks, agents, weights, options } = randomInstance(() => random.next());
      const routing = route(tasks, agents, options);
      const best = bestUtility(tasks, agents, weights);
      const gap = (best - utilityOf(routing, agents, weights)) / Math.abs(best);
      if (gap < 1e-9) exact++;
      if (gap > worst) [worst, worstSeed] = [gap, seed];
      over += overCapacity(routing, agents);
      early += tooEarly(routing, tasks);
      unassigned += tasks.length - routing.assignments.length;
    }
    return {
      holds: worst <= GAP_MAX && over === 0 && early === 0 && unassigned === 0,
      figure: `worst gap ${(worst * 100).toFixed(2)} %, ${exact} of ${INSTANCES} exact; ${over} moments over capacity, ${early} tasks too early, ${unassigned} unassigned`,
      detail: `the worst is the instance of seed ${worstSeed}`,
    };
  },
});
