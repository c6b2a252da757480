/**
 * The handoff: the structured result of an attempt, which the next tasks receive. Its content is stored when the attempt
 * ends; the whole document is put together from content and state when somebody asks, so nothing is stored twice.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defined } from '../../defined.ts';
import type { TaskRecord } from '../../engine/kernel/state.ts';
import type { Artifact, HandoffContent } from '../planning/definition.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const handoffSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    run: z.string().min(1),
    task: z.string().min(1),
    attempt: z.int().min(1),
    idempotencyKey: z.string().min(1).describe('`run/task/attempt`: a receiver that has seen it takes it no second time.'),
    from: z.string().min(1).describe('Name of the agent, or `command`, `function`, or who answered.'),
    status: z.enum(['done', 'failed']),
    summary: z.string(),
    outputs: z.record(z.string(), z.unknown()).describe('Fits the schema of the task, where it has one.'),
    artifacts: z
      .array(z.strictObject({ path: z.string().min(1), sha256, size: z.int().min(0) }))
      .describe('Files in the folder of the task, by path.'),
    evidence: z.array(z.string()).describe("The agent's own claims; never taken as proof."),
    questions: z.array(z.string()),
    usage: z.strictObject({
      tokens: z.int().min(0),
      calls: z.int().min(0),
      costUsd: z.number().min(0).optional().describe('US dollars. Missing when no price is known.'),
    }),
    score: z.number().min(0).max(1).optional().describe('Quality, given by gates only: the lowest score of any.'),
    artifactsChecksum: sha256.describe('SHA-256 over `path NUL sha256 NUL size LF` of each artifact, sorted by path.'),
  })
  .meta({ title: 'Baton handoff, version 1', description: 'The structured result of one attempt at a task.' });
export type Handoff = z.infer<typeof handoffSchema>;

/** What `schemas/handoff.v1.json` holds. */
export const handoffJsonSchema = (): object => z.toJSONSchema(handoffSchema, { target: 'draft-2020-12' });

/** The whole document of the result a task has now. */
export const assemble = (run: string, record: TaskRecord, content: HandoffContent): Handoff => {
  const { spec, attempt, spent, verdicts } = record;
  const scores = Object.values(verdicts).flatMap(({ score }) => (score === undefined ? [] : [score]));
  return handoffSchema.parse({
    schemaVersion: 1,
    run,
    task: spec.id,
    attempt,
    idempotencyKey: `${run}/${spec.id}/${attempt}`,
    from: record.agent ?? spec.agent ?? spec.kind,
    status: 'done',
    ...content,
    usage: defined({
      tokens: spent.tokens,
      calls: spent.calls,
      costUsd: spent.costUsd > 0 || spent.tokens === 0 ? spent.costUsd : undefined,
    }),
    ...(scores.length === 0 ? {} : { score: Math.min(...scores) }),
    artifactsChecksum: checksumOf(content.artifacts),
  });
};

export const checksumOf = (artifacts: readonly Artifact[]): string => {
  const hash = createHash('sha256');
  for (const { path, sha256: sum, size } of [...artifacts].sort((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${path}\0${sum}\0${size}\n`);
  return hash.digest('hex');
};
