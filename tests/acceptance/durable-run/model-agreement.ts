// req K4: the kernel and a model that states the rules another way agree on ten thousand random plans.
import { disagreement } from '../../../src/testing/simulation/agreement.ts';
import { point } from '../point.ts';

const PLANS = 10_000;

export default point(import.meta, {
  id: 'durable-run/model-agreement',
  title: 'Kernel and independent model agree',
  bar: 'no difference on 10,000 random plans',
  async run() {
    const differences: string[] = [];
    for (let seed = 1; seed <= PLANS; seed++) {
      const difference = disagreement(seed);
      if (difference !== undefined) differences.push(`plan ${seed}: ${difference}`);
    }
    return {
      holds: differences.length === 0,
      figure: `${PLANS - differences.length} of ${PLANS} plans agree`,
      detail: differences.slice(0, 10).join('\n'),
    };
  },
});
