/** A run's state, as the API shows it. */

import type { Hash } from '../../engine/kernel/plan.ts';
import type { RunState, TaskRecord } from '../../engine/kernel/state.ts';
import type { RunView } from '../../engine/kernel/view.ts';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import type { InboxItem, RunDetail, RunSummary, TaskDetail, TaskSummary, TaskText } from '../api/shapes.ts';
import { claimsAhead, waitingTexts } from './overlap.ts';
import { planLines } from './plan-lines.ts';
import type { Services, Texts } from './services.ts';
import { spanOfApproval } from './tree-span.ts';
import { summaryOf } from './tree-views.ts';

export const runDetail = (services: Services, summary: RunSummary, state: RunState): RunDetail => ({
  ...summary,
  ...(state.plan.tree && state.plan.scope !== undefined ? { project: state.plan.scope } : {}),
  limits: state.limits,
  plan: state.plan.source,
  version: state.version,
  taskList: taskList(services, state),
  messages: [...state.messages.values()].map(({ id, task, by, status }) => ({ id, task, by, status })),
});

function taskList(services: Services, state: RunState): TaskSummary[] {
  const waiting = waitingTexts(services, state);
  return [...state.tasks.values()].map((record) => {
    const reason = waiting.get(record.spec.id);
    return { ...(reason === undefined ? {} : { reason }), ...taskSummary(record) };
  });
}

export function taskSummary(record: TaskRecord): TaskSummary {
  const { spec, status, attempt, reworks, startedAt, endedAt, spent, failure, replacedBy } = record;
  const agent = record.agent ?? spec.agent;
  const reason = record.reason ?? record.stalled ?? causeText(record);
  return {
    id: spec.id,
    kind: spec.kind,
    status,
    needs: spec.needs,
    attempt,
    reworks,
    costUsd: spent.costUsd ?? 0,
    tokens: spent.tokens ?? 0,
    ...(agent === undefined ? {} : { agent }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(failure === undefined ? {} : { failure }),
    ...(reason === undefined ? {} : { reason }),
    ...(replacedBy === undefined ? {} : { replacedBy }),
  };
}

function causeText({ cause }: TaskRecord): string | undefined {
  if (cause === undefined) return undefined;
  return cause.cause === 'when'
    ? 'its `when` was false'
    : `"${cause.task}", which it needs, ${cause.status === 'failed' ? '' : 'was '}${cause.status}`;
}

export async function taskDetail(services: Services, state: RunState, record: TaskRecord): Promise<TaskDetail> {
  const texts = await services.texts();
  const waitsFor = claimsAhead(services, state, record);
  const blob = (hash: Hash | undefined) => (hash === undefined ? undefined : texts.payload(hash));
  const report = blob(record.failure?.report);
  return {
    ...taskSummary(record),
    run: state.id,
    definition: texts.task(state, record),
    gates: (record.spec.gates ?? []).map((name, i) => {
      const judged = record.verdicts[i];
      if (!judged) return { name };
      const { verdict, score, evidence, reuses } = judged;
      const more = { ...(score === undefined ? {} : { score }), ...(reuses === undefined ? {} : { reuses }) };
      return { name, verdict, evidence: blob(evidence), ...more };
    }),
    feedback: record.feedback.map(blob),
    acknowledged: record.acknowledged ?? 0,
    ...(waitsFor.length === 0 ? {} : { waitsFor }),
    ...(record.base === undefined ? {} : { tree: taskTree(record) }),
    ...(record.result === undefined ? {} : { handoff: texts.handoff(state, record) }),
    ...(report === undefined ? {} : { report }),
  };
}

const taskTree = ({ base, checkpoint, checkpoints = 0, restoring }: TaskRecord): NonNullable<TaskDetail['tree']> => ({
  ...(base === undefined ? {} : { base }),
  ...(checkpoint === undefined ? {} : { checkpoint }),
  checkpoints,
  ...(restoring ? { restoring: true } : {}),
});

/** The live task of that id: after a retry `fix` stands for `fix^2`. @throws BatonError `TASK_NOT_FOUND` */
export function taskOf(state: RunState, id: string): TaskRecord {
  let record = state.tasks.get(id);
  while (record?.replacedBy !== undefined) record = state.tasks.get(record.replacedBy);
  if (record) return record;
  const near = didYouMean(id, state.tasks.keys());
  throw new BatonError('TASK_NOT_FOUND', `Run ${state.id} has no task "${id}".`, {
    where: id,
    hint: near === undefined ? `See its tasks: baton show ${state.id}` : `Did you mean "${near}"?`,
  });
}

export async function inboxOf({ trees }: Services, view: RunView, state: RunState | undefined, texts: Texts): Promise<InboxItem[]> {
  const items: InboxItem[] = [];
  for (const item of view.attention) {
    const record = 'task' in item && item.task !== undefined ? state?.tasks.get(item.task) : undefined;
    const isPlan = item.kind === 'approval' && item.subject === 'plan';
    const isCall = item.kind === 'approval' && item.subject === 'call';
    const ofState = state && (record ? texts.task(state, record) : isPlan ? planText(state, texts) : undefined);
    const branch = item.kind === 'approval' && item.subject === 'promotion' ? state?.tree?.promotion?.branch : undefined;
    const onBranch = branch === undefined ? undefined : { text: `It is committed on branch ${branch} as well.` };
    const text = isCall ? callText(texts.payload(item.binds)) : (onBranch ?? ofState);
    const span = state && item.kind === 'approval' ? spanOfApproval(state, item.subject, item.task, item.binds) : undefined;
    const change = state && span ? await summaryOf(trees, state, span) : undefined;
    const asked = item.kind === 'approval' ? state?.approvals.get(item.approval)?.change : undefined;
    const plan = state && asked ? { plan: planLines(state, asked) } : {};
    items.push({ ...item, run: view.run, name: view.name, ...(text ? { text } : {}), ...(change ? { change } : {}), ...plan });
  }
  return items;
}

interface CallShown {
  readonly agent?: string;
  readonly kind?: string;
  readonly title?: string;
  readonly input?: unknown;
  readonly paths?: readonly string[];
}

/** What an agent wants to do, as it said itself: a line, all of it, and the paths. None of its words can look like a line of ours. */
function callText(asked: unknown): TaskText {
  const { agent = '', kind = '', title = '', input, paths = [] } = (asked ?? {}) as CallShown;
  const lines = [`${agent} (${kind}): ${title}`, ...(input === undefined ? [] : [JSON.stringify(input)]), ...paths];
  return { text: lines.map((line) => line.replace(/\s+/g, ' ')).join('\n') };
}

/** Tasks of a plan shown to whoever approves it. */
const PLAN_TASKS = 40;

function planText(state: RunState, texts: Texts): TaskText {
  const records = [...state.tasks.values()];
  const lines = records.slice(0, PLAN_TASKS).map((record) => {
    const { id, needs, agent } = record.spec;
    const what = texts.task(state, record).text?.split('\n', 1)[0] ?? '';
    return `${id}${needs.length > 0 ? ` after ${needs.join(', ')}` : ''}${agent === undefined ? '' : ` (${agent})`}${what === '' ? '' : `: ${what}`}`;
  });
  const more = records.length - lines.length;
  return { text: [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n') };
}
