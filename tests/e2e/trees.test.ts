import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { CheckpointView } from '../../src/interfaces/api/trees.ts';
import { say, startModelServer } from '../agents/support/model-server.ts';
import { until } from './support/baton.ts';
import { type RepositoryPlace, repositoryPlace } from './support/repository.ts';

let at: RepositoryPlace;
afterEach(() => at.close());

const read = (file: string) => readFileSync(join(at.folder, file), 'utf8');

/** Changes a file and makes one. */
const WRITES = `version: 1
name: writes
promote: never
tasks:
  write: { run: "echo sugar >> poem.txt; echo new > made.txt", writes: ["*.txt"] }
`;

// req F4
test('plan says who works in a tree, when the change is promoted and who takes turns', async () => {
  at = repositoryPlace();
  at.write('baton.yaml', 'version: 1\npromotion: { approval: { by: [approver] } }\n');
  at.write('w.yaml', WRITES.replace('promote: never\n', '').concat('  also: { run: "true", in: project, writes: [poem.txt] }\n'));
  expect((await at.baton('plan', 'w.yaml')).out).toMatch(
    /write and also take turns: both write \*\.txt and poem\.txt[\s\S]*in checkouts of their own: write\n.*into your tree at the end, when all succeeded, once approver approves\n/,
  );
  const [preview] = await at.json('plan', 'w.yaml');
  expect(preview).toMatchObject({
    trees: { promote: 'end', approval: { by: ['approver'] } },
    turns: [{ tasks: ['write', 'also'], claims: ['*.txt', 'poem.txt'] }],
  });
  expect(existsSync(at.home)).toBe(false);
});

// req W3, W5
test('what a run changed is shown, comes into the tree when it is promoted, and goes again when that is undone', async () => {
  at = repositoryPlace();
  at.write('w.yaml', WRITES);
  expect((await at.baton('run', 'w.yaml')).code).toBe(0);
  await at.end();
  const stat = await at.baton('diff', 'last', '--stat');
  expect(stat.out).toBe('A  made.txt  +1 -0\nM  poem.txt  +1 -0\n2 files, +2 -0\n');
  const patch = (await at.baton('diff', 'last', 'write', '--path', 'made.txt')).out;
  expect(patch).toMatch(/^diff --git a\/made\.txt[\s\S]*\n\+new\n$/);
  at.write('made.patch', patch);
  at.git('apply', '--check', 'made.patch');
  expect(at.owner()).toBeUndefined();
  expect(read('poem.txt')).not.toContain('sugar');

  const promoted = await at.baton('promote', 'last');
  expect([promoted.code, promoted.out]).toEqual([
    0,
    expect.stringMatching(/^A {2}made\.txt\nM {2}poem\.txt\nNow in your tree: 2 files\.\n/),
  ]);
  expect(read('poem.txt')).toBe('roses\nviolets\nsugar\n');
  at.write('made.txt', 'mine\n');
  const undone = await at.baton('promote', 'last', '--undo');
  expect([undone.code, undone.out]).toEqual([
    0,
    expect.stringMatching(/Put back in your tree: 1 file\.\nYou saved these in the meantime.*\n {3}made\.txt\n$/),
  ]);
  expect([read('poem.txt'), read('made.txt')]).toEqual(['roses\nviolets\n', 'mine\n']);
  const again = await at.baton('promote', 'last');
  expect([again.code, again.out]).toEqual([1, expect.stringMatching(/left as it was[\s\S]*made\.txt[\s\S]*baton promote/)]);
});

// req H1, W5
test('a change that somebody has to approve is shown with what it changes; it comes in when it is approved, and stays out when not', async () => {
  at = repositoryPlace();
  at.write('baton.yaml', 'version: 1\npromotion: { approval: { by: [approver] } }\n');
  at.write('w.yaml', WRITES.replace('promote: never\n', ''));
  const words = async (...typed: string[]) => (await at.baton(...typed)).out;
  const ran = await at.baton('run', 'w.yaml');
  expect([ran.code, ran.out]).toEqual([3, expect.stringMatching(/waits for a decision → baton approve \S+ promotion-1\n/)]);
  const item =
    /may the change go into your tree\?\n {4}A {2}made\.txt {2}\+1 -0\n {4}M {2}poem\.txt {2}\+1 -0\n {4}2 files, \+2 -0\n {4}may be decided by: approver\n/;
  expect(await words('inbox')).toMatch(item);
  expect(await words('status')).toMatch(item);
  expect(await words('status', 'last')).toMatch(/tree {4}1 change; a person decides whether it goes into your tree → baton inbox \S+\n/);
  const [asked] = await at.json<{ binds: string }>('inbox');
  expect((await at.baton('approve', 'last', 'promotion-1', '--binds', 'beef')).err).toContain('APPROVAL_STALE');
  expect([read('poem.txt'), existsSync(join(at.folder, 'made.txt'))]).toEqual(['roses\nviolets\n', false]);
  expect((await at.baton('approve', 'last', 'promotion-1', '--binds', asked?.binds ?? '')).code).toBe(0);
  await until(async () => (await at.json<{ status: string }>('show', 'last'))[0]?.status === 'succeeded');
  expect([read('poem.txt'), read('made.txt')]).toEqual(['roses\nviolets\nsugar\n', 'new\n']);
  expect(await words('show', 'last')).toMatch(/tree {4}1 change, in your tree → take it back: baton promote \S+ --undo\n/);

  expect((await at.baton('run', 'w.yaml')).code).toBe(3);
  expect((await at.baton('reject', 'last')).code).toBe(0);
  await until(async () => (await at.json<{ status: string }>('show', 'last'))[0]?.status === 'failed');
  expect(read('poem.txt')).toBe('roses\nviolets\nsugar\n');
  expect(await words('status', 'last')).toMatch(/tree {4}1 change, not in your tree: Rejected by \S+\. → baton promote \S+\n/);
  const again = await at.baton('promote', 'last', '--branch', 'kept');
  expect([again.code, again.out]).toEqual([3, expect.stringContaining('It waits for a person')]);
  expect(await words('inbox')).toContain('It is committed on branch kept as well.\n    M  poem.txt  +1 -0\n    1 file, +1 -0\n');
});

// req W5
test('what is promoted is committed on a branch of the user’s choice, and never on one that is checked out', async () => {
  at = repositoryPlace();
  at.write('w.yaml', WRITES);
  expect((await at.baton('run', 'w.yaml')).code).toBe(0);
  const head = at.git('rev-parse', 'HEAD');
  const index = at.git('ls-files', '-s');
  const refused = await at.baton('promote', 'last', '--branch', 'main');
  expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('Branch "main" is checked out')]);
  expect(read('poem.txt')).toBe('roses\nviolets\n');
  const promoted = await at.baton('promote', 'last', '--branch', 'baton/poem');
  const commit = at.git('rev-parse', 'baton/poem').trim();
  expect([promoted.code, promoted.out]).toEqual([0, expect.stringContaining(`Committed on branch baton/poem: ${commit.slice(0, 12)}\n`)]);
  expect([at.git('show', 'baton/poem:poem.txt'), at.git('log', '-1', '--format=%s', 'baton/poem')]).toEqual([read('poem.txt'), 'writes\n']);
  expect([at.git('rev-parse', 'baton/poem~1'), at.git('rev-parse', 'HEAD'), at.git('ls-files', '-s')]).toEqual([head, head, index]);
  expect((await at.baton('promote', 'last', '--undo', '--branch', 'x')).err).toContain('BAD_REQUEST');
  expect((await at.baton('promote', 'last', '--undo')).code).toBe(0);
  expect(at.git('branch', '--list', 'baton/poem')).toBe('');
});

// req W2, W4
test('a workspace is put back to a checkpoint, which is named by a beginning of it', async () => {
  at = repositoryPlace();
  at.write(
    'r.yaml',
    `version: 1
name: again
tasks:
  write: { run: "echo sugar >> poem.txt; echo new > made.txt; exit 75", retry: { attempts: 3, backoff: 1h } }
`,
  );
  const [{ run } = { run: '' }] = await at.json<{ run: string }>('run', 'r.yaml', '--detach');
  const checkpoints = async () => (await at.json<{ checkpoints: CheckpointView[] }>('checkpoints', run))[0]?.checkpoints ?? [];
  let all = await checkpoints();
  for (; all.length < 2; all = await checkpoints());
  const [start] = all;
  if (!start) throw new Error('no checkpoint');
  expect(all.map(({ why, files }) => [why, files])).toEqual([
    ['start', undefined],
    ['end', 2],
  ]);
  expect((await at.baton('rollback', run, 'write', 'beef')).err).toMatch(/UNKNOWN_COMMIT/);
  const part = await at.baton('rollback', run, 'write', start.checkpoint.slice(0, 8), '--path', 'made.txt');
  expect([part.code, part.out]).toEqual([0, expect.stringContaining('in made.txt')]);
  expect((await at.baton('diff', run, 'write', '--stat')).out).toBe('M  poem.txt  +1 -0\n1 file, +1 -0\n');
  expect((await at.baton('rollback', run, 'write', start.checkpoint)).code).toBe(0);
  expect((await at.baton('diff', run, 'write', '--stat')).out).toBe('Nothing changed.\n');
  expect((await checkpoints()).map(({ why }) => why)).toEqual(['start', 'end', 'restore', 'restore']);
});

// req W12
test('clean shows the workspaces of ended runs and removes them; a promotion that waits keeps all it needs', async () => {
  at = repositoryPlace();
  at.write('w.yaml', WRITES);
  await at.baton('run', 'w.yaml');
  at.write('baton.yaml', 'version: 1\npromotion: { approval: { by: [] } }\n');
  at.write('w.yaml', WRITES.replace('promote: never\n', ''));
  await at.baton('run', 'w.yaml');
  const [waits, over] = (await at.json<{ run: string }>('list')).map(({ run }) => run);
  const workspaces = async () =>
    ((await at.json<{ workspaces: { run: string }[] }>('workspaces'))[0]?.workspaces ?? []).map(({ run }) => run).sort();
  const shown = (await at.baton('clean', '--older-than', '0s')).out;
  expect(shown).toMatch(new RegExp(`${over} +writes +succeeded .* not all of its change is in your tree`));
  expect(shown).not.toContain(waits);
  expect(await workspaces()).toContain(waits);

  const removed = await at.baton('clean', '--older-than', '0s', '--yes');
  expect(removed.out).toMatch(/^Removed 1 run: /);
  expect(await workspaces()).toEqual([waits]);
  expect((await at.baton('approve', 'last')).code).toBe(0);
  await at.baton('resume');
  expect(read('made.txt')).toBe('new\n');
});

// req W13
test('a model without tools changes the tree by a patch, of which nothing comes in from where it may not write', async () => {
  at = repositoryPlace();
  const diff = (path: string, line: string) => `\`\`\`diff\n--- a/${path}\n+++ b/${path}\n@@ -1,1 +1,2 @@\n ${line}\n+sugar\n\`\`\`\n`;
  const server = await startModelServer({
    poet: [say(`${diff('poem.txt', 'roses')}${diff('.gitignore', 'user/')}Both.`), say('The poem alone, then.')],
  });
  at.write(
    'w.yaml',
    `version: 1
name: patch
agents: { poet: { model: test/poet, baseUrl: "${server.url}" } }
tasks:
  write: { agent: poet, prompt: Add sugar., writes: ["*.txt"] }
`,
  );
  const ran = await at.baton('run', 'w.yaml');
  const asked = server.bodies('poet').map(({ messages }) => messages.at(-1)?.content ?? '');
  await server.close();
  expect(ran.code).toBe(0);
  expect(asked[1]).toMatch(/put back as they were[\s\S]*\.gitignore: is outside what the task may change/);
  expect([read('poem.txt'), read('.gitignore')]).toEqual(['roses\nsugar\nviolets\n', 'user/\nruntime/\n']);
  expect((await at.baton('logs', 'last', 'write')).out).toContain("poet can't write files: it is asked for a patch");
});

// req W8
test('a new executable is flagged where people look at a change and decide about it', async () => {
  at = repositoryPlace();
  at.write('baton.yaml', 'version: 1\npromotion: { approval: { by: [] } }\n');
  at.write('tool.sh', 'old\n');
  chmodSync(join(at.folder, 'tool.sh'), 0o755);
  at.git('add', '-A');
  at.git('commit', '-q', '-m', 'a tool');
  at.write(
    'w.yaml',
    `version: 1
name: programs
tasks:
  write: { run: "echo new > run.sh; chmod +x run.sh; echo more >> tool.sh; echo text > notes.txt" }
`,
  );
  await at.baton('run', 'w.yaml');
  expect((await at.baton('inbox')).out).toContain(
    '    A  notes.txt  +1 -0\n    A  run.sh  +1 -0  new executable\n    M  tool.sh  +1 -0\n    3 files, +3 -0\n    1 new executable: run.sh\n',
  );
  const [item] = await at.json('inbox');
  expect(item).toMatchObject({ change: { files: 3, executables: ['run.sh'] } });
  expect((await at.baton('diff', 'last', '--stat')).out).toMatch(/\n3 files, \+3 -0\n1 new executable: run\.sh\n$/);
  expect((await at.baton('logs', 'last', 'write')).out).toContain('New executables: run.sh');
});

// req W9
test('two tasks that claim one path take turns, until a person lets exactly these two work at once', async () => {
  at = repositoryPlace();
  const go = join(at.folder, 'user', 'go');
  at.write(
    'w.yaml',
    `version: 1
name: turns
promote: never
tasks:
  one: { run: "until [ -e ${go} ]; do sleep 0.05; done; echo one > one.txt", writes: ["*.txt"] }
  two: { run: "echo two > two.txt", writes: [two.txt] }
`,
  );
  const [{ run } = { run: '' }] = await at.json<{ run: string }>('run', 'w.yaml', '--detach');
  const told = async (...args: string[]) => (await at.baton(...args)).out;
  for (let text = ''; !text.includes(`waits for ${run}/one: both write two.txt`); ) text = await told('status', run);
  expect(await told('show', run, 'two')).toContain(
    `waits for ${run}/one: both write two.txt and *.txt\n    baton overlap ${run} two one  lets them work at once\n`,
  );
  expect((await at.baton('overlap', run, 'one', 'two')).err).toMatch(/NO_OVERLAP[\s\S]*It waits for the claims of nobody/);
  expect(await told('overlap', run, 'two', 'one')).toMatch(
    new RegExp(`^${run}/two and ${run}/one may work at once on two\\.txt \\([0-9a-f]{12}\\)\\.\n`),
  );
  for (let text = ''; !/two +committed/.test(text); ) text = await told('status', run);
  expect(await told('status', run)).toMatch(/one +running/);
  mkdirSync(join(at.folder, 'user'), { recursive: true });
  writeFileSync(go, '');
  expect((await at.baton('follow', run)).code).toBe(0);
  expect(await told('diff', run, '--stat')).toBe('A  one.txt  +1 -0\nA  two.txt  +1 -0\n2 files, +2 -0\n');
  expect(await told('audit', 'export')).toMatch(/"type":"grant\.shared","request":"\w+\/two"/);
});

// req W9
test('a contract changes only by a task that names it letter by letter', async () => {
  at = repositoryPlace();
  at.write('baton.yaml', 'version: 1\nworkspace: { contracts: ["api/**"] }\n');
  mkdirSync(join(at.folder, 'api'));
  at.write('api/v1.yaml', 'version: 1\n');
  const change = 'echo more >> api/v1.yaml; echo sugar >> poem.txt';
  at.write(
    'w.yaml',
    `version: 1
name: contract
tasks:
  glob: { run: "${change}", writes: ["**"], rework: 0 }
  other: { run: "${change}", rework: 0 }
  named: { run: "${change}", writes: [api/v1.yaml, poem.txt] }
`,
  );
  await at.baton('run', 'w.yaml');
  const status = (await at.baton('status', 'last')).out;
  expect(status).toMatch(/glob +failed[\s\S]*other +failed[\s\S]*named +committed/);
  expect((await at.baton('show', 'last', 'glob')).out).toContain('api/v1.yaml: is a contract');
  const again = at.write('n.yaml', 'version: 1\nname: n\ntasks: { named: { run: "echo 2 >> api/v1.yaml", writes: [api/v1.yaml] } }\n');
  expect((await at.baton('run', again)).code).toBe(0);
  expect(read('api/v1.yaml')).toBe('version: 1\n2\n');
});

// req W10, G2
test('show says that a check rests on evidence of before, and on which', async () => {
  at = repositoryPlace();
  const gate = 'gate: { name: poem, run: "grep -q roses poem.txt" }';
  at.write('w.yaml', `version: 1\nname: checks\ntasks:\n  one: { run: "true", ${gate} }\n  two: { needs: [one], run: "true", ${gate} }\n`);
  const ran = await at.baton('run', 'w.yaml');
  expect([ran.code, ran.out]).toEqual([
    0,
    expect.stringMatching(/one .*gate poem passed\n[\s\S]*two .*gate poem passed before, on the same tree\n/),
  ]);
  const [two] = await at.json<{ gates: { reuses: string; evidence: { reuses: object; exitCode: number } }[] }>('show', 'last', 'two');
  const shown = (await at.baton('show', 'last', 'two')).out;
  expect(two?.gates[0]?.evidence).toMatchObject({ exitCode: 0, reuses: { task: 'one', attempt: 1, evidence: two?.gates[0]?.reuses } });
  expect(shown).toContain(`gate poem: pass, by evidence ${two?.gates[0]?.reuses.slice(0, 12)} of an earlier run of it`);
});
