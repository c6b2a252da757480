// req P8: what is found in a plan, and what is mended, does not depend on what its tasks are called.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Draft, DraftTask } from '../../src/work/planning/draft.ts';
import { judge } from '../../src/work/planning/judge.ts';
import { SITUATION } from '../support/bad-plans.ts';

const SIZE_MAX = 8;
const name = fc.nat(SIZE_MAX + 1).map((i) => `t${i}`);
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 2 });
const task = fc.record(
  {
    kind: fc.constantFrom('agent' as const, 'command' as const, 'approve' as const, 'composite' as const, 'tool' as const),
    text: fc.constantFrom('npm test', 'Do it', 'Do more', 'fetch'),
    needs: some(name),
    capability: fc.constantFrom('code', 'text', 'cooking'),
    inputs: fc.dictionary(
      fc.constantFrom('x', 'y'),
      fc.tuple(name, fc.constantFrom('', '.a', '.b')).map(([from, what]) => from + what),
      {
        maxKeys: 2,
      },
    ),
    outputs: some(fc.constantFrom('a', 'b')),
    writes: some(fc.constantFrom('src/**', 'src/a.ts', 'docs/*', '*')),
    gates: some(fc.constantFrom({ run: 'npm test' }, { run: 'npm run nothing' })),
    covers: some(fc.constantFrom('R1', 'R2')),
    irreversible: fc.boolean(),
    network: some(fc.constantFrom('registry.npmjs.org', 'example.com')),
  },
  { requiredKeys: ['kind', 'text', 'needs'] },
);
const draft: fc.Arbitrary<Draft> = fc.array(task, { minLength: 1, maxLength: SIZE_MAX }).map((tasks) => ({
  goal: 'Make it so',
  requirements: ['R1', 'R2'].map((id) => ({ id, text: id })),
  questions: [],
  tasks: tasks.map((each, i): DraftTask => ({ ...each, id: `t${i}`, title: 'A task' })),
}));

/** Names in another order of the alphabet, and of other lengths. */
const renaming = fc.shuffledSubarray(['zoo', 'b', 'middle', 'a', 'yes', 'q', 'under_way', 'k', 'c', 'omega'], { minLength: 10 });

function renamed(plan: Draft, names: readonly string[]): Draft {
  const to = (id: string) => names[Number(id.slice(1))] ?? id;
  const from = (source: string) => {
    const [id = '', ...rest] = source.split('.');
    return [to(id), ...rest].join('.');
  };
  const tasks = plan.tasks.map((each) => ({
    ...each,
    id: to(each.id),
    needs: each.needs.map(to),
    ...(each.inputs ? { inputs: Object.fromEntries(Object.entries(each.inputs).map(([key, source]) => [key, from(source)])) } : {}),
  }));
  return { ...plan, tasks };
}

test('in plans of every shape', () => {
  const codes = new Set<string>();
  fc.assert(
    fc.property(draft, renaming, (plan, names) => {
      const [before, after] = [judge(plan, SITUATION), judge(renamed(plan, names), SITUATION)];
      const back = (text: string) => text.replace(/[a-z_]+/g, (word) => (names.includes(word) ? `t${names.indexOf(word)}` : word));
      const told = ({ findings, repairs }: typeof before, id: (text: string) => string) => ({
        findings: findings.map(({ code, level, tasks, message }) => ({ code, level, tasks: tasks.map(id), message: id(message) })),
        repairs: repairs.map(({ code, tasks, message }) => ({ code, tasks: tasks.map(id), message: id(message) })),
      });
      expect(told(after, back)).toEqual(told(before, back));
      if (before.ok && after.ok)
        expect(after.routed.routing.assignments.map(({ task: id, agent }) => [back(id), agent])).toEqual(
          before.routed.routing.assignments.map(({ task: id, agent }) => [id, agent]),
        );
      for (const { code } of [...before.findings, ...before.repairs]) codes.add(code);
    }),
    { numRuns: 3_000 },
  );
  // A plan that is never found fault with would prove nothing.
  expect([...codes].sort()).toEqual([
    'ACL_DENIED',
    'APPROVAL_MISSING',
    'CYCLE',
    'GATE_UNSATISFIABLE',
    'MISSING_INPUT',
    'REDUNDANT',
    'UNCOVERED_REQUIREMENT',
    'UNKNOWN_DEPENDENCY',
    'UNROUTABLE',
    'WRITE_CONFLICT',
  ]);
});
