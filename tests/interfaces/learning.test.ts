import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type OpenHome, openHome } from '../../src/compose/engine.ts';
import { Learning } from '../../src/compose/learning.ts';
import { replayPast } from '../../src/compose/past.ts';
import { openReader } from '../../src/compose/reader.ts';
import { homePaths } from '../../src/engine/journal/home.ts';
import { RUN_TERMINAL } from '../../src/engine/kernel/state.ts';
import { route } from '../../src/work/planning/route/route.ts';

const SETTINGS = `
agents:
  weak: { scripted: { replies: [{ fail: { class: permanent } }] }, capabilities: [code], quality: 0.9, costUsd: 0.1, latency: 1m }
  good: { scripted: { replies: [done] }, capabilities: [code], quality: 0.8, costUsd: 0.1, latency: 1m }
`;
/** Eight tasks of one agent. */
const workflow = (name: string, agent: string) =>
  `version: 1\nname: ${name}\ntasks:\n${Array.from({ length: 8 }, (_, i) => `  t${i}: { agent: ${agent}, prompt: "part ${i}" }\n`).join('')}`;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function project(settings = SETTINGS): string {
  const cwd = mkdtempSync(join(tmpdir(), 'baton-learning-'));
  folders.push(cwd);
  writeFileSync(join(cwd, 'baton.yaml'), settings);
  return cwd;
}
const optionsOf = (cwd: string) => ({ home: join(cwd, '.baton'), cwd, env: { PATH: process.env['PATH'], HOME: cwd } });
const open = (cwd: string) => openHome(optionsOf(cwd));

async function carryOut({ services, host }: OpenHome, cwd: string, name: string, agent: string, text?: string): Promise<void> {
  writeFileSync(join(cwd, 'work.yaml'), text ?? workflow(name, agent));
  const plan = await services.workflows.prepare({ file: 'work.yaml', cwd });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stop = host.onFacts(() => {
    if (RUN_TERMINAL.has(host.state(name)?.status ?? 'running')) resolve();
  });
  const reply = await host.submit(name, { type: 'run.create', plan, by: services.local });
  if (!reply.ok) throw new Error(reply.refusal.message);
  await ended;
  stop();
}
const chosen = ({ settings, routing }: OpenHome) =>
  route([{ id: 't', needs: [], capability: 'code' }], settings.agents, routing(settings)).assignments[0]?.agent;

// req P11: real runs, a restart, a deleted file, and the switch.
test('what real runs brought moves routing, after a restart too, and is made anew from the journal alone', async () => {
  const cwd = project();
  const first = await open(cwd);
  expect(chosen(first)).toBe('weak');
  await carryOut(first, cwd, 'one', 'weak');
  await carryOut(first, cwd, 'two', 'good');
  const [weak, good] = ['weak', 'good'].map((agent) => first.learning.outcomes().learned(agent, 'code', 2));
  expect(weak?.success).toBeLessThan(0.5);
  expect(good?.success).toBeGreaterThan(0.8);
  expect(good?.latencyMs?.mean).toBeGreaterThanOrEqual(0);
  expect(chosen(first)).toBe('good');
  await first.close();

  const again = await open(cwd);
  expect(again.learning.outcomes().learned('weak', 'code', 2)).toEqual(weak);
  expect(chosen(again)).toBe('good');
  await again.close();

  const { learned } = homePaths(join(cwd, '.baton'));
  expect(existsSync(learned)).toBe(true);
  for (const spoil of [() => rmSync(learned), () => writeFileSync(learned, 'no database')]) {
    spoil();
    const anew = await open(cwd);
    expect(anew.learning.outcomes().learned('weak', 'code', 2)).toEqual(weak);
    await anew.close();
  }

  writeFileSync(join(cwd, 'baton.yaml'), `${SETTINGS}routing: { learn: false }\n`);
  const off = await open(cwd);
  expect(chosen(off)).toBe('weak');
  await off.close();
});

// req P11
test('finished plans are found by what they were about, until they are removed', async () => {
  const cwd = project();
  const home = await open(cwd);
  await carryOut(home, cwd, 'payment-migration', 'good');
  await carryOut(home, cwd, 'release-notes', 'good');
  await carryOut(home, cwd, 'payment-refund', 'weak');
  expect(home.learning.similar('Migrate the payments "OR NEAR( *')).toMatchObject([
    { run: 'payment-migration', name: 'payment-migration' },
  ]);
  expect(home.learning.similar('write release notes')[0]?.tasks).toEqual(['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7']);
  expect(home.learning.similar('zebra')).toEqual([]);
  expect(home.learning.similar('" * ( )')).toEqual([]);
  await home.services.engine.remove(['payment-migration']);
  expect(home.learning.similar('payment migration').map(({ run }) => run)).not.toContain('payment-migration');
  await home.close();
});

// req P11
test('whoever only reads a home writes nothing and knows the same', async () => {
  const cwd = project();
  const home = await open(cwd);
  await carryOut(home, cwd, 'one', 'weak');
  const path = join(cwd, 'not-there.db');
  const reader = new Learning({ path, journal: home.services.journal, write: false });
  expect(reader.outcomes().learned('weak', 'code', 2)).toEqual(home.learning.outcomes().learned('weak', 'code', 2));
  reader.close();
  expect(existsSync(path)).toBe(false);
  const beside = new Learning({ path: home.owner.paths.learned, journal: home.services.journal, write: false });
  await carryOut(home, cwd, 'two', 'good');
  expect(beside.outcomes().learned('good', 'code', 2)).toEqual(home.learning.outcomes().learned('good', 'code', 2));
  beside.close();
  await home.close();
});

/** Eight tasks for whoever can. */
const asking = (name: string, capability: string) => workflow(name, capability).replaceAll('agent:', 'capability:');
const BOTH = SETTINGS.replaceAll('[code]', '[code, text]');

// req P11: what is learned of a task is learned of what it asked for, also of an agent that can do several things.
test('agents are shown with what is known of them, the same by the owner and by a reader, until learning is switched off', async () => {
  const cwd = project(BOTH);
  const home = await open(cwd);
  const expectedOf = async (name: string, { services }: Pick<OpenHome, 'services'> | Awaited<ReturnType<typeof openReader>> = home) =>
    (await services.agents()).find((agent) => agent.name === name);
  expect(await expectedOf('weak')).toMatchObject({
    learn: true,
    expected: [
      { capability: 'code', outcomes: 0, success: { value: 0.8, from: 'assumed' }, quality: { value: 0.9, from: 'declared' } },
      { capability: 'text', outcomes: 0, costUsd: { mean: 0.1, from: 'declared' }, latencyMs: { mean: 60_000, from: 'declared' } },
    ],
  });
  await carryOut(home, cwd, 'one', '', asking('one', 'code'));
  await carryOut(home, cwd, 'two', 'good');
  const weak = await expectedOf('weak');
  expect(weak?.expected).toMatchObject([
    { capability: 'code', outcomes: 8, success: { from: 'outcomes' } },
    { capability: 'text', outcomes: 0 },
  ]);
  expect(weak?.expected?.[0]?.success.value).toBeLessThan(0.5);
  expect(weak?.expected?.[0]?.latencyMs.from).toBe('outcomes');
  const good = await expectedOf('good');
  expect(good?.expected).toMatchObject([{ capability: 'code', outcomes: 0 }, { capability: 'text' }, { capability: '', outcomes: 8 }]);
  const beside = await openReader(optionsOf(cwd));
  // Breakers are of the process that carries out runs.
  for (const each of [weak, good]) expect((await expectedOf(each?.name ?? '', beside))?.expected).toEqual(each?.expected);
  beside.close();

  writeFileSync(join(cwd, 'baton.yaml'), `${BOTH}routing: { learn: false }\n`);
  expect(await expectedOf('weak')).toMatchObject({
    learn: false,
    expected: [{ outcomes: 0, success: { value: 0.8, from: 'assumed' } }, {}],
  });
  await home.close();
});

// req P11
test('the past of a home is replayed out of its journal, by owner and reader, and only the latest of a long one', async () => {
  const cwd = project(BOTH);
  const home = await open(cwd);
  expect(await home.services.replay()).toEqual({ tasks: 0, earlier: 0, named: 0, moved: 0, unknown: 0, nobody: 0, learn: true });
  await carryOut(home, cwd, 'one', '', asking('one', 'code'));
  await carryOut(home, cwd, 'two', 'good');
  await carryOut(home, cwd, 'three', '', asking('three', 'code'));
  const replayed = await home.services.replay();
  expect(replayed).toMatchObject({ tasks: 24, earlier: 0, named: 8, nobody: 0, learn: true });
  // It saw after some failures what was known only after all of them.
  expect(replayed.moved).toBeGreaterThan(0);
  expect(replayed.compared?.routed.success).toBeGreaterThan(replayed.compared?.done.success ?? 1);
  expect(replayed.brier?.learned).toBeLessThan(replayed.brier?.assumed ?? 0);
  const beside = await openReader(optionsOf(cwd));
  expect(await beside.services.replay()).toEqual(replayed);
  beside.close();
  const { journal } = home.services;
  const { settings } = home;
  const leafing = {
    ...{ position: () => journal.position(), get: (hash: string) => journal.get(hash) },
    readAll: (after = 0) => journal.readAll(after, 7),
  };
  expect(await replayPast({ journal: leafing, settings })).toEqual(replayed);
  // The eight that failed are only learned from: whom the rest goes to is the same.
  for (const replayedMax of [16, 7, 1])
    expect(await replayPast({ journal, settings, replayedMax })).toMatchObject({ tasks: replayedMax, earlier: 24 - replayedMax, moved: 0 });
  writeFileSync(join(cwd, 'baton.yaml'), `${BOTH}routing: { learn: false }\n`);
  expect(await home.services.replay()).toEqual({ ...replayed, learn: false });
  await home.close();
});
