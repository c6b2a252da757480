/** The clock of one host in a world: it stands until the world moves it, and a host that is gone gets no more turns. */
import type { Clock } from '../../engine/host/clock.ts';
import type { Random } from './random.ts';

export class HostClock implements Clock {
  readonly turns: (() => void)[] = [];
  timers: { readonly at: number; readonly fire: () => void }[] = [];
  private readonly world: { readonly time: number; readonly random: Random };
  constructor(world: { readonly time: number; readonly random: Random }) {
    this.world = world;
  }
  now(): number {
    return this.world.time;
  }
  at(at: number, fire: () => void): () => void {
    const timer = { at, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }
  soon(turn: () => void): void {
    this.turns.push(turn);
  }
  id(): string {
    return `id-${this.world.random.below(2 ** 31)}`;
  }
}
