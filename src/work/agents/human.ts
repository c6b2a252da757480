/**
 * Agents that are people. A task of theirs is a question: the kernel keeps it open until somebody answers, so there is
 * no attempt to make. What lives here is the configuration, and the check of an answer.
 */
import { z } from 'zod';
import { failure } from '../processes/failure.ts';
import type { Agent, Checked } from './agent.ts';
import { type JsonSchema, schemaProblems } from './json-schema.ts';
import { checkWritten, summaryOf } from './written.ts';

export const humanConfigSchema = z.strictObject({
  /** Roles that may answer. Empty: anybody. */
  by: z.array(z.string().min(1)).default([]),
});

export const humanAgent: Agent = {
  can: { stream: false, messages: false, schema: true, usage: false, resume: false },
  changes: () => 'not',
  async attempt(work) {
    const message = `"${work.task}" waits for a person's answer; nobody else can attempt it.`;
    return { ok: false, failure: failure('permanent', 'NOT_ATTEMPTABLE', message, { dispatched: false }) };
  },
};

/** What a person answered: outputs that fit the schema, or without one a text (any other JSON becomes `value`). */
export const checkAnswer = (answer: unknown, schema?: JsonSchema): Checked => {
  if (schema === undefined) {
    return typeof answer === 'string'
      ? checkWritten({ summary: summaryOf(answer), outputs: { text: answer } })
      : checkWritten({ summary: '', outputs: { value: answer } });
  }
  const problems = schemaProblems(schema, answer).map((problem) => `the answer${problem}`);
  return problems.length > 0 ? { ok: false, problems } : checkWritten({ summary: '', outputs: answer });
};
