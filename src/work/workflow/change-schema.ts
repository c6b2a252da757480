/** A change of a plan that is being carried out, as people and programs write it. Ids may be whole (`goal/fix`) or as in the file (`fix`). */
import { z } from 'zod';
import { task } from './schema.ts';

const tasks = z.record(z.string(), task);
const TASKS_MAX = 1_000;

export const planChange = z
  .strictObject({
    version: z.literal(1).optional(),
    insert: tasks.optional().meta({ description: 'New tasks: what needs one of their needs, and has not begun, waits for them too' }),
    add: tasks.optional().meta({ description: 'New tasks that hold nobody back' }),
    drop: z.array(z.string()).max(TASKS_MAX).optional().meta({ description: 'What needed these needs what they needed' }),
    route: z.record(z.string(), z.string()).optional().meta({ description: 'The agent that does a task, by the id of the task' }),
    split: z
      .record(z.string(), tasks)
      .optional()
      .meta({ description: 'Tasks that take the place of one: what needed it needs all of them' }),
  })
  .refine(({ version: _, ...change }) => Object.values(change).some((each) => each !== undefined && Object.keys(each).length > 0), {
    error: 'a change has at least one of insert, add, drop, route and split',
  });

export type PlanChange = z.infer<typeof planChange>;
