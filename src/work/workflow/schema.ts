/**
 * The shape of a workflow file and of `baton.yaml`, once: types, checks and the JSON Schemas for editors come from here.
 * What one value alone can't tell (names, graph, expressions) is in `check.ts`.
 */
import { z } from 'zod';
import { FAILURE_CLASSES } from '../../engine/kernel/plan.ts';
import { durationMs } from './duration.ts';
import { isGlob } from './glob.ts';

/** Issues that are not about types carry their code. */
export const coded = (code: string) => ({ params: { code } });

export const duration = z
  .string()
  .refine((text) => (durationMs(text) ?? 0) > 0, {
    error: 'not a duration above zero; write `90s`, `20m` or `1h30m`',
    ...coded('BAD_DURATION'),
  })
  .meta({ description: 'A duration such as 90s, 20m or 1h30m', examples: ['20m'] });
const glob = z
  .string()
  .refine((text) => isGlob(text), {
    error: 'not a glob of paths inside the project; write it like `src/**`: relative, without `.`, `..`, `//` and backslashes',
    ...coded('BAD_GLOB'),
  })
  .meta({ description: 'A glob of paths inside the project', examples: ['src/**'] });

const json: z.ZodType<unknown> = z.json();
const texts = z.union([z.string(), z.array(z.string())]);
const processText = z.string().refine((text) => !text.includes('\0'), { error: 'a text for a process can not hold U+0000' });
const env = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.union([processText, z.number(), z.boolean()]));
const command = z
  .union([processText.min(1), z.array(processText).min(1)])
  .meta({ description: 'A string for bash, or an array without a shell' });
const positive = z.number().positive();
const count = z.number().int().positive();

export const limits = z.strictObject({
  tasks: count.optional(),
  depth: count.optional(),
  costUsd: positive.optional(),
  tokens: count.optional(),
  calls: count.optional(),
  wallTime: duration.optional(),
});
const budget = z.strictObject({ costUsd: positive.optional(), tokens: count.optional(), calls: count.optional() });

const retried = FAILURE_CLASSES.filter((each) => ['transient', 'throttled', 'timeout', 'lost', 'invalid-output'].includes(each));
/** Waiting may take no time at all; limits may not. */
const wait = z
  .string()
  .refine((text) => durationMs(text) !== undefined, { error: 'not a duration; write `0s`, `500ms` or `20s`', ...coded('BAD_DURATION') });

const retry = z.strictObject({
  attempts: z.number().int().min(1).max(100),
  on: z
    .array(z.enum(retried as [string, ...string[]]))
    .min(1)
    .default(['transient', 'throttled', 'timeout']),
  backoff: wait.optional(),
  backoffMax: wait.optional(),
});

const approvalRule = {
  by: z.array(z.string()).optional(),
  quorum: count.optional(),
  notAuthor: z.boolean().optional(),
  timeout: duration.optional(),
  onTimeout: z.enum(['wait', 'deny', 'escalate']).optional(),
  escalateTo: z.array(z.string()).optional(),
};
const gate = z.union([
  z.strictObject({
    name: z.string().optional(),
    run: command,
    env: env.optional(),
    timeout: duration.optional(),
    reuse: z.boolean().optional().meta({ description: 'false: run it every time, also where it was green on the same tree' }),
  }),
  z.strictObject({ rubric: z.strictObject({ threshold: z.number().min(0).max(1), criteria: z.array(z.string().min(1)).min(1) }) }),
]);

export const task = z.strictObject({
  description: z.string().optional(),
  needs: texts.optional(),
  run: command.optional(),
  tool: z.string().optional(),
  agent: z.string().optional(),
  capability: z.string().optional(),
  uses: z.string().optional(),
  plan: z.string().min(1).optional().meta({ description: 'A goal: planned when its needs have committed, then carried out' }),
  carryOut: z.boolean().optional().meta({ description: 'Of a plan: false makes it, and runs nothing of it' }),
  approve: z.string().optional(),
  call: z.string().optional().meta({ description: 'A function that the program which opened Baton registered' }),
  prompt: z.string().optional(),
  with: z.record(z.string(), json).optional(),
  schema: z.record(z.string(), json).optional(),
  env: env.optional(),
  in: z.literal('project').optional(),
  when: z.union([z.string(), z.boolean()]).optional(),
  foreach: z.union([z.string(), z.array(json)]).optional(),
  maxParallel: count.optional(),
  until: z.strictObject({ when: z.string(), maxRounds: z.number().int().min(1).max(100) }).optional(),
  always: z.boolean().optional(),
  continueOnError: z.boolean().optional(),
  idempotent: z.boolean().optional(),
  onLost: z.enum(['ask', 'fail', 'retry']).optional(),
  probe: command.optional(),
  retry: retry.optional(),
  rework: z.number().int().min(0).max(20).optional(),
  gate: z.union([gate, z.array(gate)]).optional(),
  approval: z
    .strictObject({ at: z.enum(['start', 'result']).optional(), ...approvalRule })
    .optional()
    .meta({ description: 'Who must approve before the task starts or before its result counts. An `approve` task has no `at`' }),
  by: z.array(z.string()).optional().meta({ description: 'Roles that may decide an `approve` task' }),
  writes: z.array(glob).optional(),
  network: z.array(z.string()).optional().meta({ description: 'Domains it may reach when it runs in the sandbox' }),
  budget: budget.optional(),
  timeout: duration.optional(),
  priority: z.number().int().min(-100).max(100).optional(),
});

const input = z.strictObject({
  type: z.enum(['string', 'integer', 'number', 'boolean', 'array', 'object']),
  description: z.string().optional(),
  default: json.optional(),
  items: z.record(z.string(), json).optional(),
  properties: z.record(z.string(), json).optional(),
  required: z.array(z.string()).optional(),
  enum: z.array(json).optional(),
});

/** One figure, or one for each size of a task. */
const bySize = <T extends z.ZodType>(figure: T) => z.union([figure, z.array(figure).length(5)]);

/** What else an agent is configured with depends on its kind; the adapter's own schema checks it. */
export const agent = z
  .looseObject({
    model: z.string().optional(),
    acp: z.string().optional(),
    command: command.optional(),
    a2a: z.string().optional(),
    human: z.union([z.literal(true), z.strictObject({ by: z.array(z.string()).optional() })]).optional(),
    scripted: z.union([z.record(z.string(), json), z.literal(true), z.null()]).optional(),
    capabilities: z.array(z.string()).optional(),
    slots: count.optional(),
    labels: z.array(z.string().min(1)).optional().meta({ description: 'What tasks may ask for besides a capability' }),
    contextWindow: count.optional().meta({ description: 'In tokens' }),
    quality: z.number().min(0).max(1).optional().meta({ description: 'How good its work is expected to be' }),
    costUsd: bySize(z.number().min(0)).optional().meta({ description: 'Of a task of size 2, or a list for the sizes 1 to 5' }),
    latency: bySize(duration).optional().meta({ description: 'Of a task of size 2, or a list for the sizes 1 to 5' }),
  })
  .meta({ description: 'Exactly one of model, acp, command, a2a, human, scripted' });

const named = <T extends z.ZodType>(value: T) => z.record(z.string(), value);

export const workflow = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1),
  description: z.string().optional(),
  inputs: named(input).optional(),
  secrets: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)).optional(),
  limits: limits.optional(),
  promote: z.enum(['end', 'each', 'never']).optional(),
  priority: z.number().int().min(-100).max(100).optional(),
  deadline: duration.optional(),
  agents: named(agent).optional(),
  tasks: named(task).refine((tasks) => Object.keys(tasks).length > 0, {
    error: 'a workflow needs at least one task',
    ...coded('MISSING_KEY'),
  }),
  outputs: named(z.string()).optional().meta({ description: 'What a workflow that uses this one gets' }),
});
export type WorkflowFile = z.infer<typeof workflow>;
export type TaskEntry = z.infer<typeof task>;
export type AgentEntry = z.infer<typeof agent>;
export type InputEntry = z.infer<typeof input>;

const agentNames = z.union([z.string(), z.array(z.string()).min(1)]);
const routingRule = z
  .strictObject({
    when: z.string().meta({ description: 'CEL over `task`', examples: ['task.size >= 4'] }),
    prefer: agentNames.optional(),
    require: agentNames.optional(),
    avoid: agentNames.optional(),
    priority: z.number().int().min(-100).max(100).optional(),
  })
  .meta({ description: 'Exactly one of prefer, require, avoid' });
const weight = z.number().min(0).max(100);

const secretSource = z.union([
  z.strictObject({ env: z.string() }),
  z.strictObject({ file: z.string() }),
  z.strictObject({ command: z.tuple([z.string()], z.string()) }),
]);

const secretName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);
const searchTool = {
  tool: z.string().min(1).meta({ description: 'The tool of the server that searches' }),
  query: z.string().min(1).optional().meta({ description: 'Its argument for what is searched for. Default query' }),
  limit: z.string().min(1).optional().meta({ description: 'Its argument for how many results there may be' }),
  with: z.record(z.string(), json).optional().meta({ description: 'Arguments that are always the same' }),
  timeout: duration.optional().meta({ description: 'Of one search. Default 30s' }),
};
const searchServer = z
  .union([
    z.strictObject({
      command: command.meta({ description: 'Starts the server, which speaks over stdio' }),
      secrets: z.array(secretName).optional().meta({ description: 'Given to it as environment variables of their names' }),
      network: z.array(z.string()).optional().meta({ description: 'Domains that it may reach' }),
      sandbox: z.boolean().optional().meta({ description: 'false: without walls, with the rights of whoever runs Baton' }),
      ...searchTool,
    }),
    z.strictObject({
      url: z.url({ protocol: /^https?$/ }).meta({ description: 'Where the server answers, by streamable HTTP' }),
      bearer: secretName.optional().meta({ description: 'The secret that is sent as bearer token' }),
      ...searchTool,
    }),
  ])
  .meta({ description: 'The MCP server that searches for `research.search`: a command, or a URL' });

export const settings = z.strictObject({
  version: z.literal(1).optional(),
  agents: named(agent).optional(),
  providers: named(z.strictObject({ baseUrl: z.url(), apiKeyEnv: z.string().optional() })).optional(),
  limits: limits.optional(),
  secrets: named(secretSource).optional(),
  slots: count.optional(),
  runsMax: count.optional(),
  workspace: z
    .strictObject({
      setup: z
        .strictObject({
          run: command,
          provides: z.array(z.string().min(1)).min(1).meta({ description: 'Folders it makes, such as node_modules; ignored by git' }),
          key: z.array(z.string().min(1)).min(1).meta({ description: 'Files whose content decides whether it has to run again' }),
          timeout: duration.optional(),
        })
        .optional()
        .meta({ description: 'Makes dependencies once, which every workspace then gets' }),
      protected: z.array(glob).optional().meta({ description: 'Paths no task may change' }),
      contracts: z
        .array(glob)
        .optional()
        .meta({ description: 'Paths such as API and schema files: only a task that names one in its `writes` may change it' }),
      symlinks: z.boolean().optional().meta({ description: 'Symlinks that stay inside the tree may come back' }),
      quota: z.strictObject({ bytes: count.optional(), files: count.optional() }).optional(),
      timeouts: z
        .strictObject({
          snapshot: duration.optional(),
          checkpoint: duration.optional(),
          scan: duration.optional(),
          diff: duration.optional(),
          merge: duration.optional(),
          checkout: duration.optional(),
        })
        .optional()
        .meta({ description: 'How long single steps on a workspace may take' }),
      checkpoints: z
        .strictObject({ every: duration.optional(), changes: count.optional() })
        .optional()
        .meta({ description: 'When a workspace is put on record while somebody is at work in it: default 1m and 100 changed files' }),
    })
    .optional()
    .meta({ description: 'Checkouts that tasks of a repository work in' }),
  research: z.strictObject({ search: searchServer.optional() }).optional(),
  promotion: z
    .strictObject({ approval: z.strictObject(approvalRule).optional() })
    .optional()
    .meta({ description: 'Who must approve before a change goes into your tree' }),
  planning: z
    .strictObject({
      agent: z.string().optional().meta({ description: 'The model that makes plans' }),
      agents: z.array(z.string()).optional().meta({ description: 'Agents that planned tasks may go to; default: all' }),
      network: z.array(z.string()).optional().meta({ description: 'Domains that planned tasks may ask for' }),
      changes: z
        .strictObject({ approval: z.strictObject(approvalRule).optional() })
        .optional()
        .meta({ description: 'Who must approve before a plan is changed while it is carried out' }),
      limits: z
        .strictObject({
          tasks: count.max(1_000).optional(),
          depth: count.max(8).optional(),
          calls: count.optional(),
          tokens: count.optional(),
          time: duration.optional(),
        })
        .optional(),
    })
    .optional(),
  routing: z
    .strictObject({
      rules: z.array(routingRule).max(200).optional(),
      weights: z.strictObject({ quality: weight.optional(), cost: weight.optional(), latency: weight.optional() }).optional(),
      learn: z.boolean().optional().meta({ description: 'Do outcomes of earlier tasks count? Default true' }),
    })
    .optional()
    .meta({ description: 'Which agent a task goes to' }),
  retention: z.strictObject({ runs: duration.optional() }).optional(),
});
export type SettingsFile = z.infer<typeof settings>;
