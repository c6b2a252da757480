/** Trees of a repository, on a disk and in memory, each beside what the same takes by hand; and the start of a sandbox. */
import { existsSync } from 'node:fs';
import type { Figures } from '../figures.ts';
import type { Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';
import { CHANGED, measureTrees, sandboxRatio } from '../trees.ts';
import { BATON } from './alone.ts';

const TIMES = 'Trees of a repository';
const RATIOS = 'Trees of a repository, × the same by hand';
const START = 'Starting a command in a sandbox, × starting it plainly';
const SIZES = [1_000, 10_000] as const;
const MEMORY = '/dev/shm';

export async function trees(figures: Figures, quiet: Quiet, { base }: Site, progress: (text: string) => void): Promise<void> {
  const places = { disk: base, ...(existsSync(MEMORY) ? { memory: MEMORY } : {}) };
  for (const [place, folder] of Object.entries(places))
    for (const files of SIZES)
      await figures.attempt(TIMES, BATON, async () => {
        progress(`trees of ${files} files, ${place}`);
        await quiet.wait();
        const measured = await measureTrees(folder, files);
        const { workspaceMs, nextWorkspaceMs, checkpointMs, judgeMs, mergeMs, promotionMs, copyMs, addMs, writeMs } = measured;
        const of = `${files.toLocaleString('en')} files, ${place}`;
        const took = (what: string, ms: number) => figures.add({ group: TIMES, line: `${of}: ${what}`, who: BATON, unit: 'ms' }, ms);
        const beside = (what: string, ratio: number) =>
          figures.add({ group: RATIOS, line: `${of}: ${what}`, who: BATON, unit: '×' }, ratio);
        took('a workspace', workspaceMs);
        took('a workspace, its tree new', nextWorkspaceMs);
        took(`a checkpoint, ${CHANGED} changed`, checkpointMs);
        took('judging the change', judgeMs);
        took('promoting it', promotionMs);
        took('of which merging it with the tree as it is', mergeMs);
        beside('a workspace, `cp -a`', workspaceMs / copyMs);
        beside('a workspace, its tree new, `cp -a`', nextWorkspaceMs / copyMs);
        beside('a checkpoint, `git add -A; git write-tree`', checkpointMs / addMs);
        beside('promoting it, the merge alone and writing its files synced', promotionMs / (mergeMs + writeMs));
      });
  await figures.attempt(START, BATON, async () => {
    progress('the start of a sandbox');
    await quiet.wait();
    figures.add({ group: START, line: '`true`', who: BATON, unit: '×' }, await sandboxRatio(base));
  });
}
