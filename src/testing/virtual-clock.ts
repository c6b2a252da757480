/** A clock that a test moves. Timers fire in order of their time while it is moved; nothing waits for real. */
import type { Clock } from '../engine/host/clock.ts';

export class VirtualClock implements Clock {
  private time: number;
  private ids = 0;
  private timers: { readonly at: number; readonly order: number; readonly fire: () => void }[] = [];
  private orders = 0;

  constructor(start = 1_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }
  at(at: number, fire: () => void): () => void {
    const timer = { at, order: this.orders++, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }
  soon(turn: () => void): void {
    setImmediate(turn);
  }
  id(): string {
    return `id-${++this.ids}`;
  }

  /** Moves on by so many milliseconds, letting everything that is ready run after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await this.settle();
      const next = this.timers.filter((each) => each.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = Math.max(this.time, next.at);
      next.fire();
    }
    this.time = end;
    await this.settle();
  }

  /** Sets the time as a clock that was put right would; timers are left alone. */
  jump(to: number): void {
    this.time = to;
  }

  /** Lets turns and promises that are ready run. */
  async settle(turns = 8): Promise<void> {
    for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
