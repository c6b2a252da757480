import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Baton, type Fact } from '../../src/index.ts';
import { EDITOR, edits } from '../acceptance/support/repository.ts';

let top = '';
let baton: Baton;
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'baton-rollback-'));
  const project = join(top, 'project');
  mkdirSync(join(project, 'lib'), { recursive: true });
  writeFileSync(join(project, 'lib/kept.txt'), 'kept\n');
  execFileSync('bash', ['-ec', 'git init -q; git add -A; git -c user.name=u -c user.email=u@v commit -qm one'], { cwd: project });
  baton = await Baton.open({ home: join(top, 'home'), cwd: project, env: { PATH: process.env['PATH'], HOME: top } });
});
afterEach(async () => {
  await baton.close();
  rmSync(top, { recursive: true, force: true });
});

const VALID = Array.from({ length: 8 }, (_, n) => ({ write: `src/${n}.txt`, text: `valid ${n}\n` }));
const SEEN = [
  ...VALID.map(({ write, text }) => `test "$(cat ${write})" = "${text.trim()}"`),
  'test "$(cat lib/kept.txt)" = kept',
  'test ! -e lib/new.txt',
].join(' && ');

const play = async (workflow: object) => {
  const run = await baton.start({ version: 1, name: 'rollback', promote: 'never', agents: { editor: EDITOR }, ...workflow } as never);
  const facts: Fact[] = [];
  for await (const { fact } of run.follow()) facts.push(fact);
  return { run, facts, state: run.state };
};

// req W4
test('of ten changed files the two that were not allowed are put back, the agent is told, and its taking it is on record', async () => {
  const wrong = [
    { write: 'lib/kept.txt', text: 'changed\n' },
    { write: 'lib/new.txt', text: 'new\n' },
  ];
  const { run, facts, state } = await play({
    tasks: { fix: { agent: 'editor', writes: ['src/**'], prompt: edits([...VALID, ...wrong], [{ run: SEEN }]) } },
  });
  expect(state.status).toBe('succeeded');
  const told = String((await run.result('fix'))['feedback']);
  expect(told).toMatch(/- lib\/kept\.txt: [\s\S]*- lib\/new\.txt: /);
  expect(told).not.toMatch(/- src/);
  const order = facts.flatMap((fact) =>
    ['change.refused', 'task.reworked', 'feedback.acknowledged', 'attempt.succeeded', 'task.committed'].includes(fact.type)
      ? [fact.type]
      : [],
  );
  expect(order).toEqual([
    'attempt.succeeded',
    'change.refused',
    'task.reworked',
    'feedback.acknowledged',
    'attempt.succeeded',
    'task.committed',
  ]);
  expect(facts.find(({ type }) => type === 'feedback.acknowledged')).toEqual({
    type: 'feedback.acknowledged',
    task: 'fix',
    attempt: 2,
    count: 1,
  });
});

// req W4
test('an agent that dies before it shows anything is told again, and nothing is acknowledged', async () => {
  const { facts, state } = await play({
    tasks: {
      fix: {
        agent: 'editor',
        writes: ['src/**'],
        retry: { attempts: 1 },
        prompt: edits([{ write: 'lib/new.txt', text: 'new\n' }], [{ run: 'exit 1' }]),
      },
    },
  });
  expect([state.status, facts.some(({ type }) => type === 'feedback.acknowledged')]).toEqual(['failed', false]);
  expect(state.tasks.get('fix')?.acknowledged).toBeUndefined();
});

// req W4
test('an agent whose folder somebody put back goes on in it, and is told which files are not as it left them', async () => {
  const fifo = join(top, 'go');
  execFileSync('mkfifo', [fifo]);
  const program = `if grep -q '"feedback":\\[\\]' "$BATON_TASK"; then echo a > a.txt; echo b > b.txt; cat ${fifo}; exit 75; fi; cat "$BATON_TASK"; ls`;
  const run = await baton.start({
    version: 1,
    name: 'rollback',
    promote: 'never',
    agents: { worker: { command: ['bash', '-c', program], capabilities: [] } },
    tasks: { fix: { agent: 'worker', prompt: 'Write.', retry: { attempts: 2, backoff: '0s' } } },
  });
  const acts: { readonly [type: string]: () => Promise<unknown> } = {
    'task.started': async () => {
      if (run.state.tasks.get('fix')?.attempt !== 1) return;
      await run.pause();
      await writeFile(fifo, '');
    },
    'attempt.failed': () =>
      run.command({
        type: 'workspace.restore',
        by: { id: 'ann', roles: [] },
        task: 'fix',
        to: run.state.tasks.get('fix')?.base ?? '',
        paths: ['b.txt'],
      }),
    'restore.ended': () => run.resume(),
  };
  const types: string[] = [];
  for await (const { fact } of run.follow()) {
    types.push(fact.type);
    await acts[fact.type]?.();
  }
  const said = String((await run.result('fix'))['text']);
  expect(said).toMatch(/put your folder back[\s\S]*- b\.txt/);
  expect(said.split('\n').slice(1)).toEqual(['a.txt', 'lib', '']);
  expect(types.indexOf('feedback.acknowledged')).toBeGreaterThan(types.indexOf('restore.ended'));
});
