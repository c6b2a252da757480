/** The one door through which time and chance enter the engine; a test moves a virtual one. */
import { randomUUID } from 'node:crypto';

export interface Clock {
  /** Milliseconds since the epoch. May jump; the host never lets a stream's time go back. */
  now(): number;
  /** Calls `fire` once, at `at` or later; returns the function that takes it back. */
  at(at: number, fire: () => void): () => void;
  /** Calls `turn` soon, after everything that is ready now. */
  soon(turn: () => void): void;
  /** A new id that nobody else has. */
  id(): string;
}

/** Longest wait a Node timer can hold, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  at(at, fire) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const wait = at - Date.now();
      timer = wait > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(fire, Math.max(0, wait));
    };
    arm();
    return () => clearTimeout(timer);
  },
  soon: (turn) => {
    setImmediate(turn);
  },
  id: () => randomUUID(),
};
