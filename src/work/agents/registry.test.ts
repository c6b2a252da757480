import { describe, expect, test } from 'vitest';
import type { AgentConfig } from './agent.ts';
import { createProviders } from './providers.ts';
import { createRegistry } from './registry.ts';

const providers = createProviders({
  env: {},
  secrets: { find: async () => undefined },
  custom: { local: { baseUrl: 'http://127.0.0.1:11434/v1' } },
});
const agent = (name: string, more: Partial<AgentConfig> = {}): AgentConfig => ({
  name,
  kind: 'scripted',
  config: {},
  capabilities: ['text'],
  slots: 1,
  ...more,
});
const model = (name: string): AgentConfig => agent('writer', { kind: 'model', config: { model: name } });

// req A1
describe('a registry', () => {
  test('finds an agent by name, and guesses what was meant', () => {
    const registry = createRegistry([agent('writer'), agent('coder')], providers);
    expect(registry.get('writer').name).toBe('writer');
    expect(() => registry.get('writter')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_AGENT', hint: 'Did you mean "writer"? Known are writer, coder.' }),
    );
    expect(() => registry.get('zebra')).toThrow(expect.objectContaining({ hint: 'Known are writer, coder.' }));
  });

  // req P6
  test('knows an agent from the moment it is registered', () => {
    const registry = createRegistry([], providers);
    expect(registry.withCapability('text')).toEqual([]);
    registry.register(agent('late'));
    expect(registry.withCapability('text').map(({ name }) => name)).toEqual(['late']);
    expect(() => registry.register(agent('late'))).toThrow(expect.objectContaining({ code: 'AGENT_EXISTS' }));
    expect(registry.remove('late')).toBe(true);
    expect(registry.has('late')).toBe(false);
  });

  // req P6
  test('takes an empty list for nobody, never for everybody', () => {
    const registry = createRegistry([agent('writer')], providers);
    expect(registry.withCapability('code')).toEqual([]);
    expect(createRegistry([agent('idle', { capabilities: [] })], providers).withCapability('text')).toEqual([]);
  });

  test('refuses what no adapter could run', () => {
    const refused = (config: AgentConfig, code: string) =>
      expect(() => createRegistry([config], providers)).toThrow(expect.objectContaining({ code }));
    refused(agent('a', { slots: 0 }), 'AGENT_SLOTS');
    refused(agent('a', { config: { replys: [] } }), 'AGENT_CONFIG');
    refused(agent('a', { kind: 'telepathy' as 'model' }), 'UNKNOWN_AGENT_KIND');
  });
});

// req A5
describe('provider and model', () => {
  const refusal = (name: string) => {
    try {
      createRegistry([model(name)], providers);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test('must be a provider that is known, or have a URL', () => {
    expect(refusal('openai/gpt-5-mini')).toBeUndefined();
    expect(refusal('local/org/some-model')).toBeUndefined();
    expect(refusal('opnai/gpt-5')).toMatchObject({ code: 'UNKNOWN_PROVIDER', hint: expect.stringContaining('Did you mean "openai"?') });
    expect(() =>
      createRegistry([agent('w', { kind: 'model', config: { model: 'x/y', baseUrl: 'http://127.0.0.1:1/v1' } })], providers),
    ).not.toThrow();
  });

  test.each(['gpt-5', 'openai/', '/gpt-5'])('"%s" is not of the form provider/model', (name) => {
    expect(refusal(name)).toMatchObject({ code: 'BAD_MODEL' });
  });
});
