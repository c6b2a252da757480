import type { Health, InboxItem, RunSummary } from '../../api/shapes.ts';
import { itemLines } from '../asking.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { plural } from '../words.ts';
import { runTable } from './list.ts';
import { taskTable, treeLine } from './show.ts';

const SHOWN = 5;
const ASKED = 10;

export const status: Handler<object> = (context, [typed]) =>
  context.reading(async ({ client }) => {
    const { out, now } = context;
    if (typed !== undefined) {
      const detail = await client.run(typed);
      const tree = await treeLine(context, client, detail);
      out.result(detail, () => [...runTable([detail], now(), out.paint), ...tree, '', ...taskTable(detail.taskList, now(), out.paint)]);
      return EXIT.done;
    }
    const [health, runs, items] = await Promise.all([client.health(), client.runs({ limit: 100 }), client.inbox()]);
    out.result({ ...health, runs, inbox: items }, () => overview(context, health, runs, items));
    return EXIT.done;
  });

function overview(
  { out, now }: Context,
  { home, pid, engine }: Health,
  runs: readonly RunSummary[],
  items: readonly InboxItem[],
): string[] {
  const open = runs.filter(({ status }) => status !== 'succeeded' && status !== 'failed' && status !== 'cancelled');
  const moving = open.filter(({ status }) => status === 'running' || status === 'planning' || status === 'cancelling');
  const lines = [`${out.paint('dim', 'home')}   ${home}`];
  if (engine) lines.push(`${out.paint('dim', 'owner')}  process ${pid}`);
  else if (moving.length > 0)
    lines.push(out.paint('wait', `Nobody carries ${plural(moving.length, 'unfinished run')} on. Go on: baton resume`));
  if (runs.length === 0) return [...lines, '', 'There are no runs here yet. Start one: baton run FILE'];
  for (const item of items.slice(0, ASKED)) lines.push('', ...itemLines(item, out.paint));
  if (items.length > ASKED) lines.push('', out.paint('dim', `${items.length - ASKED} more wait for you: baton inbox`));
  const shown = open.length > 0 ? open : runs.slice(0, SHOWN);
  lines.push('', ...runTable(shown, now(), out.paint));
  if (runs.length > shown.length) lines.push(out.paint('dim', `${runs.length - shown.length} more: baton list`));
  return lines;
}
