import type { RunSummary } from '../api/shapes.ts';
import type { Session } from './connect.ts';
import type { Context } from './context.ts';
import { pad } from './width.ts';
import { clock, plural } from './words.ts';

const PATIENCE = 20;

/**
 * Waits until each of these runs is over or only a person can move it on, and gives how they stand then; undefined when
 * somebody pressed Ctrl-C before.
 */
export async function waitForAll(
  context: Context,
  { client }: Session,
  runs: readonly string[],
): Promise<readonly RunSummary[] | undefined> {
  const { out, now } = context;
  const waiting = new Set(runs);
  const found = new Map<string, RunSummary>();
  const look = async (run: string) => {
    const summary = await client.run(run);
    if (!standsStill(summary)) return;
    waiting.delete(run);
    found.set(run, summary);
    if (!out.json) out.note('dim', `${clock(now())}  ${pad(run, 12)}  ${summary.status}; ${plural(waiting.size, 'run')} to go`);
  };
  for (const run of runs) await look(run);
  if (waiting.size === 0) return runs.flatMap((run) => found.get(run) ?? []);
  const { position } = await client.health();
  for (const run of [...waiting]) await look(run);
  const onBroken = async (problem: unknown, times: number) => {
    if (times > PATIENCE) throw problem;
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  process.once('SIGINT', leave);
  if (waiting.size > 0)
    for await (const event of client.follow({ from: { facts: position }, signal: leaving.signal, onBroken })) {
      if (event.type !== 'facts') continue;
      const touched = new Set(event.facts.map(({ stream }) => stream).filter((stream) => waiting.has(stream)));
      for (const run of touched) await look(run);
      if (waiting.size === 0) break;
    }
  process.off('SIGINT', leave);
  if (leaving.signal.aborted) return undefined;
  return runs.flatMap((run) => found.get(run) ?? []);
}

function standsStill({ status, counts }: RunSummary): boolean {
  if (status === 'paused') return (counts.running ?? 0) + (counts.validating ?? 0) === 0;
  return status !== 'running' && status !== 'planning' && status !== 'cancelling';
}
