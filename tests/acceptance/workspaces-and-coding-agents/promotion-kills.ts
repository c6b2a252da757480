// req W5: a promotion of 200 files, killed with kill -9 at every step, and killed again while it is recovered.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { killEverywhere } from '../../workspace/support/promotion-kill.ts';
import { type Content, inOrder, read, rig, write } from '../../workspace/support/promotion-rig.ts';
import { point } from '../point.ts';

const FILES = 200;
/** Memory where there is some: what is killed is a process, not the disk. */
const UNDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const lines = (first: string, last: string): string => `${first}\n${'same\n'.repeat(6)}${last}\n`;
const at = (i: number, ...names: string[]): string => [`part-${i % 7}`, ...names, `file-${i}.txt`].join('/');

/** A fifth each: changed, changed where the user has changed too, new, deleted, and a file that becomes a folder. */
function change(i: number): {
  readonly before: Record<string, Content>;
  readonly byRun: Record<string, Content>;
  readonly byUser: Record<string, Content>;
} {
  const path = at(i);
  const before = { [path]: lines('begin', 'begin') };
  const byRun = { [path]: lines('begin', `run ${i}`) };
  if (i % 5 === 0) return { before, byRun, byUser: {} };
  if (i % 5 === 1) return { before, byRun, byUser: { [path]: lines(`user ${i}`, 'begin') } };
  if (i % 5 === 2) return { before: {}, byRun: { [at(i, 'new', 'deep')]: { run: `new ${i}\n` } }, byUser: {} };
  if (i % 5 === 3) return { before, byRun: { [path]: undefined }, byUser: {} };
  return { before, byRun: { [path]: undefined, [`${path}/in.txt`]: `in ${i}\n` }, byUser: {} };
}

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/promotion-kills',
  title: `a promotion of ${FILES} files, kill -9 at every step`,
  bar: 'after recovery, which is killed too, the tree is exactly before or exactly after; the user’s edits, index, HEAD and refs are as they were',
  timeoutMs: 60 * 60_000,
  async run() {
    const changes = Array.from({ length: FILES }, (_, i) => change(i));
    const all = (which: 'before' | 'byRun' | 'byUser') =>
      Object.assign({}, ...changes.map((each) => each[which])) as Record<string, Content>;
    const made = await rig({ ...all('before'), 'staged.txt': 'begin\n', 'edited.txt': 'begin\n' }, { under: UNDER });
    try {
      const tree = await made.candidate(all('byRun'));
      await made.trees.remove('candidate/1');
      write(made.project, { 'staged.txt': 'staged\n' });
      made.git('add', 'staged.txt');
      write(made.project, { ...all('byUser'), 'staged.txt': 'and edited\n', 'edited.txt': 'edited\n', 'mine/new.txt': 'untracked\n' });
      const before = read(made.project);
      const both = Object.fromEntries(
        Object.keys(all('byUser')).map((path) => [path, lines(`user ${number(path)}`, `run ${number(path)}`)]),
      );
      const after = inOrder({ ...before, ...all('byRun'), ...both });
      const killed = await killEverywhere({
        act: 'promote',
        from: made.folder,
        request: { id: 'p-1', base: made.base, tree, rules: {} },
        ends: [before, after],
        // Somewhere in its first steps, then anywhere.
        again: (killAt) => [1 + (killAt % 17), 1 + ((killAt * 7919) % 800)],
        atOnce: 2,
      });
      const { steps, inRecovery, wrong } = killed;
      return {
        holds: wrong.length === 0 && killed.before > 0 && killed.after > 0 && killed.before + killed.after === steps,
        figure: `${steps + inRecovery} kills: one at each of ${steps} steps, ${inRecovery} in recovery; ${killed.before} times exactly before, ${killed.after} times exactly after, ${wrong.length} wrong`,
        detail: wrong.join('\n'),
      };
    } finally {
      made.remove();
    }
  },
});

const number = (path: string): string => /(\d+)\.txt$/.exec(path)?.[1] ?? '';
