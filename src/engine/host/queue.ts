/**
 * Tasks that wait for a slot, in the fixed order of their keys, one heap per agent. What is no longer owed is found out
 * when it comes to the top, so that taking a task back costs nothing.
 */
import type { OwedOf } from '../kernel/owed.ts';

export interface Waiting {
  readonly run: string;
  readonly owed: OwedOf<'start'>;
}

export class StartQueue {
  private readonly heaps = new Map<string, Waiting[]>();

  add(waiting: Waiting): void {
    const heap = this.heaps.get(waiting.owed.agent) ?? [];
    if (heap.length === 0) this.heaps.set(waiting.owed.agent, heap);
    heap.push(waiting);
    for (let i = heap.length - 1; i > 0; ) {
      const up = (i - 1) >> 1;
      if (!before(heap[i], heap[up])) break;
      swap(heap, i, up);
      i = up;
    }
  }

  /** Agents that somebody waits for, the one whose first waits longest first. */
  agents(): string[] {
    return [...this.heaps.keys()].sort((a, b) => (before(this.first(a), this.first(b)) ? -1 : 1));
  }

  first(agent: string): Waiting | undefined {
    return this.heaps.get(agent)?.[0];
  }

  take(agent: string): Waiting | undefined {
    const heap = this.heaps.get(agent);
    const top = heap?.[0];
    const last = heap?.pop();
    if (!heap || !last) return undefined;
    if (heap.length === 0) this.heaps.delete(agent);
    else {
      heap[0] = last;
      sink(heap);
    }
    return top;
  }
}

function sink(heap: Waiting[]): void {
  for (let i = 0; ; ) {
    const left = 2 * i + 1;
    if (left >= heap.length) return;
    const least = before(heap[left + 1], heap[left]) ? left + 1 : left;
    if (!before(heap[least], heap[i])) return;
    swap(heap, i, least);
    i = least;
  }
}

const before = (a: Waiting | undefined, b: Waiting | undefined): boolean =>
  a !== undefined && (b === undefined || a.owed.key < b.owed.key || (a.owed.key === b.owed.key && a.owed.index < b.owed.index));

function swap(heap: Waiting[], i: number, j: number): void {
  const [a, b] = [heap[i], heap[j]];
  if (a && b) [heap[i], heap[j]] = [b, a];
}
