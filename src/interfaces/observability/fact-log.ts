/**
 * Facts as log lines. Every line says which run, task, attempt and agent it is about; one that ends something says how
 * long it took and what it used. A follower: what it does can't change what happens.
 */
import type { Fact, Stored } from '../../engine/kernel/facts.ts';
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import type { Logger } from './log.ts';

/** Facts of every step; the others are for `info`. */
const DETAIL: ReadonlySet<Fact['type']> = new Set([
  'task.resolved',
  'step.reserved',
  'step.recorded',
  'timer.fired',
  'claim.held',
  'claim.returned',
  'grant.requested',
  'grant.given',
  'grant.acknowledged',
  'grant.released',
]);
const WARN: ReadonlySet<Fact['type']> = new Set(['task.failed', 'attempt.failed', 'attempt.lost', 'task.blocked', 'budget.exhausted']);

/** @param stateOf the run as it stands after the facts */
export function logFacts(log: Logger, facts: readonly Stored[], stateOf: (run: string) => RunState | undefined): void {
  for (const stored of facts) {
    const level = WARN.has(stored.fact.type) ? 'warn' : DETAIL.has(stored.fact.type) ? 'debug' : 'info';
    if (log.isLevelEnabled(level)) log[level](fieldsOf(stored, stateOf(stored.stream)), stored.fact.type);
  }
}

function fieldsOf({ stream, seq, fact }: Stored, state: RunState | undefined): Record<string, unknown> {
  const task = 'task' in fact ? fact.task : undefined;
  const record = task === undefined ? undefined : state?.tasks.get(task);
  const attempt = 'attempt' in fact && fact.attempt !== undefined ? fact.attempt : record?.attempt || undefined;
  return {
    run: stream,
    ...(task === undefined ? {} : { task, attempt, agent: record?.agent ?? record?.spec.agent ?? record?.spec.kind }),
    seq,
    ...('by' in fact ? { by: typeof fact.by === 'string' ? fact.by : fact.by.id } : {}),
    ...('failure' in fact ? { code: fact.failure.code, class: fact.failure.class, problem: fact.failure.message } : {}),
    ...ending(fact, state),
  };
}

/** What is known at an end: latency in milliseconds, tokens, dollars, and how it went. */
function ending(fact: Fact, state: RunState | undefined): Record<string, unknown> {
  if (fact.type === 'run.ended' && state && RUN_TERMINAL.has(state.status)) {
    const { costUsd, tokens } = state.spent;
    return { status: fact.outcome, ms: (state.endedAt ?? state.at) - state.submittedAt, tokens, costUsd };
  }
  const over = /^(task\.(committed|failed|cancelled|skipped)|attempt\.(succeeded|failed|lost))$/.exec(fact.type);
  if (!over) return {};
  const { ms, usage } = fact as { ms?: number; usage?: { inputTokens?: number; outputTokens?: number; costUsd?: number } };
  const spent = 'task' in fact && fact.task !== undefined ? state?.tasks.get(fact.task)?.spent : undefined;
  const used = usage ? (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) : spent?.tokens;
  return { status: over[2] ?? over[3], ms, tokens: used, costUsd: usage?.costUsd ?? spent?.costUsd };
}
