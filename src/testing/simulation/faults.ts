/** Faults planted on purpose, to see that the checks catch them. Each is a host that does one thing wrong. */

import { EmbeddedHost, type EmbeddedOptions } from '../../engine/host/embedded.ts';
import type { Live } from '../../engine/host/live.ts';
import type { Append, Snapshot } from '../../engine/journal/journal.ts';
import type { Owed, OwedOf } from '../../engine/kernel/owed.ts';
import { BatonError } from '../../errors.ts';

export const PLANTED = {
  'owed-forgotten': 'work that a loaded state owes is forgotten now and then',
  'late-accepted': 'a result of a lost attempt is given to the attempt that follows',
  'settled-twice': 'what a step used is recorded a second time under another name',
  'grant-kept': 'claims are not given back when a run is cancelled',
  'unsafe-retried': 'a lost attempt is simply performed again',
  'timer-lost': 'timers are not set again after a restart',
  'released-early': 'what a failed commit would have released is performed all the same',
  'order-swapped': 'two facts of one batch change places',
} as const;
export type Planted = keyof typeof PLANTED;

export class SabotagedHost extends EmbeddedHost {
  private readonly fault: Planted | undefined;
  private loading = true;
  /** Worlds are small: so that their runs too are not loaded all at once. */
  protected override readonly loadedAtOnce = 2;
  /** Worlds are small: so that their commits too are under way while others are decided. */
  protected override readonly factsBeside = 1;
  private count = 0;

  constructor(options: EmbeddedOptions, fault: Planted | undefined) {
    super(options);
    this.fault = fault;
  }

  override async recover(runs?: Iterable<string>): Promise<{ readonly runs: number; readonly lost: number }> {
    const recovered = await super.recover(runs);
    this.loading = false;
    return recovered;
  }

  protected override take(live: Live, owed: Owed): void {
    if (this.loading && this.fault === 'timer-lost' && owed.type === 'timer') return;
    if (this.loading && this.fault === 'owed-forgotten' && owed.type !== 'attempt' && owed.type !== 'notify' && this.count++ % 3 === 0)
      return;
    if (this.fault === 'grant-kept' && owed.type === 'release' && live.run?.status === 'cancelling') return;
    super.take(live, owed);
  }

  protected override lose(live: Live, owed: OwedOf<'attempt' | 'stop'>): void {
    if (this.fault === 'unsafe-retried' && owed.type === 'attempt') live.dispatch.push(owed);
    else super.lose(live, owed);
  }

  protected override store(appends: readonly Append[], snapshots: readonly Snapshot[]): void {
    if (this.fault === 'order-swapped') {
      const swapped = appends.map((each) => {
        const [first, second, ...rest] = each.facts;
        return first && second && each.after > 0 ? { ...each, facts: [second, first, ...rest] } : each;
      });
      super.store(swapped, snapshots);
      return;
    }
    if (this.fault !== 'released-early') {
      super.store(appends, snapshots);
      return;
    }
    try {
      super.store(appends, snapshots);
    } catch (error) {
      if (!(error instanceof BatonError) || error.code !== 'DISK_FULL') throw error;
    }
  }
}
