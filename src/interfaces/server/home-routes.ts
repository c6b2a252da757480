/** About the home as a whole: how it is, what it is configured with, whether its journal is whole, what can go. */
import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { RUN_TERMINAL } from '../../engine/kernel/state.ts';
import type { Audit, Cleaned, Health } from '../api/shapes.ts';
import { readBody } from './body.ts';
import { allChecks, isWell } from './checks.ts';
import { engineOf } from './commands.ts';
import { findRun } from './find-run.ts';
import type { OutputLog } from './output-log.ts';
import { numberOf } from './read-routes.ts';
import type { Services } from './services.ts';

export function homeRoutes(services: Services, outputs: OutputLog): Hono {
  const { journal, views, engine, home, version } = services;
  const app = new Hono();

  app.get('/health', (c) =>
    c.json({
      ok: true,
      version,
      home,
      pid: process.pid,
      position: journal.position(),
      ...(engine ? { engine: { startedAt: engine.startedAt, epoch: journal.epoch } } : {}),
    } satisfies Health),
  );
  app.get('/doctor', async (c) => {
    const checks = await allChecks(services, c.req.query('cwd'));
    return c.json({ well: isWell(checks), checks });
  });
  app.get('/settings', async (c) => c.json({ settings: await services.settings(c.req.query('cwd')) }));
  app.get('/agents', async (c) => c.json({ agents: await services.agents(c.req.query('cwd')) }));
  app.post('/plans', async (c) => c.json(await services.workflows.plan(await readBody(c, 'runRequest'))));

  app.post('/audit/verify', async (c) => {
    const { run, heads: kept = [] } = await readBody(c, 'verifyRequest');
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
    return c.json({ whole: breaks.length === 0, streams: heads.length, facts, breaks } satisfies Audit);
  });
  app.get('/audit/heads', (c) => c.json({ heads: [...journal.heads()] }));

  app.get('/clean', (c) => c.json({ runs: cleanable(c) } satisfies Cleaned));
  app.post('/clean', async (c) => {
    const { remove } = engineOf(services);
    const { runs } = await readBody(c, 'cleanRequest');
    const wanted = new Set(runs.map((run) => findRun(services, run)));
    const ended = endedRuns().filter(({ run }) => wanted.has(run));
    const removed = await remove(ended.map(({ run }) => run));
    for (const { run } of ended) outputs.forget(run);
    return c.json({ runs: ended, removed } satisfies Cleaned);
  });

  /** Runs that are over, the oldest first. */
  function endedRuns(): Cleaned['runs'][number][] {
    return views
      .list({ limit: Number.MAX_SAFE_INTEGER })
      .filter(({ status }) => RUN_TERMINAL.has(status))
      .map(({ run, name, status, endedAt, at }) => ({ run, name, status, endedAt: endedAt ?? at }))
      .sort((a, b) => a.endedAt - b.endedAt);
  }
  function cleanable(c: Context): Cleaned['runs'] {
    const before = Date.now() - (numberOf(c, 'olderThanMs') ?? 0);
    const typed = c.req.query('run');
    const only = typed === undefined ? undefined : findRun(services, typed);
    return endedRuns().filter(({ run, endedAt }) => endedAt <= before && (only === undefined || run === only));
  }
  return app;
}
