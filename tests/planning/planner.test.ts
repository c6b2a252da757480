// Plans made by a model behind real HTTP, through the engine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Baton } from '../../src/index.ts';
import { fail, type ModelServer, say, startModelServer, type Turn } from '../agents/support/model-server.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function begin(turns: readonly Turn[], planning = ''): Promise<{ readonly baton: Baton; readonly models: ModelServer }> {
  const models = await startModelServer({ scripted: turns, writer: [say('written')] });
  const cwd = mkdtempSync(join(tmpdir(), 'baton-planner-'));
  writeFileSync(
    join(cwd, 'baton.yaml'),
    `version: 1
agents:
  architect: { model: local/scripted, capabilities: [plan] }
  writer: { model: local/writer, capabilities: [text] }
  worker: { scripted: { replies: [done] }, capabilities: [code], slots: 20 }
providers: { local: { baseUrl: "${models.url}" } }
${planning}`,
  );
  const baton = await Baton.open({ home: join(cwd, '.baton'), cwd, env: { PATH: process.env['PATH'], HOME: cwd } });
  open.push({ close: () => rmSync(cwd, { recursive: true, force: true }) }, models, baton);
  return { baton, models };
}
const GOAL = { version: 1, name: 'goal', tasks: { goal: { plan: 'Make it so' } } } as const;
const plan = (...tasks: readonly object[]) => JSON.stringify({ requirements: [{ text: 'It is so' }], tasks });
const composites = plan(...Array.from({ length: 10 }, (_, i) => ({ id: `part_${i}`, kind: 'composite', text: `Part ${i}`, needs: [] })));

async function carriedOut(baton: Baton) {
  const run = await baton.start(GOAL);
  const state = await run.finished();
  const planners = [...state.tasks.values()].filter(({ spec }) => spec.agent === 'planning');
  const made = await Promise.all(planners.map(({ spec }) => run.result(spec.id)));
  return { run, state, planners, made };
}

// req P2: PL5
test('a model that splits everything by ten is asked at most as often as the limit says, and what is left is done whole', async () => {
  const { baton, models } = await begin([say(composites)]);
  const { state, made } = await carriedOut(baton);
  expect(state.status).toBe('succeeded');
  expect(models.requests('scripted')).toBeGreaterThan(11);
  expect(models.requests('scripted')).toBeLessThanOrEqual(50);
  const codes = made.flatMap(({ findings }) => (findings as { code: string }[]).map(({ code }) => code));
  expect(codes).toContain('LIMIT_CALLS');
  const repairs = made.flatMap((each) => (each['repairs'] as { code: string }[]).map(({ code }) => code));
  expect(repairs).toContain('DEPTH_EXCEEDED');
  expect([...state.tasks.values()].filter(({ status }) => status !== 'committed')).toEqual([]);
});

// req P2
test.each([
  ['LIMIT_TOKENS', 'tokens: 1', /limit tokens = 1: planning in this run has used \d+/],
  ['LIMIT_TIME', 'time: 1ms', /limit time = 1: planning in this run has used \d+/],
])('%s: what the first plan used counts for those within it', async (code, limit, message) => {
  const { baton, models } = await begin([say(composites)], `planning: { limits: { ${limit} } }`);
  const { state, made } = await carriedOut(baton);
  expect(state.status).toBe('succeeded');
  expect(models.requests('scripted')).toBe(1);
  expect(made.slice(1).map(({ findings }) => findings)).toEqual(
    Array(10).fill([expect.objectContaining({ code, message: expect.stringMatching(message) })]),
  );
});

// req P1, P9
test('what is wrong with a plan is told to the model, and its next answer is taken', async () => {
  const unmet = JSON.stringify({ requirements: [{ text: 'Fast' }, { text: 'Safe' }], tasks: [{ id: 'a', text: 'Do', covers: ['R1'] }] });
  const { baton, models } = await begin([say(unmet), say(plan({ id: 'a', text: 'Do it', capability: 'code' }))]);
  const { state, made } = await carriedOut(baton);
  expect(state.status).toBe('succeeded');
  expect(made).toMatchObject([{ level: 'model' }]);
  expect(JSON.stringify(models.bodies('scripted')[1]?.messages)).toContain('UNCOVERED_REQUIREMENT: No task covers R2: Safe');
});

// req P1: PL4, one breaker on all paths
test('without an answer one agent does it all, and says why; a model that fails again and again is left alone', async () => {
  const { baton, models } = await begin([fail(400, {}, { error: { message: 'no' } })]);
  const ends = [];
  for (let i = 0; i < 8; i++) ends.push(await carriedOut(baton));
  expect(ends.map(({ state }) => state.status)).toEqual(ends.map(() => 'succeeded'));
  expect(ends[0]?.made).toMatchObject([
    { level: 'single', why: expect.stringMatching(/^no plan came from the agent architect .*; no recipe fits$/) },
  ]);
  expect(ends.at(-1)?.made).toMatchObject([{ why: expect.stringMatching(/architect is not asked for a while/) }]);
  expect(models.requests('scripted')).toBeLessThan(8);
});

test('what a plan says is data: an expression in a prompt is handed on as it was written', async () => {
  const { baton, models } = await begin([say(plan({ id: 'a', text: 'Print ${{ secrets.TOKEN }}', capability: 'text' }))]);
  const { state } = await carriedOut(baton);
  expect(state.status).toBe('succeeded');
  expect(models.bodies('writer')[0]?.messages.at(-1)?.content).toContain('Print ${{ secrets.TOKEN }}');
});

// req D1: who may be given planned tasks
test('a plan gives tasks only to those that settings let planned tasks go to', async () => {
  const { baton, models } = await begin([say(plan({ id: 'a', text: 'Do it', agent: 'writer' }))], 'planning: { agents: [worker] }');
  const { state, made } = await carriedOut(baton);
  expect([...state.tasks.values()].map(({ agent }) => agent)).toEqual([undefined, 'planning', 'worker']);
  expect(made).toMatchObject([{ repairs: [{ code: 'ACL_DENIED' }] }]);
  expect(JSON.stringify(models.bodies('scripted')[0]?.messages)).not.toContain('writer');
});

// req P1: ambiguities become questions to a person where the plan depends on them
test('a question of a plan waits for a person, and what depends on the answer for it', async () => {
  const asked = JSON.stringify({
    requirements: [{ text: 'It is so' }],
    questions: [{ id: 'which', text: 'Which of the two?', choices: ['this', 'that'] }],
    tasks: [{ id: 'a', text: 'Do it', capability: 'code', needs: ['which'] }],
  });
  const { baton } = await begin([say(asked)]);
  const run = await baton.start(GOAL);
  while (run.state.tasks.get('goal/which')?.status !== 'running') await new Promise((resolve) => setTimeout(resolve, 10));
  expect(run.state.tasks.get('goal/a')?.status).toBe('pending');
  await run.answer('goal/which', 'that');
  expect((await run.finished()).status).toBe('succeeded');
});
