/** Facts by the run they belong to, for many who each follow one run: a fact is looked at once, whoever waits. */
import type { Host } from '../engine/host/host.ts';
import type { Stored } from '../engine/kernel/facts.ts';

export class RunWatch {
  private readonly listeners = new Map<string, Set<(stored: Stored) => void>>();

  constructor(host: Pick<Host, 'onFacts'>) {
    host.onFacts((facts) => {
      if (this.listeners.size === 0) return;
      for (const { stored } of facts) for (const listener of this.listeners.get(stored.stream) ?? []) listener(stored);
    });
  }

  /** Calls `listener` with each new fact of a run; returns the function that ends it. */
  on(run: string, listener: (stored: Stored) => void): () => void {
    const all = this.listeners.get(run) ?? new Set();
    this.listeners.set(run, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0) this.listeners.delete(run);
    };
  }
}
