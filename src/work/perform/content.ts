/** Handoff contents for work that is no agent's: what a command printed, what a function returned, or nothing. */
import type { Blobs } from '../../engine/host/host.ts';
import type { Hash } from '../../engine/kernel/plan.ts';
import { summaryOf } from '../agents/written.ts';
import { storeOutput } from '../gates/evidence.ts';
import type { HandoffContent } from '../planning/definition.ts';
import type { Ended } from '../processes/process.ts';

const contentOf = (outputs: HandoffContent['outputs'], summary = ''): HandoffContent => ({
  summary,
  outputs,
  artifacts: [],
  evidence: [],
  questions: [],
});

const EMPTY = JSON.stringify(contentOf({}));

/** Put each time, though it is always the same: a blob is durable only with the commit that follows it. */
export const putEmpty = (blobs: Pick<Blobs, 'put'>): Hash => blobs.put(EMPTY);
export const putContent = (content: HandoffContent, blobs: Pick<Blobs, 'put'>): Hash => blobs.put(JSON.stringify(content));

/**
 * `stdout`, `stderr`, `exitCode`, and `json` where stdout is JSON. A text longer than 64 KiB is its end, with
 * `stdoutWhole` (or `stderrWhole`) as `{ sha256, size }` of the blob that has the rest, and without `json`.
 */
export const commandContent = ({ stdout, stderr, exitCode = 0 }: Ended, blobs: Pick<Blobs, 'put'>): HandoffContent => {
  const outputs: Record<string, unknown> = { stdout: stdout.text, stderr: stderr.text, exitCode };
  for (const [name, output] of [['stdoutWhole', stdout] as const, ['stderrWhole', stderr] as const]) {
    if (output.whole === undefined) continue;
    const { sha256, size } = storeOutput(output, blobs);
    outputs[name] = { sha256, size };
  }
  if (stdout.whole === undefined) Object.assign(outputs, jsonIn(stdout.text));
  return contentOf(outputs, summaryOf(stdout.text));
};

const jsonIn = (text: string): { readonly json?: unknown } => {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return {};
  }
};

/** An object is the outputs; anything else is their `value`. */
export const functionContent = (returned: unknown): HandoffContent =>
  contentOf(typeof returned === 'object' && returned !== null && !Array.isArray(returned) ? { ...returned } : { value: returned });
