/** When the slots of one agent are free again: a heap, since 1,000 slots are asked for the earliest 10,000 times. */
export class Slots {
  private readonly capacity: number;
  private readonly ends: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** From when on there is one. */
  freeAt(): number {
    return this.ends.length < this.capacity ? 0 : (this.ends[0] ?? 0);
  }

  /** Takes the one that is free first. */
  take(until: number): void {
    const { ends } = this;
    if (ends.length < this.capacity) {
      let at = ends.push(until) - 1;
      for (let above = (at - 1) >> 1; at > 0 && (ends[above] ?? 0) > until; above = (at - 1) >> 1) {
        ends[at] = ends[above] ?? 0;
        at = above;
      }
      ends[at] = until;
      return;
    }
    let at = 0;
    for (let below = 1; below < ends.length; below = 2 * at + 1) {
      if (below + 1 < ends.length && (ends[below + 1] ?? 0) < (ends[below] ?? 0)) below++;
      if ((ends[below] ?? 0) >= until) break;
      ends[at] = ends[below] ?? 0;
      at = below;
    }
    ends[at] = until;
  }
}
