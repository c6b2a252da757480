// req W8, W14: who has no room left loses nothing, and somebody is told what to do.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Baton, type Run } from '../../../src/index.ts';
import { point } from '../point.ts';
import { EDITOR, edits, makeRepository } from '../support/repository.ts';

const PATIENCE_MS = 30_000;
const SMALL = edits([{ write: 'small.txt', text: 'small\n' }]);

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/quota',
  title: 'a full quota and a full disk',
  bar: 'the task stands aside with a clear message, others go on, nothing reaches the user, and with room again the same work is merged',
  async run() {
    const wrong = [...(await overQuota()), ...(await fullDisk())];
    return { holds: wrong.length === 0, figure: `2 cases, ${wrong.length} wrong`, detail: wrong.join('\n') };
  },
});

async function overQuota(): Promise<string[]> {
  const { folder, home } = makeRepository('quota', { 'a.txt': 'a\n', 'baton.yaml': settings(10) });
  const baton = await Baton.open({ home, cwd: folder });
  const many = edits([{ run: 'for i in $(seq 20); do echo $i > many-$i.txt; done' }]);
  const run = await start(baton, many);
  const wrong = await aside(run, 'quota', /quota\.files = 10/, folder);
  writeFileSync(join(folder, 'baton.yaml'), settings(1000));
  await run.retry('big');
  await run.finished().catch((error: Error) => wrong.push(`quota: ${error.message}`));
  await baton.close();
  if (!existsSync(join(folder, 'many-20.txt'))) wrong.push('quota: the work was lost');
  return wrong;
}
function settings(files: number): string {
  return `version: 1\nworkspace: { quota: { files: ${files} } }\n`;
}

/** The trees of a home of root's lie on a disk of their own here: a small one. */
async function fullDisk(): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const { folder, home } = makeRepository('disk', { 'a.txt': 'a\n' });
  mkdirSync(home, { recursive: true });
  const id = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 16);
  const trees = `/var/lib/baton/${id}/trees`;
  mkdirSync(trees, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=711', 'tmpfs', trees]);
  try {
    const baton = await Baton.open({ home, cwd: folder });
    // Fits beside its own copy, not beside the copy that a checkpoint makes.
    const run = await start(baton, edits([{ run: 'head -c 7000000 /dev/urandom > big.bin' }]));
    const wrong = await aside(run, 'disk', /no space left/i, folder);
    execFileSync('mount', ['-o', 'remount,size=64m', trees]);
    for (const { stalled, spec } of run.state.tasks.values()) if (stalled !== undefined) await run.retry(spec.id);
    await run.finished().catch((error: Error) => wrong.push(`disk: ${error.message}`));
    await baton.close();
    if (!existsSync(join(folder, 'big.bin')) || readFileSync(join(folder, 'big.bin')).length !== 7_000_000)
      wrong.push('disk: the work was lost');
    return wrong;
  } finally {
    execFileSync('umount', ['-l', trees]);
  }
}

function start(baton: Baton, prompt: string): Promise<Run> {
  const tasks = { big: { agent: 'editor', prompt }, little: { agent: 'editor', prompt: SMALL } };
  return baton.start({ version: 1, name: 'room', agents: { editor: EDITOR }, tasks });
}

/** Waits until a person is asked, and says what is not as it should be then. */
async function aside(run: Run, name: string, message: RegExp, folder: string): Promise<string[]> {
  for (let waited = 0; run.state.status !== 'waiting' && waited < PATIENCE_MS; waited += 50) await sleep(50);
  const { tasks, status } = run.state;
  const wrong: string[] = [];
  if (status !== 'waiting') wrong.push(`${name}: the run is ${status}`);
  if (!message.test(tasks.get('big')?.stalled ?? ''))
    wrong.push(`${name}: it says ${tasks.get('big')?.stalled ?? tasks.get('big')?.failure?.message}`);
  // One that has no room either stands aside as well.
  if (tasks.get('little')?.status !== 'committed' && tasks.get('little')?.stalled === undefined)
    wrong.push(`${name}: the other task is ${tasks.get('little')?.status}`);
  if (existsSync(join(folder, 'small.txt')) || existsSync(join(folder, 'big.bin'))) wrong.push(`${name}: something reached the user`);
  return wrong;
}
