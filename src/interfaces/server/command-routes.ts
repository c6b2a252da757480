/** What people and programs ask of runs. Bodies are read strictly; nothing is answered before it is durable. */
import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { type Body, type BodyName, readBody } from './body.ts';
import { commandRef, engineOf, replied, runIdOf, submit } from './commands.ts';
import { decision } from './decision.ts';
import { taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import type { Services } from './services.ts';

export function commandRoutes(services: Services): Hono {
  const by = services.local;
  const app = new Hono();

  /** Reads the body, finds the run, and lets `make` say what is asked of it. */
  const ask = async <K extends BodyName>(
    c: Context,
    name: K,
    make: (body: Body<K>, state: RunState) => AskedCommand,
  ): Promise<Response> => {
    engineOf(services);
    const body = await readBody(c, name);
    const run = findRun(services, c.req.param('run') ?? '');
    const ref = commandRef(c, body);
    const state = services.state(run);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return submit(c, services, run, make(body, state), ref);
  };
  const task = (c: Context, state: RunState) => taskOf(state, c.req.param('task') ?? '');

  app.post('/runs', async (c) => {
    engineOf(services);
    const request = await readBody(c, 'runRequest');
    const ref = commandRef(c, request);
    const run = runIdOf(ref.id);
    // A repeat is answered before the file is looked at: it may have changed or gone since.
    const before = services.state(run)?.commands.get(ref.id);
    if (before?.args === ref.args) return replied(c, { run, seq: before.seq }, true);
    const plan = await services.workflows.prepare(request);
    return submit(c, services, run, { type: 'run.create', plan, by }, ref);
  });
  app.post('/runs/:run/pause', (c) => ask(c, 'pauseRequest', (body) => ({ type: 'run.pause', by, ...body })));
  app.post('/runs/:run/resume', (c) => ask(c, 'resumeRequest', (body) => ({ type: 'run.resume', by, ...body })));
  app.post('/runs/:run/cancel', (c) => ask(c, 'cancelRequest', (body) => ({ type: 'run.cancel', by, ...body })));
  app.post('/runs/:run/retry', (c) =>
    ask(c, 'retryRequest', (body, state) => {
      const record = body.task === undefined ? undefined : taskOf(state, body.task);
      if (!record) return { type: 'run.retry', by };
      const { id } = record.spec;
      // Nobody knows whether it happened: to try again is to decide that it did not.
      return record.status === 'undecided' ? { type: 'task.decide', by, task: id, decision: 'retry' } : { type: 'run.retry', by, task: id };
    }),
  );

  app.post('/runs/:run/approvals/:approval', (c) =>
    ask(c, 'decideRequest', (body, state) => decision(engineOf(services), state, c.req.param('approval'), body, by)),
  );
  app.post('/runs/:run/tasks/:task/answer', (c) =>
    ask(c, 'answerRequest', ({ answer }, state) => {
      const { id } = task(c, state).spec;
      return { type: 'question.answer', by, task: id, result: engineOf(services).answered(state.id, id, answer, by) };
    }),
  );
  app.post('/runs/:run/tasks/:task/decision', (c) =>
    ask(c, 'undecidedRequest', ({ decision, outputs = {} }, state) => {
      const { id } = task(c, state).spec;
      const result = decision === 'committed' ? { result: engineOf(services).happened(state.id, id, outputs, by) } : {};
      return { type: 'task.decide', by, task: id, decision, ...result };
    }),
  );
  app.post('/runs/:run/tasks/:task/messages', (c) =>
    ask(c, 'messageRequest', ({ text }, state) => ({
      type: 'message.send',
      by,
      task: task(c, state).spec.id,
      body: services.journal.put(text),
    })),
  );
  return app;
}
