/**
 * Who there is: agents by name, what each can do and how much at once. An agent registered while Baton runs is found by
 * the very next question, and an empty answer means nobody, never everybody.
 */
import { BatonError } from '../../errors.ts';
import { AGENT_KINDS, type AgentConfig, type AgentKind } from './agent.ts';
import { codingConfigSchema } from './coding/config.ts';
import { commandConfigSchema } from './command.ts';
import { readConfig } from './config.ts';
import { humanConfigSchema } from './human.ts';
import { modelConfigSchema } from './model-config.ts';
import type { Providers } from './providers.ts';
import { scriptedConfigSchema } from './scripted.ts';
import { suggestion } from './suggestion.ts';

/** What each kind of agent is configured with. */
export const AGENT_CONFIG_SCHEMAS = {
  model: modelConfigSchema,
  acp: codingConfigSchema,
  command: commandConfigSchema,
  human: humanConfigSchema,
  scripted: scriptedConfigSchema,
} as const satisfies Record<AgentKind, unknown>;

export interface Registry {
  /** @throws BatonError `UNKNOWN_AGENT`. */
  get(name: string): AgentConfig;
  has(name: string): boolean;
  all(): readonly AgentConfig[];
  /** In the order they were registered; nobody means an empty list. */
  withCapability(capability: string): readonly AgentConfig[];
  capabilities(): readonly string[];
  slots(name: string): number | undefined;
  /** @throws BatonError `AGENT_EXISTS`, and as `checkAgent`. */
  register(agent: AgentConfig): void;
  /** True when it was there. */
  remove(name: string): boolean;
}

export const createRegistry = (agents: Iterable<AgentConfig>, providers: Pick<Providers, 'check'>): Registry => {
  const byName = new Map<string, AgentConfig>();

  const register = (agent: AgentConfig): void => {
    if (byName.has(agent.name))
      throw new BatonError('AGENT_EXISTS', `There is an agent "${agent.name}" already.`, {
        hint: 'Remove it first, or choose another name.',
        where: agent.name,
      });
    checkAgent(agent, providers);
    byName.set(agent.name, agent);
  };
  for (const agent of agents) register(agent);

  return {
    register,
    remove: (name) => byName.delete(name),
    has: (name) => byName.has(name),
    all: () => [...byName.values()],
    withCapability: (capability) => [...byName.values()].filter(({ capabilities }) => capabilities.includes(capability)),
    capabilities: () => [...new Set([...byName.values()].flatMap(({ capabilities }) => capabilities))].sort(),
    slots: (name) => byName.get(name)?.slots,
    get(name) {
      const agent = byName.get(name);
      if (agent !== undefined) return agent;
      const known = byName.size === 0 ? 'There are no agents.' : `Known are ${[...byName.keys()].join(', ')}.`;
      throw new BatonError('UNKNOWN_AGENT', `There is no agent "${name}".`, {
        hint: `${suggestion(name, byName.keys())} ${known}`.trim(),
        where: name,
      });
    },
  };
};

/** Everything about an agent that can be checked without asking it. @throws BatonError `UNKNOWN_AGENT_KIND`, `AGENT_CONFIG`, `AGENT_SLOTS`, `BAD_MODEL`, `UNKNOWN_PROVIDER`. */
export const checkAgent = (agent: AgentConfig, providers: Pick<Providers, 'check'>): void => {
  if (!AGENT_KINDS.includes(agent.kind)) {
    throw new BatonError('UNKNOWN_AGENT_KIND', `The agent "${agent.name}" is of the kind "${agent.kind}", which this version can't run.`, {
      hint: `It can run ${AGENT_KINDS.join(', ')}.`,
      where: agent.name,
    });
  }
  if (!Number.isInteger(agent.slots) || agent.slots < 1) {
    throw new BatonError('AGENT_SLOTS', `The agent "${agent.name}" needs a whole number of slots from 1 on, and has ${agent.slots}.`, {
      where: agent.name,
    });
  }
  if (agent.kind === 'model') providers.check(readConfig(modelConfigSchema, agent));
  else readConfig<unknown>(AGENT_CONFIG_SCHEMAS[agent.kind], agent);
};
