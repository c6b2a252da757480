// req W11: how long the trees of a large repository take, on a disk and in memory, and whether many changes are all seen.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureTrees, openGrove, sandboxRatio } from '../../../bench/trees.ts';
import { point } from '../point.ts';

const MEMORY = '/dev/shm';
const FILES = 10_000;
const [SPACES, RATE, SECONDS] = [5, 100, 30];
const BARS = { checkpointMemoryMs: 100, checkpointDiskMs: 500, judgeMs: 1_000, promotionMs: 50 };

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/tree-bars',
  title: 'checkpoints, judging and promotions in a tree of 10,000 files; 100 changes a second in five workspaces',
  bar: `100 files: checkpoint ≤ ${BARS.checkpointMemoryMs} ms in memory and ≤ ${BARS.checkpointDiskMs} ms on disk, judged ≤ ${BARS.judgeMs} ms, promoted ≤ ${BARS.promotionMs} ms in memory beyond the merge; no change missed`,
  timeoutMs: 15 * 60_000,
  async run() {
    const disk = await measureTrees(tmpdir(), FILES);
    const small = await measureTrees(tmpdir(), 1_000);
    const memory = await measureTrees(MEMORY, FILES);
    const ratio = await sandboxRatio(tmpdir());
    const missed = await many();
    const beyond = memory.promotionMs - memory.mergeMs;
    const checks: readonly (readonly [boolean, string])[] = [
      [memory.checkpointMs <= BARS.checkpointMemoryMs, `checkpoint in memory ${memory.checkpointMs.toFixed(0)} ms`],
      [disk.checkpointMs <= BARS.checkpointDiskMs, `on disk ${disk.checkpointMs.toFixed(0)} ms`],
      [disk.judgeMs <= BARS.judgeMs, `judged ${disk.judgeMs.toFixed(0)} ms`],
      [beyond <= BARS.promotionMs, `promoted ${beyond.toFixed(0)} ms beyond the merge (${memory.mergeMs.toFixed(0)} ms)`],
      [missed.lost === 0 && missed.made > 0, `${missed.made} changes, ${missed.lost} missed`],
    ];
    const wide = [memory, disk, small].map(
      (each, i) =>
        `${['memory', 'disk', 'disk'][i]} ${each.files}: workspace ${each.workspaceMs.toFixed(0)} ms, promotion ${each.promotionMs.toFixed(0)} ms`,
    );
    return {
      holds: checks.every(([holds]) => holds),
      figure: [...checks.map(([holds, text]) => (holds ? text : `${text} (over)`)), `sandbox ${ratio.toFixed(1)} × a plain start`].join(
        '; ',
      ),
      detail: wide.join('\n'),
    };
  },
});

/** Files appear, in new folders too, while each workspace is put on record again and again; the last record has them all. */
async function many(): Promise<{ readonly made: number; readonly lost: number }> {
  const parent = mkdtempSync(join(tmpdir(), 'baton-many-'));
  const { project, trees, close } = openGrove(parent, 1_000);
  try {
    const base = await trees.snapshot(project, 'many');
    const spaces = await Promise.all(Array.from({ length: SPACES }, (_, i) => trees.open(`m${i}`, base)));
    const end = performance.now() + SECONDS * 1_000;
    let made = 0;
    const recording = Promise.all(
      spaces.map(async (space) => {
        while (performance.now() < end) await trees.checkpoint(space, 'during');
      }),
    );
    for (let at = performance.now(); at < end; at = performance.now()) {
      const due = Math.floor((SECONDS * 1_000 - (end - at)) * (RATE / 1_000));
      for (; made < due; made++) {
        const folder = join(spaces[made % SPACES]?.folder ?? '', `new${made % 7}`, `${Math.floor(made / 50)}`);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${made}.txt`), `${made}\n`);
      }
      await sleep(5);
    }
    await recording;
    const last = await Promise.all(spaces.map((space) => trees.checkpoint(space, 'last')));
    return { made, lost: made - last.reduce((sum, { changes }) => sum + changes.length, 0) };
  } finally {
    close();
    rmSync(parent, { recursive: true, force: true });
  }
}
