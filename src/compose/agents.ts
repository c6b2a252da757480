/** Agents and what they need of the world: secrets, providers, adapters, breakers. */

import { defined } from '../defined.ts';
import { BatonError } from '../errors.ts';
import type { Adapters } from '../work/agents/agent.ts';
import { type Breakers, createBreakers } from '../work/agents/breakers.ts';
import { createCodingAgent } from '../work/agents/coding/coding-agent.ts';
import { commandAgent } from '../work/agents/command.ts';
import { humanAgent } from '../work/agents/human.ts';
import { createModelAgent } from '../work/agents/model.ts';
import { createProviders, type Providers } from '../work/agents/providers.ts';
import { checkAgent, createRegistry, type Registry } from '../work/agents/registry.ts';
import { scriptedAgent } from '../work/agents/scripted.ts';
import { createSecrets, type Secrets } from '../work/policy/secrets.ts';
import { agentConfig } from '../work/workflow/agents.ts';
import type { AgentEntry } from '../work/workflow/schema.ts';
import type { Settings } from '../work/workflow/settings.ts';

export interface Staff {
  readonly secrets: Secrets;
  readonly providers: Providers;
  readonly adapters: Adapters;
  readonly breakers: Breakers;
  readonly registry: Registry;
}

/** @param near folders whose installed packages may bring coding agents */
export function createStaff(settings: Settings, env: Readonly<Record<string, string | undefined>>, near: readonly string[]): Staff {
  const secrets = createSecrets({ env, sources: settings.secrets as NonNullable<Parameters<typeof createSecrets>[0]['sources']> });
  const providers = createProviders({ secrets, env, custom: settings.providers });
  return {
    secrets,
    providers,
    adapters: {
      model: createModelAgent({ providers }),
      acp: createCodingAgent({ near, path: env['PATH'] ?? '' }),
      command: commandAgent,
      human: humanAgent,
      scripted: scriptedAgent,
    },
    breakers: createBreakers(),
    registry: registryOf(settings, providers),
  };
}

/** @throws BatonError as of the registry, with the file that the agent is in */
function registryOf({ agents, sources }: Settings, providers: Providers): Registry {
  try {
    return createRegistry(agents, providers);
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    const from = agents.map(
      ({ name }) => sources.find((each) => each.name === `agents.${name}` && error.message.includes(`"${name}"`))?.from,
    );
    const where = from.find((each) => each !== undefined) ?? error.where;
    throw new BatonError(error.code, error.message, { ...defined({ hint: error.hint, where }), cause: error });
  }
}

/** Why an agent of a file can't be used, or nothing. */
export function agentProblem(name: string, entry: AgentEntry, providers: Providers): string | undefined {
  try {
    checkAgent(agentConfig(name, entry), providers);
    return undefined;
  } catch (error) {
    if (!(error instanceof BatonError)) throw error;
    return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  }
}
