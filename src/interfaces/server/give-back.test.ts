import { expect, test } from 'vitest';
import { giveBackMemory } from './give-back.ts';

test('what nobody holds any more is collected', async () => {
  const held = { text: 'held' };
  const [kept, lost] = [new WeakRef(held), new WeakRef({ text: 'lost' })];
  // A reference that was just made is strong until the end of its turn.
  await new Promise((resolve) => setImmediate(resolve));
  giveBackMemory();
  expect([kept.deref(), lost.deref()]).toEqual([held, undefined]);
});
