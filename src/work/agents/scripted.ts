/**
 * An agent that does what it is told, for tests, demos and dry runs: the n-th answer (counting attempts, and asks within
 * one) is the n-th reply, and the last reply stays. The same configuration always gives the same results.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defined } from '../../defined.ts';
import { FAILURE_CLASSES } from '../../engine/kernel/plan.ts';
import { AttemptError, failureOfAbort } from '../processes/failure.ts';
import type { Agent, AgentServices, Work } from './agent.ts';
import { askUntilRight } from './asking.ts';
import { readConfig } from './config.ts';
import { checkWritten, summaryOf } from './written.ts';

const replySchema = z.strictObject({
  /** Outputs `{ text }`; `{prompt}`, `{attempt}`, `{task}` and `{feedback}` in it are filled in. */
  text: z.string().optional(),
  outputs: z.record(z.string(), z.json()).optional(),
  summary: z.string().optional(),
  status: z.enum(['done', 'failed']).optional(),
  /** Files to write into the task's folder, by path; each becomes an artifact. */
  files: z.record(z.string(), z.string()).optional(),
  evidence: z.array(z.string()).optional(),
  questions: z.array(z.string()).optional(),
  /** A handoff to hand over as it is, whatever its shape. */
  raw: z.json().optional(),
  fail: z
    .strictObject({
      class: z.enum(FAILURE_CLASSES),
      code: z.string().default('SCRIPTED'),
      message: z.string().default('As the script says.'),
      retryAfterMs: z.int().min(0).optional(),
    })
    .optional(),
  delayMs: z.int().min(0).optional(),
  /** Never ends by itself. */
  hang: z.boolean().optional(),
  /** Shown in the log, one after the other. */
  say: z.array(z.string()).optional(),
  usage: z
    .strictObject({
      inputTokens: z.int().optional(),
      outputTokens: z.int().optional(),
      costUsd: z.number().optional(),
      calls: z.int().optional(),
    })
    .optional(),
});
const repliesSchema = z.array(z.union([z.string().transform((text) => ({ text })), replySchema])).min(1);

export const scriptedConfigSchema = z.strictObject({
  /** Without any it repeats its prompt. */
  replies: repliesSchema.default([{ text: '{prompt}' }]),
  /** Replies for tasks of these ids. */
  tasks: z.record(z.string(), repliesSchema).default({}),
});
type Reply = z.infer<typeof replySchema>;

export const scriptedAgent: Agent = {
  can: { stream: true, messages: true, schema: true, usage: true, resume: true },
  changes: () => 'itself',

  attempt(work, services) {
    services.onMessage((text) => {
      services.log(`Message: ${text}\n`, 'note');
      return true;
    });
    return askUntilRight(work, services, async (number) => {
      const { replies, tasks } = readConfig(scriptedConfigSchema, work.agent);
      const own = tasks[work.task] ?? replies;
      const reply: Reply = own[Math.min(work.attempt - 1 + number, own.length) - 1] ?? {};
      let recorded = true;
      const stored = await services.step(`ask-${number}`, reply.usage === undefined ? {} : { calls: 1 }, async () => {
        recorded = false;
        const output = JSON.stringify(await perform(reply, work, services));
        return { output, ...(reply.usage === undefined ? {} : { usage: defined(reply.usage) }) };
      });
      return { checked: checkWritten(JSON.parse(stored), work.schema), recorded };
    });
  },
};

const perform = async (reply: Reply, work: Work, services: AgentServices): Promise<unknown> => {
  for (const line of reply.say ?? []) services.log(line, 'text');
  try {
    if (reply.hang) await untilAborted(services.signal);
    if (reply.delayMs !== undefined) await delay(reply.delayMs, undefined, { signal: services.signal });
  } catch (error) {
    const { class: why, code, message } = failureOfAbort(services.signal);
    throw new AttemptError(why, code, message, { cause: error });
  }
  if (reply.fail !== undefined) {
    const { class: why, code, message, retryAfterMs } = reply.fail;
    throw new AttemptError(why, code, message, defined({ retryAfterMs }));
  }
  const artifacts = await writeFiles(reply.files ?? {}, work.folder);
  if (reply.raw !== undefined) return reply.raw;
  const text = fillIn(reply.text ?? '', work);
  return defined({
    status: reply.status,
    summary: reply.summary ?? summaryOf(text),
    outputs: reply.outputs ?? { text },
    artifacts,
    evidence: reply.evidence,
    questions: reply.questions,
  });
};

const untilAborted = (signal: AbortSignal): Promise<never> => {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
};

const writeFiles = async (files: Readonly<Record<string, string>>, folder: string): Promise<string[]> => {
  for (const [path, text] of Object.entries(files)) {
    const target = resolve(folder, path);
    if (!target.startsWith(folder + sep)) throw new AttemptError('permanent', 'PATH_OUTSIDE', `"${path}" is not inside the task's folder.`);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  return Object.keys(files);
};

const fillIn = (text: string, { prompt, attempt, task, feedback }: Work): string => {
  const values: Readonly<Record<string, string>> = { prompt, attempt: String(attempt), task, feedback: feedback.join('\n') };
  return text.replace(/\{(prompt|attempt|task|feedback)\}/g, (_, name: string) => values[name] ?? '');
};
