/**
 * Agents that are models behind an API. One request is one recorded step, `ask-1`; an answer that misses its schema is
 * asked again as `ask-2`, with the exact errors. Text is streamed to the log; what is stored is the whole answer with
 * what it used, so an attempt that follows a lost one goes on after the last answer that came back.
 */
import type { LanguageModelUsage } from 'ai';
import { z } from 'zod';
import type { Usage } from '../../engine/kernel/plan.ts';
import { defined } from '../processes/defined.ts';
import { AttemptError, failureOfAbort } from '../processes/failure.ts';
import type { Agent, AgentServices, Work } from './agent.ts';
import { type Answer, askUntilRight } from './asking.ts';
import { readConfig } from './config.ts';
import { badSchema, type JsonSchema, schemaProblems } from './json-schema.ts';
import { modelError } from './model-failure.ts';
import { type ModelPrompt, modelPrompt, tokensAtMost, tokensInText } from './model-prompt.ts';
import { costOf, type Tokens } from './prices.ts';
import type { OpenedModel, Providers } from './providers.ts';
import { type Checked, checkWritten, parseJson, summaryOf } from './written.ts';

export const modelConfigSchema = z.strictObject({
  /** `provider/model`. */
  model: z.string().min(1),
  instructions: z.string().optional(),
  baseUrl: z.url().optional(),
  apiKeyEnv: z.string().min(1).optional(),
  /** Reserved before each request, and sent with it. */
  maxOutputTokens: z.int().positive().default(16_384),
  temperature: z.number().min(0).max(2).optional(),
  /** Limit of one request, in milliseconds. */
  timeoutMs: z.int().positive().default(300_000),
  /** US dollars per million tokens, where no price list has the model. */
  price: z.strictObject({ inputPerMillion: z.number().min(0), outputPerMillion: z.number().min(0) }).optional(),
  /** Passed to the provider as they are, such as `reasoningEffort`. */
  options: z.record(z.string(), z.json()).default({}),
});
type ModelConfig = z.infer<typeof modelConfigSchema>;

export interface ModelAgentOptions {
  readonly providers: Providers;
  /** Milliseconds since the epoch; for `Retry-After` dates of servers that don't tell theirs. */
  readonly now?: () => number;
}

/** What a step stores. */
interface Reply {
  readonly text: string;
  readonly finish: string;
  readonly usage?: Usage;
}

export const createModelAgent = ({ providers, now = Date.now }: ModelAgentOptions): Agent => ({
  can: { stream: true, messages: false, schema: true, usage: true, resume: true },

  async attempt(work, services) {
    let last = '';
    let opened: OpenedModel | undefined;
    return askUntilRight(work, services, async (number, problems): Promise<Answer> => {
      const config = readConfig(modelConfigSchema, work.agent);
      refuseBadSchema(work.schema);
      opened ??= await providers.open(config);
      const request: Request = {
        config,
        opened,
        prompt: modelPrompt(work, config.instructions, problems, last),
        schema: work.schema,
        services,
        now,
      };
      let recorded = true;
      const stored = await services.step(`ask-${number}`, await reservation(request), async () => {
        recorded = false;
        const reply = await send(request);
        return defined({ output: JSON.stringify(reply), usage: reply.usage });
      });
      const reply: Reply = JSON.parse(stored);
      last = reply.text;
      return { checked: checkReply(reply, work, config), recorded };
    });
  },
});

interface Request {
  readonly config: ModelConfig;
  readonly opened: OpenedModel;
  readonly prompt: ModelPrompt;
  readonly schema: JsonSchema | undefined;
  readonly services: AgentServices;
  readonly now: () => number;
}

const refuseBadSchema = (schema: JsonSchema | undefined): void => {
  const problem = schema === undefined ? undefined : badSchema(schema);
  if (problem !== undefined)
    throw new AttemptError('permanent', 'BAD_SCHEMA', `The task's schema can't be used: ${problem}`, { dispatched: false });
};

/** The most one request can use. */
const reservation = async ({ config, opened, prompt }: Request): Promise<Parameters<AgentServices['step']>[1]> => {
  const tokens = { inputTokens: tokensAtMost(prompt), outputTokens: config.maxOutputTokens };
  const costUsd = await costOf(tokens, opened.modelId, opened.priceList, config.price);
  return defined({ calls: 1, tokens: tokens.inputTokens + tokens.outputTokens, costUsd });
};

const send = async (request: Request): Promise<Reply> => {
  const { config, opened, services } = request;
  const limit = AbortSignal.timeout(config.timeoutMs);
  try {
    return await receive(request, AbortSignal.any([services.signal, limit]));
  } catch (error) {
    if (services.signal.aborted) {
      const { class: why, code, message } = failureOfAbort(services.signal);
      throw new AttemptError(why, code, message, { cause: error });
    }
    if (limit.aborted)
      throw new AttemptError('timeout', 'TIMEOUT', `${opened.name} did not answer within ${config.timeoutMs} ms.`, { cause: error });
    throw await modelError(error, opened, request.now());
  }
};

const receive = async ({ config, opened, prompt, schema, services }: Request, abortSignal: AbortSignal): Promise<Reply> => {
  const { Output, streamText } = await import('ai');
  const { stream } = streamText({
    model: opened.model,
    instructions: prompt.instructions,
    messages: prompt.messages,
    maxOutputTokens: config.maxOutputTokens,
    ...defined({ temperature: config.temperature }),
    providerOptions: opened.providerOptions(config.options),
    // The SDK's own check of objects is left out: it parses the whole text again with every piece of it.
    output:
      schema === undefined
        ? Output.text()
        : { ...Output.text(), responseFormat: Promise.resolve({ type: 'json', schema, name: 'outputs' }) },
    maxRetries: 0,
    abortSignal,
    onError: () => undefined,
  });
  let text = '';
  for await (const part of stream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'abort') throw abortSignal.reason;
    if (part.type === 'text-delta') {
      text += part.text;
      services.log(part.text, 'text');
    }
    if (part.type === 'finish')
      return { text, finish: part.finishReason, usage: await usageOf(tokensOf(part.totalUsage, prompt, text), config, opened) };
  }
  throw new AttemptError('transient', 'MALFORMED_REPLY', `${opened.name} ended its reply without finishing it.`);
};

/** Servers that don't count are counted by us, with the most it can have been. */
const tokensOf = ({ inputTokens, outputTokens, inputTokenDetails }: LanguageModelUsage, prompt: ModelPrompt, text: string): Tokens => ({
  inputTokens: inputTokens ?? tokensAtMost(prompt),
  outputTokens: outputTokens ?? tokensInText(text),
  cacheReadTokens: inputTokenDetails.cacheReadTokens,
  cacheWriteTokens: inputTokenDetails.cacheWriteTokens,
});

const usageOf = async (tokens: Tokens, config: ModelConfig, opened: OpenedModel): Promise<Usage> => {
  const { inputTokens, outputTokens } = tokens;
  const costUsd = await costOf(tokens, opened.modelId, opened.priceList, config.price);
  return defined({ inputTokens, outputTokens, calls: 1, costUsd });
};

const checkReply = ({ text, finish }: Reply, { schema }: Work, { maxOutputTokens }: ModelConfig): Checked => {
  if (finish === 'content-filter')
    throw new AttemptError('permanent', 'CONTENT_FILTERED', "The provider's content filter stopped the answer.");
  if (finish === 'length') return { ok: false, problems: [`it was cut off at ${maxOutputTokens} tokens; answer within that`] };
  if (text.trim() === '') return { ok: false, problems: ['it is empty'] };
  if (schema === undefined) return checkWritten({ summary: summaryOf(text), outputs: { text } });
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  const outputs = z.record(z.string(), z.unknown()).safeParse(parsed.value).data;
  if (outputs === undefined) return { ok: false, problems: ['it is not a JSON object'] };
  const problems = schemaProblems(schema, outputs).map((problem) => `the answer${problem}`);
  if (problems.length > 0) return { ok: false, problems };
  return checkWritten({ summary: typeof outputs['summary'] === 'string' ? summaryOf(outputs['summary']) : '', outputs });
};
