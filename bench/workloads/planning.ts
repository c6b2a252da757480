/** Plans of all sizes validated and routed, and goals planned on each level, beside a fixed piece of work for one processor in the same process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Baton } from '../../src/index.ts';
import type { DraftTask } from '../../src/work/planning/draft.ts';
import { judge } from '../../src/work/planning/judge.ts';
import { say, startModelServer } from '../../tests/agents/support/model-server.ts';
import { draftOf, flat, layered, situationOf, staff } from '../../tests/support/plans.ts';
import type { Figures } from '../figures.ts';
import { cpuReference } from '../machine.ts';
import type { Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';
import { median } from '../stats.ts';
import { BATON } from './alone.ts';

export const PLANNING = 'Validating and routing a plan, × the processor’s reference';
const SIZES = [5, 50, 200, 1_000, 10_000] as const;
/** As wide as a plan of that size usually is. */
const LAYER = 10;
const TIMES = 15;
/** The first ones are slow: V8 has not compiled them yet. */
const WARM = 10;
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
      const times = Array.from({ length: WARM + TIMES }, () => {
        const began = performance.now();
        const judged = judge(draft, situation);
        const ms = performance.now() - began;
        if (!judged.ok) throw new Error(`${planLine(size, shape)}: ${judged.findings[0]?.message}`);
        const { complete, assignments } = judged.routed.routing;
        if (!complete) throw new Error(`${planLine(size, shape)}: ${assignments.length} of ${size} assigned`);
        return ms;
      });
      figures.add({ group: PLANNING, line: planLine(size, shape), who: BATON, unit: '×' }, median(times.slice(WARM)) / reference);
    }
}

export const GOALS = 'From a goal to its checked plan, stored, × the processor’s reference';
const PLANNED = JSON.stringify({
  requirements: [{ text: 'The tests pass' }],
  tasks: [
    { id: 'look', text: 'Find what fails', capability: 'code', needs: [], covers: ['R1'] },
    { id: 'fix', text: 'Fix it', capability: 'code', needs: ['look'], writes: ['src/**'], gates: [{ run: 'npm test' }] },
    { id: 'tell', text: 'Tell what was wrong', capability: 'code', needs: ['fix'] },
  ],
});
const LEVELS: Readonly<Record<string, { readonly goal: string; readonly withModel: boolean }>> = {
  model: { goal: 'Fix the failing tests', withModel: true },
  recipe: { goal: 'Fix the failing tests', withModel: false },
  single: { goal: 'Whatever comes to mind', withModel: false },
};

/** A model that answers at once, over real HTTP: what is measured is everything but the model. @throws Error for a plan of another level */
export async function goals(figures: Figures, quiet: Quiet, { base }: Pick<Site, 'base'>): Promise<void> {
  const models = await startModelServer({ scripted: [say(PLANNED)] });
  try {
    for (const [level, { goal, withModel }] of Object.entries(LEVELS)) {
      const folder = mkdtempSync(join(base, 'goal-'));
      writeProject(folder, withModel ? models.url : undefined);
      const baton = await Baton.open({ cwd: folder, home: join(folder, '.baton'), env: { PATH: process.env['PATH'], HOME: folder } });
      try {
        const plan = async () => {
          const began = performance.now();
          const run = await baton.start({ version: 1, name: 'goal', tasks: { goal: { plan: goal, carryOut: false } } });
          const { level: used, why } = await run.result('goal');
          if (used !== level) throw new Error(`planned by the level ${used} instead of ${level}: ${why}`);
          return performance.now() - began;
        };
        await plan();
        await quiet.wait();
        const reference = cpuReference();
        const times: number[] = [];
        for (let time = 0; time < TIMES; time++) times.push(await plan());
        figures.add({ group: GOALS, line: `${level} level`, who: BATON, unit: '×' }, median(times) / reference);
      } finally {
        await baton.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }
  } finally {
    await models.close();
  }
}

/** @param model where the model that plans is, if there is one */
function writeProject(folder: string, model: string | undefined): void {
  const planner = '\n  planner: { model: local/scripted, capabilities: [plan] }';
  const agents = `agents:\n  coder: { scripted: { replies: [done] }, capabilities: [code] }${model === undefined ? '' : planner}`;
  const providers = model === undefined ? '' : `\nproviders: { local: { baseUrl: "${model}" } }`;
  writeFileSync(join(folder, 'baton.yaml'), `version: 1\n${agents}${providers}\n`);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'p', scripts: { test: 'node --test' } }));
  mkdirSync(join(folder, 'src'));
  for (let i = 0; i < 200; i++) writeFileSync(join(folder, 'src', `file-${i}.js`), '');
  // A task sees the project where it is a repository.
  writeFileSync(join(folder, '.gitignore'), '.baton\n');
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['-c', 'user.name=b', '-c', 'user.email=b@example.com', 'commit', '-qm', 'first'],
  ])
    execFileSync('git', args, { cwd: folder });
}
