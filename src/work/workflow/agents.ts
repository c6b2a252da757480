/** Agents as files define them, as configurations of the port. */

import { defined } from '../../defined.ts';
import type { AgentConfig, AgentKind } from '../agents/agent.ts';

import { durationMs } from './duration.ts';
import type { AgentEntry } from './schema.ts';

/** Attempts at once of an agent that names no slots. */
const SLOTS: Readonly<Record<AgentKind, number>> = { model: 8, acp: 2, command: 4, human: 1_000, scripted: 64 };

export function agentConfig(name: string, entry: AgentEntry): AgentConfig {
  const { capabilities = [], slots, labels, contextWindow, quality, costUsd, latency, ...own } = entry;
  const { model, acp, command, human, scripted, ...rest } = own;
  const figures = defined({ quality, costUsd, latencyMs: latencyMs(latency) });
  const base = {
    name,
    capabilities,
    ...defined({ labels, contextWindow }),
    ...(Object.keys(figures).length === 0 ? {} : { figures }),
  };
  const withSlots = (kind: AgentKind, config: Readonly<Record<string, unknown>>): AgentConfig => ({
    ...base,
    kind,
    config,
    slots: slots ?? SLOTS[kind],
  });
  // Before the others: which model a coding agent uses, and which program it is, are settings of it.
  if (acp !== undefined) return withSlots('acp', codingConfig({ acp, model, command, ...rest }));
  if (model !== undefined) return withSlots('model', { model, ...rest });
  if (command !== undefined) return withSlots('command', { command, ...rest });
  if (human !== undefined) return withSlots('human', { ...(human === true ? {} : human), ...rest });
  return withSlots('scripted', { ...(typeof scripted === 'object' ? scripted : {}), ...rest });
}

const latencyMs = (latency: AgentEntry['latency']): number | readonly number[] | undefined =>
  typeof latency === 'string' ? durationMs(latency) : latency?.map((each) => durationMs(each) ?? 0);

/** As its adapter reads it: without what is not there, and with durations in milliseconds. */
function codingConfig({ noProgress, ask, ...entry }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const asks = typeof ask === 'object' && ask !== null && 'timeout' in ask ? { ...ask, timeout: inMs(ask.timeout) } : ask;
  return Object.fromEntries(
    Object.entries({ ...entry, noProgress: inMs(noProgress), ask: asks }).filter(([, value]) => value !== undefined),
  );
}

const inMs = (value: unknown): unknown => (typeof value === 'string' ? (durationMs(value) ?? value) : value);
