/** The words a task is told by: of what kind it is, and which tasks it needs. */
import type { TaskEntry, WorkflowFile } from './schema.ts';

export const KINDS = ['run', 'tool', 'agent', 'capability', 'uses', 'plan', 'approve', 'call'] as const;
export type Kind = (typeof KINDS)[number];
export const kindsOf = (task: TaskEntry): Kind[] => KINDS.filter((kind) => task[kind] !== undefined);

export const needsOf = (task: TaskEntry): readonly string[] =>
  task.needs === undefined ? [] : typeof task.needs === 'string' ? [task.needs] : task.needs;

/** A task by its id, and nothing that objects have by themselves. */
export const taskNamed = ({ tasks }: Pick<WorkflowFile, 'tasks'>, id: string): TaskEntry | undefined =>
  Object.hasOwn(tasks, id) ? tasks[id] : undefined;

export const gatesOf = ({ gate }: TaskEntry): readonly Exclude<NonNullable<TaskEntry['gate']>, readonly unknown[]>[] =>
  gate === undefined ? [] : Array.isArray(gate) ? gate : [gate];

/** Does a task need another one, directly or through others? Cycles do no harm. */
export type Needs = (id: string, other: string) => boolean;

export function needsAmong(tasks: WorkflowFile['tasks']): Needs {
  const ids = Object.keys(tasks);
  const index = new Map(ids.map((id, i) => [id, i]));
  const edges = ids.map((id) => needsOf(tasks[id] ?? {}).flatMap((need) => index.get(need) ?? []));
  const seen = new Int32Array(ids.length);
  let question = 0;
  return (id, other) => {
    const [from, target] = [index.get(id), index.get(other)];
    if (from === undefined || target === undefined) return false;
    question++;
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const need of edges[at] ?? []) {
        if (need === target) return true;
        if (seen[need] === question) continue;
        seen[need] = question;
        open.push(need);
      }
    return false;
  };
}
