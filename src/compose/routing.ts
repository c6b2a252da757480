/** What routing is told of the world: settings, breakers, and what was learned, unless that is switched off. */
import { BatonError } from '../errors.ts';
import type { Breakers } from '../work/agents/breakers.ts';
import type { Health, RouteOptions } from '../work/planning/route/routing.ts';
import { loadRules, type Rules } from '../work/planning/route/rules.ts';
import type { Settings } from '../work/workflow/settings.ts';
import type { Learning } from './learning.ts';

export interface RoutingParts {
  readonly settings: Pick<Settings, 'routing' | 'agents' | 'limits'>;
  readonly breakers: Pick<Breakers, 'states'>;
  readonly learning: Pick<Learning, 'outcomes'>;
  readonly now: number;
}

/** @throws BatonError `ROUTING_RULES` when a rule names an agent that has gone since the settings were read */
export function routeOptions({ settings, breakers, learning, now }: RoutingParts): RouteOptions {
  const { weights, learn } = settings.routing;
  const rules = rulesOf(settings);
  const health = healthOf(breakers, now);
  const { costUsd, wallTimeMs } = settings.limits;
  const outcomes = learn ? learning.outcomes() : undefined;
  return {
    weights,
    rules,
    health,
    ...(costUsd === undefined ? {} : { budgetUsd: costUsd }),
    ...(wallTimeMs === undefined ? {} : { deadlineMs: wallTimeMs }),
    ...(outcomes ? { learned: (...of) => outcomes.learned(...of) } : {}),
  };
}

/** @throws BatonError as above */
export function rulesOf({ routing, agents }: Pick<Settings, 'routing' | 'agents'>): Rules {
  const loaded = loadRules(
    routing.rules,
    agents.map(({ name }) => name),
  );
  if (loaded.ok) return loaded.rules;
  throw new BatonError('ROUTING_RULES', loaded.problems.map(({ rule, message }) => `Routing rule ${rule + 1}: ${message}.`).join(' '), {
    where: 'baton.yaml',
    hint: 'Change `routing.rules`.',
    details: { problems: loaded.problems },
  });
}

function healthOf(breakers: Pick<Breakers, 'states'>, now: number): (agent: string, capability: string) => Health {
  const states = new Map(breakers.states(now).map(({ agent, capability, status }) => [JSON.stringify([agent, capability]), status]));
  // One that can do several things has a breaker for them together.
  const of = (agent: string, capability: string) => states.get(JSON.stringify([agent, capability]));
  return (agent, capability) => of(agent, capability) ?? of(agent, '') ?? 'closed';
}
