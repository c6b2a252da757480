/** An engine in a process of its own, to be killed: opens the home named by its argument and goes on with what is there. */
import { appendFileSync } from 'node:fs';
import { Baton } from '../../../src/index.ts';

const [home = '', project = ''] = process.argv.slice(2);
process.send?.({ at: 'opening' });
const baton = await Baton.open({
  home,
  cwd: project,
  log: (message, fields) => appendFileSync(`${home}/../engine.log`, `${message} ${JSON.stringify(fields)}\n`),
});
process.send?.({ at: 'open', recovered: baton.recovered });

process.on(
  'message',
  async (message: {
    readonly id: number;
    readonly ask: string;
    readonly run: string;
    readonly task?: string;
    readonly decision?: 'retry' | 'committed';
    readonly file?: string;
  }) => {
    const { id, ask, run, task = '', decision = 'retry', file = '' } = message;
    const answer = (value: unknown) => process.send?.({ id, value });
    try {
      if (ask === 'start') answer((await baton.start(file, { commandId: run })).id);
      else if (ask === 'state') {
        const { status, counts, tasks } = baton.run(run).state;
        answer({
          status,
          counts,
          undecided: [...tasks.values()].filter((each) => each.status === 'undecided').map((each) => each.spec.id),
        });
      } else if (ask === 'decide') answer(await baton.run(run).decideLost(task, decision));
      else if (ask === 'close') {
        await baton.close();
        process.exit(0);
      }
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
    }
  },
);
