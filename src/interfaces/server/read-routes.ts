/** What can be seen of runs. Nothing here writes. */
import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import type { RunView } from '../../engine/kernel/view.ts';
import { BatonError } from '../../errors.ts';
import { type Position, readPosition } from '../api/events.ts';
import { inboxOf, runDetail, taskDetail, taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import { lines } from './lines.ts';
import type { OutputLog } from './output-log.ts';
import { paged } from './pages.ts';
import type { Services } from './services.ts';
import { allStream, runStream } from './stream.ts';

const LIST = 100;
const PAGE = 1_000;

export function readRoutes(services: Services, outputs: OutputLog): Hono {
  const { views, journal } = services;
  const app = new Hono();

  const runOf = (c: Context) => {
    const run = findRun(services, c.req.param('run') ?? '');
    const [view, state] = [views.view(run), services.state(run)];
    if (!view || !state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return { run, view, state };
  };

  app.get('/runs', (c) =>
    c.json({
      runs: views.list({ limit: numberOf(c, 'limit') ?? LIST, open: c.req.query('open') === 'true' }),
      position: journal.position(),
    }),
  );
  app.get('/runs/:run', (c) => {
    const { view, state } = runOf(c);
    return c.json(runDetail(view, state));
  });
  app.get('/runs/:run/tasks/:task', async (c) => {
    const { state } = runOf(c);
    return c.json(taskDetail(await services.texts(), state, taskOf(state, c.req.param('task'))));
  });
  app.get('/inbox', async (c) => {
    const typed = c.req.query('run');
    const run = typed === undefined ? undefined : findRun(services, typed);
    const all = run === undefined ? views.list({ limit: Number.MAX_SAFE_INTEGER, open: true }) : [views.view(run)];
    const asking = all.filter((view): view is RunView => view !== undefined && view.attention.length > 0);
    if (asking.length === 0) return c.json({ items: [] });
    const texts = await services.texts();
    return c.json({ items: asking.flatMap((view) => inboxOf(view, services.state(view.run), texts)) });
  });

  app.get('/runs/:run/events', (c) => {
    const { run } = runOf(c);
    const output = c.req.query('output') === 'true';
    const { facts, output: seen = 0 } = positionOf(c);
    return runStream(services, outputs, run, { facts, ...(output ? { output: seen } : {}) });
  });
  app.get('/events', (c) => allStream(services, { facts: positionOf(c).facts }));

  app.get('/runs/:run/facts', (c) => {
    const { run } = runOf(c);
    return lines(
      paged(
        (after) => journal.read(run, after),
        ({ seq }) => seq,
        numberOf(c, 'after'),
      ),
    );
  });
  app.get('/facts', (c) =>
    lines(
      paged(
        (after) => journal.readAll(after, PAGE),
        ({ position }) => position,
        numberOf(c, 'after'),
      ),
    ),
  );
  app.get('/runs/:run/logs', (c) => {
    const { run, state } = runOf(c);
    const typed = c.req.query('task');
    const task = typed === undefined ? undefined : taskOf(state, typed).spec.id;
    const attempt = numberOf(c, 'attempt');
    return lines(
      outputs.all(run),
      (output) => (task === undefined || output.task === task) && (attempt === undefined || output.attempt === attempt),
    );
  });
  return app;
}

/** From `Last-Event-ID`, or `?from=` where a client can't set headers. @throws BatonError `BAD_REQUEST` */
function positionOf(c: Context): Position {
  const text = c.req.header('last-event-id') ?? c.req.query('from') ?? '0';
  const position = readPosition(text);
  if (position) return position;
  throw new BatonError('BAD_REQUEST', `"${text}" is not a position.`, { hint: 'Send the id of the last event you took.' });
}

/** @throws BatonError `BAD_REQUEST` */
export function numberOf(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new BatonError('BAD_REQUEST', `"${name}" must be a whole number, not "${text}".`);
}
