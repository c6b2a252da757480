/** W1 to W3: the same work for Baton and every peer, one after another in each round, so that they meet the same weather. */
import type { Result, StepKind } from '../child/job.ts';
import type { Entrant } from '../entrant.ts';
import type { Figures } from '../figures.ts';
import { type Asked, measure, type Site } from '../measure.ts';
import type { Quiet } from '../quiet.ts';
import { median } from '../stats.ts';

/** What the bars are about. */
export const PLAIN: StepKind = { does: 'function', kib: 0 };
const SIZES = [0, 1, 32];
export const ALL_KINDS: readonly StepKind[] = (['function', 'process', 'http'] as const).flatMap((does) =>
  SIZES.map((kib) => ({ does, kib })),
);
/** What else peers are measured with; the rest is about the system and the disk. */
export const PEER_KINDS = ALL_KINDS.filter(({ does, kib }) => does === 'function' || kib === 0);

export const W1 = 'W1: one run of 100 sequential steps';
export const W2 = 'W2: 200 runs × 20 steps at once';
export const STEADY = 'W2 steady: 200 runs × 1,000 steps';
export const W3 = 'W3: 1,000 steps at once, and one that joins them';
export const MEMORY = 'Memory at the end of W2 steady';
export const DELAY = 'Delay of the event loop, p99';

const AGAIN_MAX = 3;

export const kindName = ({ does, kib }: StepKind): string =>
  `${{ function: 'a function', process: 'a spawned process', http: 'an HTTP call' }[does]}, ${kib === 0 ? 'empty result' : `${kib} KiB`}`;

interface Workload {
  readonly group: string;
  readonly asked: Asked;
  note(figures: Figures, key: { readonly line: string; readonly who: string }, result: Result): void;
}

const stepsPerS = ({ ms, steps }: Result): number[] => ms.map((each) => (steps / each) * 1000);

export const SHORT: readonly Workload[] = [
  {
    group: W1,
    asked: { workload: 'chain', steps: 100 },
    note(figures, key, { ms, steps, fsyncs }) {
      figures.add({ ...key, group: W1, unit: 'ms/step' }, ...ms.map((each) => each / steps));
      const step = median(ms) / steps;
      figures.add({ ...key, group: W1, line: `${key.line}: × one overwrite + fdatasync`, unit: '×' }, step * (median(fsyncs) / 1000));
    },
  },
  {
    group: W2,
    asked: { workload: 'crowd', runs: 200, steps: 20 },
    note(figures, key, result) {
      figures.add({ ...key, group: W2, unit: 'steps/s' }, ...stepsPerS(result));
    },
  },
  {
    group: W3,
    asked: { workload: 'fan', width: 1_000 },
    note(figures, key, { ms }) {
      figures.add({ ...key, group: W3, unit: 'ms' }, ...ms);
    },
  },
];

export const LONG: Workload = {
  group: STEADY,
  asked: { workload: 'steady', runs: 200, steps: 1_000, repeats: 1, boxMs: 10_000 },
  note(figures, { line, who }, result) {
    figures.add({ group: STEADY, line, who, unit: 'steps/s' }, ...stepsPerS(result));
    figures.add({ group: MEMORY, line: 'the process, at its highest', who, unit: 'MB' }, result.memoryMb);
    if (result.serverMb > 0) figures.add({ group: MEMORY, line: 'its server', who, unit: 'MB' }, result.serverMb);
    figures.add({ group: DELAY, line: 'W2 steady', who, unit: 'ms' }, result.delayP99Ms);
  },
};

export async function compare(
  figures: Figures,
  quiet: Quiet,
  site: Site,
  entrants: readonly Entrant[],
  workloads: readonly Workload[],
  kinds: readonly StepKind[],
): Promise<void> {
  for (const kind of kinds)
    for (const { group, asked, note } of workloads)
      for (const entrant of entrants)
        await figures.attempt(group, entrant.name, async () => {
          const result = await inQuiet(quiet, () => measure(entrant, site, { ...asked, kind }));
          note(figures, { line: kindName(kind), who: entrant.name }, result);
        });
}

/** Measured again when the disk was not itself; the last try counts, whatever it was. */
async function inQuiet(quiet: Quiet, once: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    await quiet.wait();
    const result = await once();
    if (quiet.held(result.fsyncs)) return result;
    if (tries < AGAIN_MAX && quiet.patient) continue;
    quiet.noisy++;
    return result;
  }
}
