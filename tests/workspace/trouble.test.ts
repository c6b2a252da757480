import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Baton, type Fact, type Run } from '../../src/index.ts';
import { STEP_LIMITS_DEFAULT, type StepLimits } from '../../src/work/workspace/limits.ts';
import { createTrees } from '../../src/work/workspace/trees.ts';

let [top, project]: [string, string] = ['', ''];
let baton: Baton;
const PATH = process.env['PATH'] ?? '';
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'baton-trouble-'));
  project = join(top, 'project');
  execFileSync('bash', ['-ec', `mkdir bin; mkfifo never; printf %s "$GIT" > bin/git; chmod +x bin/git`], {
    cwd: top,
    env: { PATH, GIT: GIT(top) },
  });
  process.env['PATH'] = `${join(top, 'bin')}:${PATH}`;
  mkdirSync(project);
  writeFileSync(join(project, 'a.txt'), 'a\n');
  execFileSync('bash', ['-ec', 'git init -q; git add -A; git -c user.name=u -c user.email=u@v commit -qm one'], { cwd: project });
  baton = await Baton.open({ home: join(top, 'home'), cwd: project, env: { PATH: process.env['PATH'], HOME: top } });
});
afterEach(async () => {
  process.env['PATH'] = PATH;
  await baton.close();
  rmSync(top, { recursive: true, force: true });
});

/** A git that never ends when it is to do what the file `stuck` names. */
const GIT = (folder: string) => `#!/bin/bash
what=; test ! -e ${folder}/stuck || read -r what < ${folder}/stuck
for word in "$@"; do test "$word" != "$what" || exec cat ${folder}/never; done
PATH=${PATH} exec git "$@"
`;
const stuck = (what: string) => writeFileSync(join(top, 'stuck'), `${what}\n`);
const quick = (steps: string) => `version: 1\nworkspace: { timeouts: { ${steps} }, checkpoints: { every: 20ms } }\n`;
const settings = (text: string) => writeFileSync(join(project, 'baton.yaml'), text);

/** Follows the run to its end; once `fact` has come, somebody makes the machine quick again and lets `fix` go on. */
async function cleared(run: Run, fact: Fact['type'], look: () => void = () => {}): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  let came = false;
  for await (const { fact: each } of run.follow()) {
    facts.push(each);
    // Others go on: only when nobody else is left does the person come.
    const others = [...run.state.tasks.values()].filter(({ spec, endedAt }) => spec.id !== 'fix' && endedAt === undefined);
    if (came || others.length > 0 || !facts.some(({ type }) => type === fact)) continue;
    came = true;
    look();
    rmSync(join(top, 'stuck'));
    settings('version: 1\n');
    await run.retry('fix');
  }
  return facts;
}
const typesOf = (facts: readonly Fact[]) => facts.map(({ type }) => type);

// req W14
test('a workspace that can’t be made in its time holds its task, and nobody else’s', async () => {
  settings(quick('checkout: 100ms'));
  stuck('checkout-index');
  const run = await baton.start({
    version: 1,
    name: 'trouble',
    promote: 'never',
    tasks: { fix: { run: 'echo b > b.txt' }, other: { run: 'echo fine', in: 'project' } },
  });
  const facts = await cleared(run, 'task.blocked', () => {
    const { status, reason } = run.state.tasks.get('fix') ?? {};
    expect([run.state.status, status]).toEqual(['waiting', 'blocked']);
    expect(reason).toContain('limit workspace.timeouts.checkout = 100 ms');
    expect(reason).toContain('baton retry');
  });
  expect([run.state.status, typesOf(facts).filter((type) => type === 'task.started').length]).toEqual(['succeeded', 3]);
});

// req W14
test('a change that can’t be put on record in its time stands aside, and nothing of it is lost', async () => {
  settings(quick('checkpoint: 100ms'));
  const run = await baton.start({ version: 1, name: 'trouble', tasks: { fix: { run: `echo b > b.txt; echo add > ${top}/stuck` } } });
  const facts = await cleared(run, 'change.stalled', () => {
    expect(run.state.tasks.get('fix')?.stalled).toContain('limit workspace.timeouts.checkpoint = 100 ms');
  });
  expect(run.state.status).toBe('succeeded');
  expect(typesOf(facts).filter((type) => type === 'task.started')).toHaveLength(1);
  expect(readFileSync(join(project, 'b.txt'), 'utf8')).toBe('b\n');
});

// req W14
test('a check whose checkout can’t be made in its time is no red one: the change stands aside and is checked later', async () => {
  writeFileSync(join(top, 'quick.yaml'), quick('checkout: 100ms'));
  const run = await baton.start({
    version: 1,
    name: 'trouble',
    promote: 'never',
    tasks: {
      fix: {
        run: `echo b > b.txt; cp ${top}/quick.yaml ${project}/baton.yaml; echo checkout-index > ${top}/stuck`,
        rework: 0,
        gate: { run: 'test "$(cat b.txt)" = b' },
      },
    },
  });
  const facts = await cleared(run, 'change.stalled');
  const told = typesOf(facts).filter((type) => /^(change|gate|task\.(started|committed|reworked))/.test(type));
  expect(told).toEqual([
    'task.started',
    'change.merged',
    'change.stalled',
    'change.resumed',
    'change.merged',
    'gate.judged',
    'task.committed',
  ]);
});

// req W14
test('an agent whose work can’t be put on record three times in a row is held, and goes on in its folder as it is', async () => {
  settings(quick('checkpoint: 100ms'));
  const run = await baton.start({
    version: 1,
    name: 'trouble',
    promote: 'never',
    agents: {
      worker: {
        command: ['bash', '-c', `if test -e half.txt; then ls; else echo half > half.txt; echo add > ${top}/stuck; cat ${top}/never; fi`],
        capabilities: [],
      },
    },
    tasks: { fix: { agent: 'worker', prompt: 'Write.' } },
  });
  const facts = await cleared(run, 'task.blocked');
  expect((await run.result('fix'))['text']).toBe('a.txt\nbaton.yaml\nhalf.txt\n');
  expect(facts.find(({ type }) => type === 'attempt.failed')).toMatchObject({
    failure: { code: 'WORKSPACE_TIMEOUT', class: 'cancelled', holds: true },
  });
});

// req W14
test.each([
  ['snapshot', 'add'],
  ['checkpoint', 'add'],
  ['scan', ''],
  ['diff', 'diff-tree'],
  ['merge', 'merge-tree'],
  ['checkout', 'checkout-index'],
] as const)('the step %s has a limit, which its error quotes', async (step, command) => {
  let limit: Partial<StepLimits> = {};
  const trees = createTrees({ folder: join(top, 'trees'), project, limits: () => ({ ...STEP_LIMITS_DEFAULT, ...limit }) });
  const base = await trees.snapshot(project, 'one');
  const workspace = await trees.open('r/t', base);
  writeFileSync(join(workspace.folder, 'b.txt'), 'b\n');
  const { commit } = await trees.checkpoint(workspace, 'two');
  writeFileSync(join(workspace.folder, 'b.txt'), 'c\n');
  const acts = {
    snapshot: () => trees.snapshot(project, 'again'),
    checkpoint: () => trees.checkpoint(workspace, 'again'),
    scan: () => trees.checkpoint(workspace, 'again'),
    diff: () => trees.changes(base, commit),
    merge: () => trees.merge(base, commit, commit, 'again'),
    checkout: () => trees.checkout('r/u', base),
  };
  const ms = step === 'scan' ? 0 : 50;
  limit = { [step]: ms };
  stuck(command);
  const message = expect.stringContaining(`limit workspace.timeouts.${step} = ${ms} ms`);
  await expect(acts[step]()).rejects.toMatchObject({ code: 'WORKSPACE_TIMEOUT', message });
  limit = {};
  rmSync(join(top, 'stuck'));
  await acts[step]();
  expect((await trees.checkpoint(workspace, 'last')).changes).toMatchObject([{ path: 'b.txt', kind: 'added' }]);
});
