/**
 * The rules of Baton, stated another way: not as a machine that goes from state to state, but as equations over a whole
 * plan and a script of what will happen to each attempt. It says which tasks run, how often, how each ends and how the
 * run ends. It shares no code with the kernel but the words of a plan, so that the two can be held against each other.
 */
import type { TaskSpec } from '../engine/kernel/plan.ts';

/** What happens to one attempt. A crash loses it; a gate judges what it brought. */
export type Fate =
  | { readonly is: 'brings'; readonly gates: readonly boolean[] }
  | { readonly is: 'fails'; readonly with: 'transient' | 'permanent'; readonly dispatched: boolean }
  | { readonly is: 'lost' };
/** What a person says when nobody knows whether an attempt happened. */
export type Ruling = 'retry' | 'committed' | 'fail';

export interface Scripted {
  readonly spec: TaskSpec;
  /** Of attempt 1, 2, …; the last one repeats. */
  readonly fates: readonly Fate[];
  readonly rulings: readonly Ruling[];
}
export interface Expected {
  readonly status: 'committed' | 'failed' | 'skipped';
  readonly attempts: number;
}

export function expectedOf(plan: readonly Scripted[]): {
  readonly tasks: ReadonlyMap<string, Expected>;
  readonly run: 'succeeded' | 'failed';
} {
  const byId = new Map(plan.map((each) => [each.spec.id, each]));
  const alone = new Map(plan.map((each) => [each.spec.id, life(each)]));
  // A task is forbidden when one of its needs failed and is not tolerated, or was itself forbidden: the least set that
  // is closed under this rule, found by adding until nothing is added.
  const forbidden = new Set<string>();
  for (let size = -1; size !== forbidden.size; ) {
    size = forbidden.size;
    for (const { spec } of plan)
      if (
        !spec.always &&
        spec.needs.some((need) => forbidden.has(need) || (alone.get(need)?.status === 'failed' && !byId.get(need)?.spec.continueOnError))
      )
        forbidden.add(spec.id);
  }
  const tasks = new Map<string, Expected>();
  for (const [id, expected] of alone) tasks.set(id, forbidden.has(id) ? { status: 'skipped', attempts: 0 } : expected);
  const failed = plan.some(({ spec }) => tasks.get(spec.id)?.status === 'failed' && !spec.continueOnError);
  return { tasks, run: failed ? 'failed' : 'succeeded' };
}

/** Attempts that a task's rule allows before a passing failure is its last. */
const allowed = ({ retry }: TaskSpec): number => (retry ? (retry.on.includes('transient') ? retry.attempts : 1) : 3);

/** How one task goes that nothing forbids: the first attempt after which nothing follows decides. */
function life({ spec, fates, rulings }: Scripted): Expected {
  const questions: Ruling[] = [...rulings];
  for (let attempt = 1; ; attempt++) {
    const upTo = Array.from({ length: attempt }, (_, i) => fates[Math.min(i, fates.length - 1)] as Fate);
    const end = endAfter(spec, upTo, questions);
    if (end !== undefined) return { status: end, attempts: attempt };
  }
}

/** How a task has ended after these attempts, or undefined when another one follows. */
function endAfter(spec: TaskSpec, past: readonly Fate[], questions: Ruling[]): Expected['status'] | undefined {
  const last = past.at(-1);
  if (!last) return undefined;
  // Only what came since the last rework counts against the retries.
  const sent = past.slice(0, -1).findLastIndex((fate) => fate.is === 'brings');
  const passing = past.slice(sent + 1).filter((fate) => fate.is === 'fails' && fate.with === 'transient').length;
  const reworks = past.filter((fate) => fate.is === 'brings').length - 1;
  if (last.is === 'brings') {
    if ((spec.gates ?? []).every((_, gate) => last.gates[gate] !== false)) return 'committed';
    return reworks < (spec.reworkMax ?? (spec.idempotent ? 3 : 0)) ? undefined : 'failed';
  }
  if (last.is === 'fails' && (last.with === 'permanent' || passing >= allowed(spec))) return 'failed';
  const harmless = spec.idempotent === true || (last.is === 'fails' && !last.dispatched);
  if (harmless || spec.onLost === 'retry') return undefined;
  if (spec.onLost === 'fail') return 'failed';
  const ruling = questions.length > 1 ? questions.shift() : questions[0];
  return ruling === 'retry' ? undefined : ruling === 'committed' ? 'committed' : 'failed';
}
