/** `baton plan "goal"`: a run that makes a plan and ends with it; then the plan is shown like a file. */
import { writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { BatonError } from '../../../errors.ts';
import type { RunRequest } from '../../api/shapes.ts';
import type { Session } from '../connect.ts';
import { type Context, EXIT } from '../context.ts';
import { type PreviewOptions, previewLines } from '../preview.ts';
import type { Paint } from '../style.ts';
import { waitForAll } from '../wait-for-all.ts';
import { printable } from '../width.ts';

const told = z.array(z.object({ code: z.string(), message: z.string() }));
const planned = z.object({
  outputs: z.object({
    level: z.string(),
    why: z.string(),
    workflow: z.record(z.string(), z.json()),
    requirements: z.array(z.object({ id: z.string(), text: z.string(), deferred: z.string().optional() })),
    repairs: told,
    findings: told,
    similar: z.array(z.object({ run: z.string(), goal: z.string(), tasks: z.array(z.string()) })),
  }),
});
type Planned = z.infer<typeof planned>['outputs'];

export interface PlanGoalOptions extends PreviewOptions {
  /** Path of the workflow file to write. */
  readonly save?: string;
}

export async function planGoal(context: Context, session: Session, request: RunRequest, options: PlanGoalOptions): Promise<number> {
  const { out, cwd } = context;
  const { client } = session;
  const { run } = await client.submit(request);
  if (!out.json) out.note('dim', `run ${run}`);
  const [ended] = (await waitForAll(context, session, [run])) ?? [];
  if (!ended) {
    await client.cancel(run, 'the command was interrupted');
    return EXIT.interrupted;
  }
  const { handoff, failure } = await client.task(run, 'goal');
  const found = planned.safeParse(handoff);
  if (!found.success)
    throw new BatonError(failure?.code ?? 'NO_PLAN', failure?.message ?? `The run ended as ${ended.status}, without a plan.`, {
      hint: `See \`baton show ${run} goal~plan\`.`,
    });
  const { outputs } = found.data;
  const { inputs: _, ...rest } = request;
  const preview = await client.plan({ ...rest, workflow: outputs.workflow });
  if (options.save !== undefined) writeFileSync(resolve(cwd, options.save), stringify(outputs.workflow));
  out.result({ run, ...outputs, preview }, () => [
    ...(options.mermaid ? [] : [...howLines(outputs, out.paint), '']),
    ...previewLines(preview, options, out.paint),
    ...(options.save === undefined || options.mermaid ? [] : ['', `Run it: baton run ${relative(cwd, resolve(cwd, options.save))}`]),
  ]);
  return EXIT.done;
}

function howLines({ level, why, requirements, repairs, findings, similar }: Planned, paint: Paint): string[] {
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [paint('bold', title), ...lines.map((line) => `  ${printable(line)}`)];
  return [
    `${paint('dim', 'level')}  ${level}: ${printable(why)}`,
    ...list(
      'requirements',
      requirements.map(({ id, text, deferred }) => `${id}  ${text}${deferred === undefined ? '' : ` (deferred: ${deferred})`}`),
    ),
    ...list(
      'put right',
      repairs.map(({ code, message }) => `${code}  ${message}`),
    ),
    ...list(
      'to know',
      findings.map(({ code, message }) => `${code}  ${message}`),
    ),
    ...list(
      'went well before',
      similar.map(({ run, goal, tasks }) => `${run}  ${goal}: ${tasks.join(', ')}`),
    ),
  ];
}
