/**
 * Answers of agents that can't write files: their change is a unified diff in fenced blocks, and what stands around it is
 * the answer as such. The rest is checked first and the diff applied last, so that an answer that is asked for again has
 * changed nothing. What it did is judged by the tree, like any other change.
 */
import type { Checked, Patching } from './agent.ts';
import type { JsonSchema } from './json-schema.ts';
import { checkSaid, lastBlock, summaryOf } from './written.ts';

export const patchText = ({ writes }: Pick<Patching, 'writes'>): string =>
  `You can't write files. To change some, put a unified diff into your answer, in a block that begins with a line \`\`\`diff and ends with a line \`\`\`. Begin each file with \`--- a/path\` and \`+++ b/path\` (\`/dev/null\` for a file that is made or deleted), and give each hunk its header \`@@ -1,3 +1,4 @@\` and some lines of exact context. It is applied whole or not at all. Only these paths may change: ${writes.join(', ')}. Where nothing has to change, leave it out.`;

export const shapeBesidePatch = (schema: JsonSchema | undefined): string | undefined =>
  schema === undefined
    ? undefined
    : `End your answer with one JSON object, in a block that begins with a line \`\`\`json, that fits this JSON Schema:\n${JSON.stringify(schema)}`;

export const checkPatched = async (text: string, schema: JsonSchema | undefined, patching: Pick<Patching, 'apply'>): Promise<Checked> => {
  const answer = splitAnswer(text);
  if ('problems' in answer) return { ok: false, problems: answer.problems };
  const { patch, rest } = answer;
  const checked = checkSaid(schema === undefined ? rest.trim() : lastBlock(rest), schema);
  if (!checked.ok || checked.result.status === 'failed' || patch === '') return checked;
  const applied = await patching.apply(patch);
  if (!applied.ok) return applied;
  const { result } = checked;
  return result.summary === '' ? { ok: true, result: { ...result, summary: summaryOf(`Changed ${applied.paths.join(', ')}.`) } } : checked;
};

interface Answer {
  /** Of all blocks, one below the other. */
  readonly patch: string;
  readonly rest: string;
}

const OPENING = /^(`{3,}|~{3,})(?:diff|patch)[ \t]*\r?$/;

/** No line of a diff begins with a fence: its own lines begin with a space, `+` or `-`. */
const splitAnswer = (text: string): Answer | { readonly problems: readonly string[] } => {
  const patch: string[] = [];
  const rest: string[] = [];
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    if (fence === undefined) {
      fence = OPENING.exec(line)?.[1];
      if (fence === undefined) rest.push(line);
    } else if (line.trimEnd() === fence) fence = undefined;
    else patch.push(`${line}\n`);
  }
  if (fence !== undefined) return { problems: ['the block with the diff has no end: close it with a line ```'] };
  if (rest.some((line, n) => line.startsWith('--- ') && rest[n + 1]?.startsWith('+++ ')))
    return { problems: ['there is a diff outside of a block that begins with ```diff, which is not applied'] };
  return { patch: patch.join(''), rest: rest.join('\n') };
};
