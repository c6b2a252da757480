// req W9, K18: who claims one path waits, who does not goes on, across two runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { globsMeet } from '../../../src/engine/kernel/grants.ts';
import { Baton, type Run } from '../../../src/index.ts';
import { point } from '../point.ts';
import { EDITOR, edits, makeRepository } from '../support/repository.ts';

const [TASKS, WORK_MS, MAKESPAN_MAX] = [10, 2_500, 1.3];
const GLOBS = [
  'src/a/**',
  'src/b/**',
  'src/c/**',
  'src/a/one.txt',
  'docs/**',
  'docs/api.md',
  'test/**',
  'lib/x.txt',
  'lib/y.txt',
  'lib/**',
];

interface Span {
  readonly name: string;
  readonly claims: readonly string[];
  readonly order: number;
  readonly from: number;
  readonly to: number;
}
const meet = (a: Span, b: Span): boolean => a.claims.some((one) => b.claims.some((two) => globsMeet(one, two)));

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/claims',
  title: 'twenty tasks of two runs with overlapping and disjoint claims',
  bar: `never two on one path at once; all end; oldest first; makespan ≤ ${MAKESPAN_MAX} × the optimum`,
  async run() {
    const random = generator(20_261_120);
    const { folder, home } = makeRepository('claims', { 'README.md': 'one\n' });
    const baton = await Baton.open({ home, cwd: folder });
    const runs = await Promise.all([0, 1].map((n) => start(baton, n, random)));
    const ends = await Promise.all(runs.map((run) => run.finished().catch(() => run.state)));
    const spans = (await Promise.all(runs.map(spansOf))).flat();
    await baton.close();
    const pairs = spans.flatMap((a, i) => spans.slice(i + 1).map((b): [Span, Span] => [a, b]));
    const together = pairs.filter(([a, b]) => meet(a, b) && a.from < b.to && b.from < a.to);
    const overtaken = pairs.filter(([a, b]) => meet(a, b) && a.order < b.order && b.from < a.from);
    const makespan = Math.max(...spans.map(({ to }) => to)) - Math.min(...spans.map(({ from }) => from));
    const lengths = spans.map(({ from, to }) => to - from).sort((a, b) => a - b);
    const each = lengths[Math.floor(lengths.length / 2)] ?? WORK_MS;
    const optimum = colours(spans) * each;
    const share = makespan / optimum;
    const ended = ends.every(({ status }) => status === 'succeeded') && spans.length === 2 * TASKS;
    return {
      holds: ended && together.length === 0 && overtaken.length === 0 && share <= MAKESPAN_MAX,
      figure: `${spans.length} tasks, ${together.length} on one path at once, ${overtaken.length} overtaken, makespan ${(makespan / 1000).toFixed(1)} s: ${share.toFixed(2)} × the optimum`,
      detail: [...together, ...overtaken].map(([a, b]) => `${a.name} ${a.claims} and ${b.name} ${b.claims}`).join('\n'),
    };
  },
});

async function start(baton: Baton, n: number, random: () => number): Promise<Run> {
  const tasks = Array.from({ length: TASKS }, (_, i) => {
    const writes = [
      ...new Set([
        GLOBS[Math.floor(random() * GLOBS.length)] ?? 'README.md',
        ...(random() < 0.3 ? [GLOBS[Math.floor(random() * GLOBS.length)] ?? ''] : []),
      ]),
    ];
    return [`t${i}`, { agent: 'editor', writes, prompt: edits([{ sleep: WORK_MS }]) }] as const;
  });
  // Slots are no part of the question.
  const editor = { ...EDITOR, slots: 64 };
  const run = await baton.start({ version: 1, name: `claims ${n}`, agents: { editor }, tasks: Object.fromEntries(tasks) });
  await sleep(20);
  return run;
}

/** From holding its claims to its end, as the journal has it. */
async function spansOf(run: Run): Promise<Span[]> {
  const began = new Map<string, number>();
  const spans: Span[] = [];
  for await (const { fact, at } of run.follow()) {
    if (fact.type === 'task.started') began.set(fact.task, at);
    if (fact.type === 'task.committed') {
      const task = run.state.tasks.get(fact.task);
      if (task)
        spans.push({
          name: `${run.id}/${fact.task}`,
          claims: task.spec.claims ?? [],
          order: run.state.submittedAt * 1000 + task.index,
          from: began.get(fact.task) ?? at,
          to: at,
        });
    }
    if (fact.type === 'run.ended') break;
  }
  return spans;
}

const PRIME = 67_108_859;

/**
 * Fewest rounds of equal length in which nobody meets: the least k for which the tasks are covered by k sets without a
 * meeting, counted by inclusion and exclusion over all sets (modulo a prime).
 */
function colours(spans: readonly Span[]): number {
  const size = 2 ** spans.length;
  const near = spans.map((a) => spans.reduce((bits, b, j) => (a === b || meet(a, b) ? bits | (1 << j) : bits), 0));
  const free = new Float64Array(size);
  free[0] = 1;
  for (let set = 1; set < size; set++) {
    const first = 31 - Math.clz32(set);
    free[set] = ((free[set & ~(1 << first)] ?? 0) + (free[set & ~(near[first] ?? 0)] ?? 0)) % PRIME;
  }
  const powers = new Float64Array(size).fill(1);
  for (let k = 1; k <= spans.length; k++) {
    let sum = 0;
    for (let set = 0; set < size; set++) {
      powers[set] = ((powers[set] ?? 0) * (free[set] ?? 0)) % PRIME;
      const odd = (spans.length - ones(set)) % 2 === 1;
      sum = (sum + (odd ? PRIME - (powers[set] ?? 0) : (powers[set] ?? 0))) % PRIME;
    }
    if (sum !== 0) return k;
  }
  return spans.length;
}

function ones(set: number): number {
  let count = 0;
  for (let left = set; left !== 0; left &= left - 1) count++;
  return count;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
