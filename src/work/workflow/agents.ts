/** Agents as files define them, as configurations of the port. */
import type { AgentConfig, AgentKind } from '../agents/agent.ts';
import type { AgentEntry } from './schema.ts';

/** Attempts at once of an agent that names no slots. */
const SLOTS: Readonly<Record<AgentKind, number>> = { model: 8, command: 4, human: 1_000, scripted: 64 };

export function agentConfig(name: string, entry: AgentEntry): AgentConfig {
  const { capabilities = [], slots, model, command, human, scripted, ...rest } = entry;
  const base = { name, capabilities };
  const withSlots = (kind: AgentKind, config: Readonly<Record<string, unknown>>): AgentConfig => ({
    ...base,
    kind,
    config,
    slots: slots ?? SLOTS[kind],
  });
  if (model !== undefined) return withSlots('model', { model, ...rest });
  if (command !== undefined) return withSlots('command', { command, ...rest });
  if (human !== undefined) return withSlots('human', human === true ? {} : human);
  return withSlots('scripted', typeof scripted === 'object' && scripted !== null ? (scripted as Record<string, unknown>) : {});
}
