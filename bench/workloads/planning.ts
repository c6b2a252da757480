/** Plans of all sizes validated and routed, beside a fixed piece of work for one processor in the same process. */
import type { DraftTask } from '../../src/work/planning/draft.ts';
import { judge } from '../../src/work/planning/judge.ts';
import { draftOf, flat, layered, situationOf, staff } from '../../tests/support/plans.ts';
import type { Figures } from '../figures.ts';
import { cpuReference } from '../machine.ts';
import type { Quiet } from '../quiet.ts';
import { median } from '../stats.ts';
import { BATON } from './alone.ts';

export const PLANNING = 'Validating and routing a plan, × the processor’s reference';
const SIZES = [5, 50, 200, 1_000, 10_000] as const;
/** As wide as a plan of that size usually is. */
const LAYER = 10;
const TIMES = 15;
const SHAPES: Readonly<Record<string, (size: number) => DraftTask[]>> = {
  flat,
  layered: (size) => layered(Math.ceil(size / LAYER), Math.min(size, LAYER)),
};

export const planLine = (size: number, shape: string): string => `${size.toLocaleString('en')} tasks, ${shape}`;
export const PLAN_SHAPES = Object.keys(SHAPES);

/** @throws Error when a task was left without an agent: what is dropped is no work done */
export async function planning(figures: Figures, quiet: Quiet): Promise<void> {
  const situation = situationOf(staff(7, 10));
  await quiet.wait();
  const reference = cpuReference();
  for (const [shape, make] of Object.entries(SHAPES))
    for (const size of SIZES) {
      const draft = draftOf(make(size));
      const times = Array.from({ length: TIMES }, () => {
        const began = performance.now();
        const judged = judge(draft, situation);
        const ms = performance.now() - began;
        if (!judged.ok) throw new Error(`${planLine(size, shape)}: ${judged.findings[0]?.message}`);
        const { complete, assignments } = judged.routed.routing;
        if (!complete) throw new Error(`${planLine(size, shape)}: ${assignments.length} of ${size} assigned`);
        return ms;
      });
      figures.add({ group: PLANNING, line: planLine(size, shape), who: BATON, unit: '×' }, median(times) / reference);
    }
}
