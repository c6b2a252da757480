// req P11: outcomes move routing, chance does not, and switched off nothing moves.
import { Random } from '../../../src/testing/simulation/random.ts';
import type { AgentConfig } from '../../../src/work/agents/agent.ts';
import { type Outcome, Outcomes } from '../../../src/work/planning/outcomes/outcomes.ts';
import { brier, replay } from '../../../src/work/planning/outcomes/replay.ts';
import { SUCCESS_ASSUMED } from '../../../src/work/planning/route/figures.ts';
import { route } from '../../../src/work/planning/route/route.ts';
import { point } from '../point.ts';

const TRAINING = 500;
const HELD_OUT = 500;
const WORLDS = 40;
/** Change of the held-out Brier score that would be of weight. */
const OF_WEIGHT = 0.01;
const TASKS = 50;

const agent = (name: string, quality: number): AgentConfig => ({
  name,
  kind: 'model',
  config: {},
  capabilities: ['code'],
  slots: TASKS,
  figures: { quality, costUsd: 0.1, latencyMs: 60_000 },
});
/** What their figures say speaks for A. */
const AGENTS = [agent('A', 0.75), agent('B', 0.65)];

function drawn(chance: Readonly<Record<string, number>>, count: number, seed: number): Outcome[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const who = random.chance(0.5) ? 'A' : 'B';
    const latencyMs = 30_000 * (1 + random.next());
    const costUsd = 0.05 + random.next() / 10;
    return { agent: who, capability: 'code', size: 2, success: random.chance(chance[who] ?? 0), costUsd, latencyMs, at: 60_000 * (i + 1) };
  });
}

/** Of 50 tasks, how many go to B, and how well held-out outcomes are forecast. */
function measured(chance: Readonly<Record<string, number>>, seed: number) {
  const known = new Outcomes();
  const training = drawn(chance, TRAINING, seed);
  for (const each of training) known.add(each);
  const later = drawn(chance, HELD_OUT, seed + 10_000);
  const toB = (learned?: Outcomes) =>
    route(
      Array.from({ length: TASKS }, (_, i) => ({ id: `t${i}`, needs: [], capability: 'code' })),
      AGENTS,
      learned ? { learned: (...of) => learned.learned(...of) } : {},
    ).assignments.filter((each) => each.agent === 'B').length;
  return {
    on: toB(known),
    off: toB(),
    brierOn: brier(later, (each) => known.learned(each.agent, each.capability, each.size)?.success ?? SUCCESS_ASSUMED),
    brierOff: brier(later, () => SUCCESS_ASSUMED),
    replayed: replay(training, AGENTS),
  };
}
const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;

export default point(import.meta, {
  id: 'planning/learning',
  title: 'Outcomes move routing, chance does not',
  bar: `${WORLDS} worlds with ${TRAINING} outcomes each: where they favour B, all ${TASKS} tasks move to B and the held-out Brier score improves in each; where both agents do alike, no task moves and the score changes by less than ${OF_WEIGHT} on average; switched off, all stay with A`,
  async run() {
    const seeds = Array.from({ length: WORLDS }, (_, i) => i + 1);
    const favour = seeds.map((seed) => measured({ A: 0.45, B: 0.9 }, seed));
    const alike = seeds.map((seed) => measured({ A: 0.8, B: 0.8 }, seed));
    const improved = favour.filter(({ brierOn, brierOff }) => brierOn < brierOff).length;
    const moved = favour.filter(({ on }) => on === TASKS).length;
    const stayed = alike.filter(({ on }) => on === 0).length;
    const change = mean(alike.map(({ brierOn, brierOff }) => brierOn - brierOff));
    const off = [...favour, ...alike].every(({ off: toB }) => toB === 0);
    const [done, routed] = (['done', 'routed'] as const).map((which) =>
      mean(favour.map(({ replayed }) => replayed.compared?.[which].success ?? 0)),
    );
    return {
      holds: improved === WORLDS && moved === WORLDS && stayed === WORLDS && Math.abs(change) < OF_WEIGHT && off,
      figure:
        `favouring B: all moved in ${moved} of ${WORLDS}, Brier ${mean(favour.map((each) => each.brierOff)).toFixed(4)} → ${mean(favour.map((each) => each.brierOn)).toFixed(4)}` +
        `, accepted when replayed ${((done ?? 0) * 100).toFixed(1)} % → ${((routed ?? 0) * 100).toFixed(1)} %` +
        `; alike: none moved in ${stayed} of ${WORLDS}, Brier changed by ${change.toFixed(5)}; off: ${off ? 'all stay with A' : 'some moved'}`,
    };
  },
});
