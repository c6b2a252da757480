// req B2, P5, P12: plans of any shape and size are assigned whole, within capacity, and without recursion.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuReference, REFERENCE_MS } from '../../../bench/machine.ts';
import type { BatonError } from '../../../src/errors.ts';
import { Baton } from '../../../src/index.ts';
import type { DraftTask } from '../../../src/work/planning/draft.ts';
import { judge } from '../../../src/work/planning/judge.ts';
import type { RouteAgent } from '../../../src/work/planning/route/routing.ts';
import { say, startModelServer } from '../../agents/support/model-server.ts';
import { overCapacity, tooEarly } from '../../support/exact-routing.ts';
import { chain, draftOf, flat, layered, situationOf, staff } from '../../support/plans.ts';
import { point } from '../point.ts';

/** On the machine that bars are set for: to validate and to route. */
const BAR_MS: Readonly<Record<number, number>> = { 1000: 10, 10000: 150 };
/** The first ones are slow: V8 has not compiled them yet. */
const ROUNDS = 31;

const SHAPES: Readonly<Record<string, { readonly tasks: readonly DraftTask[]; readonly agents: readonly RouteAgent[] }>> = {
  '30 in a row on one slot': { tasks: chain(30), agents: staff(1, 1) },
  '1,000 on 7 × 10 slots': { tasks: flat(1_000), agents: staff(7, 10) },
  '24 layers of 2': { tasks: layered(24, 2), agents: staff(3, 2) },
  '1,000 in layers of 20': { tasks: layered(50, 20), agents: staff(7, 10) },
  'chain of 10,000': { tasks: chain(10_000), agents: staff(7, 10) },
  '10,000 wide': { tasks: flat(10_000), agents: staff(7, 10) },
};

interface Line {
  readonly holds: boolean;
  readonly text: string;
}

function planned(name: string, { tasks, agents }: (typeof SHAPES)[string], factor: number): Line {
  const [draft, situation] = [draftOf(tasks), situationOf(agents)];
  const times: number[] = [];
  let judged = judge(draft, situation);
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    judged = judge(draft, situation);
    times.push(performance.now() - began);
  }
  if (!judged.ok) return { holds: false, text: `${name}: refused: ${judged.findings[0]?.message}` };
  // Others' work on the machine can only add to it.
  const ms = Math.min(...times) / factor;
  const { routing } = judged.routed;
  const assigned = routing.assignments.length;
  const whole = routing.complete && assigned === tasks.length && overCapacity(routing, agents) === 0 && tooEarly(routing, tasks) === 0;
  return {
    holds: whole && ms <= (BAR_MS[tasks.length] ?? Number.POSITIVE_INFINITY),
    text: `${name}: ${assigned} of ${tasks.length} in ${ms.toFixed(1)} ms`,
  };
}

/** The first task alone could run; the list behind it is too long. */
async function beyondItsCap(): Promise<Line> {
  const models = await startModelServer({ scripted: [say('done')] });
  const folder = mkdtempSync(join(tmpdir(), 'baton-cap-'));
  const baton = await Baton.open({ cwd: folder, home: join(folder, '.baton'), env: { PATH: process.env['PATH'], HOME: folder } });
  try {
    writeFileSync(join(folder, 'baton.yaml'), CAPPED(models.url));
    const items = Array.from({ length: 547 }, (_, i) => i);
    const tasks = { first: { agent: 'writer', prompt: 'Hi' }, all: { needs: ['first'], foreach: items, agent: 'writer', prompt: 'Hi' } };
    const said = await baton.start({ version: 1, name: 'wide', tasks }).then(
      () => 'it ran',
      (error: unknown) => `${(error as BatonError).code}: ${(error as Error).message}`,
    );
    const refused = said.startsWith('PLAN_REFUSED') && said.includes('FANOUT_EXCEEDED  limit tasks = 50: it makes 549 tasks.');
    const calls = models.requests('scripted');
    return { holds: refused && calls === 0, text: `547 wide under a cap of 50: ${refused ? 'refused' : said} with ${calls} calls` };
  } finally {
    await baton.close();
    await models.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
const CAPPED = (url: string) => `version: 1
limits: { tasks: 50 }
agents: { writer: { model: local/scripted } }
providers: { local: { baseUrl: "${url}" } }
`;

export default point(import.meta, {
  id: 'planning/scale',
  title: 'Plans of every shape are assigned whole',
  bar: 'all tasks assigned, none over capacity, none before its needs; 1,000 tasks validated and routed within 10 ms and 10,000 within 150 ms; 547 tasks under a cap of 50 are refused before the first call',
  async run() {
    const factor = cpuReference() / REFERENCE_MS;
    const lines = [...Object.entries(SHAPES).map(([name, shape]) => planned(name, shape, factor)), await beyondItsCap()];
    return { holds: lines.every(({ holds }) => holds), figure: lines.map(({ text }) => text).join('; ') };
  },
});
