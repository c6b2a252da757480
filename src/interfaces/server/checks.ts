/** How the parts are that every home has: node, disk, journal. Others are told by whoever composed Baton. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BatonError } from '../../errors.ts';
import type { Check } from '../api/shapes.ts';
import { take } from './pages.ts';
import type { Services } from './services.ts';

const NODE_WANTED = 24;
/** Free space below which a disk is not well, in bytes. */
const DISK_LOW = 256 * 1024 * 1024;

/** @param cwd a folder of the project whose settings count */
export async function allChecks(services: Services, cwd: string | undefined): Promise<readonly Check[]> {
  const floor = services.checks(cwd).catch(notWell);
  const parts = [nodeCheck(), diskCheck(services.home), journalCheck(services), floor];
  return (await Promise.all(parts)).flat();
}

/** Every needed part is well. */
export const isWell = (checks: readonly Check[]): boolean => checks.every(({ well, needed = true }) => well || !needed);

/** Settings with mistakes are a finding like any other. */
function notWell(error: unknown): Check {
  if (!(error instanceof BatonError)) throw error;
  return { part: 'settings', well: false, says: error.message, hint: error.hint ?? 'See them line by line: baton doctor --config' };
}

function nodeCheck(): Check {
  const well = Number(process.versions.node.split('.')[0]) >= NODE_WANTED;
  return { part: 'node', well, says: process.version, ...(well ? {} : { hint: `Install Node.js ${NODE_WANTED} or newer.` }) };
}

async function diskCheck(home: string): Promise<Check> {
  let folder = home;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const says = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  return free >= DISK_LOW
    ? { part: 'disk', well: true, says }
    : { part: 'disk', well: false, says, hint: 'Free some space: baton clean shows what Baton itself could remove.' };
}

function journalCheck({ journal, home, views, engine }: Services): Check {
  try {
    const open = views.list({ limit: Number.MAX_SAFE_INTEGER, open: true }).length;
    // One read of stored bytes: a file that is no journal, or that the disk can't give, says so here.
    take(journal.readAll(Math.max(0, journal.position() - 1)), 1);
    const owner = engine ? `process ${process.pid} owns it, epoch ${journal.epoch}` : 'nobody owns it now';
    return { part: 'journal', well: true, says: `${journal.position()} facts, ${open} unfinished runs; ${owner} (${home})` };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    const hint = error instanceof BatonError ? error.hint : undefined;
    return { part: 'journal', well: false, says, hint: hint ?? 'Check it: baton audit verify' };
  }
}
