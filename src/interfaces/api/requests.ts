/** Bodies of requests that change something. Strict: an unknown key is a mistake. */
import { z } from 'zod';

const amount = z.number().min(0);
const count = z.int().min(1);

export const limitsRequest = z.strictObject({
  tasks: count.optional(),
  depth: count.optional(),
  costUsd: amount.optional(),
  tokens: amount.optional(),
  calls: amount.optional(),
  wallTimeMs: amount.optional(),
});

const absolutePath = z.string().regex(/^(\/|[A-Za-z]:[\\/])/, 'must be an absolute path');
const note = z.string().max(10_000);

export const runRequest = z.strictObject({
  file: absolutePath,
  cwd: absolutePath,
  inputs: z.record(z.string(), z.unknown()).optional(),
  limits: limitsRequest.optional(),
  priority: z.number().optional(),
});

export const pauseRequest = z.strictObject({ note: note.optional() });
export const resumeRequest = z.strictObject({ limits: limitsRequest.optional() });
export const cancelRequest = z.strictObject({ reason: note.optional() });
export const retryRequest = z.strictObject({ task: z.string().optional() });
export const decideRequest = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  /** The hash the principal saw. */
  binds: z.string(),
  note: note.optional(),
});
export const answerRequest = z.strictObject({ answer: z.unknown() });
export const undecidedRequest = z.strictObject({
  decision: z.enum(['retry', 'committed', 'fail']),
  /** What the task brought, for `committed`. */
  outputs: z.record(z.string(), z.unknown()).optional(),
});
export const messageRequest = z.strictObject({ text: z.string().min(1).max(100_000) });
export const cleanRequest = z.strictObject({ runs: z.array(z.string()).max(100_000) });

export type LimitsRequest = z.infer<typeof limitsRequest>;
export type DecideRequest = z.infer<typeof decideRequest>;
export type UndecidedRequest = z.infer<typeof undecidedRequest>;
