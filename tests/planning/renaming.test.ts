// req P8: what is found in a plan, and what is mended, does not depend on what its tasks are called.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FOUND, renamings, saidOtherwise } from '../support/renaming.ts';

test('in plans of every shape', () => {
  const codes = new Set<string>();
  fc.assert(
    fc.property(renamings, ([plan, names]) => {
      const other = saidOtherwise(plan, names, codes);
      expect(other?.after).toEqual(other?.before);
    }),
    { numRuns: 2_000 },
  );
  expect([...codes].sort()).toEqual(expect.arrayContaining(FOUND));
});
