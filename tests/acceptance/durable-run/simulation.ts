// req K4: a hundred thousand worlds without a violation, everything seen, and every planted fault caught.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PLANTED } from '../../../src/testing/simulation/faults.ts';
import { point } from '../point.ts';

const SEEDS = 100_000;
const script = fileURLToPath(new URL('../../../src/testing/simulate.ts', import.meta.url));
const play = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });

export default point(import.meta, {
  id: 'durable-run/simulation',
  title: 'A hundred thousand simulated worlds',
  bar: '100,000 seeds without a violation, at least 200 facts and one crash each, coverage complete; eight planted faults caught within 1,000 seeds each',
  timeoutMs: 60 * 60_000,
  async run() {
    const caught = Object.keys(PLANTED).map((fault) => {
      const { stderr } = play('--seeds', '1000', '--fault', fault);
      return { fault, seed: /seed (\d+)/.exec(stderr)?.[1] };
    });
    const missed = caught.filter(({ seed }) => seed === undefined);
    const { stdout, stderr, status } = play('--seeds', String(SEEDS));
    const sums = stdout.trimEnd().split('\n').at(-1) ?? '';
    return {
      holds: status === 0 && missed.length === 0 && sums.startsWith(`${SEEDS} seeds`),
      figure: `${sums}; ${caught.length - missed.length} of ${caught.length} planted faults caught (${caught.map(({ fault, seed }) => `${fault} at ${seed ?? 'none'}`).join(', ')})`,
      detail: stderr,
    };
  },
});
