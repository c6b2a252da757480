/**
 * The breakers of all agents, one for each agent and capability, and the one judgement of which failures count against
 * an agent. API, log and metrics read the same objects.
 */
import type { FailureClass } from '../../engine/kernel/plan.ts';
import { Breaker, type BreakerRules, type BreakerState, type Ticket } from './breaker.ts';

/**
 * Does this failure say that the agent is not well? A failed result counts like an exception. Throttling doesn't: the
 * agent is well, and says itself when to come back. Neither does what Baton, a check or a person decided.
 */
const COUNTS: Readonly<Record<FailureClass, boolean>> = {
  transient: true,
  timeout: true,
  'invalid-output': true,
  permanent: true,
  throttled: false,
  'gate-failed': false,
  lost: false,
  budget: false,
  policy: false,
  unsafe: false,
  cancelled: false,
};

export interface BreakerView extends BreakerState {
  readonly agent: string;
  readonly capability: string;
}

export interface Breakers {
  admit(agent: string, capability: string, now: number): boolean;
  begin(agent: string, capability: string, now: number): BreakerTicket;
  /** All that have seen a result, by agent and capability. */
  states(now: number): readonly BreakerView[];
}

export interface BreakerTicket {
  /** `failure` is how the attempt failed; undefined when it succeeded. */
  end(failure: FailureClass | undefined, now: number): void;
}

export interface BreakersOptions {
  readonly rules?: BreakerRules;
  /** Called whenever a result opened or closed one; must not throw. */
  readonly onChange?: (view: BreakerView) => void;
}

export const createBreakers = ({ rules, onChange }: BreakersOptions = {}): Breakers => {
  const breakers = new Map<string, { readonly agent: string; readonly capability: string; readonly breaker: Breaker }>();

  const find = (agent: string, capability: string) => {
    const key = JSON.stringify([agent, capability]);
    const known = breakers.get(key) ?? { agent, capability, breaker: new Breaker(rules) };
    breakers.set(key, known);
    return known;
  };

  return {
    admit: (agent, capability, now) => find(agent, capability).breaker.admit(now),
    begin(agent, capability, now) {
      const { breaker } = find(agent, capability);
      const ticket: Ticket = breaker.begin(now);
      return {
        end(failure, endedAt) {
          const before = breaker.state(endedAt);
          breaker.end(ticket, judge(failure), endedAt);
          const after = breaker.state(endedAt);
          if (after.openUntil !== before.openUntil) onChange?.({ agent, capability, ...after });
        },
      };
    },
    states: (now) =>
      [...breakers.values()]
        .map(({ agent, capability, breaker }) => ({ agent, capability, ...breaker.state(now) }))
        .sort((a, b) => (JSON.stringify([a.agent, a.capability]) < JSON.stringify([b.agent, b.capability]) ? -1 : 1)),
  };
};

const judge = (failure: FailureClass | undefined): 'success' | 'failure' | 'none' => {
  if (failure === undefined) return 'success';
  return COUNTS[failure] ? 'failure' : 'none';
};
