// req P8, P12: whoever writes one path with no order between them is told of, and once these are in order nobody is left.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { globsMeet } from '../../src/engine/kernel/grants.ts';
import type { DraftTask } from '../../src/work/planning/draft.ts';
import { Order } from '../../src/work/planning/order.ts';
import { writeConflicts } from '../../src/work/planning/write-conflicts.ts';

const part = fc.constantFrom('a', 'b', 'c', '*', '*.ts');
const glob = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([parts, deep]) => [...parts, ...(deep ? ['**'] : [])].join('/'));
const plan = fc
  .array(fc.record({ writes: fc.array(glob, { maxLength: 2 }), before: fc.array(fc.nat(), { maxLength: 2 }) }), { maxLength: 12 })
  .map((tasks) =>
    tasks.map(
      ({ writes, before }, i): DraftTask => ({
        id: `t${i}`,
        kind: 'agent',
        title: '',
        text: '',
        writes,
        needs: i === 0 ? [] : [...new Set(before.map((each) => `t${each % i}`))],
      }),
    ),
  );
const meet = (one: DraftTask, other: DraftTask) => (one.writes ?? []).some((a) => (other.writes ?? []).some((b) => globsMeet(a, b)));

/** Every pair that may write one path at once. */
function atOnce(tasks: readonly DraftTask[]): string[] {
  const order = new Order(tasks);
  return tasks.flatMap((one, i) =>
    tasks
      .slice(i + 1)
      .filter((other) => meet(one, other) && !order.comesBefore(one.id, other.id) && !order.comesBefore(other.id, one.id))
      .map((other) => `${one.id} ${other.id}`),
  );
}

test('in plans of every shape', () => {
  fc.assert(
    fc.property(plan, (tasks) => {
      const told = writeConflicts(tasks, new Order(tasks)).map(({ tasks: [one = '', other = ''] }) => [one, other] as const);
      const all = new Set(atOnce(tasks));
      for (const [one, other] of told) expect(all.has(`${one} ${other}`) || all.has(`${other} ${one}`)).toBe(true);
      const mended = tasks.map((task) => ({
        ...task,
        needs: [...task.needs, ...told.filter(([, other]) => other === task.id).map(([one]) => one)],
      }));
      expect(new Order(mended).cycle).toBeUndefined();
      expect(atOnce(mended)).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
});

test('ten thousand tasks with paths of their own, one path for all, and wildcards over names are looked at one by one', () => {
  const of = (writes: (i: number) => string) =>
    Array.from(
      { length: 10_000 },
      (_, i): DraftTask => ({ id: `t${i}`, kind: 'agent', title: '', text: '', needs: [], writes: [writes(i)] }),
    );
  const told = (tasks: DraftTask[]) => writeConflicts(tasks, new Order(tasks)).length;
  expect(told(of((i) => `src/${i}.ts`))).toBe(0);
  expect(told(of(() => 'src/**'))).toBe(9_999);
  expect(told(of((i) => (i % 2 === 0 ? `src/${i}.ts` : 'src/*')))).toBe(14_998);
});
