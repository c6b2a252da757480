/**
 * Notices an agent that goes in circles: the same tool with the same arguments, again and again with nothing in between.
 * The N-th time it is told instead of served; when it goes on after that, its attempt ends.
 */
import { AttemptError } from '../processes/failure.ts';

/** Calls in a row that are the same, the refused one included. */
export const TOOL_REPEATS_MAX = 5;

export class LoopGuard {
  private last = '';
  private times = 0;
  private readonly repeatsMax: number;

  constructor(repeatsMax: number = TOOL_REPEATS_MAX) {
    this.repeatsMax = repeatsMax;
  }

  /** What to tell the agent instead of calling; undefined when the call is fine. @throws AttemptError `TOOL_LOOP` */
  refusal(name: string, input: unknown): string | undefined {
    const call = `${name} ${canonical(input)}`;
    this.times = call === this.last ? this.times + 1 : 1;
    this.last = call;
    if (this.times < this.repeatsMax) return undefined;
    const times = `${name} was called ${this.times} times in a row with the same arguments (repeatsMax = ${this.repeatsMax})`;
    if (this.times > this.repeatsMax)
      throw new AttemptError('permanent', 'TOOL_LOOP', `${times}, the last time after it was told to stop.`, {
        hint: 'The agent goes in circles: change its instructions, its tools or its model.',
      });
    return `${times}. It was not called again, its result would be the same. Do something else, or give your answer; one more such call ends the attempt.`;
  }
}

/** JSON with the keys of every object in order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  ) ?? '';
