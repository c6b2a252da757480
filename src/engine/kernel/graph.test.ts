// req K13
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { downstream, findCycle } from './graph.ts';

const graph = fc
  .array(fc.array(fc.nat(9), { maxLength: 4 }), { minLength: 1, maxLength: 10 })
  .map((rows) => new Map(rows.map((needs, i) => [`${i}`, needs.filter((need) => need < rows.length).map(String)])));

test('a cycle is found exactly when no order exists, and it is one', () => {
  fc.assert(
    fc.property(graph, (needs) => {
      const ordered = new Set<string>();
      for (let size = -1; size !== ordered.size; ) {
        size = ordered.size;
        for (const [id, all] of needs) if (all.every((need) => ordered.has(need))) ordered.add(id);
      }
      const cycle = findCycle(needs);
      expect(cycle === undefined).toBe(ordered.size === needs.size);
      if (!cycle) return;
      expect(cycle.at(-1)).toBe(cycle[0]);
      for (const [i, id] of cycle.slice(0, -1).entries()) expect(needs.get(id)).toContain(cycle[i + 1]);
    }),
  );
});

test('what comes after is everything that can be reached, and the roots', () => {
  fc.assert(
    fc.property(graph, fc.array(fc.nat(9), { maxLength: 3 }), (dependents, roots) => {
      const from = roots.map(String).filter((id) => dependents.has(id));
      const found = downstream(from, (id) => dependents.get(id) ?? []);
      const reached = new Set(from);
      for (let size = -1; size !== reached.size; ) {
        size = reached.size;
        for (const id of [...reached]) for (const next of dependents.get(id) ?? []) reached.add(next);
      }
      expect(found).toEqual(reached);
    }),
  );
});

test('a chain of 100,000 is a plan like any other', () => {
  const chain = new Map(Array.from({ length: 100_000 }, (_, i) => [`${i}`, i === 0 ? [] : [`${i - 1}`]]));
  expect(findCycle(chain)).toBeUndefined();
  expect(findCycle(chain.set('0', ['99999']))).toHaveLength(100_001);
  expect(downstream(['0'], (id) => (Number(id) < 99_999 ? [`${Number(id) + 1}`] : [])).size).toBe(100_000);
});
