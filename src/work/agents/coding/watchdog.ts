/**
 * Notices when an agent gets nowhere. It looks and says; whoever asks it ends the agent.
 *
 *   no progress    nothing done or said, and no word between it and a model, for `noProgressMs`
 *   loop           the same call of a tool with the same arguments, `repeatsMax` times in a row
 *   dead provider  no model answered its last `FAILURES_MAX` requests: agents go on trying for ever, we don't
 */

import { AttemptError } from '../../processes/failure.ts';
import type { ModelsInside } from '../walls.ts';
import { type Activity, isProgress } from './activity.ts';

/** Requests in a row that no model answered. */
export const FAILURES_MAX = 6;

export interface Limits {
  readonly noProgressMs: number;
  readonly repeatsMax: number;
}

export class Watchdog {
  private readonly limits: Limits;
  private readonly models: Pick<ModelsInside, 'quietMs' | 'failing'>;
  private progressAt: number;
  private lastCall = '';
  private repeats = 0;

  constructor(limits: Limits, models: Pick<ModelsInside, 'quietMs' | 'failing'>, nowMs: number) {
    this.limits = limits;
    this.models = models;
    this.progressAt = nowMs;
  }

  saw(activity: Activity, nowMs: number): void {
    if (isProgress(activity)) this.progressAt = nowMs;
    if (activity.type !== 'tool') return;
    const call = `${activity.name} ${canonical(activity.input)}`;
    this.repeats = call === this.lastCall ? this.repeats + 1 : 1;
    this.lastCall = call;
  }

  /** Why the agent has to be ended; undefined while all is well. */
  check(nowMs: number): AttemptError | undefined {
    const { noProgressMs, repeatsMax } = this.limits;
    if (this.repeats >= repeatsMax)
      return new AttemptError(
        'timeout',
        'LOOP',
        `It made the same call ${this.repeats} times in a row, at the limit repeatsMax = ${repeatsMax}: ${shortened(this.lastCall)}`,
        { hint: 'Say in the prompt what to do differently, or raise repeatsMax of the agent.' },
      );
    const failing = this.models.failing();
    if (failing !== undefined && failing.requests >= FAILURES_MAX) {
      const { class: failureClass, code, message } = failing.failure;
      const text = `No model answered ${failing.requests} requests in a row, at the limit FAILURES_MAX = ${FAILURES_MAX}: ${message}`;
      return new AttemptError(failureClass, code, text);
    }
    const quietMs = Math.min(nowMs - this.progressAt, this.models.quietMs());
    if (quietMs < noProgressMs) return undefined;
    const text = `Nothing came from it or went to a model for ${quietMs} ms, more than the limit noProgress = ${noProgressMs} ms.`;
    return new AttemptError('timeout', 'NO_PROGRESS', text, {
      hint: 'If its commands run for so long without a word, raise noProgress of the agent.',
    });
  }
}

const CALL_SHOWN = 300;
const shortened = (text: string): string => (text.length <= CALL_SHOWN ? text : `${text.slice(0, CALL_SHOWN - 1)}…`);

/** JSON with sorted keys, so that equal arguments are equal texts. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
};
