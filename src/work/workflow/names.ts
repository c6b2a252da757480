/**
 * What the expressions of a task may see, and with which types: the inputs as declared, the tasks it needs (directly or
 * through others) as far as the file says what they give.
 */
import type { Shape } from '../expressions/cel.ts';
import type { InputEntry, TaskEntry, WorkflowFile } from './schema.ts';

export const KINDS = ['run', 'tool', 'agent', 'capability', 'uses', 'approve', 'call'] as const;
export type Kind = (typeof KINDS)[number];
export const kindsOf = (task: TaskEntry): Kind[] => KINDS.filter((kind) => task[kind] !== undefined);

export const needsOf = (task: TaskEntry): readonly string[] =>
  task.needs === undefined ? [] : typeof task.needs === 'string' ? [task.needs] : task.needs;

/** Every task that `id` needs, directly or through others. Iterative; cycles do no harm. */
export function neededBy(tasks: Readonly<Record<string, TaskEntry>>, id: string): Set<string> {
  const found = new Set<string>();
  const open = [...needsOf(tasks[id] ?? {})];
  for (let need = open.pop(); need !== undefined; need = open.pop()) {
    if (found.has(need)) continue;
    found.add(need);
    const task = tasks[need];
    if (task) open.push(...needsOf(task));
  }
  return found;
}

const JSON_TYPES: Readonly<Record<string, string>> = { string: 'string', integer: 'int', number: 'double', boolean: 'bool' };

const inputShape = (input: InputEntry): Shape => {
  if (input.type !== 'array') return JSON_TYPES[input.type] ?? 'dyn';
  const items = JSON_TYPES[String(input.items?.['type'])];
  return items ? `list<${items}>` : 'list';
};

const result = (outputs: Shape): Shape => ({ status: 'string', summary: 'string', outputs, artifacts: 'list', score: 'dyn' });

/** Top-level properties of a handoff schema; types inside are left to the run. */
function schemaShape(schema: TaskEntry['schema']): Shape {
  const properties = schema?.['properties'];
  if (typeof properties !== 'object' || properties === null || schema?.['additionalProperties'] !== false) return 'dyn';
  const shape = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => [name, JSON_TYPES[String((each as { type?: unknown } | null)?.type)] ?? 'dyn']),
  );
  return Object.keys(shape).length === 0 ? 'dyn' : shape;
}

export function taskShape(task: TaskEntry): Shape {
  if (task.foreach !== undefined) return { status: 'string', summary: 'string', items: 'list', outputs: 'dyn' };
  if (task.run !== undefined)
    return result({ stdout: 'string', stderr: 'string', exitCode: 'int', json: 'dyn', stdoutWhole: 'dyn', stderrWhole: 'dyn' });
  if (task.approve !== undefined) return result({ decision: 'string', by: 'string' });
  if (task.agent !== undefined && task.schema === undefined) return result('dyn');
  return result(task.schema ? schemaShape(task.schema) : 'dyn');
}

/** Types of every name that a task's expressions may use. */
export function namesFor(file: WorkflowFile, id: string | undefined): Record<string, Shape> {
  const inputs = Object.fromEntries(Object.entries(file.inputs ?? {}).map(([name, input]) => [name, inputShape(input)]));
  const visible = id === undefined ? Object.keys(file.tasks) : [...neededBy(file.tasks, id)].filter((need) => file.tasks[need]);
  const tasks = Object.fromEntries(visible.map((need) => [need, taskShape(file.tasks[need] ?? {})]));
  const task = id === undefined ? undefined : file.tasks[id];
  return {
    inputs,
    tasks,
    run: { id: 'string', name: 'string', startedAt: 'string' },
    ...(task?.foreach === undefined ? {} : { item: 'dyn', index: 'int' }),
    ...(task?.until === undefined ? {} : { round: 'int' }),
  };
}
