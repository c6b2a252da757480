/** What a planning model is asked to answer with. Whatever it answers is read generously (`read-draft.ts`); this says what is best. */
import { z } from 'zod';

const id = z.string().regex(/^[a-z][a-z0-9_]*$/);
const lines = z.array(z.string());

export const planSchema = z
  .strictObject({
    requirements: z
      .array(
        z.strictObject({
          text: z.string().describe('One thing the goal asks for, so that somebody can check it.'),
          deferred: z.string().optional().describe('Why no task of this plan covers it.'),
        }),
      )
      .describe('Numbered R1, R2 … in this order.'),
    questions: z
      .array(z.strictObject({ id, text: z.string(), choices: lines.optional() }))
      .optional()
      .describe('Only what a person must say before the plan can be right. Tasks that depend on the answer need its id.'),
    tasks: z.array(
      z.strictObject({
        id,
        kind: z
          .enum(['agent', 'command', 'tool', 'approve', 'composite'])
          .describe('composite: too large to plan now; it is planned when what it needs is there.'),
        title: z.string(),
        text: z
          .string()
          .describe('agent: the whole instruction. command: one line of bash. tool: its name. approve: the question. composite: the goal.'),
        with: z.record(z.string(), z.json()).optional().describe('Arguments of a tool.'),
        needs: z.array(id).describe('Ids of tasks and questions that must be over first. Tasks without an order run at once.'),
        capability: z.string().optional().describe('What an agent must be able to do.'),
        inputs: z.record(z.string(), z.string()).optional().describe('What it reads: "task.output" by a name.'),
        outputs: lines.optional().describe('Names of the results that it gives.'),
        writes: lines.optional().describe('Globs of paths that it changes.'),
        gates: z
          .array(z.strictObject({ name: z.string().optional(), run: z.string() }))
          .optional()
          .describe('Commands that must succeed on its result.'),
        covers: lines.optional().describe('Numbers of requirements, such as R1.'),
        approval: z.enum(['start', 'result']).optional(),
        irreversible: z.boolean().optional().describe('It changes something outside that can not be taken back.'),
        size: z.int().min(1).max(5).optional().describe('1: a line. 2: an hour. 5: days.'),
        network: lines.optional().describe('Domains it must reach.'),
      }),
    ),
  })
  .meta({ title: 'Baton plan, version 1', description: 'What a planner answers: requirements, questions and tasks.' });

/** What `schemas/plan.v1.json` holds. */
export const planJsonSchema = () => z.toJSONSchema(planSchema, { target: 'draft-2020-12' }) as Readonly<Record<string, unknown>>;
