// req K15, K16: a full disk, a read-only home, a newer journal, an overwritten page: coded errors, no hang, nothing lost.
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Baton, BatonError } from '../../../src/index.ts';
import { point } from '../point.ts';
import { baton, chain, makeFolder, type Said } from '../support/cli.ts';

const MIB = 1024 * 1024;
/** Longest answer that is no hang, in milliseconds. */
const PROMPT_MS = 10_000;
const mount = (...args: string[]) => spawnSync('mount', args, { encoding: 'utf8' });

export default point(import.meta, {
  id: 'durable-run/storage',
  title: 'What the disk can do to us',
  bar: 'DISK_FULL, JOURNAL_READONLY, JOURNAL_NEWER, JOURNAL_CORRUPT with path and remedy; no hang; nothing acknowledged is lost',
  async run() {
    const folder = makeFolder('storage');
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const mounted = mount('-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk);
    if (mounted.status !== 0) return { holds: false, figure: 'a small tmpfs could not be mounted (needs root)', detail: mounted.stderr };
    const results: Record<string, string> = {};
    try {
      results['full disk'] = await full(disk);
      results['read-only home'] = readOnly(disk);
      const good = join(folder, 'good');
      mkdirSync(good);
      baton(good, ['run', chain(good, 40), '--foreground']);
      results['newer journal'] = newer(folder, good);
      results['overwritten page'] = overwritten(folder, good);
    } finally {
      spawnSync('umount', ['-l', disk]);
      rmSync(folder, { recursive: true, force: true });
    }
    const wrong = Object.entries(results).filter(([, said]) => !said.startsWith('ok'));
    return {
      holds: wrong.length === 0,
      figure: Object.entries(results)
        .map(([name, said]) => `${name}: ${said.split('\n')[0]}`)
        .join('; '),
      detail: wrong.map(([, said]) => said).join('\n'),
    };
  },
});

/** Fills the disk under a run at work, looks at what a person is told, makes room, and counts what is there. */
async function full(disk: string): Promise<string> {
  const told: string[] = [];
  const steps: string[] = [];
  const open = () =>
    Baton.open({
      home: join(disk, '.baton'),
      cwd: disk,
      log: (_message, fields) => told.push(String(fields['code'])),
      functions: {
        big: ({ task }) => {
          steps.push(task);
          return { text: `${task} `.repeat(40_000) };
        },
      },
    });
  const first = await open();
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(12 * MIB));
  const tasks = Object.fromEntries(
    Array.from({ length: 90 }, (_, i) => [`s${i}`, { call: 'big', ...(i > 0 ? { needs: [`s${i - 1}`] } : {}) }]),
  );
  const run = await first.start({ version: 1, name: 'full', tasks });
  for (let waited = 0; told.length === 0 && waited < PROMPT_MS; waited += 50) await sleep(50);
  const began = performance.now();
  const refused = await run.pause().then(
    () => 'accepted',
    (error: unknown) => (error instanceof BatonError ? `${error.code} ${error.where} ${error.hint}` : String(error)),
  );
  const promptMs = performance.now() - began;
  const acknowledged = run.state.seq;
  rmSync(filler);
  const ended = await Promise.race([run.finished().then((state) => state.status), sleep(20_000, 'hangs')]);
  const once = new Set(steps).size === steps.length;
  await first.close();
  const again = await open();
  const kept = again.run(run.id).state.seq;
  await again.close();
  const good =
    refused.startsWith('DISK_FULL') &&
    refused.includes(disk) &&
    promptMs < PROMPT_MS &&
    ended === 'succeeded' &&
    once &&
    kept >= acknowledged;
  return good
    ? 'ok, DISK_FULL, went on when there was room'
    : `told ${told[0]}, refused ${refused} in ${promptMs} ms, ended ${ended}, steps once ${once}, kept ${kept} of ${acknowledged}`;
}

function readOnly(disk: string): string {
  const remounted = mount('-o', 'remount,ro', disk);
  if (remounted.status !== 0) return remounted.stderr;
  try {
    const said = baton(disk, ['run', chain('/tmp', 2), '--foreground']);
    return judge(said, 'JOURNAL_READONLY', disk);
  } finally {
    mount('-o', 'remount,rw', disk);
    rmSync('/tmp/chain.yaml', { force: true });
  }
}

function newer(folder: string, good: string): string {
  const copy = copied(folder, good, 'newer');
  const db = new DatabaseSync(join(copy, '.baton', 'journal.db'));
  db.exec('PRAGMA user_version = 99');
  db.close();
  return judge(baton(copy, ['run', chain(copy, 2), '--foreground']), 'JOURNAL_NEWER', '99');
}

function overwritten(folder: string, good: string): string {
  const copy = copied(folder, good, 'page');
  const path = join(copy, '.baton', 'journal.db');
  const file = openSync(path, 'r+');
  const pages = Math.floor(statSync(path).size / 4096);
  for (let page = 1; page < pages; page++) writeSync(file, Buffer.alloc(2048, 0xa5), 0, 2048, page * 4096);
  closeSync(file);
  const said = baton(copy, ['audit', 'verify']);
  return judge(said, 'JOURNAL_CORRUPT', copy);
}

function copied(folder: string, good: string, name: string): string {
  const copy = join(folder, name);
  cpSync(good, copy, { recursive: true });
  if (!existsSync(join(copy, '.baton', 'journal.db'))) throw new Error('nothing was copied');
  return copy;
}

function judge({ code, out, err, ms }: Said, expected: string, names: string): string {
  const said = out + err;
  return code !== 0 && said.includes(expected) && said.includes(names) && ms < PROMPT_MS
    ? `ok, ${expected} in ${Math.round(ms)} ms`
    : `exit ${code} in ${Math.round(ms)} ms: ${said.slice(0, 600)}`;
}
