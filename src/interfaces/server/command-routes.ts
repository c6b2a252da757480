/** What people and programs ask of runs. Bodies are read strictly; nothing is answered before it is durable. */
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import { decide } from '../../engine/kernel/kernel.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { ChangePreview } from '../api/shapes.ts';
import { type Body, type BodyName, readBody } from './body.ts';
import { commandRef, engineOf, replied, runIdOf, submit } from './commands.ts';
import { decision } from './decision.ts';
import { taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import { planLines } from './plan-lines.ts';
import { refused } from './problem.ts';
import { type Asked, type Given, json, post, type Route } from './route.ts';
import type { Services } from './services.ts';

export function commandRoutes(services: Services): Route[] {
  const by = services.local;

  /** Reads the body, finds the run, and lets `make` say what is asked of it. */
  const ask = async <K extends BodyName>(
    asked: Asked,
    name: K,
    make: (body: Body<K>, state: RunState) => AskedCommand | Promise<AskedCommand>,
  ): Promise<Given> => {
    engineOf(services);
    const body = await readBody(asked, name);
    const run = findRun(services, asked.param('run'));
    const ref = commandRef(asked, body);
    const state = services.state(run);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return submit(services, run, await make(body, state), ref);
  };
  const task = (asked: Asked, state: RunState) => taskOf(state, asked.param('task'));

  return [
    post('/runs', async (asked) => {
      engineOf(services);
      const request = await readBody(asked, 'runRequest');
      const ref = commandRef(asked, request);
      const run = runIdOf(ref.id);
      // A repeat is answered before the file is looked at: it may have changed or gone since.
      const before = services.state(run)?.commands.get(ref.id);
      if (before?.args === ref.args) return replied({ run, seq: before.seq }, true);
      const plan = await services.workflows.prepare(request);
      return submit(services, run, { type: 'run.create', plan, by }, ref);
    }),
    post('/runs/:run/pause', (asked) => ask(asked, 'pauseRequest', (body) => ({ type: 'run.pause', by, ...body }))),
    post('/runs/:run/resume', (asked) => ask(asked, 'resumeRequest', (body) => ({ type: 'run.resume', by, ...body }))),
    post('/runs/:run/cancel', (asked) => ask(asked, 'cancelRequest', (body) => ({ type: 'run.cancel', by, ...body }))),
    post('/runs/:run/retry', (asked) =>
      ask(asked, 'retryRequest', (body, state) => {
        const record = body.task === undefined ? undefined : taskOf(state, body.task);
        if (!record) return { type: 'run.retry', by };
        const { id } = record.spec;
        // Nobody knows whether it happened: to try again is to decide that it did not.
        return record.status === 'undecided'
          ? { type: 'task.decide', by, task: id, decision: 'retry' }
          : { type: 'run.retry', by, task: id };
      }),
    ),

    post('/runs/:run/change/preview', async (asked) => {
      const { change } = await readBody(asked, 'changeRequest');
      const run = findRun(services, asked.param('run'));
      const state = services.state(run);
      if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
      const base = state.version;
      const command = await services.workflows.change(state, change);
      const decided = decide(state, { ...command, by, base }, Date.now());
      if ('code' in decided) throw refused(decided);
      return json({ run, version: base, lines: planLines(state, command), asks: state.plan.changes !== undefined } satisfies ChangePreview);
    }),
    post('/runs/:run/change', (asked) =>
      ask(asked, 'changeRequest', async ({ change, version }, state) => {
        // The run may go on while the change is checked: then it was made against another plan.
        const base = version ?? state.version;
        return { ...(await services.workflows.change(state, change)), by, base };
      }),
    ),

    post('/runs/:run/approvals/:approval', (asked) =>
      ask(asked, 'decideRequest', (body, state) => decision(engineOf(services), state, asked.param('approval'), body, by)),
    ),
    post('/runs/:run/tasks/:task/answer', (asked) =>
      ask(asked, 'answerRequest', ({ answer }, state) => {
        const { id } = task(asked, state).spec;
        return { type: 'question.answer', by, task: id, result: engineOf(services).answered(state.id, id, answer, by) };
      }),
    ),
    post('/runs/:run/tasks/:task/decision', (asked) =>
      ask(asked, 'undecidedRequest', ({ decision, outputs = {} }, state) => {
        const { id } = task(asked, state).spec;
        const result = decision === 'committed' ? { result: engineOf(services).happened(state.id, id, outputs, by) } : {};
        return { type: 'task.decide', by, task: id, decision, ...result };
      }),
    ),
    post('/runs/:run/tasks/:task/messages', (asked) =>
      ask(asked, 'messageRequest', ({ text }, state) => ({
        type: 'message.send',
        by,
        task: task(asked, state).spec.id,
        body: services.journal.put(text),
      })),
    ),
  ];
}
