/** Random plans that use everything the kernel knows. What a task does is in its definition, as a small script. */
import { type ApprovalRule, FAILURE_CLASSES, type Limits, type Plan, type TaskSpec, type TreeRule } from '../../engine/kernel/plan.ts';
import type { Random } from './random.ts';

/** What `TaskSpec.work` names in the simulator. */
export interface Script {
  /** What resolving gives. */
  readonly resolve?: 'inputs' | 'skip' | 'fail';
  /** Of a container: children in each round, and whether it fails when it closes. */
  readonly rounds?: readonly number[];
  readonly closeFails?: boolean;
  readonly child?: { readonly spec: Omit<TaskSpec, 'id' | 'needs' | 'work' | 'parent'>; readonly script: Script };
  /** Model steps an attempt makes. */
  readonly steps?: number;
}

type Put = (payload: string) => string;
const AGENTS = ['a', 'b', 'command'] as const;
const CLAIMS = ['src/**', 'src/a.ts', 'src/b/*', 'docs/**', 'README.md'] as const;

export function randomPlan(random: Random, put: Put, size = 1 + random.below(9)): Plan {
  const tasks: TaskSpec[] = [];
  const trees = random.chance(0.5);
  for (let i = 0; i < size; i++) {
    const needs = tasks.filter(() => random.chance(0.35)).map((task) => task.id);
    tasks.push(randomTask(random, put, `t${i}`, needs, 0, trees));
  }
  const limits: Limits = {
    tasks: 60,
    depth: 3,
    ...(random.chance(0.15) ? { calls: 1 + random.below(6) } : {}),
    ...(random.chance(0.1) ? { tokens: 100 + random.below(400) } : {}),
    ...(random.chance(0.1) ? { wallTimeMs: 1_000 + random.below(200_000) } : {}),
  };
  return {
    name: 'simulated',
    source: put('{}'),
    tasks,
    limits,
    scope: random.chance(0.8) ? 'one' : 'other',
    ...(random.chance(0.2) ? { priority: random.below(5) - 2 } : {}),
    ...(random.chance(0.1) ? { deadlineAt: 2_000_000 } : {}),
    ...(random.chance(0.08) ? { approval: rule(random, 'task') } : {}),
    ...(random.chance(0.2) ? { changes: rule(random, 'task') } : {}),
    ...(trees ? { tree: randomTree(random) } : {}),
  };
}

const randomTree = (random: Random): TreeRule => ({
  promote: random.pick(['end', 'end', 'each', 'never'] as const),
  ...(random.chance(0.2) ? { approval: rule(random, 'task') } : {}),
});

export function randomTask(random: Random, put: Put, id: string, needs: readonly string[], depth: number, trees: boolean): TaskSpec {
  const { spec, script } = randomWork(random, depth, trees);
  return {
    ...spec,
    id,
    needs,
    work: put(JSON.stringify(script)),
    ...(random.chance(0.12) ? { always: true } : {}),
    ...(random.chance(0.12) ? { continueOnError: true } : {}),
  };
}

function randomWork(random: Random, depth: number, trees: boolean): { spec: Omit<TaskSpec, 'id' | 'needs' | 'work'>; script: Script } {
  const kind = random.next();
  if (kind < 0.06) return { spec: { kind: 'question', agent: 'human' }, script: {} };
  if (kind < 0.12) return { spec: { kind: 'decision', approval: rule(random, 'task') }, script: {} };
  if (kind < 0.24 && depth < 2) {
    const child = randomWork(random, depth + 1, trees);
    const { approval: _, ...spec } = child.spec;
    return {
      spec: {
        kind: 'container',
        ...(random.chance(0.4) ? { maxParallel: 1 + random.below(2) } : {}),
        ...(random.chance(0.1) ? { approval: rule(random, 'start') } : {}),
      },
      script: {
        rounds: Array.from({ length: 1 + random.below(2) }, () => random.below(4)),
        closeFails: random.chance(0.1),
        ...(random.chance(0.1) ? { resolve: random.pick(['skip', 'fail'] as const) } : {}),
        child: { spec: child.spec.kind === 'decision' ? child.spec : spec, script: child.script },
      },
    };
  }
  const idempotent = random.chance(0.6);
  return {
    spec: {
      kind: 'work',
      agent: random.pick(AGENTS),
      ...(trees && random.chance(0.75) ? { tree: true } : {}),
      idempotent,
      ...(random.chance(0.3) ? { resolve: true } : {}),
      ...(random.chance(0.3) ? { onLost: random.pick(['ask', 'fail', 'retry'] as const) } : {}),
      ...(!idempotent && random.chance(0.3) ? { probe: true } : {}),
      ...(random.chance(0.2)
        ? {
            retry: {
              attempts: 1 + random.below(3),
              on: FAILURE_CLASSES.filter((each) => ['transient', 'timeout', 'throttled'].includes(each)),
            },
          }
        : {}),
      ...(random.chance(0.3) ? { gates: random.chance(0.5) ? ['one'] : ['one', 'two'], reworkMax: random.below(3) } : {}),
      ...(random.chance(0.12) ? { approval: rule(random, random.pick(['start', 'result'] as const)) } : {}),
      ...(random.chance(0.2) ? { claims: [random.pick(CLAIMS)] } : {}),
      ...(random.chance(0.1) ? { budget: { calls: 1 + random.below(3) } } : {}),
      ...(random.chance(0.2) ? { timeoutMs: 500 + random.below(5_000) } : {}),
      ...(random.chance(0.1) ? { priority: random.below(3) - 1 } : {}),
    },
    script: {
      ...(random.chance(0.15) ? { resolve: random.pick(['skip', 'fail'] as const) } : {}),
      ...(random.chance(0.35) ? { steps: 1 + random.below(3) } : {}),
    },
  };
}

function rule(random: Random, at: ApprovalRule['at']): ApprovalRule {
  const timed = random.chance(0.5);
  return {
    at,
    by: random.chance(0.5) ? ['approver'] : [],
    ...(random.chance(0.3) ? { quorum: 2 } : {}),
    ...(random.chance(0.2) ? { notAuthor: true } : {}),
    ...(timed
      ? { timeoutMs: 1_000 + random.below(20_000), onTimeout: random.pick(['wait', 'deny', 'escalate'] as const), escalateTo: ['admin'] }
      : {}),
  };
}
