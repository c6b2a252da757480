// req W6: links and second names are swapped in under the promotion's writer; nothing outside is ever written.
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AGAIN, BACKUP, makeRecordFolder, STAGE } from '../../../src/work/workspace/promotion-record.ts';
import { type Exchange, entryOf, type Roots, roll } from '../../../src/work/workspace/promotion-roll.ts';
import { closeRoot, openRoot } from '../../../src/work/workspace/walk.ts';
import { type Rig, rig, write } from '../../workspace/support/promotion-rig.ts';
import { point } from '../point.ts';
import { Swapper } from '../support/swapper.ts';

const [TRIES, SWAPS, WHOLE, NAIVE_MAX] = [20_000, 20_000, 300, 20_000];
const UNDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const [OUTSIDE, FILE] = ['outside\n', 't.txt'];

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/promotion-swaps',
  title: 'links and second names swapped in under the writer',
  bar: `0 escapes in ${TRIES} tries of the writer with at least ${SWAPS} real swaps, and in ${WHOLE} whole promotions; a writer that checks the real path first does escape`,
  async run() {
    const made = await rig({ 'dir/t.txt': 'inside\n', 'dir/del.txt': 'del\n' }, { under: UNDER });
    const outside = join(made.folder, 'outside');
    const swapper = new Swapper(join(made.project, 'dir'), outside);
    try {
      const writer = await driveWriter(made, outside, swapper);
      const whole = await wholePromotions(made, outside, swapper);
      const naive = driveNaive(made, outside, swapper);
      const swaps = writer.swaps.folders + writer.swaps.links + writer.swaps.names;
      return {
        holds:
          writer.escapes === 0 && whole.escapes === 0 && swaps >= SWAPS && writer.written > 0 && whole.finished > 0 && naive.escapes > 0,
        figure: `${writer.tries} tries, ${swaps} swaps (${writer.swaps.folders} of the folder, ${writer.swaps.links} links and ${writer.swaps.names} second names of the file): ${writer.escapes} escapes, ${writer.written} written, the others refused; ${WHOLE} whole promotions, ${whole.swaps} swaps: ${whole.escapes} escapes, ${whole.finished} came in, ${whole.disturbed} of them with kept files; realpath, then write: ${naive.escapes} escapes in ${naive.tries} tries`,
      };
    } finally {
      await swapper.end();
      made.remove();
    }
  },
});

const total = ({ swapped }: Swapper): number => swapped.folders + swapped.links + swapped.names;

/** What must not change. */
function reset(outside: string): void {
  rmSync(outside, { recursive: true, force: true });
  write(outside, { [FILE]: OUTSIDE, 'del.txt': 'del\n' });
}
function escaped(outside: string): boolean {
  const names = readdirSync(outside);
  return (
    names.length !== 2 ||
    readFileSync(join(outside, FILE), 'utf8') !== OUTSIDE ||
    readFileSync(join(outside, 'del.txt'), 'utf8') !== 'del\n'
  );
}

/** One file at a time, by what a promotion exchanges files with: changed, added and removed in turn. */
async function driveWriter({ project, home }: Rig, outside: string, swapper: Swapper) {
  const record = join(home, 'drive');
  makeRecordFolder(record);
  reset(outside);
  const roots: Roots = { project: openRoot(project), own: openRoot(record) };
  let [escapes, written, tries] = [0, 0, 0];
  swapper.begin();
  for (; tries < TRIES || total(swapper) < SWAPS; tries++) {
    const exchange = next(roots, tries, join(record, STAGE));
    const kept = await roll(roots, { exchanges: [exchange], staged: STAGE, aside: BACKUP, removable: [] }, () => {});
    if (kept.length === 0) written++;
    if (escaped(outside)) {
      escapes++;
      reset(outside);
    }
    for (const each of [STAGE, BACKUP, AGAIN]) rmSync(join(record, each, String(tries)), { recursive: true, force: true });
  }
  swapper.rest();
  closeRoot(roots.project);
  closeRoot(roots.own);
  return { escapes, written, tries, swaps: swapper.swapped };
}

function next({ project }: Roots, n: number, stage: string): Exchange {
  const [path, content] =
    n % 3 === 0 ? ['dir/t.txt', `changed ${n}\n`] : n % 3 === 1 ? [`dir/new.txt`, `new ${n}\n`] : ['dir/new.txt', undefined];
  if (content !== undefined) writeFileSync(join(stage, String(n)), content, { flag: 'wx' });
  // Whatever is there counts as what was merged: the writer is to write, not to find a reason not to.
  const from = entryOf({ root: project, path }, '');
  const to = content === undefined ? undefined : blobOf(stage, n);
  return { n, path, ...(from === undefined || from === 'folder' ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function blobOf(stage: string, n: number): string | undefined {
  const root = openRoot(stage);
  try {
    return entryOf({ root, path: String(n) }, '');
  } finally {
    closeRoot(root);
  }
}

/** From the snapshot to the end, with the swapper let loose once everything has been looked at. */
async function wholePromotions(made: Rig, outside: string, swapper: Swapper) {
  const tree = await made.candidate({
    'dir/t.txt': 'by the run\n',
    'dir/del.txt': undefined,
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`dir/new-${i}.txt`, `new ${i}\n`])),
  });
  const promotions = made.with({ step: (name) => name === 'verified' && swapper.begin() });
  const before = total(swapper);
  let [escapes, finished, disturbed] = [0, 0, 0];
  for (let n = 0; n < WHOLE; n++) {
    rmSync(join(made.project, 'dir'), { recursive: true, force: true });
    mkdirSync(join(made.project, 'dir'));
    write(made.project, { 'dir/t.txt': 'inside\n', 'dir/del.txt': 'del\n' });
    reset(outside);
    const done = await promotions.promote({ id: `p-${n}`, project: made.project, base: made.base, tree, rules: {} });
    swapper.rest();
    if (done.ok) finished++;
    if (done.ok && done.kept.length > 0) disturbed++;
    if (escaped(outside)) escapes++;
    await promotions.confirm(`p-${n}`, made.project);
  }
  return { escapes, finished, disturbed, swaps: total(swapper) - before };
}

/** What many do: look where the folder really is, then write. */
function driveNaive({ project }: Rig, outside: string, swapper: Swapper) {
  let [escapes, tries] = [0, 0];
  reset(outside);
  swapper.begin();
  for (; tries < NAIVE_MAX; tries++) {
    const path = join(project, 'dir', FILE);
    try {
      if (realpathSync(dirname(path)) === join(project, 'dir')) writeFileSync(path, `changed ${tries}\n`);
    } catch {
      // In the middle of a swap.
    }
    if (!escaped(outside)) continue;
    escapes++;
    reset(outside);
  }
  swapper.rest();
  return { escapes, tries };
}
