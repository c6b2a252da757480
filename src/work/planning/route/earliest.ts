/** Tasks that are ready: the earliest first, among those the one with most below it, then the one that was named first. */
export class Earliest {
  private readonly readyAt: Float64Array;
  private readonly below: Int32Array;
  private readonly heap: number[] = [];

  constructor(readyAt: Float64Array, below: Int32Array) {
    this.readyAt = readyAt;
    this.below = below;
  }

  add(task: number): void {
    const { heap } = this;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above] ?? 0;
      if (this.isBefore(other, task)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = task;
  }

  take(): number | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let under = 1; under < heap.length; under = 2 * at + 1) {
      if (under + 1 < heap.length && this.isBefore(heap[under + 1] ?? 0, heap[under] ?? 0)) under++;
      const other = heap[under] ?? 0;
      if (this.isBefore(last, other)) break;
      heap[at] = other;
      at = under;
    }
    heap[at] = last;
    return first;
  }

  private isBefore(a: number, b: number): boolean {
    const order = (this.readyAt[a] ?? 0) - (this.readyAt[b] ?? 0) || (this.below[b] ?? 0) - (this.below[a] ?? 0) || a - b;
    return order < 0;
  }
}
