/** What is found in a plan, and what is mended, does not depend on what its tasks are called. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Draft, DraftTask } from '../../src/work/planning/draft.ts';
import { judge } from '../../src/work/planning/judge.ts';
import { SITUATION } from './bad-plans.ts';

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

/** The same plan under other names. */
export const renamings = fc.tuple(draft, renaming);
type Judged = ReturnType<typeof judge>;

/** What is said otherwise of a plan under other names; nothing when all is said alike. `codes` gets what was found. */
export function saidOtherwise(plan: Draft, names: readonly string[], codes: Set<string>): { before: unknown; after: unknown } | undefined {
  const [before, after] = [judge(plan, SITUATION), judge(renamed(plan, names), SITUATION)];
  // Words of a message that are names too are replaced on both sides.
  const back = (text: string) => text.replace(/[a-z_]+/g, (word) => (names.includes(word) ? `t${names.indexOf(word)}` : word));
  for (const { code } of [...before.findings, ...before.repairs]) codes.add(code);
  const [first, second] = [told(before, back), told(after, back)];
  return isDeepStrictEqual(first, second) ? undefined : { before: first, after: second };
}

const told = (judged: Judged, id: (text: string) => string) => ({
  findings: judged.findings.map(({ code, level, tasks, message }) => ({ code, level, tasks: tasks.map(id), message: id(message) })),
  repairs: judged.repairs.map(({ code, tasks, message }) => ({ code, tasks: tasks.map(id), message: id(message) })),
  assigned: judged.ok ? judged.routed.routing.assignments.map(({ task: each, agent }) => [id(each), agent]) : [],
});

/** A plan that is never found fault with would prove nothing. */
export const FOUND = [
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
];
