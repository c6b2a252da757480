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
  readonly checkpointMs: number;
  readonly judgeMs: number;
  readonly mergeMs: number;
  readonly promotionMs: number;
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
    spawnSync('git', args, { cwd: project });
  const trees = createTrees({ folder: join(folder, 'trees'), project });
  const promotions = createPromotions({ trees, folder: join(folder, 'trees'), home: join(folder, 'home') });
  mkdirSync(join(folder, 'home'));
  return { project, trees, promotions, close: () => rmSync(folder, { recursive: true, force: true }) };
}
const fileOf = (n: number): string => `d${Math.floor(n / PER_FOLDER)}/f${n}.txt`;

/** Writes into `count` files of a workspace, others each time. */
export function change(workspace: Workspace, files: number, count: number, round: number): void {
  for (let i = 0; i < count; i++) {
    const n = (i * Math.floor(files / count) + round) % files;
    writeFileSync(join(workspace.folder, fileOf(n)), `changed ${round} ${i}\n${'y'.repeat(2_500)}\n`);
  }
}

export async function measureTrees(parent: string, files: number): Promise<TreeFigures> {
  const { project, trees, promotions, close } = openGrove(parent, files);
  try {
    const base = await trees.snapshot(project, 'bench');
    // The first checkout of a tree makes its history for whoever works there; later ones copy it.
    await trees.open('warm', base);
    const times = {
      workspace: [] as number[],
      checkpoint: [] as number[],
      judge: [] as number[],
      merge: [] as number[],
      promotion: [] as number[],
    };
    for (let round = 1; round <= REPEATS; round++) {
      let workspace: Workspace | undefined;
      times.workspace.push(await timed(async () => (workspace = await trees.open(`w${round}`, base))));
      if (!workspace) throw new Error('no workspace');
      // Git trusts what it knows of a file once that is a second old; agents work longer than that.
      await trees.checkpoint(workspace, 'settled');
      change(workspace, files, CHANGED, round);
      const made = workspace;
      let commit = base;
      times.checkpoint.push(await timed(async () => ({ commit } = await trees.checkpoint(made, 'bench'))));
      times.judge.push(await timed(async () => trees.judge(await trees.changes(base, commit), { writes: ['d*/**'] })));
      times.merge.push(await timed(() => mergeOnly(trees, project, base, commit)));
      times.promotion.push(
        await timed(async () => {
          const done = await promotions.promote({ id: `p${round}`, project, base, tree: commit, rules: {} });
          if (!done.ok || done.files.length !== CHANGED) throw new Error(`promotion: ${JSON.stringify(done).slice(0, 300)}`);
        }),
      );
      await promotions.undo(`p${round}`, project);
      await trees.remove(`w${round}`);
    }
    return {
      files,
      workspaceMs: median(times.workspace),
      checkpointMs: median(times.checkpoint),
      judgeMs: median(times.judge),
      mergeMs: median(times.merge),
      promotionMs: median(times.promotion),
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
