/** What lists and inboxes show of a run: a projection of its state, so that there is no second set of rules. */
import { openApprovals } from './approval.ts';
import type { ApprovalSubject } from './facts.ts';
import { RUN_TERMINAL, type RunState, type RunStatus, type TaskStatus } from './state.ts';

export interface RunView {
  readonly run: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly by: string;
  readonly submittedAt: number;
  readonly endedAt?: number;
  readonly seq: number;
  readonly at: number;
  readonly segment: number;
  readonly tasks: number;
  readonly counts: Readonly<Partial<Record<TaskStatus, number>>>;
  readonly attempts: number;
  readonly costUsd: number;
  readonly tokens: number;
  readonly attention: readonly Attention[];
}

/** Something only a person can move on. */
export type Attention =
  | {
      readonly kind: 'approval';
      readonly approval: string;
      readonly subject: ApprovalSubject;
      readonly task?: string;
      readonly binds: string;
      readonly roles: readonly string[];
      readonly since: number;
    }
  | { readonly kind: 'question' | 'undecided' | 'blocked'; readonly task: string; readonly reason?: string; readonly since: number }
  | { readonly kind: 'paused'; readonly reason: string; readonly since: number };

/** Attention shown of one run at most; the rest is counted. */
export const ATTENTION_MAX = 1_000;

export function viewOf(state: RunState): RunView {
  const counts = Object.fromEntries(Object.entries(state.counts).filter(([, count]) => count > 0));
  return {
    run: state.id,
    name: state.plan.name,
    status: state.status,
    by: state.by.id,
    submittedAt: state.submittedAt,
    ...(state.endedAt === undefined ? {} : { endedAt: state.endedAt }),
    seq: state.seq,
    at: state.at,
    segment: state.segment,
    tasks: Object.values(state.counts).reduce((sum, count) => sum + count, 0),
    counts,
    attempts: state.attempts,
    costUsd: state.spent.costUsd,
    tokens: state.spent.tokens,
    attention: RUN_TERMINAL.has(state.status) ? [] : attention(state),
  };
}

function attention(state: RunState): Attention[] {
  const found: Attention[] = [];
  if (state.status === 'paused') found.push({ kind: 'paused', reason: state.pausedBy ?? 'asked', since: state.at });
  for (const { id, subject, task, binds, rule, requestedAt, escalated } of openApprovals(state)) {
    const roles = escalated ? [...rule.by, ...(rule.escalateTo ?? [])] : rule.by;
    found.push({ kind: 'approval', approval: id, subject, ...(task === undefined ? {} : { task }), binds, roles, since: requestedAt });
  }
  if (state.people === 0) return found;
  for (const [id, task] of state.tasks) {
    if (found.length >= ATTENTION_MAX) break;
    if (task.replacedBy !== undefined) continue;
    const since = task.startedAt ?? state.submittedAt;
    if (task.status === 'running' && task.spec.kind === 'question') found.push({ kind: 'question', task: id, since });
    else if (task.status === 'undecided' && !task.probing)
      found.push({ kind: 'undecided', task: id, since, ...(task.failure ? { reason: task.failure.message } : {}) });
    else if (task.stalled !== undefined) found.push({ kind: 'blocked', task: id, since, reason: task.stalled });
    else if (task.status === 'blocked')
      found.push({ kind: 'blocked', task: id, since, ...(task.reason === undefined ? {} : { reason: task.reason }) });
  }
  return found;
}
