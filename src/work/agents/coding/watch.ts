import type { ModelsInside } from '../walls.ts';
import type { Activity } from './activity.ts';
import { type Limits, Watchdog } from './watchdog.ts';

/** Looks after one attempt with a watchdog, and says by its signal that the agent has to be ended. */
export class Watch {
  private readonly aborting = new AbortController();
  private readonly dog: Watchdog;
  private readonly now: () => number;
  private readonly timer: NodeJS.Timeout;
  private paused = 0;

  constructor(limits: Limits, models: Pick<ModelsInside, 'quietMs' | 'failing'>, everyMs: number, now: () => number) {
    this.dog = new Watchdog(limits, models, now());
    this.now = now;
    this.timer = setInterval(() => this.look(), everyMs);
  }

  get signal(): AbortSignal {
    return this.aborting.signal;
  }

  saw(activity: Activity): void {
    this.dog.saw(activity, this.now());
    if (activity.type === 'tool') this.look();
  }

  /** Whoever waits for a person makes no progress, and that is fine. */
  async waiting<T>(act: () => Promise<T>): Promise<T> {
    this.paused += 1;
    try {
      return await act();
    } finally {
      this.paused -= 1;
      this.dog.saw({ type: 'thought' }, this.now());
    }
  }

  end(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    if (this.paused > 0 || this.aborting.signal.aborted) return;
    const trouble = this.dog.check(this.now());
    if (trouble !== undefined) this.aborting.abort(trouble);
  }
}
