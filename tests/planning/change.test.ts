// req P10: plans that are changed while they are carried out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Baton, type Run, type WorkflowData } from '../../src/index.ts';
import type { PlanChange } from '../../src/work/workflow/change-schema.ts';
import { say, startModelServer } from '../agents/support/model-server.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const AGENTS = {
  coder: { scripted: { replies: ['coded'] } },
  writer: { scripted: { replies: ['written'] } },
};
/** `first` has ended, and `hold` waits for a person: nothing behind it has begun. */
const PLAN = {
  version: 1,
  name: 'changing',
  agents: AGENTS,
  tasks: {
    first: { run: 'echo one' },
    hold: { needs: ['first'], approve: 'Go on?' },
    build: { needs: ['first', 'hold'], agent: 'coder', prompt: 'Build' },
    docs: { needs: ['build'], agent: 'coder', prompt: 'Document' },
    ship: { needs: ['docs'], run: 'echo shipped' },
  },
} satisfies WorkflowData;

async function begun(workflow: WorkflowData = PLAN, waitsFor = 'hold'): Promise<Run> {
  const cwd = mkdtempSync(join(tmpdir(), 'baton-change-'));
  const baton = await Baton.open({ home: join(cwd, '.baton'), cwd, env: { PATH: process.env['PATH'], HOME: cwd } });
  open.push({ close: () => rmSync(cwd, { recursive: true, force: true }) }, baton);
  const run = await baton.start(workflow);
  for await (const { fact } of run.follow()) if (fact.type === 'approval.requested' && fact.task === waitsFor) break;
  return run;
}
const needs = (run: Run, id: string) => run.state.tasks.get(id)?.spec.needs;
const goOn = async (run: Run, id = 'hold') => {
  await run.decide(id, 'approve');
  return run.finished();
};

test('a task that is inserted after a finished one holds back what needs that one', async () => {
  const run = await begun();
  await run.change({ insert: { lint: { needs: ['first'], run: 'echo lint' } } });
  expect(needs(run, 'build')).toEqual(['first', 'hold', 'lint']);
  const state = await goOn(run);
  const [lint, build] = [state.tasks.get('lint'), state.tasks.get('build')];
  expect(lint?.status).toBe('committed');
  expect(build?.startedAt).toBeGreaterThanOrEqual(lint?.endedAt ?? Number.POSITIVE_INFINITY);
});

test('one that is added holds nobody back; one that is dropped leaves its order to those behind it', async () => {
  const run = await begun();
  await run.change({ add: { extra: { needs: 'first', run: 'echo extra' } }, drop: ['docs'] });
  expect([needs(run, 'build'), needs(run, 'ship'), run.state.tasks.has('docs')]).toEqual([['first', 'hold'], ['build'], false]);
  expect((await goOn(run)).tasks.get('extra')?.status).toBe('committed');
});

test('a task goes to another agent, and one is split into several', async () => {
  const run = await begun();
  await run.change({
    route: { build: 'writer' },
    split: { docs: { guide: { agent: 'writer', prompt: 'Guide' }, api: { needs: ['guide'], agent: 'coder', prompt: 'API' } } },
  });
  expect(needs(run, 'guide')).toEqual(['build']);
  expect(needs(run, 'ship')).toEqual(['guide', 'api']);
  const state = await goOn(run);
  expect(state.tasks.get('build')?.agent).toBe('writer');
  expect(await run.result('build')).toMatchObject({ text: 'written' });
});

test('changes build on each other, and what is added reads what was there', async () => {
  const run = await begun();
  await run.change({ insert: { lint: { needs: ['first'], run: 'echo lint' } } });
  await run.change({
    add: { tell: { needs: ['lint', 'build'], run: 'printf %s "$WHAT"', env: { WHAT: '${{ tasks.lint.outputs.stdout }}' } } },
  });
  await goOn(run);
  expect(await run.result('tell')).toMatchObject({ stdout: 'lint\n' });
});

describe('a change that can’t be made leaves the state as it was, to the byte', () => {
  test.each<[string, string, PlanChange]>([
    ['nothing to do', 'CHANGE_INVALID', {}],
    ['an id twice', 'DUPLICATE_ID', { add: { build: { run: 'x' } } }],
    ['nobody', 'TASK_NOT_FOUND', { drop: ['nobody'] }],
    ['a task that has begun', 'PLAN_INVALID', { drop: ['hold'] }],
    ['a need that is not there', 'WORKFLOW_INVALID', { add: { a: { needs: ['nobody'], run: 'x' } } }],
    ['an agent that is not there', 'WORKFLOW_INVALID', { route: { build: 'nobody' } }],
    ['a circle', 'WORKFLOW_INVALID', { add: { a: { needs: ['b'], run: 'x' }, b: { needs: ['a'], run: 'x' } } }],
    [
      'one who reads what is dropped',
      'WORKFLOW_INVALID',
      { drop: ['build'], add: { a: { run: 'x', env: { A: '${{ tasks.build.summary }}' } } } },
    ],
    ['no agent’s task', 'CHANGE_INVALID', { route: { ship: 'writer' } }],
    ['a part alone', 'CHANGE_INVALID', { split: { docs: { all: { run: 'x' } } } }],
    ['a container that is no plan', 'CHANGE_INVALID', { drop: ['first/a'] }],
    ['tasks of two plans', 'CHANGE_INVALID', { drop: ['docs', 'goal/fix'] }],
  ])('%s', async (_, code, change) => {
    const run = await begun();
    const bytes = () => JSON.stringify([[...run.state.tasks.values()], run.state.version, run.state.seq, run.state.plan]);
    const before = bytes();
    await expect(run.change(change)).rejects.toMatchObject({ code });
    expect(bytes()).toBe(before);
  });

  test('one that was made against another version of the plan', async () => {
    const run = await begun();
    const [one, other] = await Promise.allSettled([run.change({ drop: ['docs'] }), run.change({ drop: ['ship'] })]);
    expect([one.status, other.status]).toEqual(['fulfilled', 'rejected']);
    expect(other).toMatchObject({ reason: { code: 'PLAN_STALE' } });
    expect([...run.state.tasks.keys()]).toEqual(['first', 'hold', 'build', 'ship']);
  });
});

test('the plan of a goal is changed while it is carried out', async () => {
  const said = JSON.stringify({
    requirements: [{ text: 'It is so' }],
    tasks: [
      { id: 'look', kind: 'approve', text: 'Go on?', needs: [] },
      { id: 'fix', text: 'Fix', capability: 'code', needs: ['look'] },
      { id: 'check', text: 'Check', capability: 'code', needs: ['fix'] },
    ],
  });
  const models = await startModelServer({ scripted: [say(said)] });
  open.push(models);
  const run = await begun(
    {
      version: 1,
      name: 'goal',
      agents: {
        planner: { model: 'local/scripted', baseUrl: models.url, capabilities: ['plan'] },
        coder: { scripted: { replies: ['coded'] }, capabilities: ['code'] },
        other: { scripted: { replies: ['other'] } },
      },
      tasks: { goal: { plan: 'Make it so' }, after: { needs: ['goal'], run: 'echo after' } },
    },
    'goal/look',
  );
  await run.change({
    insert: { 'goal/review': { needs: ['goal/fix'], agent: 'other', prompt: 'Review' } },
    route: { 'goal/fix': 'other' },
  });
  expect(needs(run, 'goal/check')).toEqual(['goal/fix', 'goal/review']);
  await run.change({ drop: ['goal/check'] });
  const state = await goOn(run, 'goal/look');
  expect([...state.tasks.keys()].sort()).toEqual(['after', 'goal', 'goal/fix', 'goal/look', 'goal/review', 'goal~plan']);
  expect(await run.result('goal/fix')).toMatchObject({ text: 'other' });
});
