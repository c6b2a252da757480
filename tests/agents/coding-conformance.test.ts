// req A1, A2: coding agents pass the suite of all agents, by both ways in.
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { type AgentScenario, agentConformance } from '../../src/testing/agent-conformance.ts';
import { createCodingAgent } from '../../src/work/agents/coding/coding-agent.ts';
import { fakeWalls } from './support/fake-walls.ts';

const PROGRAMS = {
  acp: fileURLToPath(new URL('./support/fake-acp-agent.ts', import.meta.url)),
  cli: fileURLToPath(new URL('./support/fake-cli-agent.ts', import.meta.url)),
};
const agent = createCodingAgent({ near: [], path: '', timing: { cancelMs: 200, closeMs: 200, graceMs: 200, interruptMs: 100 } });
const part = (scenario: AgentScenario) => (scenario === 'counts' ? 'answers' : scenario);

for (const via of ['acp', 'cli'] as const)
  agentConformance(
    { describe, test },
    {
      name: `coding agent, by ${via}`,
      kind: 'acp',
      agent: via === 'acp' ? agent : { ...agent, can: { ...agent.can, messages: false } },
      config: (scenario) => ({ acp: 'claude', via, command: PROGRAMS[via], args: [part(scenario)] }),
      surround: async (work, services) => {
        const { walls, close } = await fakeWalls(work, services);
        return { work: { walls }, close };
      },
    },
  );
