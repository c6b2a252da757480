/**
 * Models that plan and mend, in the formats of all providers at once. The planner's first answer forgets what it was asked
 * for and has two tasks wait for each other; told so, it answers with a plan. Whoever mends does it with its own shell.
 * Prints the environment that leads to it, as JSON; counts plans asked for in the file it is given. SIGTERM ends it.
 */
import { writeFileSync } from 'node:fs';
import { LLMock } from '@copilotkit/aimock';

const [counts] = process.argv.slice(2);
const USAGE = {
  ...{ prompt_tokens: 900, completion_tokens: 40, total_tokens: 940 },
  ...{ input_tokens: 900, output_tokens: 40, promptTokenCount: 900, candidatesTokenCount: 40 },
};
const SHELLS = {
  exec_command: (cmd) => ({ cmd }),
  shell: (command) => ({ command: ['bash', '-lc', command] }),
  Bash: (command) => ({ command, description: 'Mend it' }),
  bash: (command) => ({ command, description: 'Mend it' }),
  run_shell_command: (command) => ({ command }),
};
const MEND = {
  slug: 'sed -i "s/\\[^a-z0-9\\]\\/g/[^a-z0-9]+\\/g/" src/slug.js',
  duration: 'sed -i "s/seconds = Number/seconds += Number/" src/duration.js',
};
const EDITS = {
  slug: ['files_edit', { path: 'src/slug.js', old: '/[^a-z0-9]/g', new: '/[^a-z0-9]+/g' }],
  duration: ['files_edit', { path: 'src/duration.js', old: 'seconds = Number', new: 'seconds += Number' }],
};

const task = (id, more) => ({
  id,
  kind: 'agent',
  title: id,
  text: `Mend src/${id}.js`,
  needs: [],
  capability: 'code',
  covers: ['R1'],
  ...more,
});
const FIRST = {
  requirements: [{ text: 'Every failing test passes' }, { text: 'The whole suite passes in the end' }],
  tasks: [task('slug', { needs: ['duration'] }), task('duration', { needs: ['slug'] })],
};
const SECOND = {
  requirements: FIRST.requirements,
  tasks: [
    { id: 'look', kind: 'tool', title: 'What fails', text: 'test.run', with: { mayFail: true }, needs: [] },
    // A capability that nobody has, but nearly.
    task('slug', { needs: ['look'], capability: 'cod', writes: ['src/slug.js'], gates: [{ run: 'node --test test/slug.test.js' }] }),
    task('duration', { needs: ['look'], writes: ['src/duration.js'], gates: [{ run: 'node --test test/duration.test.js' }] }),
    { id: 'suite', kind: 'command', title: 'All tests', text: 'node --test', needs: ['slug', 'duration'], covers: ['R2'] },
  ],
};

let plans = 0;
const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });
mock.on({ predicate: () => true }, async ({ messages, tools = [] }) => {
  const said = JSON.stringify(messages);
  if (said.includes('Make a plan for this goal')) {
    plans += 1;
    if (counts) writeFileSync(counts, String(plans));
    const again = said.includes('UNCOVERED_REQUIREMENT');
    return { content: `Here is the plan:\n\`\`\`json\n${JSON.stringify(again ? SECOND : FIRST)}\n\`\`\``, usage: USAGE };
  }
  const names = said.includes('Mend src/slug.js') ? ['slug'] : said.includes('Mend src/duration.js') ? ['duration'] : ['slug', 'duration'];
  const done = messages.filter(({ role }) => role === 'tool').length;
  const offered = tools.map((tool) => tool.function?.name ?? tool.name ?? '');
  const shell = offered.find((each) => Object.hasOwn(SHELLS, each));
  const call = shell === undefined ? EDITS[names[done]] : MEND[names[done]] && [shell, SHELLS[shell](MEND[names[done]])];
  if (!call || offered.length === 0) return { content: 'It is mended.', usage: USAGE };
  return { toolCalls: [{ id: `call_${done}`, name: call[0], arguments: JSON.stringify(call[1]) }], usage: USAGE };
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
