/**
 * What comes before what in a plan. Made once; asked for pairs that share a path or a result, each answered by a walk that
 * goes no further back than the one it looks for, and never twice to one task.
 */
import { findCycle } from '../../engine/kernel/graph.ts';
import type { DraftTask } from './draft.ts';
import { type Graph, graphOf } from './route/graph.ts';

export class Order {
  /** A circle, as ids with the first again at the end. */
  readonly cycle: readonly string[] | undefined;
  private readonly graph: Graph;
  private readonly at: ReadonlyMap<string, number>;
  /** How many tasks the longest chain above each has. */
  private readonly level: Int32Array;
  /** The question in which a task was last walked by. */
  private readonly seen: Int32Array;
  private question = 0;

  constructor(tasks: readonly Pick<DraftTask, 'id' | 'needs'>[]) {
    this.graph = graphOf(tasks);
    const { size, order, needs } = this.graph;
    this.at = new Map(tasks.map(({ id }, i) => [id, i]));
    this.level = new Int32Array(size);
    this.seen = new Int32Array(size);
    for (const task of order) for (const need of needs[task] ?? []) this.level[task] = Math.max(this.levelAt(task), this.levelAt(need) + 1);
    this.cycle = order.length === size ? undefined : findCycle(new Map(tasks.map(({ id, needs }) => [id, needs])));
  }

  /** Does `later` need `earlier`, directly or through others? */
  comesBefore(earlier: string, later: string): boolean {
    const [from, to] = [this.at.get(later), this.at.get(earlier)];
    if (from === undefined || to === undefined || this.levelAt(from) <= this.levelAt(to)) return false;
    const question = ++this.question;
    const open = [from];
    for (let task = open.pop(); task !== undefined; task = open.pop())
      for (const need of this.graph.needs[task] ?? []) {
        if (need === to) return true;
        if (this.seen[need] === question || this.levelAt(need) <= this.levelAt(to)) continue;
        this.seen[need] = question;
        open.push(need);
      }
    return false;
  }

  levelOf(id: string): number {
    const at = this.at.get(id);
    return at === undefined ? 0 : this.levelAt(at);
  }

  private levelAt(task: number): number {
    return this.level[task] ?? 0;
  }
}
