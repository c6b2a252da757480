import { z } from 'zod';

export const CODING_AGENTS = ['claude', 'codex', 'opencode', 'gemini'] as const;
export type CodingAgentName = (typeof CODING_AGENTS)[number];
export const WAYS = ['acp', 'cli'] as const;
export type Way = (typeof WAYS)[number];

/** No output and no word with a model for so long means that nothing will come any more: 5 minutes. */
export const NO_PROGRESS_MS = 300_000;
/** The same call of a tool with the same arguments, in a row. */
export const REPEATS_MAX = 10;
/** How long a person may take to answer one question of an agent: 10 minutes. */
export const ASK_MS = 600_000;
/** Kinds of calls, as the protocol has them. */
export const CALL_KINDS = ['read', 'edit', 'delete', 'move', 'search', 'execute', 'think', 'fetch', 'other'] as const;

const fields = z.strictObject({
  acp: z.enum(CODING_AGENTS),
  /** Over the Agent Client Protocol, or by its command line with JSON lines. */
  via: z.enum(WAYS).default('acp'),
  /** `provider/model`, or the name of a model of the agent's own provider. Without it the agent's own choice. */
  model: z.string().min(1).optional(),
  /** A mode the agent knows by this name, such as `plan`. Without it: whatever lets it work inside its walls. */
  mode: z.string().min(1).optional(),
  /** Further arguments for its program. */
  args: z.array(z.string()).default([]),
  /** Its program, by name or path, in place of the one that is looked for. */
  command: z.string().min(1).optional(),
  /** Milliseconds without any progress until it is ended. Default 5 minutes. */
  noProgress: z.int({ error: 'must be a duration such as 5m' }).positive().default(NO_PROGRESS_MS),
  /** Equal calls of a tool in a row until it is ended. Default 10. */
  repeatsMax: z.int().min(2).default(REPEATS_MAX),
  /** Told before every task. */
  instructions: z.string().optional(),
  /** What a person has to allow, each time, of the things it asks leave for. */
  ask: z
    .strictObject({
      before: z.array(z.enum(CALL_KINDS)).min(1),
      /** Roles that may decide. Empty: anybody. */
      by: z.array(z.string().min(1)).default([]),
      /** Milliseconds until the answer is no. Default 10 minutes. */
      timeout: z.int({ error: 'must be a duration such as 10m' }).positive().default(ASK_MS),
    })
    .optional(),
});
export const codingConfigSchema = fields
  .refine(({ acp, model }) => acp !== 'opencode' || model !== undefined, {
    path: ['model'],
    message: 'opencode makes no choice of its own; name one as provider/model',
  })
  .refine(({ via, ask }) => via === 'acp' || ask === undefined, {
    path: ['ask'],
    message: 'an agent asks leave only over the protocol: leave out `via: cli`',
  });
export type CodingConfig = z.infer<typeof codingConfigSchema>;
