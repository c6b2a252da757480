/**
 * Trees of a repository, measured: making a workspace, a checkpoint, judging a change, a promotion, the start of a sandbox.
 * On the file system of a folder, so that a disk and memory can be told apart.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBubblewrap } from '../src/work/sandbox/bubblewrap.ts';
import { createPromotions } from '../src/work/workspace/promotion.ts';
import { createTrees } from '../src/work/workspace/trees.ts';
import type { Trees, Workspace } from '../src/work/workspace/workspace.ts';
import { median } from './stats.ts';

const PER_FOLDER = 100;
/** What a change has in it, in files. */
export const CHANGED = 100;
const REPEATS = 5;

export interface TreeFigures {
  readonly files: number;
  /** Milliseconds, medians. */
  readonly workspaceMs: number;
  /** One of a tree that no workspace began with yet, as after each task that changed something. */
  readonly nextWorkspaceMs: number;
  readonly checkpointMs: number;
  readonly judgeMs: number;
  readonly mergeMs: number;
  readonly promotionMs: number;
  /** The same by hand, in the same minute: `cp -a` of all files; `git add -A` and `git write-tree` of the change; its files written and synced. */
  readonly copyMs: number;
  readonly addMs: number;
  readonly writeMs: number;
}

/** A project of so many files, under `parent`, with its trees; removed by `close`. */
export function openGrove(parent: string, files: number) {
  const folder = mkdtempSync(join(parent, 'baton-trees-'));
  const project = join(folder, 'project');
  for (let n = 0; n < files; n++) {
    const path = fileOf(n);
    if (n % PER_FOLDER === 0) mkdirSync(join(project, path, '..'), { recursive: true });
    writeFileSync(join(project, path), `file ${n}\n${'x'.repeat(2_500)}\n`);
  }
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['-c', 'user.name=b', '-c', 'user.email=b@c', 'commit', '-qm', 'all'],
  ])
    byHand('git', ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', ...args], project);
  const trees = createTrees({ folder: join(folder, 'trees'), project });
  const promotions = createPromotions({ trees, folder: join(folder, 'trees'), home: join(folder, 'home') });
  mkdirSync(join(folder, 'home'));
  return { folder, project, trees, promotions, close: () => rmSync(folder, { recursive: true, force: true }) };
}
const fileOf = (n: number): string => `d${Math.floor(n / PER_FOLDER)}/f${n}.txt`;

/** Writes into `count` files of a workspace, others each time. */
export function change({ folder }: Pick<Workspace, 'folder'>, files: number, count: number, round: number, flush = false): void {
  for (let i = 0; i < count; i++) {
    const n = (i * Math.floor(files / count) + round) % files;
    writeFileSync(join(folder, fileOf(n)), `changed ${round} ${i}\n${'y'.repeat(2_500)}\n`, { flush });
  }
}

const foldersOf = (files: number, project: string): string[] =>
  Array.from({ length: Math.ceil(files / PER_FOLDER) }, (_, i) => join(project, `d${i}`));

function byHand(program: string, args: readonly string[], cwd = '/'): void {
  const { status, stderr } = spawnSync(program, args, { cwd });
  if (status !== 0) throw new Error(`${program} ${args[0]}: ${stderr}`);
}

export async function measureTrees(parent: string, files: number): Promise<TreeFigures> {
  const { folder, project, trees, promotions, close } = openGrove(parent, files);
  try {
    const plain = join(folder, 'plain');
    byHand('cp', ['-a', project, plain]);
    const base = await trees.snapshot(project, 'bench');
    // The first checkout of all makes the history for whoever works there; later ones copy it.
    await trees.open('warm', base);
    const times = {
      workspace: [] as number[],
      nextWorkspace: [] as number[],
      checkpoint: [] as number[],
      judge: [] as number[],
      merge: [] as number[],
      promotion: [] as number[],
      copy: [] as number[],
      add: [] as number[],
      write: [] as number[],
    };
    for (let round = 1; round <= REPEATS; round++) {
      const copied = join(folder, `copy${round}`);
      mkdirSync(copied);
      times.copy.push(await timed(async () => byHand('cp', ['-a', ...foldersOf(files, project), copied])));
      let workspace: Workspace | undefined;
      times.workspace.push(await timed(async () => (workspace = await trees.open(`w${round}`, base))));
      if (!workspace) throw new Error('no workspace');
      // Git trusts what it knows of a file once that is a second old; agents work longer than that.
      await trees.checkpoint(workspace, 'settled');
      change(workspace, files, CHANGED, round);
      const made = workspace;
      let commit = base;
      times.checkpoint.push(await timed(async () => ({ commit } = await trees.checkpoint(made, 'bench'))));
      times.nextWorkspace.push(await timed(() => trees.open(`next${round}`, commit)));
      times.judge.push(await timed(async () => trees.judge(await trees.changes(base, commit), { writes: ['d*/**'] })));
      times.merge.push(await timed(() => mergeOnly(trees, project, base, commit)));
      times.promotion.push(
        await timed(async () => {
          const done = await promotions.promote({ id: `p${round}`, project, base, tree: commit, rules: {} });
          if (!done.ok || done.files.length !== CHANGED) throw new Error(`promotion: ${JSON.stringify(done).slice(0, 300)}`);
        }),
      );
      change({ folder: plain }, files, CHANGED, round);
      times.add.push(
        await timed(async () => {
          byHand('git', ['add', '-A'], plain);
          byHand('git', ['write-tree'], plain);
        }),
      );
      times.write.push(await timed(async () => change({ folder: plain }, files, CHANGED, round + REPEATS, true)));
      await promotions.undo(`p${round}`, project);
      for (const name of ['w', 'next']) await trees.remove(`${name}${round}`);
      rmSync(copied, { recursive: true, force: true });
    }
    return {
      files,
      workspaceMs: median(times.workspace),
      nextWorkspaceMs: median(times.nextWorkspace),
      checkpointMs: median(times.checkpoint),
      judgeMs: median(times.judge),
      mergeMs: median(times.merge),
      promotionMs: median(times.promotion),
      copyMs: median(times.copy),
      addMs: median(times.add),
      writeMs: median(times.write),
    };
  } finally {
    close();
  }
}

/** What a promotion does before it touches anything: the user's tree as it is, merged with the change. */
async function mergeOnly(trees: Trees, project: string, base: string, commit: string): Promise<void> {
  await trees.merge(base, await trees.snapshot(project, 'bench'), commit, 'bench');
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

/** Starting `true` inside a sandbox, as a multiple of starting it plainly. */
export async function sandboxRatio(parent: string, starts = 40): Promise<number> {
  const sandbox = createBubblewrap();
  const folder = mkdtempSync(join(parent, 'baton-start-'));
  chmodSync(folder, 0o755);
  if (sandbox.owner) chownSync(folder, sandbox.owner.uid, sandbox.owner.gid);
  try {
    const wrapped = await sandbox.wrap({ command: ['/usr/bin/true'], workspace: folder, env: {} });
    const who = wrapped.uid === undefined ? {} : { uid: wrapped.uid, gid: wrapped.gid ?? wrapped.uid };
    const [program, ...args] = wrapped.command;
    const [plain, walled]: [number[], number[]] = [[], []];
    for (let i = 0; i < starts; i++) {
      plain.push(await timed(async () => spawnSync('/usr/bin/true', [], { cwd: '/' })));
      walled.push(await timed(async () => spawnSync(program, args, { cwd: '/', env: { ...wrapped.env }, ...who })));
    }
    await wrapped.release();
    return median(walled) / median(plain);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
