// req K4: the kernel and a model that states the rules another way agree on ten thousand random plans.
import { agree } from '../../../src/testing/simulation/agreement.ts';
import { point } from '../point.ts';

const PLANS = 10_000;

export default point(import.meta, {
  id: 'durable-run/model-agreement',
  title: 'Kernel and independent model agree',
  bar: 'no difference on 10,000 random plans, played with crashes, failed commits, people and changes of the plan',
  async run() {
    const differences: string[] = [];
    let [plans, facts, crashes, seed] = [0, 0, 0, 0];
    while (plans < PLANS && differences.length < 10) {
      seed++;
      try {
        const played = agree(seed);
        plans += played.plans;
        facts += played.facts;
        crashes += played.crashes;
      } catch (error) {
        differences.push(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
      }
    }
    return {
      holds: differences.length === 0,
      figure: `${plans} plans of ${seed} seeds agree, ${differences.length} seeds differ; ${facts} facts, ${crashes} crashes`,
      detail: differences.join('\n'),
    };
  },
});
