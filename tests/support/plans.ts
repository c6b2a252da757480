/** Plans of any size and the agents that do them, for tests and the bench of routing. */
import { NO_PROJECT } from '../../src/work/planning/context.ts';
import type { Draft, DraftTask } from '../../src/work/planning/draft.ts';
import type { RouteAgent } from '../../src/work/planning/route/routing.ts';
import { PLAN_LIMITS_DEFAULT, type Situation } from '../../src/work/planning/situation.ts';

const CAPABILITIES = ['code', 'text', 'data'] as const;

/** Every capability is had by some of them. @param count of agents */
export const staff = (count: number, slots: number): RouteAgent[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `a${i}`,
    kind: 'model',
    capabilities: count < CAPABILITIES.length ? CAPABILITIES : ['code', i % 2 === 0 ? 'data' : 'text'],
    slots,
    figures: { quality: 0.5 + i / 20, costUsd: 0.01 * (i + 1), latencyMs: 60_000 + 5_000 * i },
  }));

const task = (i: number, needs: readonly number[]): DraftTask => ({
  id: `t${i}`,
  kind: 'agent',
  title: `Task ${i}`,
  text: `Do part ${i}.`,
  needs: needs.map((need) => `t${need}`),
  capability: CAPABILITIES[i % CAPABILITIES.length] ?? '',
  size: 1 + (i % 4),
  covers: ['R1'],
  outputs: ['result'],
  ...(needs.length === 0 ? {} : { inputs: { before: `t${needs[0]}.result` } }),
  writes: [`src/${i}.ts`],
});

export const flat = (count: number): DraftTask[] => Array.from({ length: count }, (_, i) => task(i, []));
export const chain = (count: number): DraftTask[] => Array.from({ length: count }, (_, i) => task(i, i === 0 ? [] : [i - 1]));
/** Every task needs all of the layer before. */
export const layered = (layers: number, width: number): DraftTask[] =>
  Array.from({ length: layers * width }, (_, i) => {
    const first = (Math.floor(i / width) - 1) * width;
    return task(i, first < 0 ? [] : Array.from({ length: width }, (_each, k) => first + k));
  });

/** Everything that validation looks at is there: requirements, inputs, claims. */
export const draftOf = (tasks: readonly DraftTask[]): Draft => ({
  goal: 'All of it',
  requirements: [{ id: 'R1', text: 'All of it' }],
  questions: [],
  tasks,
});

export const situationOf = (agents: readonly RouteAgent[]): Situation => ({
  goal: 'All of it',
  agents: agents.map((each) => ({ ...each, config: {} })),
  tools: new Set(),
  network: new Set(),
  project: NO_PROJECT,
  limits: { ...PLAN_LIMITS_DEFAULT, tasks: 100_000 },
  depth: 1,
});
