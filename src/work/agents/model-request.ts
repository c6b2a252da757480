/** One request to a model: what it may use at most, the stream of its answer, and what it did use. */
import type { LanguageModelUsage, ModelMessage, ToolSet } from 'ai';
import { defined } from '../../defined.ts';
import type { Usage } from '../../engine/kernel/plan.ts';
import { AttemptError, causesOf, failureOfAbort } from '../processes/failure.ts';
import type { AgentServices } from './agent.ts';
import type { JsonSchema } from './json-schema.ts';
import type { ModelConfig } from './model-config.ts';
import { modelError } from './model-failure.ts';
import { type ModelPrompt, tokensAtMost, tokensInText } from './model-prompt.ts';
import { costOf, type Tokens } from './prices.ts';
import type { OpenedModel } from './providers.ts';

/** What a step stores. */
export interface Reply {
  readonly text: string;
  readonly finish: string;
  readonly usage?: Usage;
  /** What it wants done, in order. */
  readonly calls?: readonly CallAsked[];
  /** With calls: the whole answer as the provider wants it back, its thoughts and signatures included. */
  readonly messages?: readonly ModelMessage[];
}
export interface CallAsked {
  readonly id: string;
  /** As the model wrote it. */
  readonly name: string;
  readonly input: unknown;
}

export interface Request {
  readonly config: ModelConfig;
  readonly opened: OpenedModel;
  readonly prompt: ModelPrompt;
  readonly schema: JsonSchema | undefined;
  readonly tools?: { readonly set: ToolSet; readonly tokens: number; readonly choice: 'auto' | 'none' } | undefined;
  readonly services: AgentServices;
  readonly now: () => number;
}

/** The most one request can use. */
export const reservation = async ({ config, opened, prompt, tools }: Request): Promise<Parameters<AgentServices['step']>[1]> => {
  const tokens = { inputTokens: tokensAtMost(prompt) + (tools?.tokens ?? 0), outputTokens: config.maxOutputTokens };
  const costUsd = await costOf(tokens, opened.modelId, opened.priceList, config.price);
  return defined({ calls: 1, tokens: tokens.inputTokens + tokens.outputTokens, costUsd });
};

/** @throws AttemptError of the class that tells whether another attempt may help */
export const send = async (request: Request): Promise<Reply> => {
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
    if (causesOf(error).some((link) => link instanceof Error && link.name === 'AI_ToolChoiceViolationError')) throw stepsExhausted(config);
    throw await modelError(error, opened, request.now());
  }
};

/** It was told to answer, and called tools. */
export const stepsExhausted = ({ stepsMax }: ModelConfig): AttemptError =>
  new AttemptError(
    'permanent',
    'STEPS_EXHAUSTED',
    `limit stepsMax = ${stepsMax}: the model still called tools in its last request, when it was told to answer.`,
    { hint: 'Give the agent a larger stepsMax, or a smaller task.', details: { stepsMax } },
  );

const receive = async (request: Request, abortSignal: AbortSignal): Promise<Reply> => {
  const { config, opened, prompt, schema, tools, services } = request;
  const { Output, streamText } = await import('ai');
  const result = streamText({
    model: opened.model,
    instructions: prompt.instructions,
    messages: prompt.messages,
    maxOutputTokens: config.maxOutputTokens,
    ...defined({ temperature: config.temperature }),
    providerOptions: opened.providerOptions(config.options),
    ...(tools === undefined ? {} : { tools: tools.set, toolChoice: tools.choice }),
    // The SDK's own check of objects is left out: it parses the whole text again with every piece of it. Beside tools
    // some providers refuse a format; the instructions ask for the shape, and what misses it is asked for again.
    output:
      schema === undefined || tools !== undefined
        ? Output.text()
        : { ...Output.text(), responseFormat: Promise.resolve({ type: 'json', schema, name: 'outputs' }) },
    maxRetries: 0,
    abortSignal,
    onError: () => undefined,
  });
  let text = '';
  const calls: CallAsked[] = [];
  for await (const part of result.stream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'abort') throw abortSignal.reason;
    if (part.type === 'text-delta') {
      text += part.text;
      services.log(part.text, 'text');
    }
    if (part.type === 'tool-call') calls.push({ id: part.toolCallId, name: part.toolName, input: part.input });
    if (part.type === 'finish') {
      const reply = {
        text,
        finish: part.finishReason,
        usage: await usageOf(tokensOf(part.totalUsage, request, text, calls), config, opened),
      };
      if (calls.length === 0 || CUT_OFF.has(part.finishReason)) return reply;
      // What the SDK says of calls it could not read is ours to say.
      return { ...reply, calls, messages: (await result.responseMessages).filter(({ role }) => role === 'assistant') };
    }
  }
  throw new AttemptError('transient', 'MALFORMED_REPLY', `${opened.name} ended its reply without finishing it.`);
};

/** The calls of such a reply may be halves. */
const CUT_OFF: ReadonlySet<string> = new Set(['length', 'content-filter']);

/** Servers that don't count are counted by us, with the most it can have been. */
const tokensOf = (
  { inputTokens, outputTokens, inputTokenDetails }: LanguageModelUsage,
  { prompt, tools }: Request,
  text: string,
  calls: readonly CallAsked[],
): Tokens => ({
  inputTokens: inputTokens ?? tokensAtMost(prompt) + (tools?.tokens ?? 0),
  outputTokens: outputTokens ?? tokensInText(calls.length === 0 ? text : text + JSON.stringify(calls)),
  cacheReadTokens: inputTokenDetails.cacheReadTokens,
  cacheWriteTokens: inputTokenDetails.cacheWriteTokens,
});

const usageOf = async (tokens: Tokens, config: ModelConfig, opened: OpenedModel): Promise<Usage> => {
  const { inputTokens, outputTokens } = tokens;
  const costUsd = await costOf(tokens, opened.modelId, opened.priceList, config.price);
  return defined({ inputTokens, outputTokens, calls: 1, costUsd });
};
