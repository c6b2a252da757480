/** What only a person can move on, in words, with the command to type. */
import type { Attention, InboxItem } from '../api/shapes.ts';
import { planLineText } from './plan-lines.ts';
import { type Paint, plain } from './style.ts';
import { executableLines, summaryLines } from './tree-words.ts';
import { printable } from './width.ts';

interface Decision {
  readonly approval: string;
  readonly subject?: ApprovalItem['subject'];
  readonly task?: string;
}
type ApprovalItem = Extract<Attention, { kind: 'approval' }>;

/** The least of an attention that its command needs. */
type Asked = ({ kind: 'approval' } & Decision) | { kind: 'question' | 'undecided' | 'blocked'; task: string } | { kind: 'paused' };

export function attentionCommand(run: string, asked: Asked): string {
  switch (asked.kind) {
    case 'approval':
      return `baton approve ${run} ${quoted(decisionName(asked))}`;
    case 'question':
      return `baton answer ${run} ${quoted(asked.task)} "…"`;
    case 'undecided':
      return `baton answer ${run} ${quoted(asked.task)} happened|retry|failed`;
    case 'blocked':
      return `baton retry ${run} ${quoted(asked.task)}`;
    case 'paused':
      return `baton resume ${run}`;
  }
}

/** To let a task overlap with one that comes first. */
export const overlapCommand = (
  { run, id }: { readonly run: string; readonly id: string },
  other: { readonly run: string; readonly task: string },
): string => `baton overlap ${run} ${quoted(id)} ${quoted(other.run === run ? other.task : `${other.run}/${other.task}`)}`;

/** What a decision is called by whoever makes it: its task, unless that may ask for several at once. */
export const decisionName = ({ approval, subject, task }: Decision): string => (subject === 'call' ? approval : (task ?? approval));

/** Ids such as `fix^2` and `translate[0]` mean something to shells. */
export const quoted = (id: string): string => (/^[\w./:~-]+$/.test(id) && !id.startsWith('~') ? id : `'${id}'`);

export function attentionTitle(item: Attention): string {
  switch (item.kind) {
    case 'approval':
      return {
        start: `may "${item.task}" start?`,
        result: `is the result of "${item.task}" accepted?`,
        task: `"${item.task}" asks for a decision`,
        plan: 'may the plan start?',
        change: 'may the plan be changed?',
        promotion: 'may the change go into your tree?',
        call: `"${item.task}" waits: may its agent do this?`,
      }[item.subject];
    case 'question':
      return `"${item.task}" asks a question`;
    case 'undecided':
      return `"${item.task}": an attempt was lost, and nobody knows whether it happened`;
    case 'blocked':
      return `nobody can do "${item.task}"${item.reason === undefined ? '' : `: ${item.reason}`}`;
    case 'paused':
      return item.reason === 'budget' ? 'paused: a limit is reached' : 'paused';
  }
}

/** Lines of what is asked that are shown. A plan must be seen as a whole by whoever decides about it, as far as a screen goes. */
const LINES_MAX = 60;

/** An item as lines: what is asked, the words, and what to type. */
export function itemLines(item: InboxItem, paint: Paint = plain): string[] {
  const lines = [`${paint('wait', '!')} ${paint('bold', item.run)} ${item.name}: ${printable(attentionTitle(item))}`];
  const text = (item.text?.text ?? '').split('\n').filter((line) => line.trim() !== '');
  for (const line of text.slice(0, LINES_MAX)) lines.push(`    ${printable(line)}`);
  if (text.length > LINES_MAX) lines.push(`    … ${text.length - LINES_MAX} lines more: baton show ${item.run}`);
  for (const line of item.plan ?? []) lines.push(`    ${planLineText(line, paint)}`);
  for (const line of item.change ? summaryLines(item.change, item.run) : []) lines.push(`    ${line}`);
  for (const line of executableLines(item.change?.executables ?? [])) lines.push(`    ${paint('wait', line)}`);
  if (item.kind === 'approval' && item.roles.length > 0) lines.push(paint('dim', `    may be decided by: ${item.roles.join(', ')}`));
  lines.push(`    ${paint('live', attentionCommand(item.run, item))}`);
  if (item.kind === 'approval') lines.push(`    ${paint('live', attentionCommand(item.run, item).replace('approve', 'reject'))}`);
  return lines;
}
