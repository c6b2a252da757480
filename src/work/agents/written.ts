/**
 * What an agent or a program may write as its handoff: a strict part of the whole document. Ids, usage, checksums and
 * scores are Baton's own, so they are unknown fields here.
 */
import { z } from 'zod';
import { failure } from '../processes/failure.ts';
import type { AgentOutcome, AgentResult, Checked } from './agent.ts';
import { type JsonSchema, schemaProblems } from './json-schema.ts';

/** Longest summary, in characters. */
export const SUMMARY_MAX = 4000;

export const writtenHandoffSchema = z.strictObject({
  status: z.enum(['done', 'failed']).optional(),
  summary: z.string().max(SUMMARY_MAX),
  outputs: z.record(z.string(), z.unknown()),
  artifacts: z.array(z.string().min(1)).optional(),
  evidence: z.array(z.string()).optional(),
  questions: z.array(z.string()).optional(),
});

export const checkWritten = (written: unknown, schema?: JsonSchema): Checked => {
  const parsed = writtenHandoffSchema.safeParse(written);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.map(describeIssue) };
  const { status = 'done', summary, outputs, artifacts = [], evidence = [], questions = [] } = parsed.data;
  const problems = schema === undefined || status === 'failed' ? [] : schemaProblems(schema, outputs).map((problem) => `outputs${problem}`);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, result: { status, summary, outputs, artifacts, evidence, questions } };
};

const describeIssue = (issue: z.core.$ZodIssue): string => {
  const where = issue.path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `unknown field "${where === '' ? '' : `${where}.`}${key}"`).join(', ');
  return `${where === '' ? 'the handoff' : where}: ${issue.message}`;
};

/** JSON from a text that may wrap it in a fence, as models do. */
export const parseJson = (
  text: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problems: readonly string[] } => {
  const bare = /^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$/s.exec(text)?.[1] ?? text;
  try {
    return { ok: true, value: JSON.parse(bare) };
  } catch (error) {
    return { ok: false, problems: [`it is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
};

/** Agents talk around the JSON they were asked for: the last fenced block, or else the whole. */
export const lastBlock = (text: string): string =>
  [...text.matchAll(/^```(?:json)?[ \t]*\n(.*?)\n[ \t]*```[ \t]*$/gms)].at(-1)?.[1] ?? text;

/** What an agent answered by a text alone: outputs that fit the schema as JSON, or without one the text. */
export const checkSaid = (text: string, schema?: JsonSchema): Checked => {
  if (schema === undefined) return checkWritten({ summary: summaryOf(text), outputs: { text } });
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  const outputs = z.record(z.string(), z.unknown()).safeParse(parsed.value).data;
  if (outputs === undefined) return { ok: false, problems: ['it is not a JSON object'] };
  const problems = schemaProblems(schema, outputs).map((problem) => `the answer${problem}`);
  if (problems.length > 0) return { ok: false, problems };
  return checkWritten({ summary: typeof outputs['summary'] === 'string' ? summaryOf(outputs['summary']) : '', outputs });
};

const PROBLEMS_SHOWN = 10;

/** The end of an attempt whose agent never gave a result of the right shape. */
export const invalidOutput = (problems: readonly string[], asks: number): Extract<AgentOutcome, { ok: false }> => {
  const shown = problems
    .slice(0, PROBLEMS_SHOWN)
    .map((problem) => `\n- ${problem}`)
    .join('');
  const more = problems.length > PROBLEMS_SHOWN ? `\n- and ${problems.length - PROBLEMS_SHOWN} more` : '';
  const asked = asks === 1 ? 'asked once' : `asked ${asks} times`;
  return {
    ok: false,
    failure: failure('invalid-output', 'INVALID_OUTPUT', `The result does not have the right shape (${asked}):${shown}${more}`),
    report: problems.join('\n'),
  };
};

/** The end of an attempt whose agent says that it could not do it. */
export const gaveUp = (result: AgentResult): Extract<AgentOutcome, { ok: false }> => ({
  ok: false,
  failure: failure('permanent', 'AGENT_GAVE_UP', `The agent says that it failed: ${result.summary}`),
  report: JSON.stringify(result, null, 2),
});

const DERIVED_SUMMARY_MAX = 200;

/** A summary for a result that is only a text: its last line that says something. */
export const summaryOf = (text: string): string => {
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line.length <= DERIVED_SUMMARY_MAX ? line : `${line.slice(0, DERIVED_SUMMARY_MAX - 1)}…`;
};
