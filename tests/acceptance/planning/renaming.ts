// req P8: findings are stable under renaming.
import fc from 'fast-check';
import { FOUND, renamings, saidOtherwise } from '../../support/renaming.ts';
import { point } from '../point.ts';

const PLANS = 20_000;

export default point(import.meta, {
  id: 'planning/renaming',
  title: 'What is found in a plan does not depend on names',
  bar: `${PLANS} random plans under other names: the same findings, repairs and agents`,
  async run() {
    const codes = new Set<string>();
    let plans = 0;
    const result = fc.check(
      fc.property(renamings, ([plan, names]) => {
        plans++;
        return saidOtherwise(plan, names, codes) === undefined;
      }),
      { numRuns: PLANS },
    );
    const missing = FOUND.filter((code) => !codes.has(code));
    return {
      holds: !result.failed && missing.length === 0,
      figure: `${plans} plans, ${result.failed ? 'one said otherwise' : 'none said otherwise'}; ${codes.size} kinds of findings met`,
      detail: result.failed ? JSON.stringify(result.counterexample) : missing.join(', '),
    };
  },
});
