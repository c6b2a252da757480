/**
 * Agents that are programs. The task comes as JSON on stdin and in the file `$BATON_TASK`; the handoff goes into the
 * file `$BATON_HANDOFF`, or to stdout as one JSON document (alone, or as the last line). Any other output is the text of
 * a task that asks for no schema. A result of the wrong shape is asked for again, with `problems` in the task.
 */
import { rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { defined } from '../../defined.ts';
import { type Ended, runProcess } from '../processes/process.ts';
import type { Agent, AgentServices, Checked, Work } from './agent.ts';
import { askUntilRight } from './asking.ts';
import { readConfig } from './config.ts';
import { readHandoffFile } from './handoff-file.ts';
import { checkWritten, parseJson, summaryOf } from './written.ts';

export const commandConfigSchema = z.strictObject({
  /** A string runs by `bash -euo pipefail -c`, an array without a shell. */
  command: z.union([z.string().min(1), z.array(z.string()).min(1)]),
  /** Between SIGTERM and SIGKILL, in milliseconds. Default 5 s. */
  graceMs: z.int().min(0).optional(),
});

export const commandAgent: Agent = {
  can: { stream: true, messages: false, schema: true, usage: false, resume: false },
  changes: () => 'itself',

  attempt(work, services) {
    return askUntilRight(work, services, async (_number, problems) => {
      const ended = await askOnce(work, services, problems);
      if (ended.failure === undefined) return { checked: await readResult(work, ended) };
      return { checked: { ok: false, failure: ended.failure, report: `${ended.stdout.text}\n${ended.stderr.text}` } };
    });
  },
};

const askOnce = async (work: Work, services: AgentServices, problems: readonly string[]): Promise<Ended> => {
  const { command, graceMs } = readConfig(commandConfigSchema, work.agent);
  await rm(work.files.handoff, { force: true, recursive: true });
  await writeFile(work.files.task, taskDocument(work, problems));
  const { files } = work.place;
  return runProcess(
    await work.place.command({
      run: command,
      env: { ...work.env, BATON_TASK: files.task, BATON_HANDOFF: files.handoff },
      stdinFile: work.files.task,
      signal: services.signal,
      ...defined({ graceMs }),
      log: (chunk, kind) => services.log(chunk, kind),
    }),
  );
};

/** What a program is told. `problems` lists what was wrong with its last answer to this very task. */
const taskDocument = (
  { run, task, attempt, attemptKey, effectKey, prompt, inputs, schema, feedback }: Work,
  problems: readonly string[],
): string => `${JSON.stringify({ version: 1, run, task, attempt, attemptKey, effectKey, prompt, inputs, schema, feedback, problems })}\n`;

const readResult = async (work: Work, { stdout }: Ended): Promise<Checked> => {
  const written = await readHandoffFile(work.files.handoff, work.schema);
  if (written !== undefined) return written;
  const text = stdout.whole === undefined ? stdout.text : Buffer.from(stdout.whole).toString('utf8');
  const printed = handoffIn(text);
  if (printed !== undefined) return checkWritten(printed, work.schema);
  if (work.schema === undefined) return checkWritten({ summary: summaryOf(text), outputs: { text } });
  return { ok: false, problems: ['there is no handoff: write it to $BATON_HANDOFF, or print it as JSON with "summary" and "outputs"'] };
};

const handoffIn = (text: string): unknown => {
  for (const candidate of [text, text.trimEnd().split('\n').at(-1) ?? '']) {
    const parsed = parseJson(candidate);
    if (parsed.ok && typeof parsed.value === 'object' && parsed.value !== null && ('summary' in parsed.value || 'outputs' in parsed.value))
      return parsed.value;
  }
  return undefined;
};
