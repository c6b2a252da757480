/**
 * Kills a promotion (or an undoing) with SIGKILL at every one of its steps, each time in a project of its own, and what
 * recovers it too; then looks at what the project has come to.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PromotionRequest } from '../../../src/work/workspace/workspace.ts';
import { type Files, read, untouchedIn } from './promotion-rig.ts';

export interface Job {
  readonly act: 'promote' | 'undo' | 'recover';
  readonly home: string;
  readonly store: string;
  readonly request: PromotionRequest;
  /** Counted from 1; 0 for never. */
  readonly killAt: number;
}

export interface Killing {
  readonly act: 'promote' | 'undo';
  /** A rig's folder in which `act` can begin; it stays as it is. */
  readonly from: string;
  readonly request: Omit<PromotionRequest, 'project'>;
  /** What the project may be afterwards: before, and after. */
  readonly ends: readonly [Files, Files];
  /** The steps at which the recoveries after a kill are killed themselves, one after the other. */
  readonly again: (killAt: number) => Iterable<number>;
  readonly atOnce: number;
}

export interface Killed {
  readonly steps: number;
  readonly inRecovery: number;
  readonly before: number;
  readonly after: number;
  /** Whatever was neither, or not as it was left. */
  readonly wrong: readonly string[];
}

const child = fileURLToPath(new URL('promotion-child.ts', import.meta.url));
const run = promisify(execFile);

/** How many steps it took; undefined when it was killed. */
async function runChild(job: Job): Promise<number | undefined> {
  try {
    return Number((await run(process.execPath, [child, JSON.stringify(job)])).stdout);
  } catch (error) {
    if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') return undefined;
    throw error;
  }
}

export async function killEverywhere({ act, from, request, ends, again, atOnce }: Killing): Promise<Killed> {
  const under = mkdtempSync(`${from}-kills-`);
  const copy = async (name: string) => {
    const folder = join(under, name);
    await run('cp', ['-a', from, folder]);
    return { folder, home: join(folder, 'home'), store: join(folder, 'trees'), request: { ...request, project: join(folder, 'project') } };
  };
  const [counts, wrong] = [{ inRecovery: 0, before: 0, after: 0 }, [] as string[]];
  const branch = request.branch?.name ?? 'none';
  const gitOf = (project: string) =>
    JSON.stringify(Object.entries(untouchedIn(project)).filter(([name]) => !name.endsWith(`heads/${branch}`)));
  const untouched = gitOf(join(from, 'project'));
  const [before, after] = ends.map((files) => JSON.stringify(files));

  const killOnce = async (killAt: number): Promise<void> => {
    const { folder, ...job } = await copy(String(killAt));
    if ((await runChild({ ...job, act, killAt })) !== undefined) wrong.push(`step ${killAt}: it was not killed`);
    for (const at of again(killAt)) {
      if ((await runChild({ ...job, act: 'recover', killAt: at })) !== undefined) break;
      counts.inRecovery++;
    }
    await runChild({ ...job, act: 'recover', killAt: 0 });
    const now = JSON.stringify(read(job.request.project));
    if (now === before) counts.before++;
    else if (now === after) counts.after++;
    else wrong.push(`step ${killAt}: neither before nor after: ${now.slice(0, 2000)}`);
    const branched = existsSync(join(job.request.project, '.git/refs/heads', branch));
    if (branched !== (request.branch !== undefined && now === after))
      wrong.push(`step ${killAt}: the branch is ${branched ? '' : 'not '}there`);
    if (gitOf(job.request.project) !== untouched) wrong.push(`step ${killAt}: the user's .git was touched`);
    const left = leftovers(job.home);
    if (left.length > 0) wrong.push(`step ${killAt}: left behind: ${left.join(', ')}`);
    rmSync(folder, { recursive: true });
  };

  try {
    const { folder: _, ...whole } = await copy('whole');
    const steps = (await runChild({ ...whole, act, killAt: 0 })) ?? 0;
    let next = 1;
    const worker = async () => {
      for (let at = next++; at <= steps && wrong.length < 10; at = next++) await killOnce(at);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return { steps, ...counts, wrong };
  } finally {
    rmSync(under, { recursive: true, force: true });
  }
}

/** What a promotion leaves when it is not over. */
function leftovers(home: string): string[] {
  const root = join(home, 'promotions');
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /journal\.json|\.new$|\.gone/.test(path));
}
