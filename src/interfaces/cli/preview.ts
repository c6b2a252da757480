/** What a plan would do, for people: its tasks, what it takes, whom it asks, and why each task goes to whom. */
import type { EstimateRange, PlanEstimate, PlannedTask, PlanPreview } from '../api/shapes.ts';
import { table } from './output.ts';
import { treeLines, turnLines } from './plan-trees.ts';
import type { Paint } from './style.ts';
import { cut, printable } from './width.ts';
import { duration, money, plural } from './words.ts';

export interface PreviewOptions {
  readonly explain?: boolean;
  readonly mermaid?: boolean;
}

export const previewLines = (preview: PlanPreview, { mermaid, explain }: PreviewOptions, paint: Paint): string[] =>
  mermaid ? mermaidOf(preview) : [...planLines(preview, paint), ...(explain ? reasons(preview, paint) : [])];

const TEXT = 60;

function planLines(preview: PlanPreview, paint: Paint): string[] {
  const { name, description, inputs, limits, tasks, trees, turns, estimate, refused, warnings } = preview;
  const lines = [paint('bold', name), ...(description === undefined ? [] : [description])];
  for (const [key, value] of Object.entries(inputs)) lines.push(`${paint('dim', `input ${key}`)}  ${JSON.stringify(value)}`);
  const all = [
    `${limits.tasks} tasks`,
    `depth ${limits.depth}`,
    ...(limits.costUsd === undefined ? [] : [money(limits.costUsd)]),
    ...(limits.tokens === undefined ? [] : [`${limits.tokens} tokens`]),
    ...(limits.wallTimeMs === undefined ? [] : [duration(limits.wallTimeMs)]),
  ];
  lines.push(`${paint('dim', 'limits')}  ${all.join(', ')}`, '');
  lines.push(
    ...table(
      ['task', 'after', 'kind', 'agent', 'what'],
      tasks.map((task) => [
        task.id,
        task.needs.join(', '),
        kindText(task),
        task.agent ?? '',
        cut(printable(task.text ?? '').split('\n', 1)[0] ?? '', TEXT),
      ]),
      paint,
    ),
  );
  lines.push('', ...expected(estimate, paint));
  const people = tasks.filter(({ approval }) => approval !== undefined);
  if (people.length > 0) lines.push('', paint('bold', 'waits for people'), ...people.map(({ id, approval }) => `  ${id}: ${approval}`));
  const checked = tasks.filter(({ gates }) => gates.length > 0);
  if (checked.length > 0) lines.push('', paint('bold', 'gates'), ...checked.map(({ id, gates }) => `  ${id}: ${gates.join(', ')}`));
  const writing = tasks.filter(({ writes }) => writes.length > 0);
  if (writing.length > 0)
    lines.push('', paint('bold', 'writes'), ...writing.map(({ id, writes }) => `  ${id}: ${writes.join(', ')}`), ...turnLines(turns));
  if (trees) lines.push('', paint('bold', 'trees'), ...treeLines(tasks, trees));
  const found = (style: 'bad' | 'wait', problems: PlanPreview['warnings']) =>
    problems.flatMap(({ file, line, column, code, message }) => ['', `${file}:${line}:${column}  ${paint(style, code)}  ${message}`]);
  lines.push(...found('bad', refused), ...found('wait', warnings));
  lines.push('', `${fanOutText(tasks)}. ${refused.length > 0 ? 'A run would be refused.' : 'Nothing was run.'}`);
  return lines;
}

const kindText = ({ kind, fanOut }: PlannedTask): string => (fanOut === undefined ? kind : `${kind} × ${fanOut}`);

function fanOutText(tasks: readonly PlannedTask[]): string {
  const known = tasks.reduce((sum, { fanOut = 0 }) => sum + 1 + fanOut, 0);
  const open = tasks.filter(({ kind, fanOut }) => (kind === 'foreach' || kind === 'until' || kind === 'uses') && fanOut === undefined);
  return open.length === 0
    ? plural(known, 'task')
    : `At least ${plural(known, 'task')}; how many "${open.map(({ id }) => id).join('", "')}" will be shows only when it runs`;
}

/** What it will take, as far as anybody knows. */
function expected({ byAgents, widest, criticalPath, costUsd, timeMs }: PlanEstimate, paint: Paint): string[] {
  if (byAgents === 0) return [`${paint('dim', 'longest chain')}  ${criticalPath.join(' → ')}`];
  return [
    `${paint('dim', 'agents')}  ${plural(byAgents, 'task')}, ${widest} at once`,
    `${paint('dim', 'longest chain')}  ${criticalPath.join(' → ')}`,
    `${paint('dim', 'cost')}  ${rangeText(costUsd, money)}`,
    `${paint('dim', 'time')}  ${rangeText(timeMs, duration)}`,
  ];
}

function rangeText({ low, high, unknown }: EstimateRange, text: (value: number) => string): string {
  const known = low === high ? text(low) : `${text(low)} to ${text(high)}`;
  if (unknown.length === 0) return known;
  const those = unknown.length > NAMED ? `${unknown.slice(0, NAMED).join(', ')} and ${unknown.length - NAMED} more` : unknown.join(', ');
  return high === 0 ? `unknown: nothing is declared for ${those}` : `${known}, and what nobody knows of ${those}`;
}
const NAMED = 4;

/** Why each routed task goes to whom. */
function reasons({ tasks }: PlanPreview, paint: Paint): string[] {
  const routed = tasks.filter(({ candidates }) => candidates !== undefined);
  if (routed.length === 0) return ['', 'No task names a capability: nothing was routed.'];
  return routed.flatMap(({ id, candidates = [] }) => [
    '',
    paint('bold', id),
    ...table(
      ['agent', 'worth', 'quality', 'success', 'cost', 'time', 'why'],
      candidates.map(({ agent, chosen, terms, reason }) => [
        chosen ? `→ ${agent}` : `  ${agent}`,
        ...(terms
          ? [terms.utility.toFixed(3), terms.quality.toFixed(2), terms.success.toFixed(2), money(terms.costUsd), duration(terms.latencyMs)]
          : ['', '', '', '', '']),
        reason,
      ]),
      paint,
    ),
  ]);
}

/** A graph for documents: https://mermaid.js.org/syntax/flowchart.html */
function mermaidOf({ tasks }: PlanPreview): string[] {
  const node = new Map(tasks.map(({ id }, i) => [id, `t${i}`]));
  const label = ({ id, agent }: PlannedTask) => (agent === undefined ? id : `${id}<br/>${agent}`).replaceAll('"', '&quot;');
  return [
    'flowchart LR',
    ...tasks.map((task) => `  ${node.get(task.id)}["${label(task)}"]`),
    ...tasks.flatMap(({ id, needs }) => needs.map((need) => `  ${node.get(need)} --> ${node.get(id)}`)),
  ];
}
