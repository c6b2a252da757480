/** Bodies of requests that change something. Strict: an unknown key is a mistake. */
import { z } from 'zod';
import { isTreePath } from './paths.ts';

const amount = z.number().min(0);
const count = z.int().min(1);

export const limitsRequest = z.strictObject({
  tasks: count.exactOptional(),
  depth: count.exactOptional(),
  costUsd: amount.exactOptional(),
  tokens: amount.exactOptional(),
  calls: amount.exactOptional(),
  wallTimeMs: amount.exactOptional(),
});

const absolutePath = z.string().regex(/^(\/|[A-Za-z]:[\\/])/, 'must be an absolute path');
const note = z.string().max(10_000);

export const runRequest = z.strictObject({
  file: absolutePath,
  cwd: absolutePath,
  workflow: z.record(z.string(), z.json()).exactOptional(),
  inputs: z.record(z.string(), z.unknown()).exactOptional(),
  limits: limitsRequest.exactOptional(),
  priority: z.number().exactOptional(),
  approvePlan: z.boolean().exactOptional(),
});

export const pauseRequest = z.strictObject({ note: note.exactOptional() });
export const resumeRequest = z.strictObject({ limits: limitsRequest.exactOptional() });
export const cancelRequest = z.strictObject({ reason: note.exactOptional() });
export const retryRequest = z.strictObject({ task: z.string().exactOptional() });
export const changeRequest = z.strictObject({
  /** As a change file says it. */
  change: z.record(z.string(), z.json()),
  /** Of the plan it was looked at; the one there is now where it is left out. */
  version: z.int().exactOptional(),
});
export const decideRequest = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  /** The hash the principal saw. */
  binds: z.string(),
  note: note.exactOptional(),
});
export const answerRequest = z.strictObject({ answer: z.unknown() });
export const undecidedRequest = z.strictObject({
  decision: z.enum(['retry', 'committed', 'fail']),
  /** What the task brought, for `committed`. */
  outputs: z.record(z.string(), z.unknown()).exactOptional(),
});
export const messageRequest = z.strictObject({ text: z.string().min(1).max(100_000) });
export const promoteRequest = z
  .strictObject({
    undo: z.boolean().exactOptional(),
    branch: z.string().min(1).max(200).exactOptional().describe('Of the repository; the result is committed there as well.'),
  })
  .refine(({ undo, branch }) => !undo || branch === undefined, { message: 'an undoing takes its own branch back, and no other' });
const treePath = z.string().refine(isTreePath, 'must be a path inside the tree');
export const restoreRequest = z.strictObject({
  /** A checkpoint of the task, by any beginning that no other has. */
  to: z.string().min(1).max(64),
  paths: z.array(treePath).min(1).max(10_000).exactOptional(),
});
export const overlapRequest = z.strictObject({
  /** The task to overlap with, and its run. */
  run: z.string().min(1),
  task: z.string().min(1),
  /** The hash the principal saw. */
  binds: z.string(),
});
export const cleanRequest = z.strictObject({ runs: z.array(z.string()).max(100_000) });
const oneLine = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'must be one line');
export const keepRequest = z.strictObject({
  /** A folder of the project; without it the owner's. */
  cwd: absolutePath.exactOptional(),
  text: z.string().min(1),
  title: oneLine(200).exactOptional(),
  tags: z
    .array(z.string().regex(/^[\p{L}\p{M}\p{N}._-]{1,60}$/u))
    .max(20)
    .exactOptional(),
  source: oneLine(2048).exactOptional(),
});
export const forgetRequest = z.strictObject({ cwd: absolutePath.exactOptional() });
export const verifyRequest = z.strictObject({
  run: z.string().exactOptional(),
  /** Heads exported earlier. */
  heads: z.array(z.strictObject({ stream: z.string(), seq: z.int().min(1), hash: z.string() })).exactOptional(),
});

export type LimitsRequest = z.infer<typeof limitsRequest>;
export type DecideRequest = z.infer<typeof decideRequest>;
export type KeepRequest = Readonly<z.infer<typeof keepRequest>>;
export type VerifyRequest = z.infer<typeof verifyRequest>;
export type UndecidedRequest = z.infer<typeof undecidedRequest>;
