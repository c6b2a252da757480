import type { Output as TaskOutput } from '../../api/events.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { jsonLines } from '../json-lines.ts';
import { outputLines } from '../lines.ts';
import { printable } from '../width.ts';

interface LogsOptions {
  readonly attempt?: number;
  readonly tail?: number;
  readonly follow?: boolean;
}

export const logs: Handler<LogsOptions> = (context, [typed = '', task], { attempt, tail, follow = false }) =>
  context.reading(async ({ client, at }) => {
    const { run } = await client.run(typed);
    const id = task === undefined ? undefined : (await client.task(run, task)).id;
    const print = printer(context, id === undefined);
    const query = { ...(id === undefined ? {} : { task: id }), ...(attempt === undefined ? {} : { attempt }) };
    if (!follow) {
      const response = await client.logs(run, query);
      const kept: TaskOutput[] = [];
      for await (const output of jsonLines<TaskOutput>(response)) {
        if (tail === undefined) print.show(output);
        else if (kept.push(output) > tail) kept.shift();
      }
      for (const output of kept) print.show(output);
      print.end();
      return EXIT.done;
    }
    const leaving = new AbortController();
    const onInterrupt = () => leaving.abort();
    process.once('SIGINT', onInterrupt);
    const onBroken = async (problem: unknown, times: number) => {
      if (at() === 'reader') leaving.abort();
      else if (times > 5) throw problem;
    };
    for await (const event of client.follow({ run, output: true, signal: leaving.signal, onBroken })) {
      if (event.type === 'facts') {
        if (event.facts.some(({ fact }) => fact.type === 'run.ended') && !event.more) break;
        continue;
      }
      const { output } = event;
      if ((id === undefined || output.task === id) && (attempt === undefined || output.attempt === attempt)) print.show(output);
    }
    print.end();
    process.off('SIGINT', onInterrupt);
    return leaving.signal.aborted && at() !== 'reader' ? EXIT.interrupted : EXIT.done;
  });

/** As it was printed; with the task in front of each line where there are several. */
function printer({ out }: Context, several: boolean) {
  const unfinished = new Map<string, string>();
  return {
    show(output: TaskOutput) {
      if (out.json) out.data(output);
      else
        for (const { about, text } of outputLines(output, unfinished))
          out.say(several ? `${out.paint('dim', `${about} │`)} ${text}` : text);
    },
    end() {
      for (const [task, text] of unfinished)
        if (text !== '') out.say(several ? `${out.paint('dim', `${task} │`)} ${printable(text)}` : printable(text));
    },
  };
}
