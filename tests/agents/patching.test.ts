import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttemptContext } from '../../src/engine/host/host.ts';
import type { Repository } from '../../src/work/perform/repositories.ts';
import type { Definition } from '../../src/work/planning/definition.ts';
import type { Sandbox } from '../../src/work/sandbox/sandbox.ts';
import { createTrees } from '../../src/work/workspace/trees.ts';
import { CHECKPOINTS_DEFAULT, QUOTA_DEFAULT } from '../../src/work/workspace/workspace.ts';
import { stage } from './support/context.ts';
import { type ModelServer, say, startModelServer, type Turn } from './support/model-server.ts';

const FILES = { 'src/a.txt': 'one\ntwo\nthree\n', 'src/end.txt': 'last', 'docs/b.txt': 'not yours\n' };
const fenced = (diff: string) => `\`\`\`diff\n${diff}\`\`\`\n`;
const CHANGES = '--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n';
const MAKES = '--- /dev/null\n+++ b/src/new.md\n@@ -0,0 +1,3 @@\n+```sh\n+ls\n+```\n';
const ADDS = '--- a/src/a.txt\n+++ b/src/a.txt\n@@ -3 +3,2 @@\n three\n+four\n';
const STALE = '--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1 +1 @@\n-zwei\n+TWO\n';
const SCHEMA = { type: 'object', required: ['n'], properties: { n: { type: 'number' } }, additionalProperties: false };

const SCRIPT: Readonly<Record<string, readonly Turn[]>> = {
  changes: [say(`I change it.\n\n${fenced(CHANGES)}\n${fenced(MAKES)}\nIt is in capitals now.\n`)],
  bare: [say(fenced(CHANGES))],
  shaped: [say(`${fenced(CHANGES)}\`\`\`json\n{"n": "x"}\n\`\`\``), say(`Again:\n${fenced(CHANGES)}And\n\`\`\`json\n{"n": 1}\n\`\`\`\n`)],
  stale: [say(`${fenced(STALE)}Done.`), say(`${fenced(CHANGES)}Done now.`)],
  half: [
    say(`${fenced('--- /dev/null\n+++ b/src/x\n@@ -0,0 +1 @@\n+x\n--- /dev/null\n+++ b/src/x/y\n@@ -0,0 +1 @@\n+y\n')}Done.`),
    say('Nothing.'),
  ],
  open: [say(`Here:\n\`\`\`diff\n${CHANGES}`), say(CHANGES), say(`${fenced(CHANGES)}At last.`)],
  adds: [say(`${fenced(ADDS)}Added.`)],
  nothing: [say('There is nothing to change.')],
  never: [say(`${fenced(STALE)}Done.`)],
};

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer(SCRIPT);
});
afterAll(() => server.close());

/** For tools that only read: nothing is run in it. */
const NO_WALLS = { wrap: () => expect.fail('something was run') } as unknown as Sandbox;

/** One task over a repository, by a model that is played. */
const taskOf = async (
  model: string,
  more: { readonly tools?: readonly string[]; readonly writes?: readonly string[]; schema?: object } = {},
) => {
  const found: { repository?: Repository } = {};
  const at = stage({
    more: { repositories: { of: () => found.repository ?? expect.fail('no repository') }, sandboxes: { choose: async () => NO_WALLS } },
  });
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(at.project, path)), { recursive: true });
    writeFileSync(join(at.project, path), text);
  };
  for (const [path, text] of Object.entries(FILES)) put(path, text);
  execFileSync('bash', ['-ec', 'git init -q; git add -A; git -c user.name=u -c user.email=u@v commit -qm one'], { cwd: at.project });
  const trees = createTrees({ folder: join(at.root, 'trees'), project: at.project });
  const promotions = new Proxy({} as Repository['promotions'], {});
  found.repository = {
    top: at.project,
    trees,
    promotions,
    rules: {},
    quota: QUOTA_DEFAULT,
    checkpoints: CHECKPOINTS_DEFAULT,
    equip: async () => {},
  };
  const base = await trees.snapshot(at.project, 'test');
  const { tools, writes = ['src/**'], schema } = more;
  const definition = {
    kind: 'agent',
    agent: {
      name: 'writer',
      kind: 'model',
      config: { model: `test/${model}`, baseUrl: server.url, ...(tools ? { tools } : {}) },
      capabilities: [],
      slots: 1,
    },
    prompt: 'Write it in capitals.',
    ...(schema ? { schema } : {}),
  } as Definition;
  const asked = server.requests(model);
  const claims = writes.length > 0 ? { claims: writes } : {};
  return {
    ...at,
    trees,
    base,
    bodies: () => server.bodies(model).slice(asked),
    attempt: (context: Partial<AttemptContext> = {}) =>
      at.attempt(definition, {
        base,
        spec: { id: 'fix', kind: 'work', needs: [], work: '', tree: true, ...claims },
        ...context,
      }),
    /** What the workspace holds, by the tree. */
    changed: async () => {
      const workspace = await trees.open('r1/fix', base);
      const { changes } = await trees.checkpoint(workspace, 'test');
      return Object.fromEntries(changes.map(({ path }) => [path, readFileSync(join(workspace.folder, path), 'utf8')]));
    },
  };
};

const changeOf = (outcome: object) => ('change' in outcome ? outcome.change : undefined);

// req W13
describe('a model that can’t write files', () => {
  test('is asked for a patch, which is applied in the workspace and judged by its tree', async () => {
    const task = await taskOf('changes');
    const { outcome, content } = await task.attempt();
    expect(content).toMatchObject({ summary: 'It is in capitals now.', outputs: { text: 'I change it.\n\n\n\nIt is in capitals now.' } });
    expect(await task.changed()).toEqual({ 'src/a.txt': 'one\nTWO\nthree\n', 'src/new.md': '```sh\nls\n```\n' });
    expect((await task.trees.changes(task.base, String(changeOf(outcome)))).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'modified src/a.txt',
      'added src/new.md',
    ]);
    expect(task.log.join('')).toContain("writer can't write files: it is asked for a patch, which is applied for it.");
    expect(task.log.join('')).toContain('The patch was applied: src/a.txt, src/new.md.');
  });

  test('is told how, and shown the files that it may change and no others', async () => {
    const task = await taskOf('changes');
    await task.attempt();
    const [system, user] = task.bodies()[0]?.messages ?? [];
    expect(system?.content).toContain('Only these paths may change: src/**.');
    expect(user?.content).toContain('<file path="src/a.txt">\none\ntwo\nthree\n</file>');
    expect(user?.content).toContain('last\n(no newline at the end)\n</file>');
    expect(user?.content).not.toContain('not yours');
  });

  test('with tools that read looks for itself, and answers with a patch all the same', async () => {
    const task = await taskOf('changes', { tools: ['files.read', 'git'] });
    expect((await task.attempt()).outcome.ok).toBe(true);
    expect(task.bodies()[0]?.messages[1]?.content).not.toContain('<file path');
    expect(task.bodies()[0]?.messages[0]?.content).toContain('put a unified diff into your answer');
  });

  test('may say nothing but the diff', async () => {
    const task = await taskOf('bare');
    expect((await task.attempt()).content?.summary).toBe('Changed src/a.txt.');
    expect(Object.keys(await task.changed())).toEqual(['src/a.txt']);
  });

  test('gives its outputs beside the patch; an answer that is asked for again has changed nothing', async () => {
    const task = await taskOf('shaped', { schema: SCHEMA });
    expect((await task.attempt()).content?.outputs).toEqual({ n: 1 });
    expect(task.bodies()[0]).not.toHaveProperty('response_format');
    expect(task.bodies()[1]?.messages.at(-1)?.content).toContain('the answer.n');
    expect(await task.changed()).toEqual({ 'src/a.txt': 'one\nTWO\nthree\n' });
  });

  test('is told why a patch does not fit, and asked again', async () => {
    const task = await taskOf('stale');
    expect((await task.attempt()).content?.summary).toBe('Done now.');
    expect(task.bodies()[1]?.messages.at(-1)?.content).toContain(
      'The patch does not fit "src/a.txt": line 3 of the patch begins a hunk whose old lines',
    );
    expect(await task.changed()).toEqual({ 'src/a.txt': 'one\nTWO\nthree\n' });
  });

  test('whose patches never fit has given invalid output', async () => {
    const task = await taskOf('never');
    const { failure } = await task.attempt();
    expect(failure).toMatchObject({
      class: 'invalid-output',
      code: 'INVALID_OUTPUT',
      message: expect.stringContaining('does not fit "src/a.txt"'),
    });
    expect(task.bodies()).toHaveLength(3);
    expect(await task.changed()).toEqual({});
  });

  test('leaves nothing of a patch that fails in the middle', async () => {
    const task = await taskOf('half');
    expect((await task.attempt()).content?.summary).toBe('Nothing.');
    expect(await task.changed()).toEqual({});
  });

  test('is told of a block without an end, and of a diff in none', async () => {
    const task = await taskOf('open');
    expect((await task.attempt()).content?.summary).toBe('At last.');
    const told = task.bodies().map(({ messages }) => messages.at(-1)?.content);
    expect(told[1]).toContain('the block with the diff has no end');
    expect(told[2]).toContain('there is a diff outside of a block that begins with ```diff');
  });

  test('may find that nothing has to change', async () => {
    const task = await taskOf('nothing');
    const { outcome } = await task.attempt();
    expect([outcome.ok, changeOf(outcome)]).toEqual([true, undefined]);
  });

  test('is not asked for one where its task names no paths, and the log says so', async () => {
    const task = await taskOf('nothing', { writes: [] });
    await task.attempt();
    expect(task.bodies()[0]?.messages[0]?.content).not.toContain('diff');
    expect(task.log.join('')).toContain('its task names no `writes`: no change is asked of it');
  });

  // req K4
  test('has its patch applied once, also when Baton stopped in the middle of it', async () => {
    const task = await taskOf('adds');
    const feedback = [task.blobs.put('Add four.')];
    await task.attempt({ attempt: 2, feedback });
    expect(await task.changed()).toEqual({ 'src/a.txt': 'one\ntwo\nthree\nfour\n' });
    // The journal never heard of its end: what it recorded is there, and what it did is in the folder.
    const recorded = new Map([...task.steps].map(([key, output]) => [key, task.blobs.put(output)]));
    await task.attempt({ attempt: 3, feedback, recorded });
    expect(task.bodies()).toHaveLength(1);
    expect(await task.changed()).toEqual({ 'src/a.txt': 'one\ntwo\nthree\nfour\n' });
  });

  // req K4
  test.each([
    ['applied it', 3, 'adds'],
    ['opened its workspace', 2, 'adds'],
    ['applied it', 3, 'stale'],
  ])('that stopped again when it had %s loses nothing of what others committed meanwhile (%i, %s)', async (_, attempts, model) => {
    const task = await taskOf(model);
    const feedback = [task.blobs.put('Add four.')];
    const recorded = () => new Map([...task.steps].map(([key, output]) => [key, task.blobs.put(output)]));
    await task.attempt({ attempt: 2, feedback });
    writeFileSync(join(task.project, 'docs/b.txt'), 'theirs\n');
    const base = await task.trees.snapshot(task.project, 'later');
    const known = recorded();
    if (attempts === 3) await task.attempt({ attempt: 3, feedback, recorded: known, base });
    else {
      const workspace = await task.trees.open('r1/fix', task.base);
      await task.trees.restore(workspace, task.base);
      await task.trees.rebase(workspace, base);
    }
    const { outcome } = await task.attempt({ attempt: 4, feedback, recorded: recorded(), base });
    expect((await task.trees.changes(base, String(changeOf(outcome)))).map(({ path }) => path)).toEqual(['src/a.txt']);
    expect((await task.changed())['src/a.txt']).toBe(model === 'adds' ? 'one\ntwo\nthree\nfour\n' : 'one\nTWO\nthree\n');
  });
});

// req W13
test('one that can write files is not asked for a patch, and the log says that too', async () => {
  const at = await taskOf('nothing');
  const scripted = { name: 'actor', kind: 'scripted', config: { replies: [{ text: 'Done.', files: { 'src/new.txt': 'x\n' } }] } } as const;
  await at.attempt();
  const definition = { kind: 'agent', agent: { ...scripted, capabilities: [], slots: 1 }, prompt: 'Write.' } as Definition;
  const spec = { id: 'other', kind: 'work', needs: [], work: '', tree: true, claims: ['src/**'] } as const;
  const context = at.context(definition, { base: at.base, spec });
  const outcome = await at.handlers.attempt({ type: 'attempt', id: 'a', task: 'other', attempt: 1, agent: 'actor' }, context);
  expect(changeOf(outcome)).toBeDefined();
  expect(at.log.join('')).toContain('actor changes files itself.');
  expect(existsSync(join(at.project, 'src/new.txt'))).toBe(false);
});
