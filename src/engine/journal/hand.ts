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

  has(hash: Hash): boolean {
    return this.held.has(hash);
  }

  hashes(): Iterable<Hash> {
    return this.held.keys();
  }

  /** A stored fact names this payload. */
  named(hash: Hash): void {
    const open = [hash];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const held = this.held.get(next);
      if (!held || held.shared) continue;
      this.held.delete(next);
      open.push(...held.names);
    }
  }
}
