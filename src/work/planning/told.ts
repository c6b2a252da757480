/** A plan that was made, in words for whoever decides about it. */
import { z } from 'zod';

const one = z.union([z.string(), z.array(z.string())]);
const made = z.object({
  level: z.string(),
  why: z.string(),
  requirements: z.array(z.object({ id: z.string(), text: z.string(), deferred: z.string().optional() })),
  repairs: z.array(z.object({ message: z.string() })),
  findings: z.array(z.object({ message: z.string() })),
  workflow: z.object({
    tasks: z.record(
      z.string(),
      z.looseObject({
        needs: one.optional(),
        agent: z.string().optional(),
        capability: z.string().optional(),
        gate: z.array(z.object({ run: one })).optional(),
        approval: z.object({ at: z.string() }).optional(),
      }),
    ),
  }),
});
type Task = z.infer<typeof made>['workflow']['tasks'][string];

/** @param outputs of a task that planned; nothing where they are no plan */
export function planTold(outputs: unknown): readonly string[] {
  const read = made.safeParse(outputs);
  if (!read.success) return [];
  const { level, why, requirements, repairs, findings, workflow } = read.data;
  return [
    `by the ${level} level: ${why}`,
    ...requirements.map(({ id, text, deferred }) => `${id}  ${text}${deferred === undefined ? '' : ` (deferred: ${deferred})`}`),
    ...Object.entries(workflow.tasks).map(([id, task]) => `${id}${taskTold(task)}`),
    ...repairs.map(({ message }) => `put right: ${message}`),
    ...findings.map(({ message }) => `to know: ${message}`),
  ];
}

const WORK = ['run', 'tool', 'prompt', 'approve', 'plan'] as const;

function taskTold(task: Task): string {
  const needs = [task.needs ?? []].flat();
  const what = WORK.map((key) => task[key]).find((each) => typeof each === 'string');
  return [
    needs.length > 0 ? ` after ${needs.join(', ')}` : '',
    task.agent === undefined && task.capability === undefined ? '' : ` (${task.agent ?? task.capability})`,
    typeof what === 'string' ? `: ${what.split('\n', 1)[0]}` : '',
    ...(task.gate ?? []).map(({ run }) => `; must pass: ${[run].flat().join(' ')}`),
    task.approval ? `; a person approves its ${task.approval.at}` : '',
  ].join('');
}
