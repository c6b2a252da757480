/** Circles in a plan are broken where the least speaks for a dependency. Iterative: a plan may be a chain of thousands. */
import { findCycle } from '../../engine/kernel/graph.ts';
import type { DraftTask, Finding } from './draft.ts';
import { type Notes, refusal } from './notes.ts';

/** Circles of one plan that are broken. */
const BROKEN_MAX = 100;

/** @returns the tasks without circles, or `CYCLE` with the path of one in which each task reads what the one before makes */
export function breakCycles(tasks: readonly DraftTask[], notes: Notes): { readonly tasks: readonly DraftTask[] } | Finding {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const place = new Map(tasks.map(({ id }, i) => [id, i]));
  for (let broken = 0; ; broken++) {
    const cycle = findCycle(new Map([...byId].map(([id, { needs }]) => [id, needs])));
    if (!cycle) return { tasks: [...byId.values()] };
    const edge = broken < BROKEN_MAX ? weakest(cycle, byId, place) : undefined;
    if (!edge)
      return refusal(
        'CYCLE',
        cycle.slice(0, -1),
        `These tasks wait for each other: ${cycle.join(' → ')}.`,
        'Say which of them is first, and what it can do without the others.',
      );
    const [from, to] = edge;
    const task = byId.get(from);
    if (task) byId.set(from, { ...task, needs: task.needs.filter((need) => need !== to) });
    notes.add('CYCLE', [from, to], `dropped the dependency of "${from}" on "${to}": ${cycle.join(' → ')}`);
  }
}

/** The dependency that no input speaks for and that points forward in the list; of several, the one that points farthest. */
function weakest(
  cycle: readonly string[],
  tasks: ReadonlyMap<string, DraftTask>,
  place: ReadonlyMap<string, number>,
): readonly [string, string] | undefined {
  const reads = (from: string, to: string) =>
    Object.values(tasks.get(from)?.inputs ?? {}).some((input) => input === to || input.startsWith(`${to}.`));
  const edges = cycle.slice(0, -1).map((from, i) => [from, cycle[i + 1] ?? ''] as const);
  const far = ([from, to]: readonly [string, string]) => (place.get(to) ?? 0) - (place.get(from) ?? 0);
  return edges.filter(([from, to]) => !reads(from, to)).sort((a, b) => far(b) - far(a))[0];
}
