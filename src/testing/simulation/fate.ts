/** Random plans with every kind of task and rule, and what the world does to them, drawn from the seed and the task's name. */
import { type ApprovalRule, FAILURE_CLASSES, type Plan, type Principal, type TaskSpec } from '../../engine/kernel/plan.ts';
import type { Happening } from '../model.ts';
import { Random } from './random.ts';

export const PEOPLE: readonly Principal[] = [
  { id: 'ann', roles: ['approver'] },
  { id: 'bob', roles: ['approver', 'admin'] },
  { id: 'cyd', roles: ['admin'] },
  { id: 'dee', roles: [] },
  { id: 'eve', roles: ['approver'] },
  { id: 'flo', roles: ['admin'] },
];
const CLAIMS = [['src/**'], ['src/a.ts', 'docs/**'], ['src/b/*'], ['docs/**'], ['README.md']] as const;
const OWN_END: ReadonlySet<string> = new Set(['lost', 'budget']);

/** What happens to a task: the same whoever asks, how often, and after how many crashes. */
export class Fate {
  private readonly seed: number;
  constructor(seed: number) {
    this.seed = seed;
  }
  private of(...name: readonly (string | number)[]): Random {
    const text = name.join(' ');
    let hash = this.seed ^ 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    return new Random(hash ^ (hash >>> 15));
  }
  end(task: string, attempt: number): Happening['end'] {
    const random = this.of('end', task, attempt);
    if (random.chance(0.62)) return 'brings';
    const classes = random.chance(0.7) ? (['transient', 'throttled', 'timeout'] as const) : FAILURE_CLASSES;
    const wait = random.chance(0.15) ? { retryAfterMs: random.chance(0.9) ? random.below(10_000) : 4_000_000 } : {};
    return { class: random.pick(classes.filter((each) => !OWN_END.has(each))), dispatched: random.chance(0.7), excused: false, ...wait };
  }
  /** Steps an attempt makes before it ends. */
  steps(task: string): number {
    const random = this.of('steps', task);
    return random.chance(0.3) ? 1 + random.below(3) : 0;
  }
  gate(task: string, attempt: number, gate: number): 'pass' | 'fail' | 'error' {
    const random = this.of('gate', task, attempt, gate);
    return random.chance(0.7) ? 'pass' : random.chance(0.85) ? 'fail' : 'error';
  }
  probe(task: string, attempt: number): 'happened' | 'absent' | 'unknown' {
    return this.of('probe', task, attempt).pick(['happened', 'absent', 'unknown'] as const);
  }
  resolving(task: string): 'skip' | 'fail' | undefined {
    const random = this.of('resolve', task);
    return random.chance(0.85) ? undefined : random.pick(['skip', 'fail'] as const);
  }
  /** The children that a container makes in one visit; none closes it. */
  children(spec: TaskSpec, round: number, depth: number): TaskSpec[] {
    const random = this.of('children', spec.id, round);
    const made: TaskSpec[] = [];
    for (let i = round < 2 ? random.below(4 - round * 2) : 0; i > 0; i--) {
      const needs = made.filter(() => random.chance(0.25)).map((each) => each.id);
      made.push({ ...randomTask(random, `${spec.id}/${round}.${made.length}`, needs, depth + 1), parent: spec.id });
    }
    return made;
  }
}

export function randomPlan(random: Random): Plan {
  const tasks: TaskSpec[] = [];
  const shape = random.pick(['chain', 'fan', 'mixed', 'mixed'] as const);
  for (let i = 0, size = 1 + random.below(9); i < size; i++) {
    const before = tasks.map((each) => each.id);
    const needs =
      shape === 'chain'
        ? before.slice(-1)
        : shape === 'fan'
          ? before.slice(0, i === size - 1 ? undefined : 1)
          : before.filter(() => random.chance(0.3));
    tasks.push(randomTask(random, `t${i}`, needs, 0));
  }
  return {
    name: 'random',
    source: 'source',
    tasks,
    limits: {
      tasks: 10_000,
      depth: 5,
      ...(random.chance(0.1) ? { wallTimeMs: 5_000 } : {}),
      ...(random.chance(0.2) ? { calls: 1 + random.below(10) } : {}),
      ...(random.chance(0.1) ? { tokens: 100 + random.below(900) } : {}),
    },
    scope: random.chance(0.8) ? 'one' : 'other',
    ...(random.chance(0.2) ? { priority: random.below(5) - 2 } : {}),
    ...(random.chance(0.1) ? { approval: randomRule(random, 'task') } : {}),
  };
}

export function randomTask(random: Random, id: string, needs: readonly string[], depth: number): TaskSpec {
  const about = {
    id,
    needs,
    work: `work of ${id}`,
    ...(random.chance(0.12) ? { always: true } : {}),
    ...(random.chance(0.15) ? { continueOnError: true } : {}),
    ...(random.chance(0.15) ? { claims: random.pick(CLAIMS) } : {}),
    ...(random.chance(0.2) ? { priority: random.below(3) - 1 } : {}),
  };
  const dice = random.next();
  if (dice < 0.06) return { ...about, kind: 'question', ...(random.chance(0.3) ? { resolve: true } : {}) };
  if (dice < 0.12) return { ...about, kind: 'decision', approval: randomRule(random, 'task') };
  const start = random.chance(0.1) ? { approval: randomRule(random, 'start') } : {};
  if (dice < 0.25 && depth < 3)
    return { ...about, kind: 'container', ...start, ...(random.chance(0.4) ? { maxParallel: 1 + random.below(2) } : {}) };
  return {
    ...about,
    kind: 'work',
    agent: random.pick(['a', 'b']),
    idempotent: random.chance(0.55),
    ...start,
    ...(random.chance(0.1) ? { approval: randomRule(random, 'result') } : {}),
    ...(random.chance(0.3) ? { resolve: true } : {}),
    ...(random.chance(0.45) ? { onLost: random.pick(['ask', 'fail', 'retry'] as const) } : {}),
    ...(random.chance(0.2) ? { probe: true } : {}),
    ...(random.chance(0.25)
      ? { retry: { attempts: 1 + random.below(4), on: FAILURE_CLASSES.filter(() => random.chance(0.4)), backoffMs: random.below(3_000) } }
      : {}),
    ...(random.chance(0.3) ? { gates: random.chance(0.5) ? ['one'] : ['one', 'two'] } : {}),
    ...(random.chance(0.3) ? { reworkMax: random.below(3) } : {}),
    ...(random.chance(0.1) ? { budget: { calls: 1 + random.below(3) } } : {}),
  };
}

function randomRule(random: Random, at: ApprovalRule['at']): ApprovalRule {
  return {
    at,
    by: random.chance(0.4) ? [] : random.chance(0.7) ? ['approver'] : ['admin'],
    ...(random.chance(0.3) ? { quorum: 2 } : {}),
    ...(random.chance(0.25) ? { notAuthor: true } : {}),
    ...(random.chance(0.5)
      ? {
          timeoutMs: 500 + random.below(5_000),
          onTimeout: random.pick(['wait', 'deny', 'escalate'] as const),
          ...(random.chance(0.8) ? { escalateTo: ['admin'] } : {}),
        }
      : {}),
  };
}
