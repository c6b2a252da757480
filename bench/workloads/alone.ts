/** What no peer is asked: large runs, and what it takes to start one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OwnJob, OwnResult } from '../baton/own-job.ts';
import type { Figures } from '../figures.ts';
import { child, type Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';
import { median } from '../stats.ts';
import { DELAY } from './compared.ts';

export const LARGE = 'One large run: cost of a task';
export const START = 'From a workflow as data to a run that is durable';
export const BATON = 'Baton';
const script = fileURLToPath(new URL('../baton/own.ts', import.meta.url));

type Ask = OwnJob extends infer Each ? (Each extends OwnJob ? Omit<Each, 'folder'> : never) : never;

/** @param folder kept when given; otherwise a new one that is removed */
export async function askBaton(site: Site, ask: Ask, folder?: string): Promise<OwnResult> {
  const where = folder ?? mkdtempSync(join(site.base, 'data-'));
  try {
    const { answer, said } = await child(script, { ...ask, folder: where });
    if (!answer) throw new Error(`no answer. ${said}`);
    return answer as OwnResult;
  } finally {
    if (folder === undefined) rmSync(where, { recursive: true, force: true });
  }
}

const SMALL = 1_000;
const LARGEST = 100_000;
export const lineOf = (shape: string, tasks: number): string => `${shape}, ${tasks.toLocaleString('en')} tasks`;
export const LAYERS = 'layers of 100';

export async function large(figures: Figures, quiet: Quiet, site: Site, shapes: readonly ('layers' | 'wide' | 'foreach')[]): Promise<void> {
  for (const shape of shapes)
    for (const tasks of [SMALL, LARGEST]) {
      const line = lineOf(shape === 'layers' ? LAYERS : shape === 'wide' ? 'all at once' : 'one foreach', tasks);
      await figures.attempt(LARGE, BATON, async () => {
        await quiet.wait();
        const { ms, delayP99Ms, delayMaxMs } = await askBaton(site, { what: 'large', shape, tasks, repeats: tasks === SMALL ? 20 : 1 });
        figures.add({ group: LARGE, line, who: BATON, unit: 'µs/task' }, (median(ms) / tasks) * 1000);
        figures.add({ group: DELAY, line: `one run, ${line}`, who: BATON, unit: 'ms' }, delayP99Ms);
        figures.add({ group: DELAY, line: `one run, ${line}: the longest`, who: BATON, unit: 'ms' }, delayMaxMs);
      });
    }
}

export async function starting(figures: Figures, quiet: Quiet, site: Site): Promise<void> {
  for (const tasks of [10, SMALL])
    await figures.attempt(START, BATON, async () => {
      await quiet.wait();
      const { ms } = await askBaton(site, { what: 'start', tasks, repeats: 5 });
      figures.add({ group: START, line: `${tasks.toLocaleString('en')} tasks`, who: BATON, unit: 'ms' }, ...ms);
    });
}
