import type { RunDetail, TaskDetail, TaskSummary } from '../../api/shapes.ts';
import type { BatonClient } from '../../client/client.ts';
import { overlapCommand } from '../asking.ts';
import type { Handler } from '../command.ts';
import { type Context, EXIT } from '../context.ts';
import { table } from '../output.ts';
import { statusTone } from '../status-words.ts';
import type { Paint } from '../style.ts';
import { standing } from '../tree-words.ts';
import { printable } from '../width.ts';
import { duration, money, spending } from '../words.ts';
import { runTable } from './list.ts';

export const show: Handler<object> = (context, [run = '', task]) =>
  context.reading(async ({ client }) => {
    const { out, now } = context;
    if (task === undefined) {
      const detail = await client.run(run);
      const tree = await treeLine(context, client, detail);
      out.result(detail, () => runLines(detail, tree, now(), out.paint));
    } else {
      const detail = await client.task(run, task);
      out.result(detail, () => taskLines(detail, now(), out.paint));
    }
    return EXIT.done;
  });

/** Only people read it: `--json` has the run, and the API the tree. */
export async function treeLine({ out }: Context, client: BatonClient, { run, project, endedAt }: RunDetail): Promise<string[]> {
  if (out.json || project === undefined) return [];
  const stands = standing(await client.tree(run), run, endedAt !== undefined);
  return stands === undefined ? [] : [`${out.paint('dim', 'tree')}    ${stands}`];
}

function runLines(detail: RunDetail, tree: readonly string[], now: number, paint: Paint): string[] {
  const { limits, taskList, messages, plan, segment, version } = detail;
  const limit = [
    ...(limits.costUsd === undefined ? [] : [money(limits.costUsd)]),
    ...(limits.tokens === undefined ? [] : [`${limits.tokens} tokens`]),
    ...(limits.wallTimeMs === undefined ? [] : [duration(limits.wallTimeMs)]),
    `${limits.tasks} tasks`,
  ];
  const lines = [
    ...runTable([detail], now, paint),
    '',
    `${paint('dim', 'limits')}  ${limit.join(', ')}`,
    `${paint('dim', 'source')}  ${plan.slice(0, 16)}`,
  ];
  lines.push(...tree);
  if (segment > 1 || version > 1) lines.push(`${paint('dim', 'plan')}    version ${version}, segment ${segment}`);
  lines.push('', ...taskTable(taskList, now, paint));
  for (const { task, by, status } of messages) lines.push(`message from ${by} to "${task}": ${status}`);
  return lines;
}

export const taskTable = (tasks: readonly TaskSummary[], now: number, paint: Paint): string[] =>
  table(
    ['task', 'status', 'agent', 'time', 'used', ''],
    tasks
      .filter(({ replacedBy }) => replacedBy === undefined)
      .map((task) => [
        task.id,
        paint(statusTone(task.status), task.status),
        task.agent ?? (task.kind === 'work' ? '' : task.kind),
        task.startedAt === undefined ? '' : duration((task.endedAt ?? now) - task.startedAt),
        spending(task),
        printable(task.failure ? `${task.failure.code}: ${task.failure.message.split('\n', 1)[0]}` : (task.reason ?? '')),
      ]),
    paint,
  );

/** Tasks that it waits for, as far as they are shown. */
const AHEAD_MAX = 5;

function taskLines(task: TaskDetail, now: number, paint: Paint): string[] {
  const { definition, gates, feedback, acknowledged, handoff, failure, report } = task;
  const lines = [...taskTable([{ ...task }], now, paint)];
  const section = (title: string, value: unknown) => {
    if (value === undefined) return;
    lines.push('', paint('bold', title));
    for (const line of (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).split('\n')) lines.push(`  ${printable(line)}`);
  };
  if (task.needs.length > 0) lines.push('', `${paint('dim', 'needs')}  ${task.needs.join(', ')}`);
  const { waitsFor = [] } = task;
  for (const { run, task: other, claims } of waitsFor.slice(0, AHEAD_MAX)) {
    const both = claims[0] === claims[1] ? claims[0] : claims.join(' and ');
    lines.push('', paint('wait', `waits for ${run}/${other}: both write ${both}`));
    lines.push(`    ${paint('live', overlapCommand(task, { run, task: other }))}  lets them work at once`);
  }
  if (waitsFor.length > AHEAD_MAX) lines.push('', paint('dim', `and for ${waitsFor.length - AHEAD_MAX} more`));
  section('what it is', definition.text);
  section('environment', definition.env);
  for (const { name, verdict = 'not judged', score, evidence, reuses } of gates) {
    const rests = reuses === undefined ? '' : `, by evidence ${reuses.slice(0, 12)} of an earlier run of it`;
    section(`gate ${name}: ${verdict}${score === undefined ? '' : ` (${score})`}${rests}`, evidence ?? '');
  }
  feedback.forEach((each, i) => {
    section(`feedback ${i + 1}${i < acknowledged ? ', acknowledged' : ''}`, each);
  });
  section('failure', failure && `${failure.code} (${failure.class}): ${failure.message}`);
  section('report', report);
  section('handoff', handoff);
  return lines;
}
