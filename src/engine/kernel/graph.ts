/** Questions about the graph of tasks, all iterative: a chain of 100,000 is a plan like any other. */

/** The first cycle found, as ids in order with the first repeated at the end; `undefined` when there is none. */
export function findCycle(needs: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  for (const root of needs.keys()) {
    if (done.has(root)) continue;
    const path = [{ id: root, next: 0 }];
    const onPath = new Set([root]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = needs.get(top.id)?.[top.next++];
      if (need === undefined) {
        done.add(top.id);
        onPath.delete(top.id);
        path.pop();
      } else if (onPath.has(need)) {
        const ids = path.map((step) => step.id);
        return [...ids.slice(ids.indexOf(need)), need];
      } else if (!done.has(need) && needs.has(need)) {
        path.push({ id: need, next: 0 });
        onPath.add(need);
      }
    }
  }
  return undefined;
}

/** `roots` and everything that depends on them, directly or through others. */
export function downstream(roots: readonly string[], dependents: (id: string) => readonly string[]): Set<string> {
  const found = new Set(roots);
  const open = [...roots];
  for (let id = open.pop(); id !== undefined; id = open.pop())
    for (const dependent of dependents(id))
      if (!found.has(dependent)) {
        found.add(dependent);
        open.push(dependent);
      }
  return found;
}
