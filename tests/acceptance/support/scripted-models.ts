/**
 * A server that plays the models of all providers at once, in their own formats. At first it has an agent run the tests
 * and call a failing one fine; once a check has said what it thinks of that, it has the sum mended. It counts what it
 * answered, to be held against what Baton counts.
 */
import { LLMock } from '@copilotkit/aimock';

export interface ScriptedModels {
  /** Where each provider is, as its own environment variable has it. */
  readonly env: Readonly<Record<string, string>>;
  /** Requests answered, and the tokens they said they took. */
  readonly counted: { requests: number; inputTokens: number; outputTokens: number };
  /** Whether what a check said came into the conversation that it is about. */
  resumed(): boolean;
  /** Resolves when somebody waits for an answer that does not come. */
  readonly asked: Promise<void>;
  close(): Promise<void>;
}

/** In a prompt: never answered. */
export const SILENCE = 'Say nothing at all.';
export const ANSWER = 'The sum is right now.';

interface Request {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly name?: string; readonly function?: { readonly name?: string } }[];
}

const AT_FIRST = { commands: ['node --test'], answer: 'It looks fine to me.' };
const AFTER_A_CHECK = { commands: ['sed -i "s/a - b/a + b/" sum.js', 'node --test'], answer: ANSWER };
/** As Baton tells an agent what a check said. */
const CHECKED = /A check did not accept|What a check said/;

/** Each agent has its own way to run a command. */
const SHELLS: Readonly<Record<string, (command: string) => object>> = {
  exec_command: (cmd) => ({ cmd }),
  shell: (command) => ({ command: ['bash', '-lc', command] }),
  Bash: (command) => ({ command, description: 'As the script says' }),
  bash: (command) => ({ command, description: 'As the script says' }),
  run_shell_command: (command) => ({ command }),
};

export async function startScriptedModels(): Promise<ScriptedModels> {
  const counted = { requests: 0, inputTokens: 0, outputTokens: 0 };
  let resumed = false;
  const asked = Promise.withResolvers<void>();
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' });

  const count = (inputTokens: number, outputTokens: number) => {
    counted.requests += 1;
    counted.inputTokens += inputTokens;
    counted.outputTokens += outputTokens;
    return {
      usage: {
        ...{ prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
        ...{ input_tokens: inputTokens, output_tokens: outputTokens },
        ...{ promptTokenCount: inputTokens, candidatesTokenCount: outputTokens, totalTokenCount: inputTokens + outputTokens },
      },
    };
  };
  const play = async ({ messages, tools = [] }: Request): Promise<object> => {
    if (JSON.stringify(messages).includes(SILENCE)) {
      asked.resolve();
      await new Promise<never>(() => undefined);
    }
    const shell = tools.map((tool) => tool.function?.name ?? tool.name ?? '').find((name) => Object.hasOwn(SHELLS, name));
    const checked = messages.findLastIndex(({ role, content }) => role === 'user' && CHECKED.test(JSON.stringify(content)));
    resumed ||= messages.slice(0, Math.max(checked, 0)).some(({ role }) => role === 'assistant');
    const { commands, answer } = checked === -1 ? AT_FIRST : AFTER_A_CHECK;
    const done = messages.slice(checked + 1).filter(({ role }) => role === 'tool').length;
    const command = commands[done];
    const usage = count(1000 + 100 * done, 50);
    if (shell === undefined || command === undefined) return { content: answer, ...usage };
    return { toolCalls: [{ id: `call_${counted.requests}`, name: shell, arguments: JSON.stringify(SHELLS[shell]?.(command)) }], ...usage };
  };
  mock.on({ predicate: () => true }, play as never);
  await mock.start();
  return {
    env: {
      OPENAI_BASE_URL: `${mock.url}/v1`,
      ANTHROPIC_BASE_URL: `${mock.url}/v1`,
      GOOGLE_GENERATIVE_AI_BASE_URL: `${mock.url}/v1beta`,
      OPENAI_API_KEY: 'key-of-the-operator-1',
      ANTHROPIC_API_KEY: 'key-of-the-operator-2',
      GEMINI_API_KEY: 'key-of-the-operator-3',
    },
    counted,
    resumed: () => resumed,
    asked: asked.promise,
    close: () => mock.stop(),
  };
}
