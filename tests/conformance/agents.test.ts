// req A1: every adapter passes one suite.
import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type AgentScenario, type AgentSubject, agentConformance } from '../../src/testing/agent-conformance.ts';
import type { AgentConfig } from '../../src/work/agents/agent.ts';
import { commandAgent } from '../../src/work/agents/command.ts';
import { humanAgent } from '../../src/work/agents/human.ts';
import { createModelAgent } from '../../src/work/agents/model.ts';
import { createProviders } from '../../src/work/agents/providers.ts';
import { scriptedAgent } from '../../src/work/agents/scripted.ts';
import { createSecrets } from '../../src/work/policy/secrets.ts';
import { cut, type ModelServer, say, sayInPieces, stall, startModelServer } from '../agents/support/model-server.ts';

const FITS = '{"summary": "s", "outputs": {"n": 1}}';
const MISSES = '{"summary": "s", "outputs": {"n": "one"}}';

const command: AgentSubject = {
  name: 'command',
  kind: 'command',
  agent: commandAgent,
  config: (scenario) => {
    const scripts: Partial<Record<AgentScenario, string>> = {
      answers: 'echo "All done."',
      streams: 'echo begin; sleep 0.2; echo end',
      fits: `cat > /dev/null; echo '${FITS}'`,
      'misses once': `if grep -q '"problems":\\[\\]' "$BATON_TASK"; then echo '${MISSES}' > "$BATON_HANDOFF"; else echo '${FITS}' > "$BATON_HANDOFF"; fi`,
      'misses always': `echo '${MISSES}'`,
      hangs: `trap '' TERM; echo begin; (setsid sleep 60 &) ; sleep 60 & wait; sleep 60`,
      crashes: 'echo begin; kill -9 $$',
    };
    const script = scripts[scenario];
    return script === undefined ? `a command can't show "${scenario}"` : { command: script, graceMs: 300 };
  },
};

const scripted: AgentSubject = {
  name: 'scripted',
  kind: 'scripted',
  agent: scriptedAgent,
  config: (scenario) =>
    ({
      answers: {},
      streams: { replies: [{ text: 'done', say: ['begin'], delayMs: 100 }] },
      fits: { replies: [{ outputs: { n: 1 } }] },
      'misses once': { replies: [{ outputs: { n: 'one' } }, { outputs: { n: 1 } }] },
      'misses always': { replies: [{ raw: { anything: true } }] },
      hangs: { replies: [{ say: ['begin'], hang: true }] },
      crashes: { replies: [{ fail: { class: 'transient', message: 'It died.' } }] },
      counts: { replies: [{ text: 'done', usage: { inputTokens: 5, outputTokens: 7 } }] },
    })[scenario],
};

const human: AgentSubject = {
  name: 'human',
  kind: 'human',
  agent: humanAgent,
  config: () => 'a person is asked by the kernel, nobody attempts it',
};

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer({
    answers: [say('All done.')],
    streams: [sayInPieces(['All ', 'done.'], 100)],
    fits: [say('{"n": 1}')],
    'misses once': [say('{"n": "one"}'), say('{"n": 1}')],
    'misses always': [say('I would rather not.')],
    hangs: [stall],
    crashes: [cut],
    counts: [say('Counted.', { usage: { prompt_tokens: 12, completion_tokens: 3 } })],
  });
});
afterAll(() => server.close());

const agentOver = (env: Record<string, string>) =>
  createModelAgent({ providers: createProviders({ secrets: createSecrets({ env }), env }) });

const model: AgentSubject = {
  name: 'model, over a server that misbehaves',
  kind: 'model',
  agent: agentOver({}),
  config: (scenario) => ({ model: `local/${scenario}`, baseUrl: server.url }),
};

for (const subject of [command, scripted, human, model]) agentConformance({ describe, test }, subject);

/** The same answers in the providers' own formats, from one scripted server. */
const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
const usage = {
  prompt_tokens: 12,
  completion_tokens: 3,
  total_tokens: 15,
  input_tokens: 12,
  output_tokens: 3,
  promptTokenCount: 12,
  candidatesTokenCount: 3,
};
const ANSWERS: Partial<Record<AgentScenario, string>> = {
  answers: 'All done.',
  streams: 'A text that comes in pieces, one after the other.',
  fits: '{"n": 1}',
  counts: 'Counted.',
  'misses always': 'no',
};
beforeAll(async () => {
  const asked = (which: string, answered: boolean) => ({
    model: which,
    predicate: ({ messages }: { messages: readonly { role: string }[] }) => messages.some(({ role }) => role === 'assistant') === answered,
  });
  for (const [scenario, content] of Object.entries(ANSWERS)) {
    mock.on({ model: modelFor(scenario as AgentScenario) }, { content, usage } as never, {
      chunkSize: 8,
      latency: scenario === 'streams' ? 30 : 0,
    });
  }
  mock.on(asked(modelFor('misses once'), false), { content: '{"n": "one"}', usage } as never);
  mock.on(asked(modelFor('misses once'), true), { content: '{"n": 1}', usage } as never);
  mock.on({ model: modelFor('hangs') }, { content: 'x'.repeat(20_000), usage } as never, { chunkSize: 2, latency: 50 });
  mock.on({ model: modelFor('crashes') }, { error: { message: 'overloaded', type: 'server_error' }, status: 503 } as never);
  await mock.start();
});
afterAll(() => mock.stop());

const modelFor = (scenario: AgentScenario): string => `scripted-${scenario.replaceAll(' ', '-')}`;

const PROVIDERS: readonly (readonly [string, string, string])[] = [
  ['openai', '/v1', 'OPENAI_API_KEY'],
  ['anthropic', '/v1', 'ANTHROPIC_API_KEY'],
  ['google', '/v1beta', 'GEMINI_API_KEY'],
  ['anything', '/v1', ''],
];
// req A5
for (const [provider, path, key] of PROVIDERS) {
  agentConformance(
    { describe, test },
    {
      name: `model, as ${provider}`,
      kind: 'model',
      agent: agentOver(key === '' ? {} : { [key]: 'key-1234567890' }),
      config: (scenario): AgentConfig['config'] => ({ model: `${provider}/${modelFor(scenario)}`, baseUrl: `${mock.url}${path}` }),
    },
  );
}
