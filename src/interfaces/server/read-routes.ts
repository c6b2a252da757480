/** What can be seen of runs. Nothing here writes. */
import type { RunView } from '../../engine/kernel/view.ts';
import { BatonError } from '../../errors.ts';
import { type Position, readPosition } from '../api/events.ts';
import { inboxOf, runDetail, taskDetail, taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import { lines } from './lines.ts';
import type { OutputLog } from './output-log.ts';
import { paged } from './pages.ts';
import { type Asked, get, json, type Route } from './route.ts';
import type { Services } from './services.ts';
import { allStream, runStream } from './stream.ts';

const LIST = 100;
const PAGE = 1_000;

export function readRoutes(services: Services, outputs: OutputLog): Route[] {
  const { views, journal } = services;

  const runOf = (asked: Asked) => {
    const run = findRun(services, asked.param('run'));
    const [view, state] = [views.view(run), services.state(run)];
    if (!view || !state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return { run, view, state };
  };

  return [
    get('/runs', (asked) =>
      json({
        runs: views.list({ limit: numberOf(asked, 'limit') ?? LIST, open: asked.query('open') === 'true' }),
        position: journal.position(),
      }),
    ),
    get('/runs/:run', (asked) => {
      const { view, state } = runOf(asked);
      return json(runDetail(services, view, state));
    }),
    get('/runs/:run/tasks/:task', async (asked) => {
      const { state } = runOf(asked);
      return json(await taskDetail(services, state, taskOf(state, asked.param('task'))));
    }),
    get('/inbox', async (asked) => {
      const typed = asked.query('run');
      const run = typed === undefined ? undefined : findRun(services, typed);
      const all = run === undefined ? views.list({ limit: Number.MAX_SAFE_INTEGER, open: true }) : [views.view(run)];
      const asking = all.filter((view): view is RunView => view !== undefined && view.attention.length > 0);
      if (asking.length === 0) return json({ items: [] });
      const texts = await services.texts();
      const items = await Promise.all(asking.map((view) => inboxOf(services, view, services.state(view.run), texts)));
      return json({ items: items.flat() });
    }),

    get('/runs/:run/events', (asked) => {
      const { run } = runOf(asked);
      const output = asked.query('output') === 'true';
      const { facts, output: seen = 0 } = positionOf(asked);
      return runStream(services, outputs, run, { facts, ...(output ? { output: seen } : {}) });
    }),
    get('/events', (asked) => allStream(services, { facts: positionOf(asked).facts })),

    get('/runs/:run/facts', (asked) => {
      const { run } = runOf(asked);
      return lines(
        paged(
          (after) => journal.read(run, after),
          ({ seq }) => seq,
          numberOf(asked, 'after'),
        ),
      );
    }),
    get('/facts', (asked) =>
      lines(
        paged(
          (after) => journal.readAll(after, PAGE),
          ({ position }) => position,
          numberOf(asked, 'after'),
        ),
      ),
    ),
    get('/runs/:run/logs', (asked) => {
      const { run, state } = runOf(asked);
      const typed = asked.query('task');
      const task = typed === undefined ? undefined : taskOf(state, typed).spec.id;
      const attempt = numberOf(asked, 'attempt');
      return lines(
        outputs.all(run),
        (output) => (task === undefined || output.task === task) && (attempt === undefined || output.attempt === attempt),
      );
    }),
  ];
}

/** From `Last-Event-ID`, or `?from=` where a client can't set headers. @throws BatonError `BAD_REQUEST` */
function positionOf(asked: Asked): Position {
  const text = asked.header('last-event-id') ?? asked.query('from') ?? '0';
  const position = readPosition(text);
  if (position) return position;
  throw new BatonError('BAD_REQUEST', `"${text}" is not a position.`, { hint: 'Send the id of the last event you took.' });
}

/** @throws BatonError `BAD_REQUEST` */
export function numberOf(asked: Asked, name: string): number | undefined {
  const text = asked.query(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new BatonError('BAD_REQUEST', `"${name}" must be a whole number, not "${text}".`);
}
