// req F4
import { expect, test } from 'vitest';
import { begin, describe } from '../../src/work/workflow/describe.ts';
import { type Files, load } from './support/run.ts';

const about = (text: string, options: { used?: Files; inputs?: Record<string, unknown>; tasks?: number } = {}) =>
  describe(
    begin(load(text, options.used), {
      agents: [{ name: 'writer', kind: 'model', config: { model: 'a/b' }, capabilities: [], slots: 1 }],
      limits: { tasks: options.tasks ?? 1_000, depth: 4 },
      inputs: options.inputs ?? {},
    }),
  );

test('tasks come after what they need, with agent, text, fan-out, gates, approvals and claims', () => {
  const { tasks, inputs, limits } = about(
    `inputs: { l: { type: array, default: [a, b] } }
limits: { tasks: 9 }
tasks:
  last: { needs: [each, again], run: "echo 1\\necho 2", approval: { at: start }, writes: ["src/**"], gate: { name: tests, run: t } }
  each: { needs: first, foreach: "\${{ inputs.l }}", agent: writer, prompt: Say it. }
  open: { needs: first, foreach: "\${{ tasks.first.outputs.json }}", run: x }
  again: { run: x, until: { when: "true", maxRounds: 3 } }
  first: { approve: "ok?" }`,
    { inputs: { l: 'x,y,z' } },
  );
  expect(tasks.map(({ id }) => id)).toEqual(['again', 'first', 'each', 'open', 'last']);
  expect(tasks[2]).toMatchObject({ kind: 'foreach', fanOut: 3, agent: 'writer', why: 'model a/b, named by the file', text: 'Say it.' });
  expect(tasks[3]).not.toHaveProperty('fanOut');
  expect(tasks[0]).toMatchObject({ kind: 'until', fanOut: 3 });
  expect(tasks[1]).toMatchObject({ kind: 'approve', approval: 'decision' });
  expect(tasks[4]).toMatchObject({ text: 'echo 1', approval: 'start', writes: ['src/**'], gates: ['tests'], needs: ['each', 'again'] });
  expect(inputs).toEqual({ l: ['x', 'y', 'z'] });
  expect(limits.tasks).toBe(9);
});

test('used files are looked into, with the inputs they get, and never further than a run may go', () => {
  const used = { 'u.yaml': 'inputs: { l: { type: array, default: [1] } }\ntasks: { a: { foreach: "${{ inputs.l }}", run: x } }' };
  expect(
    about('tasks: { r: { uses: u.yaml, with: { l: [1, 2] } }, s: { uses: u.yaml } }', { used }).tasks.map(
      ({ id, fanOut }) => `${id} ${fanOut}`,
    ),
  ).toEqual(['r undefined', 'r/a 2', 's undefined', 's/a 1']);
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [
      `u${i}.yaml`,
      i === 39 ? 'tasks: { a: { run: x } }' : `tasks: { a: { uses: u${i + 1}.yaml }, b: { uses: u${i + 1}.yaml } }`,
    ]),
  );
  expect(about('tasks: { a: { uses: u0.yaml } }', { used: doubling }).tasks.length).toBeLessThan(100);
});

// req B2
test('more tasks than a run may have are refused when they are certain, and told when they are not', () => {
  expect(about('tasks: { a: { foreach: [1, 2, 3], run: x } }', { tasks: 3 })).toMatchObject({
    refused: [{ code: 'FANOUT_EXCEEDED', message: 'limit tasks = 3: it makes 4 tasks.' }],
    warnings: [],
  });
  expect(about('tasks: { a: { foreach: [1, 2, 3], when: "false", run: x } }', { tasks: 3 })).toMatchObject({
    refused: [],
    warnings: [{ code: 'FANOUT_EXCEEDED', message: 'limit tasks = 3: this may become 4 tasks' }],
  });
  expect(about('tasks: { a: { run: x, until: { when: "true", maxRounds: 9 } } }', { tasks: 3 })).toMatchObject({ refused: [] });
  const used = { 'u.yaml': 'tasks: { a: { run: x }, b: { run: x }, c: { foreach: [1, 2], run: x } }' };
  expect(about('tasks: { u: { uses: u.yaml } }', { used, tasks: 5 }).refused).toMatchObject([{ code: 'FANOUT_EXCEEDED' }]);
  expect(about('tasks: { u: { uses: u.yaml } }', { used, tasks: 6 }).refused).toEqual([]);
});

test('ten thousand tasks in a chain are described without harm', () => {
  const chain = `tasks:\n${Array.from({ length: 10_000 }, (_, i) => `  t${i}: { run: x${i === 0 ? '' : `, needs: t${i - 1}`} }\n`).join('')}`;
  expect(about(chain, { tasks: 100_000 }).tasks.length).toBe(10_000);
});
