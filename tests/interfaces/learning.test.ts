import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type OpenHome, openHome } from '../../src/compose/engine.ts';
import { Learning } from '../../src/compose/learning.ts';
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
const open = (cwd: string) => openHome({ home: join(cwd, '.baton'), cwd, env: { PATH: process.env['PATH'], HOME: cwd } });

async function carryOut({ services, host }: OpenHome, cwd: string, name: string, agent: string): Promise<void> {
  writeFileSync(join(cwd, 'work.yaml'), workflow(name, agent));
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
