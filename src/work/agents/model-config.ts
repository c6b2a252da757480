/** What an agent that is a model is configured with. */
import { z } from 'zod';
import { toolProblem } from '../tools/names.ts';

/** Requests of one attempt, where an agent uses tools and names no number. */
export const STEPS_MAX = 40;

const toolName = z.string().superRefine((name, context) => {
  const problem = toolProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

export const modelConfigSchema = z.strictObject({
  /** `provider/model`. */
  model: z.string().min(1),
  instructions: z.string().optional(),
  /** Groups (`files`, `git`, `shell`, `test`, `analysis`) and single tools (`files.read`) that it may use. Without it: none. */
  tools: z.array(toolName).min(1).optional(),
  /** Requests of one attempt; the last of them can call no tool. */
  stepsMax: z.int().positive().default(STEPS_MAX),
  baseUrl: z.url().optional(),
  apiKeyEnv: z.string().min(1).optional(),
  /** Reserved before each request, and sent with it. */
  maxOutputTokens: z.int().positive().default(16_384),
  temperature: z.number().min(0).max(2).optional(),
  /** Limit of one request, in milliseconds. */
  timeoutMs: z.int().positive().default(300_000),
  /** US dollars per million tokens, where no price list has the model. */
  price: z.strictObject({ inputPerMillion: z.number().min(0), outputPerMillion: z.number().min(0) }).optional(),
  /** Passed to the provider as they are, such as `reasoningEffort`. */
  options: z.record(z.string(), z.json()).default({}),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;
