/**
 * Asks an agent until its result has the right shape, telling it each time exactly what was wrong, at most `asksMax`
 * times in one attempt. Asks that an earlier attempt recorded are read again for free and don't count.
 */

import { failureOf, failureOfAbort, reportOf } from '../processes/failure.ts';
import type { AgentOutcome, AgentServices, Checked, Work } from './agent.ts';
import { gaveUp, invalidOutput } from './written.ts';

type Refused = Extract<AgentOutcome, { ok: false }>;

export interface Answer {
  readonly checked: Checked | Refused;
  /** It was recorded by an earlier attempt. */
  readonly recorded?: boolean;
}

/** `ask` may throw: that ends the attempt with the failure the error stands for. */
export const askUntilRight = async (
  { asksMax }: Pick<Work, 'asksMax'>,
  { log, signal }: Pick<AgentServices, 'log' | 'signal'>,
  ask: (number: number, problems: readonly string[]) => Promise<Answer>,
): Promise<AgentOutcome> => {
  let problems: readonly string[] = [];
  try {
    for (let number = 1, asked = 0; asked < asksMax; number += 1) {
      if (signal.aborted) return { ok: false, failure: failureOfAbort(signal) };
      const { checked, recorded = false } = await ask(number, problems);
      if ('failure' in checked) return checked;
      if (checked.ok) return checked.result.status === 'failed' ? gaveUp(checked.result) : checked;
      if (!recorded) asked += 1;
      problems = checked.problems;
      log(`The result does not have the right shape:\n- ${problems.join('\n- ')}\n`, 'note');
    }
    return invalidOutput(problems, asksMax);
  } catch (error) {
    return { ok: false, failure: failureOf(error), report: reportOf(error) };
  }
};
