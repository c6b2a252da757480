/** About the home as a whole: how it is, what it is configured with, whether its journal is whole, what can go. */
import { isAhead } from '../../engine/kernel/promotion.ts';
import { RUN_TERMINAL } from '../../engine/kernel/state.ts';
import type { Audit, Cleaned, CleanedRun, Health } from '../api/shapes.ts';
import { readBody } from './body.ts';
import { allChecks, isWell } from './checks.ts';
import { engineOf } from './commands.ts';
import { findRun } from './find-run.ts';
import type { OutputLog } from './output-log.ts';
import { numberOf } from './read-routes.ts';
import { type Asked, get, json, post, type Route } from './route.ts';
import type { Services } from './services.ts';
import { roomByRun } from './tree-views.ts';

export function homeRoutes(services: Services, outputs: OutputLog): Route[] {
  const { journal, views, engine, home, version } = services;

  return [
    get('/health', () =>
      json({
        ok: true,
        version,
        home,
        pid: process.pid,
        position: journal.position(),
        ...(engine ? { engine: { startedAt: engine.startedAt, epoch: journal.epoch } } : {}),
      } satisfies Health),
    ),
    get('/doctor', async (asked) => {
      const checks = await allChecks(services, asked.query('cwd'));
      return json({ well: isWell(checks), checks });
    }),
    get('/settings', async (asked) => json({ settings: await services.settings(asked.query('cwd')) })),
    get('/agents', async (asked) => json({ agents: await services.agents(asked.query('cwd')) })),
    get('/agents/replay', async (asked) => json(await services.replay(asked.query('cwd')))),
    post('/plans', async (asked) => json(await services.workflows.plan(await readBody(asked, 'runRequest')))),

    post('/audit/verify', async (asked) => {
      const { run, heads: kept = [] } = await readBody(asked, 'verifyRequest');
      const only = run === undefined ? undefined : findRun(services, run);
      const heads = [...journal.heads()].filter(({ stream }) => only === undefined || stream === only);
      const streams = new Set([...heads, ...kept].map(({ stream }) => stream));
      const breaks: Audit['breaks'][number][] = [];
      for (const stream of streams) {
        if (only !== undefined && stream !== only) continue;
        breaks.push(
          ...journal.verify(
            stream,
            kept.filter((head) => head.stream === stream),
          ),
        );
        // Others are served between two streams.
        await new Promise(setImmediate);
      }
      const facts = heads.reduce((sum, { seq }) => sum + seq, 0);
      return json({ whole: breaks.length === 0, streams: heads.length, facts, breaks } satisfies Audit);
    }),
    get('/audit/heads', () => json({ heads: [...journal.heads()] })),

    get('/clean', async (asked) => {
      const runs = cleanable(asked);
      const room = runs.length > 0 ? await roomByRun(services) : new Map<string, NonNullable<CleanedRun['workspaces']>>();
      return json({ runs: runs.map((each) => withTrees(each, room.get(each.run))) } satisfies Cleaned);
    }),
    post('/clean', async (asked) => {
      const { remove } = engineOf(services);
      const { runs } = await readBody(asked, 'cleanRequest');
      const wanted = new Set(runs.map((run) => findRun(services, run)));
      const ended = endedRuns().filter(({ run }) => wanted.has(run));
      const removed = await remove(ended.map(({ run }) => run));
      const gone = new Set(removed.runs);
      for (const run of gone) outputs.forget(run);
      return json({ runs: ended.filter(({ run }) => gone.has(run)), removed } satisfies Cleaned);
    }),
  ];
  function withTrees(each: CleanedRun, workspaces: CleanedRun['workspaces']): CleanedRun {
    const tree = services.state(each.run)?.tree;
    const promotions = tree?.done.length ?? 0;
    return {
      ...each,
      ...(workspaces ? { workspaces } : {}),
      ...(promotions > 0 ? { promotions } : {}),
      ...(tree && isAhead(tree) ? { ahead: true } : {}),
    };
  }
  /** Runs that are over, the oldest first. */
  function endedRuns(): CleanedRun[] {
    return views
      .list({ limit: Number.MAX_SAFE_INTEGER })
      .filter(({ status }) => RUN_TERMINAL.has(status))
      .map(({ run, name, status, endedAt, at }) => ({ run, name, status, endedAt: endedAt ?? at }))
      .sort((a, b) => a.endedAt - b.endedAt);
  }
  function cleanable(asked: Asked): readonly CleanedRun[] {
    const before = Date.now() - (numberOf(asked, 'olderThanMs') ?? 0);
    const typed = asked.query('run');
    const only = typed === undefined ? undefined : findRun(services, typed);
    return endedRuns().filter(({ run, endedAt }) => endedAt <= before && (only === undefined || run === only));
  }
}
