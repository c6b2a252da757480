// req K11
import { expect, test } from 'vitest';
import { PRIORITY_BONUS_MS } from '../kernel/order.ts';
import { StartQueue } from './queue.ts';

const start = (key: number, index: number, agent = 'a') =>
  ({ run: 'r', owed: { type: 'start', id: `start:${key}:${index}`, task: `t${index}`, attempt: 1, agent, key, index } }) as const;

function drain(queue: StartQueue, agent = 'a'): number[] {
  const order: number[] = [];
  for (let next = queue.take(agent); next; next = queue.take(agent)) order.push(next.owed.index);
  return order;
}

test('a thousand of equal priority come out in the order of submission, however they went in', () => {
  const queue = new StartQueue();
  const indices = Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 1_000);
  for (const index of indices) queue.add(start(5, index));
  expect(drain(queue)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
});

test('ten thousand of high priority hold up one of low priority for a bounded time only', () => {
  const queue = new StartQueue();
  const submitted = 1_000_000;
  queue.add(start(submitted, 0));
  // Three levels of priority are worth three minutes: whoever is submitted later than that comes after.
  for (let i = 1; i <= 10_000; i++) queue.add(start(submitted + i * 60 - 3 * PRIORITY_BONUS_MS, i));
  const order = drain(queue);
  expect(order.indexOf(0)).toBe((3 * PRIORITY_BONUS_MS) / 60 - 1);
});

test('agents are served by who waits longest, and each has a queue of its own', () => {
  const queue = new StartQueue();
  queue.add(start(2, 1, 'late'));
  queue.add(start(1, 2, 'early'));
  expect(queue.agents()).toEqual(['early', 'late']);
  expect(drain(queue, 'late')).toEqual([1]);
  expect(queue.agents()).toEqual(['early']);
});
