/**
 * Agents that are models behind an API. One request is one recorded step, `ask-1`; an answer that misses its schema is
 * asked again as `ask-2`, with the exact errors. Text is streamed to the log; what is stored is the whole answer with
 * what it used, so an attempt that follows a lost one goes on after the last answer that came back.
 *
 * An agent that names tools is asked again after every answer that calls some, with their results, until an answer calls
 * none: that one is its result.
 *
 * An agent whose tools write no files changes them by a patch in its answer, which is applied for it.
 */
import type { ModelMessage } from 'ai';
import { defined } from '../../defined.ts';
import { AttemptError } from '../processes/failure.ts';
import { canWriteFiles } from '../tools/names.ts';
import type { Agent, AgentServices, Checked, Work } from './agent.ts';
import { type Answer, askUntilRight } from './asking.ts';
import { readConfig } from './config.ts';
import { badSchema, type JsonSchema } from './json-schema.ts';
import { type ModelConfig, modelConfigSchema } from './model-config.ts';
import { againMessages, LAST_STEP, modelPrompt } from './model-prompt.ts';
import { type Reply, type Request, reservation, send, stepsExhausted } from './model-request.ts';
import { type ModelTools, openModelTools } from './model-tools.ts';
import { checkPatched } from './patch-answer.ts';
import type { OpenedModel, Providers } from './providers.ts';
import { checkSaid } from './written.ts';

export interface ModelAgentOptions {
  readonly providers: Providers;
  /** Milliseconds since the epoch; for `Retry-After` dates of servers that don't tell theirs. */
  readonly now?: () => number;
}

export const createModelAgent = ({ providers, now = Date.now }: ModelAgentOptions): Agent => ({
  can: { stream: true, messages: false, schema: true, usage: true, resume: true },
  changes: (agent) => (canWriteFiles(readConfig(modelConfigSchema, agent).tools ?? []) ? 'itself' : 'patch'),

  attempt(work, services) {
    let conversation: Conversation | undefined;
    return askUntilRight(work, services, async (number, problems): Promise<Answer> => {
      conversation ??= await begin(work, services, providers, now);
      return conversation.ask(number, problems);
    });
  },
});

const begin = async (work: Work, services: AgentServices, providers: Providers, now: () => number): Promise<Conversation> => {
  const config = readConfig(modelConfigSchema, work.agent);
  refuseBadSchema(work.schema);
  const tools = await toolsOf(config, work, services);
  return new Conversation({ work, services, config, opened: await providers.open(config), tools, now });
};

const toolsOf = async (
  { tools }: ModelConfig,
  { tools: access, agent }: Work,
  services: AgentServices,
): Promise<ModelTools | undefined> => {
  if (tools === undefined) return undefined;
  if (access !== undefined) {
    const { toolsNamed } = await import('../tools/catalog.ts');
    return openModelTools(toolsNamed(tools), access, services);
  }
  throw new AttemptError(
    'permanent',
    'TOOLS_UNAVAILABLE',
    `The agent "${agent.name}" names tools (${tools.join(', ')}), and this task has no place to use them in.`,
    {
      hint: 'Run it over a repository, or give the task to an agent without tools.',
      dispatched: false,
    },
  );
};

const refuseBadSchema = (schema: JsonSchema | undefined): void => {
  const problem = schema === undefined ? undefined : badSchema(schema);
  if (problem !== undefined)
    throw new AttemptError('permanent', 'BAD_SCHEMA', `The task's schema can't be used: ${problem}`, { dispatched: false });
};

interface Setting {
  readonly work: Work;
  readonly services: AgentServices;
  readonly config: ModelConfig;
  readonly opened: OpenedModel;
  readonly tools: ModelTools | undefined;
  readonly now: () => number;
}

/** What was said in one attempt, over all its asks. */
class Conversation {
  private readonly setting: Setting;
  /** After the task itself. With tools everything is kept, since the work is in there; without, only the last answer. */
  private said: readonly ModelMessage[] = [];
  private last = '';
  private steps = 0;

  constructor(setting: Setting) {
    this.setting = setting;
  }

  async ask(number: number, problems: readonly string[]): Promise<Answer> {
    const { tools, work, config } = this.setting;
    if (problems.length > 0) this.said = [...(tools === undefined ? [] : this.said), ...againMessages(problems, this.last)];
    for (let step = 1; ; step += 1) {
      const key = step === 1 ? `ask-${number}` : `ask-${number}.${step}`;
      this.steps += 1;
      const last = this.steps >= config.stepsMax;
      const { reply, recorded } = await this.step(key, last);
      if (tools === undefined || reply.calls === undefined || reply.messages === undefined) {
        this.last = reply.text;
        return { checked: await checkReply(reply, work, config), recorded };
      }
      if (last) throw stepsExhausted(config);
      this.said = [...this.said, ...(await tools.answer({ calls: reply.calls, messages: reply.messages }, key))];
    }
  }

  private async step(key: string, last: boolean): Promise<{ readonly reply: Reply; readonly recorded: boolean }> {
    const { services } = this.setting;
    services.signal.throwIfAborted();
    const request = this.request(last);
    let recorded = true;
    const stored = await services.step(key, await reservation(request), async () => {
      recorded = false;
      const reply = await send(request);
      return defined({ output: JSON.stringify(reply), usage: reply.usage });
    });
    return { reply: JSON.parse(stored), recorded };
  }

  private request(last: boolean): Request {
    const { work, tools, config, opened, services, now } = this.setting;
    const said = tools !== undefined && last ? [...this.said, LAST_STEP] : this.said;
    return {
      config,
      opened,
      prompt: modelPrompt(work, config, said),
      // A patch beside the JSON would be refused by whoever holds the whole answer to the schema.
      schema: work.patching === undefined ? work.schema : undefined,
      ...(tools === undefined ? {} : { tools: { set: tools.set, tokens: tools.tokens, choice: last ? 'none' : 'auto' } }),
      services,
      now,
    };
  }
}

const checkReply = (
  { text, finish }: Reply,
  { schema, read, patching }: Work,
  { maxOutputTokens }: ModelConfig,
): Checked | Promise<Checked> => {
  if (finish === 'content-filter')
    throw new AttemptError('permanent', 'CONTENT_FILTERED', "The provider's content filter stopped the answer.");
  if (read) return read(text);
  if (finish === 'length') return { ok: false, problems: [`it was cut off at ${maxOutputTokens} tokens; answer within that`] };
  if (text.trim() === '') return { ok: false, problems: ['it is empty'] };
  return patching === undefined ? checkSaid(text, schema) : checkPatched(text, schema, patching);
};
