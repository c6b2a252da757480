/**
 * What is known about the values that expressions name, before any of them is there: inputs as declared, results as far
 * as the file says what a task gives. An open map may have more fields than are known.
 */
import type { Shape } from '../expressions/cel.ts';
import { taskNamed } from './names.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';

export type Known =
  | string
  | { readonly fields: Readonly<Record<string, Known>>; readonly names: readonly string[]; readonly open: boolean };

export const map = (fields: Readonly<Record<string, Known>>, open = false): Known => ({ fields, names: Object.keys(fields), open });
const ANYTHING = map({}, true);
const SCALARS: Readonly<Record<string, string>> = { string: 'string', integer: 'int', number: 'double', boolean: 'bool' };

type Json = Readonly<Record<string, unknown>>;
const asJson = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});

/** The type a JSON Schema tells of. */
export function knownOf(schema: unknown, depth = 0): Known {
  const { type, items, properties, additionalProperties } = asJson(schema);
  if (type === 'array') {
    const item = SCALARS[String(asJson(items)['type'])];
    return item ? `list<${item}>` : 'list';
  }
  if (type === 'object' && depth < DEPTH_MAX)
    return map(
      Object.fromEntries(Object.entries(asJson(properties)).map(([key, each]) => [key, knownOf(each, depth + 1)])),
      additionalProperties !== false,
    );
  return SCALARS[String(type)] ?? 'dyn';
}
const DEPTH_MAX = 8;

const RESULT = { status: 'string', summary: 'string', artifacts: 'list', score: 'dyn' } as const;
const COMMAND_OUTPUTS = map(
  { stdout: 'string', stderr: 'string', exitCode: 'int', json: 'dyn', stdoutWhole: 'dyn', stderrWhole: 'dyn' },
  true,
);

/** What `tasks.x` is. A program may write a handoff of its own, so the outputs of commands are open. */
export function resultOf(task: TaskEntry, usedOutputs?: readonly string[]): Known {
  if (task.foreach !== undefined) return map({ ...RESULT, items: 'list', outputs: ANYTHING });
  return map({ ...RESULT, outputs: outputsOf(task, usedOutputs) });
}

function outputsOf(task: TaskEntry, usedOutputs: readonly string[] | undefined): Known {
  if (task.run !== undefined) return COMMAND_OUTPUTS;
  if (task.approve !== undefined) return map({ decision: 'string', by: 'string' }, true);
  if (task.uses !== undefined) return usedOutputs ? map(Object.fromEntries(usedOutputs.map((name) => [name, 'dyn']))) : ANYTHING;
  if (task.schema !== undefined) {
    const known = knownOf({ type: 'object', ...task.schema });
    return typeof known === 'string' ? ANYTHING : known;
  }
  return task.agent === undefined ? ANYTHING : map({ text: 'string' }, true);
}

/** Which input a `foreach` runs over, where it is one: its items are declared. */
export function itemSchema({ inputs = {} }: WorkflowFile, { foreach }: TaskEntry): unknown {
  const name = typeof foreach === 'string' ? /^\s*(?:\$\{\{)?\s*inputs\.([A-Za-z_]\w*)\s*(?:\}\})?\s*$/.exec(foreach)?.[1] : undefined;
  return name !== undefined && Object.hasOwn(inputs, name) ? inputs[name]?.items : undefined;
}

/** JSON Schema of a task's result, as far as numbers in it are declared. */
export function resultSchema(task: TaskEntry | undefined): Json {
  const one = { properties: { outputs: task?.schema ?? {}, score: { type: 'number' } } };
  return task?.foreach === undefined ? one : { properties: { ...one.properties, items: { items: one } } };
}

export interface Place {
  /** The task whose expression it is; none for the outputs of a file. */
  readonly id?: string;
  /** Names of what stands around it: the item of a `foreach`, the round of an `until`, its last result. */
  readonly around: readonly ('item' | 'round' | 'this')[];
}

export interface FileNames {
  /** Everything an expression at a place may name, but for `secrets`. */
  at(place: Place): Readonly<Record<string, Known>>;
}

export function namesOf(
  file: WorkflowFile,
  damaged: ReadonlySet<string>,
  usedOutputs: (id: string) => readonly string[] | undefined,
): FileNames {
  const inputs = map(
    Object.fromEntries(
      Object.entries(file.inputs ?? {}).map(([name, input]) => [name, damaged.has(`inputs.${name}`) ? 'dyn' : knownOf(input)]),
    ),
    damaged.has('inputs'),
  );
  const results = map(
    Object.fromEntries(
      Object.entries(file.tasks).map(([id, task]) => [id, damaged.has(`tasks.${id}`) ? 'dyn' : resultOf(task, usedOutputs(id))]),
    ),
  );
  const common = { inputs, tasks: results, run: map({ id: 'string', name: 'string', startedAt: 'string' }) };
  return {
    at({ id, around }) {
      const task = id === undefined ? undefined : taskNamed(file, id);
      return {
        ...common,
        ...(task && around.includes('item') ? { item: knownOf(itemSchema(file, task)), index: 'int' } : {}),
        ...(around.includes('round') ? { round: 'int' } : {}),
        ...(task && around.includes('this') ? { this: resultOf(task, usedOutputs(id ?? '')) } : {}),
      };
    },
  };
}

/** Where a path leaves what is known: its step, and the names that are there instead. */
export function unknownStep(
  known: Known,
  path: readonly string[],
): { readonly step: number; readonly open: boolean; readonly there: readonly string[] } | undefined {
  let at = known;
  for (const [step, name] of path.entries()) {
    if (typeof at === 'string') return undefined;
    const next: Known | undefined = Object.hasOwn(at.fields, name) ? at.fields[name] : undefined;
    if (next === undefined) return { step, open: at.open, there: at.names };
    at = next;
  }
  return undefined;
}

/** The part of what is known that some paths reach, as the type checker takes it. A map used whole is just a map. */
export function project(known: Known, paths: readonly (readonly string[])[]): Shape {
  if (typeof known === 'string') return known;
  if (paths.some((path) => path.length === 0)) return 'map';
  const heads = new Set(paths.map(([head = '']) => head));
  return Object.fromEntries(
    [...heads].map((head) => {
      const field = Object.hasOwn(known.fields, head) ? known.fields[head] : undefined;
      return [
        head,
        field === undefined
          ? 'dyn'
          : project(
              field,
              paths.filter(([first]) => first === head).map(([, ...rest]) => rest),
            ),
      ];
    }),
  );
}
