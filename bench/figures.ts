/** What was measured, by whom and of what; each value is one round's. */
import { median } from './stats.ts';

export interface Figure {
  /** `W1`, `W2`, `recovery` … */
  readonly group: string;
  /** A line of the group's table. */
  readonly line: string;
  readonly who: string;
  readonly unit: 'ms' | 'ms/step' | 'steps/s' | 'µs/task' | 'MB' | '×' | 'steps' | 'runs';
  readonly values: number[];
}

export class Figures {
  readonly all: Figure[] = [];
  /** What could not be measured, and why. */
  readonly failures: { readonly group: string; readonly who: string; readonly why: string }[] = [];

  add(key: Omit<Figure, 'values'>, ...values: readonly number[]): void {
    const known = this.find(key.group, key.line, key.who);
    if (known) known.values.push(...values);
    else this.all.push({ ...key, values: [...values] });
  }

  find(group: string, line: string, who: string): Figure | undefined {
    return this.all.find((each) => each.group === group && each.line === line && each.who === who);
  }

  /** Of all rounds; NaN where nothing was measured. */
  median(group: string, line: string, who: string): number {
    return median(this.find(group, line, who)?.values ?? []);
  }

  /** Runs `work`; what it throws is kept beside the figures, since a peer that fails must not end the bench. */
  async attempt(group: string, who: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.failures.push({ group, who, why: why.trim().split('\n').slice(0, 6).join(' ').slice(0, 500) });
      console.error(`${group}, ${who}: ${why}`);
    }
  }
}
