/** Facts and output as lines for people. */
import type { Output } from '../api/events.ts';
import type { Fact, FactOf, Failure, RunState, Stored } from '../api/states.ts';
import { attentionCommand, quoted } from './asking.ts';
import type { Paint, Tone } from './style.ts';
import { pad, printable } from './width.ts';
import { clock, duration, plural, spending } from './words.ts';

export interface Line {
  readonly at: number;
  /** What it is about: a task, or the run itself. */
  readonly about: string;
  readonly tone?: Tone;
  readonly text: string;
  /** Output of a task, shown only where it was asked for. */
  readonly output?: true;
  /** Nothing more will be said about this task: worth a place in the scrollback. */
  readonly last?: true;
}

type Tell = Omit<Line, 'at' | 'about'> | undefined;
type Teller<T extends Fact['type']> = (fact: FactOf<T>, state: RunState) => Tell;
const RUN = 'run';
/** Tasks of a plan that are named in a line. */
const NAMED_MAX = 8;

/** What is worth saying; facts that are not here say nothing to somebody who watches. */
const TELLERS: { readonly [T in Fact['type']]?: Teller<T> } = {
  'run.created': (_fact, state) => ({ tone: 'bold', text: `"${state.plan.name}" was submitted by ${state.by.id}` }),
  'run.paused': (fact) => ({
    tone: 'wait',
    text: fact.reason === 'budget' ? `paused: ${fact.note ?? 'a limit is reached'}` : `paused by ${fact.by}`,
  }),
  'run.resumed': (fact) => ({ text: `resumed by ${fact.by}` }),
  'run.cancelling': (fact) => ({ tone: 'wait', text: `being cancelled by ${fact.by}: ${fact.reason}` }),
  'run.reopened': (fact) => ({ text: `opened again by ${fact.by}: ${Object.values(fact.replaced).join(', ')}` }),
  'run.ended': (fact, state) => ({ tone: fact.outcome === 'succeeded' ? 'good' : 'bad', text: endText(state), last: true }),
  'plan.changed': ({ add }, state) => {
    const [first] = add;
    const planner = `${first?.parent}~plan`;
    // Of the changes of a plan, the ones that a planner made: who plans is a task too.
    if (first?.parent === undefined || first.id === planner || !state.tasks.has(planner)) return undefined;
    const ids = add.map(({ id }) => id.slice(first.id.lastIndexOf('/') + 1));
    const named = ids.length > NAMED_MAX ? `${ids.slice(0, NAMED_MAX).join(', ')} …` : ids.join(', ');
    return { text: `"${first.parent}" is planned, ${plural(ids.length, 'task')}: ${named} → baton show ${state.id} ${quoted(planner)}` };
  },
  'task.started': (fact, state) => {
    const spec = state.tasks.get(fact.task)?.spec;
    if (spec?.kind !== 'work') return undefined;
    return {
      tone: 'live',
      text: `started${fact.agent === undefined ? '' : ` (${fact.agent})`}${fact.attempt > 1 ? `, attempt ${fact.attempt}` : ''}`,
    };
  },
  'task.committed': (fact, state) => ({ tone: 'good', text: doneText(fact, state), last: true }),
  'task.failed': ({ failure }) => ({ tone: 'bad', text: `failed: ${failureText(failure)}`, last: true }),
  'task.skipped': ({ cause }) => ({
    tone: 'dim',
    text:
      cause.cause === 'when'
        ? 'skipped: its `when` is false'
        : `skipped: "${cause.task}" ${cause.status === 'failed' ? '' : 'was '}${cause.status}`,
    last: true,
  }),
  'task.cancelled': () => ({ tone: 'dim', text: 'cancelled', last: true }),
  'task.blocked': ({ task, reason }, state) => ({
    tone: 'wait',
    text: `blocked: ${reason} → ${attentionCommand(state.id, { kind: 'blocked', task })}`,
  }),
  'task.unblocked': ({ by }) => ({ text: `may try again, says ${by}` }),
  'task.decided': ({ by, decision }) => ({ text: `${by} decided: ${decision}` }),
  'task.reworked': ({ rework }) => ({ tone: 'wait', text: `sent back with feedback (${rework})` }),
  'feedback.acknowledged': () => ({ tone: 'dim', text: 'goes to work with the feedback' }),
  'attempt.failed': ({ task, attempt, failure, retryAt }, state) =>
    // What follows says what to do.
    failure.holds && retryAt !== undefined
      ? { tone: 'wait', text: `attempt ${attempt} stopped: ${failureText(failure)}` }
      : retryAt === undefined
        ? {
            tone: 'wait',
            text: `attempt ${attempt} failed: ${failureText(failure)}; nobody knows what it did → ${undecidedCommand(state, task)}`,
          }
        : { tone: 'wait', text: `attempt ${attempt} failed: ${failureText(failure)}; again at ${clock(retryAt)}` },
  'attempt.lost': ({ task, attempt, again }, state) =>
    again
      ? { tone: 'wait', text: `attempt ${attempt} was lost; trying again` }
      : { tone: 'wait', text: `attempt ${attempt} was lost, and may have happened → ${undecidedCommand(state, task)}` },
  'gate.judged': ({ task, gate, verdict, score, reuses }, state) => {
    const name = state.tasks.get(task)?.spec.gates?.[gate] ?? String(gate);
    const scored = score === undefined ? '' : ` (${score})`;
    return verdict === 'pass'
      ? { tone: 'dim', text: `gate ${name} passed${scored}${reuses === undefined ? '' : ' before, on the same tree'}` }
      : { tone: 'wait', text: `gate ${name}: ${verdict}${scored}` };
  },
  'approval.requested': ({ approval, subject, task }, state) => ({
    tone: 'wait',
    text: `waits for a decision → ${attentionCommand(state.id, { kind: 'approval', approval, subject, ...(task === undefined ? {} : { task }) })}`,
  }),
  'approval.voted': ({ by, decision, note }) => ({
    text: `${by} ${decision === 'approve' ? 'approved' : 'rejected'}${note ? `: ${note}` : ''}`,
  }),
  'approval.escalated': () => ({ tone: 'wait', text: 'nobody decided in time: more people may now' }),
  'budget.warned': ({ scope, measure, limit }) => ({ tone: 'wait', text: `80 % of ${measure} ${limit} is used (${scope})` }),
  'budget.exhausted': ({ scope, measure, limit }) => ({ tone: 'bad', text: `the limit ${measure} ${limit} is reached (${scope})` }),
  'checkpoint.taken': ({ quotaShare }) =>
    quotaShare === undefined
      ? undefined
      : { tone: 'wait', text: `its workspace takes ${Math.round(quotaShare * 100)} % of its quota; at 100 % it stands aside` },
  'tree.failed': ({ failure }) => ({ tone: 'bad', text: `its tree can't be had: ${failureText(failure)}` }),
  'change.refused': ({ why }) => ({
    tone: 'wait',
    text: why === 'conflict' ? 'conflicts with what was committed meanwhile' : 'changed what it may not; that was put back',
  }),
  'change.stalled': ({ task, failure }, state) => ({
    tone: 'wait',
    text: `stands aside: ${failureText(failure)} → ${attentionCommand(state.id, { kind: 'blocked', task })}`,
  }),
  'restore.ended': ({ reason }) =>
    reason === undefined ? { text: 'its workspace was put back' } : { tone: 'bad', text: `its workspace could not be put back: ${reason}` },
  'promotion.started': () => ({ tone: 'dim', text: 'on its way into your tree' }),
  'promotion.done': (_fact, state) => ({
    tone: 'good',
    text: `its change is in your tree → take it back: baton promote ${state.id} --undo`,
  }),
  'promotion.refused': ({ message }, state) => ({
    tone: 'bad',
    text: `your tree was left as it was: ${message} → baton promote ${state.id}`,
  }),
  'promotion.undone': () => ({ text: 'its change was taken out of your tree' }),
  'message.sent': ({ by }) => ({ tone: 'dim', text: `message from ${by}` }),
  'message.acknowledged': () => ({ tone: 'dim', text: 'took the message' }),
  'message.returned': ({ reason }) => ({ tone: 'wait', text: `nobody took the message: ${reason}` }),
};

export function factLine({ at, fact }: Stored, state: RunState): Line[] {
  const teller = TELLERS[fact.type] as Teller<Fact['type']> | undefined;
  const told = teller?.(fact as FactOf<Fact['type']>, state);
  if (!told) return [];
  const about =
    'task' in fact && fact.task !== undefined ? fact.task : 'approval' in fact ? (state.approvals.get(fact.approval)?.task ?? RUN) : RUN;
  return [{ at, about, ...told, text: printable(told.text) }];
}

const undecidedCommand = (state: RunState, task: string): string => attentionCommand(state.id, { kind: 'undecided', task });

export const failureText = ({ code, message }: Failure): string => `${code}: ${message.split('\n', 1)[0]}`;

function doneText(fact: FactOf<'task.committed'>, state: RunState): string {
  const record = state.tasks.get(fact.task);
  const ms = fact.ms ?? (record?.startedAt === undefined ? undefined : (record.endedAt ?? state.at) - record.startedAt);
  const parts = [
    ms === undefined || record?.spec.kind === 'container' ? 'done' : `done in ${duration(ms)}`,
    record ? spending(record.spent) : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** How a run stands, or how it ended, in one line. */
export function endText(state: RunState): string {
  const { committed, failed, skipped, cancelled } = state.counts;
  const counts = [
    plural(committed, 'task done', 'tasks done'),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
  ];
  const used = spending(state.spent);
  return `${state.status} in ${duration((state.endedAt ?? state.at) - state.submittedAt)}: ${counts.join(', ')}${used === '' ? '' : `; ${used}`}`;
}

/** Whole lines of output; what has no end yet waits in `unfinished`. */
export function outputLines({ at, task, attempt, kind, text }: Output, unfinished: Map<string, string>): Line[] {
  const lines = ((unfinished.get(task) ?? '') + text).split('\n');
  const rest = lines.pop() ?? '';
  // An agent that never ends its line may not fill the memory.
  unfinished.set(task, rest.slice(-4_096));
  return lines.map((line) => ({
    at,
    about: attempt > 1 ? `${task}#${attempt}` : task,
    text: printable(line),
    output: true as const,
    ...(kind === 'stdout' || kind === 'text' ? {} : { tone: 'dim' as const }),
  }));
}

const ABOUT = 16;

export function lineText({ at, about, tone, text, output }: Line, paint: Paint): string {
  const head = `${paint('dim', clock(at))}  ${pad(about, ABOUT)}`;
  if (output) return `${head}  ${paint('dim', '│')} ${tone ? paint(tone, text) : text}`;
  return `${head}  ${tone ? paint(tone, text) : text}`;
}
