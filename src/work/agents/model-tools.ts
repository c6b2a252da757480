/**
 * The tools of a model: how they are offered to it, and how the calls of one answer are made. Each call is a step of its
 * own, so that what was finished before a crash is never done again; one that was begun and can't simply be repeated is
 * not repeated either, and the model is told to look.
 *
 *   ask-1            the request; its answer wants two calls
 *   ask-1/call-1     the first, as the model was told its result
 *   ask-1/call-2     the second
 *   ask-1.2          the next request, with both results
 */
import type { ModelMessage, ToolSet } from 'ai';
import { z } from 'zod';
import { failure } from '../processes/failure.ts';
import { type ToolAccess, type ToolCall, ToolCaller } from '../tools/call.ts';
import type { Toolbox } from '../tools/catalog.ts';
import type { Tool, ToolResult } from '../tools/tool.ts';
import type { AgentServices } from './agent.ts';
import { tokensInText } from './model-prompt.ts';
import type { CallAsked, Reply } from './model-request.ts';

/** Calls of one answer that are made; more are refused. */
const CALLS_MAX = 32;

type StepServices = Pick<AgentServices, 'step' | 'log'>;

export interface ModelTools {
  readonly set: ToolSet;
  /** The most that describing them to the model can use. */
  readonly tokens: number;
  /** Makes the calls of an answer, and gives what the next request adds to the conversation. @throws AttemptError `TOOL_LOOP`; the reason of the signal */
  answer(reply: Required<Pick<Reply, 'calls' | 'messages'>>, step: string): Promise<readonly ModelMessage[]>;
}

export const openModelTools = async (tools: Toolbox, access: ToolAccess, services: StepServices): Promise<ModelTools> => {
  const { jsonSchema, tool } = await import('ai');
  const offers = [...tools.values()].map(({ name, description, input }) => ({
    name: wireName(name),
    description,
    schema: schemaOf(input),
  }));
  const recorder = new Recorder(tools, services);
  const caller = new ToolCaller({ ...access, tools, record: (call, perform) => recorder.record(call, perform) });
  return {
    set: Object.fromEntries(offers.map(({ name, description, schema }) => [name, tool({ description, inputSchema: jsonSchema(schema) })])),
    tokens: tokensInText(JSON.stringify(offers)),

    async answer({ calls, messages }, step) {
      const results: Result[] = [];
      for (const [index, { id, name, input }] of calls.entries()) {
        recorder.key = `${step}/call-${index + 1}`;
        const result = index < CALLS_MAX ? await caller.call({ name: ownName(name), input }) : tooMany(calls.length);
        results.push(resultOf({ id, name, input }, result));
      }
      return [...messages.map(readableNames), { role: 'tool', content: results }];
    },
  };
};

/** Providers take letters, digits, `_` and `-` in names. */
const wireName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_');
/** Our names have one dot, and nothing else that a provider would not take. */
const ownName = (name: string): string => name.replace('_', '.');

const schemaOf = (input: Tool['input']): Readonly<Record<string, unknown>> => {
  const { $schema: _, ...schema } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
  return schema;
};

type Result = Extract<Extract<ModelMessage, { role: 'tool' }>['content'][number], { type: 'tool-result' }>;

const resultOf = ({ id, name }: CallAsked, { ok, text }: Pick<ToolResult, 'ok' | 'text'>): Result => ({
  type: 'tool-result',
  toolCallId: id,
  toolName: wireName(name),
  output: { type: ok ? 'text' : 'error-text', value: text === '' ? 'Done.' : text },
});

/** A model may have made up a name that its own provider would refuse to read again. */
const readableNames = (message: ModelMessage): ModelMessage =>
  message.role !== 'assistant' || typeof message.content === 'string'
    ? message
    : {
        ...message,
        content: message.content.map((part) => (part.type === 'tool-call' ? { ...part, toolName: wireName(part.toolName) } : part)),
      };

const tooMany = (count: number): Pick<ToolResult, 'ok' | 'text'> => ({
  ok: false,
  text: `limit CALLS_MAX = ${CALLS_MAX}: this answer had ${count} calls, and this one was not made. Ask for fewer at once.`,
});

/** Makes a call of a tool a recorded step, under the key that was set for it. */
class Recorder {
  key = '';
  private readonly tools: Toolbox;
  private readonly services: StepServices;

  constructor(tools: Toolbox, services: StepServices) {
    this.tools = tools;
    this.services = services;
  }

  async record(call: ToolCall, perform: () => Promise<ToolResult>): Promise<ToolResult> {
    const { key, services } = this;
    const begunBefore = this.tools.get(call.name)?.idempotent === false && (await this.begin(key));
    const stored = await services.step(key, {}, async () => {
      services.log(`${call.name} ${JSON.stringify(call.input).slice(0, SHOWN_MAX)}\n`, 'note');
      const { ok, text } = begunBefore ? interrupted(call) : await perform();
      if (!ok) services.log(`${text.slice(0, SHOWN_MAX)}\n`, 'note');
      return { output: JSON.stringify({ ok, text }) };
    });
    return { data: {}, ...(JSON.parse(stored) as Pick<ToolResult, 'ok' | 'text'>) };
  }

  /** @returns whether an earlier attempt had begun it already */
  private async begin(key: string): Promise<boolean> {
    let first = false;
    await this.services.step(`${key}/begun`, {}, async () => {
      first = true;
      return { output: '' };
    });
    return !first;
  }
}

const SHOWN_MAX = 500;

const interrupted = ({ name }: ToolCall): ToolResult => {
  const text = `${name} was begun with these arguments, and then Baton was interrupted: whether it finished is not known, so it was not begun again. Look at the state of the workspace first.`;
  return { ok: false, text, data: {}, failure: failure('lost', 'TOOL_INTERRUPTED', text) };
};
