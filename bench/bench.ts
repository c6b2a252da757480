/** One run of the bench, from the first look at the machine to the report. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { judge } from './bars.ts';
import { baton } from './entrant.ts';
import { Figures } from './figures.ts';
import { diskLimits } from './limits.ts';
import { describe } from './machine.ts';
import { openPeers, type Peers } from './peers/peers.ts';
import { Quiet } from './quiet.ts';
import { cacheFolder, openSite } from './site.ts';
import type { Report } from './table.ts';
import { large, starting } from './workloads/alone.ts';
import { commandLine, idleServer } from './workloads/command-line.ts';
import { ALL_KINDS, compare, LONG, PEER_KINDS, PLAIN, SHORT } from './workloads/compared.ts';
import { CRASH, CRASH_1000, crash } from './workloads/crash.ts';
import { goals, planning } from './workloads/planning.ts';
import { trees } from './workloads/trees.ts';

/** What can be measured alone. */
export const WORKLOADS = [
  'compared',
  'recovery',
  'large',
  'command-line',
  'planning',
  'goals',
  'memory',
  'kinds',
  'starting',
  'trees',
] as const;
export type Workload = (typeof WORKLOADS)[number];

export interface BenchOptions {
  /** Nothing but this. */
  readonly only?: Workload;
  readonly peers: boolean;
  /** Only what the bars are about. */
  readonly bars: boolean;
  readonly rounds: number;
  /** On the disk to be measured; default a temporary folder. */
  readonly folder: string | undefined;
  /** Told what is being measured. */
  readonly progress: (text: string) => void;
}

/** How long to wait for a quiet machine: before each measurement, and in all. */
const [PATIENCE_MS, PATIENCE_ALL_MS] = [15_000, 300_000];
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const NO_PEERS: Peers = { entrants: [], missing: [], postgres: undefined, stop: async () => {} };

export async function bench({ only, peers: withPeers, bars, rounds, folder, progress }: BenchOptions): Promise<Report> {
  const wants = (workload: Workload) => only === undefined || only === workload;
  const site = await openSite(folder);
  const peers = withPeers ? await openPeers(cacheFolder(), site.base) : NO_PEERS;
  const leave = async () => {
    await peers.stop();
    await site.close();
  };
  const interrupted = () => leave().finally(() => process.exit(130));
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    const own = baton(version());
    const entrants = [own, ...peers.entrants];
    const figures = new Figures();
    const quiet = new Quiet(site.base, PATIENCE_MS, PATIENCE_ALL_MS);
    await quiet.wait();
    const machine = describe(site.base);
    const before = diskLimits(site.base);
    for (let round = 1; round <= rounds; round++) {
      const now = (workload: Workload): boolean => {
        if (wants(workload)) progress(`round ${round} of ${rounds}: ${workload}`);
        return wants(workload);
      };
      if (now('compared')) await compare(figures, quiet, site, entrants, [...SHORT, LONG], [PLAIN]);
      if (now('recovery')) {
        await crash(figures, quiet, site, entrants, { group: CRASH, runs: 200 });
        await crash(figures, quiet, site, [own], { group: CRASH_1000, runs: 1_000 });
      }
      if (now('large')) await large(figures, quiet, site, bars || round > 1 ? ['layers'] : ['layers', 'wide', 'foreach']);
      if (now('command-line')) await figures.attempt('command line', own.name, () => commandLine(figures, quiet, site));
      if (now('planning')) await figures.attempt('planning', own.name, () => planning(figures, quiet));
      if (now('goals')) await figures.attempt('goals', own.name, () => goals(figures, quiet, site));
      if (now('memory')) await figures.attempt('memory', own.name, () => idleServer(figures, site));
    }
    if (!bars) {
      progress('the rest, one round');
      const others = (kinds: typeof ALL_KINDS) =>
        kinds.filter((kind) => kind !== PLAIN && !(kind.does === PLAIN.does && kind.kib === PLAIN.kib));
      if (wants('kinds')) {
        await compare(figures, quiet, site, [own], SHORT, others(ALL_KINDS.filter((kind) => !PEER_KINDS.includes(kind))));
        await compare(figures, quiet, site, entrants, SHORT, others(PEER_KINDS));
      }
      if (wants('starting')) await starting(figures, quiet, site);
      if (wants('trees')) await trees(figures, quiet, site, progress);
    }
    const judged = judge(figures, entrants, machine.cpuFactor);
    return {
      date: new Date().toISOString().slice(0, 10),
      commit: commit(),
      machine,
      limits: [before, diskLimits(site.base)],
      rounds,
      noisy: quiet.noisy,
      entrants,
      missing: peers.missing,
      postgres: peers.postgres,
      figures,
      bars: only === undefined ? judged : judged.filter(({ share }) => !Number.isNaN(share)),
    };
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
    await leave();
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}
