import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import type { Place } from '../../src/work/perform/place.ts';
import type { Repository } from '../../src/work/perform/repositories.ts';
import type { Home } from '../../src/work/perform/surroundings.ts';
import { openToolPlace } from '../../src/work/perform/tool-place.ts';
import { type Watch, watchWorkspace } from '../../src/work/perform/watch-workspace.ts';
import { createSecrets } from '../../src/work/policy/secrets.ts';
import { createTrees } from '../../src/work/workspace/trees.ts';
import { CHECKPOINTS_DEFAULT, QUOTA_DEFAULT, type Workspace } from '../../src/work/workspace/workspace.ts';

let top = '';
let workspace: Workspace;
let watch: Watch;
let told: string[] = [];
/** Resolves with what is put on record next. */
let next: PromiseWithResolvers<string>;

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'baton-watch-'));
  const project = join(top, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'a.txt'), 'a\n');
  execFileSync('bash', ['-ec', 'git init -q; git add -A; git -c user.name=u -c user.email=u@v commit -qm one'], { cwd: project });
  const trees = createTrees({ folder: join(top, 'trees'), project });
  workspace = await trees.open('r/t', await trees.snapshot(project, 'test'));
  told = [];
  next = Promise.withResolvers();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const repository = { trees, quota: QUOTA_DEFAULT, checkpoints: CHECKPOINTS_DEFAULT } as unknown as Repository;
  const context = {
    attemptKey: 'r/t/1',
    log: (text: string) => next.reject(new Error(text)),
    checkpoint: async (_commit: string, why: string, files: number) => {
      told.push(`${why} ${files}`);
      next.resolve(told.at(-1) ?? '');
    },
  };
  watch = watchWorkspace({ workspace, repository }, context);
});
afterEach(async () => {
  await watch.stop();
  vi.useRealTimers();
  rmSync(top, { recursive: true, force: true });
});

const write = (count: number, text = 'x') => {
  for (let n = 0; n < count; n++) writeFileSync(join(workspace.folder, `file-${n}.txt`), text);
};

// req W2
test('a command that has ended is on record before anything else happens, once for each state', async () => {
  write(1);
  await watch.ran();
  await watch.ran();
  expect(told).toEqual(['command 1']);
  write(2, 'y');
  await Promise.all([watch.ran(), watch.ran(), watch.ran()]);
  expect(told).toEqual(['command 1', 'command 2']);
});

// req W2
test('commands that an agent runs by a tool are on record when the agent hears of their end', async () => {
  const exchange = { folder: top };
  const walls = {
    sandbox: {},
    wrap: async ({ command }: { command: readonly string[] }) => ({
      command: ['/usr/bin/env', '-C', workspace.folder, ...command],
      env: {},
      release: async () => {},
    }),
  };
  const place = { folder: workspace.folder, inside: workspace.folder, files: { task: join(top, 'task.json') }, exchange, walls };
  const home = { secrets: createSecrets({ env: {} }), knowledge: { of: () => ({}) }, folders: {} } as unknown as Home;
  const user = { run: 'r', task: 't', attempt: 1, env: {}, network: [] };
  const context = { blobs: { put: () => '', get: () => undefined }, log: () => {}, signal: new AbortController().signal };
  const tools = await openToolPlace(home, place as unknown as Place, user, context, watch);
  const { exitCode } = await tools.exec('echo b > b.txt; echo c > c.txt; exit 3', {});
  expect([exitCode, told]).toEqual([3, ['command 2']]);
});

// req W2
test('as many changes as the limit `checkpoints.changes` says are on record long before the time is', async () => {
  write(60);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([]);
  write(150);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await next.promise).toBe('count 150');
  // The count begins anew, and files that went count as well.
  next = Promise.withResolvers();
  for (let n = 0; n < 60; n++) unlinkSync(join(workspace.folder, `file-${n}.txt`));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(1);
  for (let n = 60; n < 120; n++) unlinkSync(join(workspace.folder, `file-${n}.txt`));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await next.promise).toBe('count 30');
});

// req W14
test('three failures in a row hold the task, one success begins the count anew, and a file that went away counts nothing', async () => {
  const slow = new BatonError('WORKSPACE_TIMEOUT', 'too slow');
  const answers = [slow, slow, 'well', slow, new BatonError('GIT_FAILED', 'gone'), slow, slow] as const;
  const checkpoint = vi.fn();
  for (const each of answers) {
    if (each === 'well') checkpoint.mockResolvedValueOnce({ commit: workspace.base, changes: [], violations: [], bytes: 0, files: 0 });
    else checkpoint.mockRejectedValueOnce(each);
  }
  const repository = { trees: { checkpoint }, quota: QUOTA_DEFAULT, checkpoints: CHECKPOINTS_DEFAULT } as unknown as Repository;
  const held = watchWorkspace({ workspace, repository }, { attemptKey: 'r/t/1', log: () => {}, checkpoint: async () => {} });
  const aborted: boolean[] = [];
  for (const _ of answers) {
    await held.ran();
    aborted.push(held.signal.aborted);
  }
  await held.stop();
  expect(aborted).toEqual([false, false, false, false, false, false, true]);
  expect(held.signal.reason).toMatchObject({ code: 'WORKSPACE_TIMEOUT', holds: true });
});

// req W2
test('few changes are on record when the time `checkpoints.every` is over', async () => {
  write(3);
  await vi.advanceTimersByTimeAsync(CHECKPOINTS_DEFAULT.everyMs);
  expect(await next.promise).toBe('time 3');
  await watch.stop();
  write(4, 'y');
  await vi.advanceTimersByTimeAsync(10 * CHECKPOINTS_DEFAULT.everyMs);
  await watch.ran();
  expect(told).toEqual(['time 3']);
});
