/**
 * Payloads that somebody in this process has put and no fact names yet. Whoever put one is about to name it, so cleaning
 * leaves it alone even when nothing stored refers to it. It leaves the hand when a fact names it, directly or by way of
 * another payload in the hand. When two have put the same, nobody knows whose name came first: it then stays until the
 * process ends, and a later cleaning takes it.
 */
import type { Hash } from '../kernel/plan.ts';

interface Held {
  readonly names: readonly Hash[];
  shared: boolean;
}

export class Hand {
  private readonly held = new Map<Hash, Held>();

  /** @param names what the payload itself names */
  take(hash: Hash, names: readonly Hash[]): void {
    const before = this.held.get(hash);
    if (before) before.shared = true;
    else this.held.set(hash, { names, shared: false });
  }

  /** All that is in the hand, and what that names in turn. `namesOf` is asked about payloads that are not in the hand. */
  reach(namesOf: (hash: Hash) => readonly Hash[]): Set<Hash> {
    const reached = new Set<Hash>();
    const open = [...this.held.keys()];
    for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
      if (reached.has(hash)) continue;
      reached.add(hash);
      for (const name of this.held.get(hash)?.names ?? namesOf(hash)) open.push(name);
    }
    return reached;
  }

  /** A stored fact names this payload. */
  named(hash: Hash): void {
    const open = [hash];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const held = this.held.get(next);
      if (!held || held.shared) continue;
      this.held.delete(next);
      for (const name of held.names) open.push(name);
    }
  }
}
