/**
 * What comes before what in a plan. Made once; asked for pairs that share a path or a result, each answered by a walk that
 * goes no further back than the one it looks for, and remembers where it has been in vain.
 */
import { findCycle } from '../../engine/kernel/graph.ts';
import type { DraftTask } from './draft.ts';

export class Order {
  /** A circle, as ids with the first again at the end. */
  readonly cycle: readonly string[] | undefined;
  private readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Places in an order in which needs come first. */
  private readonly level = new Map<string, number>();
  private readonly seen = new Map<string, number>();
  private question = 0;

  constructor(tasks: readonly Pick<DraftTask, 'id' | 'needs'>[]) {
    this.needs = new Map(tasks.map(({ id, needs }) => [id, needs]));
    this.cycle = findCycle(this.needs);
    if (!this.cycle) this.measure(tasks);
  }

  private measure(tasks: readonly Pick<DraftTask, 'id' | 'needs'>[]): void {
    const open = new Map<string, number>();
    const dependents = new Map<string, string[]>();
    for (const { id, needs } of tasks) {
      const known = [...new Set(needs)].filter((need) => this.needs.has(need));
      open.set(id, known.length);
      for (const need of known) {
        const list = dependents.get(need);
        if (list) list.push(id);
        else dependents.set(need, [id]);
      }
    }
    const ready = tasks.filter(({ id }) => open.get(id) === 0).map(({ id }) => id);
    for (const id of ready) this.level.set(id, 0);
    for (const id of ready)
      for (const dependent of dependents.get(id) ?? []) {
        this.level.set(dependent, Math.max(this.level.get(dependent) ?? 0, (this.level.get(id) ?? 0) + 1));
        const left = (open.get(dependent) ?? 0) - 1;
        open.set(dependent, left);
        if (left === 0) ready.push(dependent);
      }
  }

  /** Does `later` need `earlier`, directly or through others? */
  comesBefore(earlier: string, later: string): boolean {
    const floor = this.level.get(earlier);
    if (floor === undefined || (this.level.get(later) ?? 0) <= floor) return false;
    const question = ++this.question;
    const open = [later];
    for (let id = open.pop(); id !== undefined; id = open.pop())
      for (const need of this.needs.get(id) ?? []) {
        if (need === earlier) return true;
        if (this.seen.get(need) === question || (this.level.get(need) ?? 0) <= floor) continue;
        this.seen.set(need, question);
        open.push(need);
      }
    return false;
  }

  levelOf(id: string): number {
    return this.level.get(id) ?? 0;
  }
}
