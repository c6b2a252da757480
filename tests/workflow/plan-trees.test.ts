// req F4: the plan says who works in a tree, and who will wait for whom.
import { expect, test } from 'vitest';
import { begin, describe } from '../../src/work/workflow/describe.ts';
import { planOf } from '../../src/work/workflow/plan.ts';
import { type Files, load } from './support/run.ts';

const LIMITS = { tasks: 1_000, depth: 4 };
const about = (text: string, used?: Files) => describe(begin(load(text, used), { agents: [], limits: LIMITS, inputs: {} }));
const turns = (text: string, used?: Files) => about(text, used).turns.map(({ tasks, claims }) => [...tasks, ...claims].join(' '));

test('tasks that write one path take turns, unless one comes after the other', () => {
  expect(
    turns(`tasks:
  a: { run: x, writes: ["src/**"] }
  b: { run: x, writes: ["docs/**", "src/b.ts"] }
  c: { needs: a, run: x }
  d: { needs: c, run: x, writes: ["src/d.ts"] }`),
  ).toEqual(['a b src/** src/b.ts']);
});

test('tasks of used files take turns too, with each other and with those outside', () => {
  const used = { 'u.yaml': 'tasks: { w: { run: x, writes: ["a.ts"] }, v: { needs: w, run: x } }' };
  expect(
    turns(
      `tasks:
  first: { run: x, writes: ["a.ts"] }
  one: { needs: first, uses: u.yaml }
  two: { needs: first, uses: u.yaml }
  last: { needs: one, run: x, writes: ["*.ts"] }`,
      used,
    ),
  ).toEqual(['one/w two/w a.ts a.ts', 'two/w last a.ts *.ts']);
});

test('the items of a list share what they write, and rounds come one after the other anyway', () => {
  expect(
    turns(`tasks:
  many: { foreach: [1, 2], run: x, writes: ["a.ts"] }
  one: { foreach: [1], run: x, writes: ["b.ts"] }
  rounds: { run: x, until: { when: "true", maxRounds: 3 }, writes: ["c.ts"] }`),
  ).toEqual(['many many a.ts a.ts']);
});

test('a task works in a tree where the compiled plan has it so', () => {
  const text = `agents: { coder: { command: [c] }, lead: { human: {} } }
tasks:
  command: { run: x }
  inside: { run: x, in: project }
  coder: { agent: coder, prompt: p }
  person: { agent: lead, prompt: p }
  ask: { approve: "ok?" }
  tool: { tool: files.read, with: { path: a } }`;
  const { tasks } = planOf(load(text), { agents: [], limits: LIMITS, scope: '/', now: 0, repository: {}, put: () => 'hash' });
  expect(about(text).tasks.flatMap(({ id, tree }) => (tree ? [id] : []))).toEqual(tasks.flatMap(({ id, tree }) => (tree ? [id] : [])));
  expect(tasks.filter(({ tree }) => tree)).toHaveLength(3);
});
