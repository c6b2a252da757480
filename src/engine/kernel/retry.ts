/**
 * When a failed attempt is followed by another: a rule per class of failure, exponential backoff with jitter, and the
 * wait that the other side asked for. Jitter comes from the attempt's name, so that a replay finds the same time.
 */
import type { Failure, FailureClass, RetryRule } from './plan.ts';
import type { TaskRecord } from './state.ts';

interface ClassRule {
  readonly severity: 'passing' | 'serious' | 'final';
  /** Attempts in all before a failure of this class is final. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** `invalid-output` is asked again within its attempt; `gate-failed` is rework; `lost` has its own rule in `attempt.ts`. */
export const CLASS_RULES: { readonly [C in FailureClass]: ClassRule } = {
  transient: { severity: 'passing', attempts: 3, backoffMs: 1_000, backoffMaxMs: 60_000 },
  throttled: { severity: 'passing', attempts: 5, backoffMs: 2_000, backoffMaxMs: 120_000 },
  timeout: { severity: 'passing', attempts: 2, backoffMs: 1_000, backoffMaxMs: 60_000 },
  lost: { severity: 'passing', attempts: 20, backoffMs: 0, backoffMaxMs: 0 },
  'invalid-output': { severity: 'serious', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  'gate-failed': { severity: 'serious', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  budget: { severity: 'serious', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  policy: { severity: 'final', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  unsafe: { severity: 'final', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  permanent: { severity: 'final', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
  cancelled: { severity: 'final', attempts: 1, backoffMs: 0, backoffMaxMs: 0 },
};
/** A wait the other side asks for is honoured up to this long, in milliseconds; a longer one fails the attempt for good. */
export const RETRY_AFTER_MAX_MS = 60 * 60_000;

/** Classes that a rule in a plan may name besides those that are retried anyway. */
const NEVER_AGAIN: ReadonlySet<FailureClass> = new Set([
  'policy',
  'unsafe',
  'cancelled',
  'permanent',
  'invalid-output',
  'gate-failed',
  'budget',
]);

/** Milliseconds to wait before the next attempt, or `undefined` when this failure was the last. */
export function nextTryIn(task: TaskRecord, failure: Failure, key: string): number | undefined {
  if (NEVER_AGAIN.has(failure.class)) return undefined;
  const rule = CLASS_RULES[failure.class];
  const own: RetryRule | undefined = task.spec.retry;
  if (own && !own.on.includes(failure.class)) return undefined;
  const counted: readonly FailureClass[] = own ? own.on : [failure.class];
  const before = counted.reduce((sum, each) => sum + (each === 'lost' ? 0 : (task.failures[each] ?? 0)), 0);
  if (before + 1 >= (own?.attempts ?? rule.attempts)) return undefined;
  if (failure.retryAfterMs !== undefined) return failure.retryAfterMs <= RETRY_AFTER_MAX_MS ? Math.max(0, failure.retryAfterMs) : undefined;
  const full = Math.min((own?.backoffMs ?? rule.backoffMs) * 2 ** before, own?.backoffMaxMs ?? rule.backoffMaxMs);
  return Math.round(full * (0.5 + 0.5 * fraction(key)));
}

/** A number from 0 to 1 that depends on the text alone (FNV-1a). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
