import type { RunSummary } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import { statusTone } from '../status-words.ts';
import type { Paint } from '../style.ts';
import { printable } from '../width.ts';
import { ago, spending } from '../words.ts';

const LIST = 20;

export const list: Handler<{ readonly limit?: number; readonly open?: boolean }> = (context, _args, { limit = LIST, open = false }) =>
  context.reading(async ({ client }) => {
    const runs = await client.runs({ limit, open });
    const { out, now } = context;
    if (out.json) for (const each of runs) out.data(each);
    else if (runs.length === 0) out.say(open ? 'Nothing is going on.' : 'There are no runs here yet. Start one: baton run FILE');
    else out.say(...runTable(runs, now(), out.paint));
    return EXIT.done;
  });

export const runTable = (runs: readonly RunSummary[], now: number, paint: Paint): string[] =>
  table(
    ['run', 'name', 'status', 'tasks', 'used', 'submitted'],
    runs.map(({ run, name, status, tasks, counts, tokens, costUsd, submittedAt, by }) => [
      run,
      printable(name),
      paint(statusTone(status), status),
      `${(counts.committed ?? 0) + (counts.failed ?? 0) + (counts.skipped ?? 0) + (counts.cancelled ?? 0)}/${tasks}`,
      spending({ tokens, costUsd }) || '–',
      `${ago(submittedAt, now)} by ${by}`,
    ]),
    paint,
  );
