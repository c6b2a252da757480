/**
 * The same script for real coding agents, in the formats of all providers at once. Prints the environment that leads
 * to it, as JSON; SIGTERM ends it. Needs `@copilotkit/aimock`, which a checkout of Baton has.
 */
import { LLMock } from '@copilotkit/aimock';

const CURES = {
  slug: 'sed -i "s/\\[^a-z0-9\\]\\/g/[^a-z0-9]+\\/g/" src/slug.js',
  duration: 'sed -i "s/seconds = Number/seconds += Number/" src/duration.js',
};
/** Each agent has its own way to run a command. */
const SHELLS = {
  exec_command: (cmd) => ({ cmd }),
  shell: (command) => ({ command: ['bash', '-lc', command] }),
  Bash: (command) => ({ command, description: 'Mend it' }),
  bash: (command) => ({ command, description: 'Mend it' }),
  run_shell_command: (command) => ({ command }),
};
const USAGE = {
  prompt_tokens: 900,
  completion_tokens: 40,
  total_tokens: 940,
  input_tokens: 900,
  output_tokens: 40,
  promptTokenCount: 900,
  candidatesTokenCount: 40,
};

const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
mock.on({ predicate: () => true }, async ({ messages, tools = [] }) => {
  const name = JSON.stringify(messages).includes('test/slug.test.js') ? 'slug' : 'duration';
  const shell = tools.map((tool) => tool.function?.name ?? tool.name ?? '').find((each) => Object.hasOwn(SHELLS, each));
  const done = messages.filter(({ role }) => role === 'tool').length;
  const command = [CURES[name], `node --test test/${name}.test.js`][done];
  if (shell === undefined || command === undefined) return { content: `src/${name}.js is mended.`, usage: USAGE };
  return { toolCalls: [{ id: `call_${done}`, name: shell, arguments: JSON.stringify(SHELLS[shell](command)) }], usage: USAGE };
});
await mock.start();
console.log(
  JSON.stringify({
    OPENAI_BASE_URL: `${mock.url}/v1`,
    ANTHROPIC_BASE_URL: `${mock.url}/v1`,
    GOOGLE_GENERATIVE_AI_BASE_URL: `${mock.url}/v1beta`,
    OPENAI_API_KEY: 'no-real-key-is-needed',
    ANTHROPIC_API_KEY: 'no-real-key-is-needed',
    GEMINI_API_KEY: 'no-real-key-is-needed',
  }),
);
process.on('SIGTERM', () => mock.stop().then(() => process.exit(0)));
