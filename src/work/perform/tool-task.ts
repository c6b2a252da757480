/** Tasks that are a tool: one call, by the same guarded path as the calls of agents. What it gives as data is the outputs. */

import { defined } from '../../defined.ts';
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Definition, HandoffContent } from '../planning/definition.ts';
import { failure } from '../processes/failure.ts';
import { type ToolAccess, ToolCaller } from '../tools/call.ts';
import { BUILT_IN } from '../tools/names.ts';
import { withChange } from './change.ts';
import { failed, failedBy, succeeded } from './outcome.ts';
import { goesOn, openPlace } from './place.ts';
import { environmentOf, type Home } from './surroundings.ts';
import { openToolPlace } from './tool-place.ts';

type ToolDefinition = Extract<Definition, { kind: 'tool' }>;

const SUMMARY_MAX = 200;

/** Tools that run programs run them inside walls, whoever asked. */
export const performToolTask = async (home: Home, definition: ToolDefinition, context: AttemptContext): Promise<Outcome> => {
  const whose = { run: context.run, task: context.spec.id, attempt: context.attempt };
  const env = await environmentOf(home, whose, definition.env);
  const place = await openPlace(home, whose, {
    definition,
    ...defined({ tree: context.base }),
    goesOn: goesOn(context),
    walled: BUILT_IN[definition.name as keyof typeof BUILT_IN]?.effects === 'execute',
    signal: context.signal,
  });
  try {
    const access = { place: await openToolPlace(home, place, { ...whose, env, network: definition.network ?? [] }, context) };
    return await withChange(place, context, () => performTool(home, definition, access, context));
  } finally {
    await place.close();
  }
};

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
