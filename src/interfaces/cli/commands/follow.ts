import type { Handler } from '../command.ts';
import { watch } from '../watch.ts';

export const follow: Handler<{ readonly output?: boolean }> = (context, [typed = 'last'], { output = false }) =>
  context.reading(async (session) => {
    const { run } = await session.client.run(typed);
    return watch(context, session, { run, output, asks: false });
  });
