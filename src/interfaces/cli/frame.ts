/**
 * One picture of a run for a terminal: a head line, then a row for each task that has something to say. It never needs
 * more rows than it is given; what failed or waits for a person comes first, with the command to type, and what has no
 * place is counted.
 */
import type { RunState, TaskRecord } from '../api/states.ts';
import { attentionCommand, quoted } from './asking.ts';
import { failureText } from './lines.ts';
import { type Progress, standing } from './progress.ts';
import type { Paint, Tone } from './style.ts';
import { cut, pad, printable, widthOf } from './width.ts';
import { elapsed, spending } from './words.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

interface Row {
  readonly rank: number;
  readonly mark: string;
  readonly tone: Tone;
  readonly id: string;
  readonly who: string;
  readonly time: string;
  readonly words: string;
  /** What to type; never cut in favour of words. */
  readonly command?: string;
}

const NAME_MAX = 32;

export function frame({ state, words, ...progress }: Progress, now: number, screen: Screen, paint: Paint): string[] {
  if (!state) return [];
  const width = Math.max(1, screen.columns - 1);
  const room = Math.max(1, screen.rows - 2);
  const rows = [...state.tasks.values()]
    .flatMap((record) => rowOf(state, record, words.get(record.spec.id), now))
    .sort((a, b) => a.rank - b.rank);
  const shown = rows.slice(0, rows.length > room - 1 ? Math.max(0, room - 2) : room - 1);
  const lines = [headLine(state, now, width, paint), ...layOut(shown, width, paint)];
  const hidden = restText(state, rows.slice(shown.length), standing({ state, words, ...progress }));
  return hidden === '' ? lines : [...lines, paint('dim', cut(`  ${hidden}`, width))];
}

function headLine(state: RunState, now: number, width: number, paint: Paint): string {
  const { counts } = state;
  const ended = counts.committed + counts.skipped + counts.failed + counts.cancelled;
  const all = Object.values(state.counts).reduce((sum, each) => sum + each, 0);
  const parts = [
    state.id,
    state.status,
    `${ended}/${all} tasks`,
    elapsed((state.endedAt ?? now) - state.submittedAt),
    spending(state.spent),
  ];
  const text = parts.filter((part) => part !== '').join('  ');
  const name = cut(state.plan.name, Math.max(4, width - widthOf(text) - 2));
  return `${paint('bold', name)}  ${cut(text, Math.max(0, width - widthOf(name) - 2))}`;
}

function rowOf(state: RunState, record: TaskRecord, words: string | undefined, now: number): Row[] {
  const { spec, status, startedAt, reworks } = record;
  if (record.replacedBy !== undefined) return [];
  const id = spec.id;
  const who = record.agent ?? spec.agent ?? (spec.kind === 'work' ? '' : spec.kind);
  const time = startedAt === undefined ? '' : elapsed((record.endedAt ?? now) - startedAt);
  const row = (rank: number, mark: string, tone: Tone, text: string, command?: string): Row[] => [
    { rank, mark, tone, id, who, time, words: printable(text), ...(command === undefined ? {} : { command }) },
  ];
  const ask = (kind: 'question' | 'undecided' | 'blocked') => attentionCommand(state.id, { kind, task: id });
  switch (status) {
    case 'failed':
      return row(0, '✗', 'bad', record.failure ? failureText(record.failure) : 'failed', `baton show ${state.id} ${quoted(id)}`);
    case 'undecided':
      return record.probing ? row(3, '?', 'live', 'looking whether it happened') : row(1, '?', 'wait', 'did it happen?', ask('undecided'));
    case 'blocked':
      return row(1, '!', 'wait', record.reason ?? 'nobody can do it', ask('blocked'));
    case 'awaiting-start':
    case 'awaiting-result':
      return row(1, '!', 'wait', '', attentionCommand(state.id, { kind: 'approval', approval: id, task: id }));
    case 'running':
      if (spec.kind === 'decision')
        return row(1, '!', 'wait', '', attentionCommand(state.id, { kind: 'approval', approval: id, task: id }));
      if (record.calls?.[0] !== undefined)
        return row(1, '!', 'wait', 'asks leave', attentionCommand(state.id, { kind: 'approval', approval: record.calls[0] }));
      if (spec.kind === 'question') return row(1, '?', 'wait', '', ask('question'));
      // Its children have rows of their own.
      if (spec.kind === 'container') return [];
      return row(2, '●', 'live', words ?? (reworks > 0 ? `rework ${reworks}` : ''));
    case 'validating':
      return row(2, '◐', 'live', 'being checked');
    case 'ready':
      return record.retryAt === undefined
        ? []
        : row(3, '○', 'wait', `again in ${elapsed(record.retryAt - now)}${record.failure ? `: ${failureText(record.failure)}` : ''}`);
    default:
      return [];
  }
}

function layOut(rows: readonly Row[], width: number, paint: Paint): string[] {
  const nameWidth = Math.min(NAME_MAX, Math.max(4, ...rows.map(({ id }) => widthOf(id))), Math.floor(width / 3));
  const whoWidth = Math.min(16, Math.max(0, ...rows.map(({ who }) => widthOf(who))));
  const timeWidth = Math.max(4, ...rows.map(({ time }) => time.length));
  return rows.map(({ mark, tone, id, who, time, words, command }) => {
    const head = `${pad(cut(id, nameWidth), nameWidth)}  ${pad(cut(who, whoWidth), whoWidth)}  ${time.padStart(timeWidth)}`;
    const left = width - 4 - widthOf(head) - 2;
    const text = left > 0 ? wordsAnd(words, command, left) : '';
    return `  ${paint(tone, mark)} ${cut(head, width - 4)}  ${paint(tone === 'live' ? 'dim' : tone, text)}`.trimEnd();
  });
}

function wordsAnd(words: string, command: string | undefined, width: number): string {
  if (command === undefined) return cut(words, width);
  const left = width - widthOf(command) - 3;
  return words === '' || left < 4 ? cut(command, width) : `${cut(words, left)} → ${command}`;
}

function restText(state: RunState, hidden: readonly Row[], stands: ReturnType<typeof standing>): string {
  const { pending, ready } = state.counts;
  const parts = [
    ...(hidden.length > 0 ? [`${hidden.length} more`] : []),
    ...(pending + ready > 0 && stands !== 'over' ? [`${pending + ready} to come`] : []),
    ...(state.status === 'paused' ? [`paused → ${attentionCommand(state.id, { kind: 'paused' })}`] : []),
    ...(state.status === 'awaiting-approval'
      ? [`the plan waits → ${attentionCommand(state.id, { kind: 'approval', approval: 'plan' })}`]
      : []),
  ];
  return parts.length === 0 ? '' : parts.join(', ');
}
