// req P4, P5, P7: tasks of a workflow file that name a capability find their agents.
import { expect, describe as group, it } from 'vitest';
import { LIMITS_DEFAULT } from '../../src/engine/kernel/plan.ts';
import { WEIGHTS_DEFAULT } from '../../src/work/planning/route/routing.ts';
import type { RouteRule } from '../../src/work/planning/route/rules.ts';
import { begin, describe } from '../../src/work/workflow/describe.ts';
import { loadWorkflow } from '../../src/work/workflow/load.ts';
import { planOf } from '../../src/work/workflow/plan.ts';

const FILE = `
version: 1
name: routed
agents:
  cheap: { scripted: true, capabilities: [code], quality: 0.7, costUsd: 0.01, latency: 10s }
  dear: { scripted: true, capabilities: [code, review], quality: 0.72, costUsd: 2, latency: 60s }
tasks:
  fix: { capability: code, prompt: Fix it. }
  look: { needs: fix, capability: review, prompt: Look at it. }
  named: { agent: dear, prompt: Do it. }
  all: { foreach: [1, 2], capability: code, prompt: "Do \${{ item }}." }
`;
const loaded = (text = FILE) => {
  const result = loadWorkflow('w.yaml', Buffer.from(text), { agents: new Set() });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.loaded;
};
const settings = (...rules: readonly RouteRule[]) => ({ rules, weights: WEIGHTS_DEFAULT });
const described = (...rules: readonly RouteRule[]) =>
  describe(begin(loaded(), { agents: [], limits: { ...LIMITS_DEFAULT, costUsd: 1 }, inputs: {}, routing: settings(...rules) }));

group('a capability', () => {
  it('finds the agent that the plan is worth most with, and everybody is explained', () => {
    const { tasks } = described();
    expect(Object.fromEntries(tasks.map(({ id, agent }) => [id, agent]))).toEqual({
      fix: 'cheap',
      look: 'dear',
      named: 'dear',
      all: 'cheap',
    });
    const [fix, look, named] = ['fix', 'look', 'named'].map((id) => tasks.find((task) => task.id === id));
    expect(fix?.candidates?.map(({ agent, chosen }) => `${agent} ${chosen}`)).toEqual(['cheap true', 'dear false']);
    expect(look?.candidates?.[1]).toMatchObject({ agent: 'cheap', reason: 'it does not have the capability "review"' });
    expect(named?.candidates).toBeUndefined();
  });

  it('goes where a rule of the settings says', () => {
    const { tasks } = described({ when: 'task.id == "fix"', prefer: 'dear' });
    expect(tasks[0]).toMatchObject({ agent: 'dear', why: expect.stringContaining('prefer dear') });
  });

  it('is the agent of the tasks that are made, those of a foreach too', () => {
    const blobs = new Map<string, string>();
    const put = (payload: string) => {
      const hash = `h${blobs.size}`;
      blobs.set(hash, payload);
      return hash;
    };
    const { tasks, source } = planOf(loaded(), { agents: [], scope: '/p', now: 0, put, routing: settings() });
    expect(tasks.map(({ id, agent }) => [id, agent])).toEqual([
      ['fix', 'cheap'],
      ['look', 'dear'],
      ['named', 'dear'],
      ['all', undefined],
    ]);
    expect(JSON.parse(blobs.get(tasks[3]?.work ?? '') ?? '')).toMatchObject({ kind: 'foreach', child: { spec: { agent: 'cheap' } } });
    expect(JSON.parse(blobs.get(source) ?? '')).toMatchObject({ routing: { rules: [] } });
  });
});

it('what it will cost and take is told before it starts, and that it is more than allowed', () => {
  const { estimate, refused } = described();
  expect(estimate).toMatchObject({
    byAgents: 5,
    criticalPath: ['fix', 'look'],
    costUsd: { low: expect.closeTo(4.03, 9), high: expect.closeTo(4.03, 9), unknown: [] },
  });
  expect(estimate.timeMs).toMatchObject({ low: 70_000, high: 70_000 });
  expect(refused).toMatchObject([{ code: 'OVER_BUDGET', message: expect.stringContaining('expected to cost 4.03 USD') }]);
});
