import type { CommandReply } from '../../api/shapes.ts';
import type { BatonClient } from '../../client/client.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { watch } from '../watch.ts';

/** One command to one run, and what to say when it is durable. */
const steer = (
  context: Context,
  typed: string,
  said: string,
  ask: (client: BatonClient, run: string) => Promise<CommandReply>,
): Promise<number> =>
  context.owning(async ({ client }) => {
    const { run } = await client.run(typed);
    const reply = await ask(client, run);
    context.out.result(reply, () => [`Run ${run} ${said}`]);
    return EXIT.done;
  });

export const pause: Handler<{ readonly note?: string }> = (context, [run = ''], { note }) =>
  steer(context, run, 'is paused: nothing new starts.', (client, id) => client.pause(id, note));

export const cancel: Handler<{ readonly reason?: string }> = (context, [run = ''], { reason }) =>
  steer(context, run, 'is being cancelled.', (client, id) => client.cancel(id, reason));

export const retry: Handler<{ readonly detach?: boolean }> = (context, [typed = '', task], { detach = false }) =>
  context.owning(async (session) => {
    const { run } = await session.client.run(typed);
    const reply = await session.client.retry(run, task);
    if (detach) {
      context.out.result(reply, () => [`Run ${run} tries again.`]);
      return EXIT.done;
    }
    return watch(context, session, { run, output: false, asks: true });
  });
