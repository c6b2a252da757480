/** Tasks that are a tool: one call, by the same guarded path as the calls of agents. What it gives as data is the outputs. */
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Definition, HandoffContent } from '../planning/definition.ts';
import { failure } from '../processes/failure.ts';
import { type ToolAccess, ToolCaller } from '../tools/call.ts';
import { failed, failedBy, succeeded } from './outcome.ts';
import type { Home } from './surroundings.ts';

type ToolDefinition = Extract<Definition, { kind: 'tool' }>;

const SUMMARY_MAX = 200;

export const performTool = async (
  { secrets }: Pick<Home, 'secrets'>,
  { name, inputs = {} }: ToolDefinition,
  access: ToolAccess,
  { blobs }: Pick<AttemptContext, 'blobs'>,
): Promise<Outcome> => {
  const store = { blobs, secrets };
  try {
    const { TOOLS } = await import('../tools/catalog.ts');
    const result = await new ToolCaller({ ...access, tools: TOOLS }).call({ name, input: inputs });
    if (result.ok) return succeeded(contentOf(result), store);
    const why = result.failure ?? failure('permanent', 'TOOL_FAILED', result.text);
    return failed({ failure: why, report: result.text }, store);
  } catch (error) {
    return failedBy(error, store);
  }
};

const contentOf = ({ text, data }: { readonly text: string; readonly data: HandoffContent['outputs'] }): HandoffContent => ({
  summary: (text.split('\n')[0] ?? '').slice(0, SUMMARY_MAX),
  outputs: data,
  artifacts: [],
  evidence: [],
  questions: [],
});
