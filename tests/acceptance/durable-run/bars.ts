// req K13, F7: the numbers to reach, measured beside the peers in one run on one machine.
import { bench } from '../../../bench/bench.ts';
import { point } from '../point.ts';

const [SHORT_MAX, SHARE_MAX] = [2, 1.5];
const ROUNDS = 3;

export default point(import.meta, {
  id: 'durable-run/bars',
  title: 'speed, recovery, start and memory beside DBOS, Restate and LangGraph.js',
  bar: `at most ${SHORT_MAX} bars fall short, and none takes more than ${SHARE_MAX} × its time`,
  timeoutMs: 60 * 60_000,
  async run() {
    const { bars, missing, figures, noisy } = await bench({
      peers: true,
      bars: true,
      rounds: ROUNDS,
      folder: undefined,
      progress: () => {},
    });
    const short = bars.filter(({ holds }) => !holds);
    // What was not measured has no share, and falls short too.
    const far = bars.filter(({ share }) => !(share <= SHARE_MAX));
    const lines = bars.map(({ what, bar, figure, holds }) => `${holds ? 'holds' : 'falls short'}: ${what}, ${figure} (${bar})`);
    const beside = [
      ...missing.map(({ name, why }) => `not measured: ${name} (${why})`),
      ...figures.failures.map(({ group, who, why }) => `failed: ${group}, ${who} (${why})`),
      ...(noisy > 0 ? [`${noisy} measurements in noise`] : []),
    ];
    return {
      holds: short.length <= SHORT_MAX && far.length === 0,
      figure: `${bars.length - short.length} of ${bars.length} bars hold. ${[...lines, ...beside].join('; ')}`,
      detail: [...lines, ...beside].join('\n'),
    };
  },
});
