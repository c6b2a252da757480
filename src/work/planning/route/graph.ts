/** The tasks of a plan as numbers, so that a graph of 10,000 tasks costs what it weighs. Nothing here recurses. */

export interface Graph {
  readonly size: number;
  /** Of each task, as positions in the list of tasks. Unknown names are left out: validation reports them. */
  readonly needs: readonly (readonly number[])[];
  readonly dependents: readonly (readonly number[])[];
  /** Every task after its needs. Shorter than `size` when tasks wait for each other. */
  readonly order: readonly number[];
}

const NOBODY: readonly number[] = [];

export function graphOf(tasks: readonly { readonly id: string; readonly needs: readonly string[] }[]): Graph {
  const at = new Map<string, number>();
  // Of two with one name the first is meant.
  for (let i = tasks.length - 1; i >= 0; i--) at.set(tasks[i]?.id ?? '', i);
  const needs: (readonly number[])[] = new Array(tasks.length).fill(NOBODY);
  const dependents: number[][] = Array.from({ length: tasks.length }, () => []);
  const open = new Int32Array(tasks.length);
  for (const [i, task] of tasks.entries()) {
    if (task.needs.length === 0) continue;
    const known: number[] = [];
    for (const name of task.needs) {
      const need = at.get(name);
      if (need === undefined) continue;
      known.push(need);
      dependents[need]?.push(i);
    }
    needs[i] = known;
    open[i] = known.length;
  }
  const order: number[] = [];
  for (let i = 0; i < tasks.length; i++) if (open[i] === 0) order.push(i);
  for (let next = 0; next < order.length; next++)
    for (const dependent of dependents[order[next] ?? 0] ?? NOBODY) {
      const left = (open[dependent] ?? 0) - 1;
      open[dependent] = left;
      if (left === 0) order.push(dependent);
    }
  return { size: tasks.length, needs, dependents, order };
}

/** How many tasks the longest chain below each task has. */
export function tasksBelow({ size, order, dependents }: Graph): Int32Array {
  const below = new Int32Array(size);
  for (let k = order.length - 1; k >= 0; k--) {
    const task = order[k] ?? 0;
    for (const dependent of dependents[task] ?? NOBODY) below[task] = Math.max(below[task] ?? 0, (below[dependent] ?? 0) + 1);
  }
  return below;
}

export interface LongestChain {
  readonly ms: number;
  /** Positions, first to last. */
  readonly tasks: readonly number[];
}

/** The chain of needs that takes longest. */
export function longestChain({ size, order, needs }: Graph, durationMs: (task: number) => number): LongestChain {
  const end = new Float64Array(size);
  const before = new Int32Array(size).fill(-1);
  let last = -1;
  for (const task of order) {
    let [ready, from] = [0, -1];
    for (const need of needs[task] ?? NOBODY)
      if (from < 0 || (end[need] ?? 0) > ready) {
        ready = end[need] ?? 0;
        from = need;
      }
    before[task] = from;
    end[task] = ready + durationMs(task);
    if (last < 0 || (end[task] ?? 0) >= (end[last] ?? 0)) last = task;
  }
  const tasks: number[] = [];
  for (let task = last; task >= 0; task = before[task] ?? -1) tasks.push(task);
  return { ms: last < 0 ? 0 : (end[last] ?? 0), tasks: tasks.reverse() };
}
