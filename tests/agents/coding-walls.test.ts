// req A2: whom the meter of a coding agent goes to, told before anything is put up.
import { expect, test } from 'vitest';
import type { AttemptContext } from '../../src/engine/host/host.ts';
import type { AgentConfig, AgentServices } from '../../src/work/agents/agent.ts';
import { openAgentWalls } from '../../src/work/perform/agent-walls.ts';
import type { Place } from '../../src/work/perform/place.ts';
import type { Home } from '../../src/work/perform/surroundings.ts';

const open = async (config: AgentConfig['config']) => {
  const asked: string[] = [];
  const agent: AgentConfig = { name: 'coder', kind: 'acp', config, capabilities: [], slots: 1 };
  const providers = {
    reach: async (provider: string) => {
      asked.push(provider);
      return undefined;
    },
  };
  const opened = openAgentWalls({} as Home, providers, agent, { walls: {} } as Place, {} as AttemptContext, {} as AgentServices);
  return { asked, error: await opened.then(() => undefined).catch((error: unknown) => error) };
};

test('an agent whose provider has no key does not start', async () => {
  const { error } = await open({ acp: 'claude' });
  expect(error).toMatchObject({
    code: 'KEY_MISSING',
    failureClass: 'permanent',
    dispatched: false,
    message: expect.stringContaining('of anthropic'),
  });
});

test('a model of another provider is asked for there, in the format its agent speaks', async () => {
  expect((await open({ acp: 'codex', model: 'local/qwen3' })).asked).toEqual(['local', 'anthropic', 'google']);
  expect((await open({ acp: 'opencode', model: 'anthropic/claude-x' })).asked).toEqual(['openai', 'anthropic', 'google']);
  expect((await open({ acp: 'gemini', model: 'mine/gemini-x' })).asked).toEqual(['openai', 'anthropic', 'mine']);
});

test('a configuration that makes no sense is told as such', async () => {
  expect((await open({ acp: 'codex', nonsense: true })).error).toMatchObject({ code: 'AGENT_CONFIG' });
});
