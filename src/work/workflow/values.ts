/** What expressions see of a run: its inputs and the results of tasks, looked up only as far as an expression names them. */
import type { Blobs } from '../../engine/host/host.ts';
import { latestOf, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { type Expression, isMixedNumbers, MIXED_NUMBERS, parseExpression } from '../expressions/cel.ts';
import { mapOf, partToCel } from '../expressions/json.ts';
import type { Reference } from '../expressions/references.ts';
import type { Scope } from '../planning/definition.ts';
import { Kept } from './kept.ts';
import { taskNamed } from './names.ts';
import type { RunSource } from './plan.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';
import type { Stored } from './stored.ts';
import { itemSchema, resultSchema } from './types.ts';

export interface Sight {
  readonly state: RunState;
  readonly blobs: Pick<Blobs, 'get'>;
  readonly stored: Stored;
  readonly source: RunSource;
  readonly scope: Scope;
  /** The file the expression stands in. */
  readonly file: WorkflowFile | undefined;
  /** The entry of the task whose expression it is. */
  readonly entry: TaskEntry | undefined;
  /** Result of the round that has just ended, for `until`. */
  readonly self?: unknown;
}

const parsed = new Kept<Expression>(4_096);

/** @throws BatonError `EXPRESSION_FAILED` with the expression in `details.expr`, and why in its message */
export function evaluate(text: string, sight: Sight): unknown {
  const expression = parsed.get(text) ?? parse(text);
  try {
    return expression.evaluate(seenBy(expression.references, sight));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const more = error instanceof BatonError ? (error.hint ?? '') : helpFor(why, expression.references, sight);
    throw new BatonError('EXPRESSION_FAILED', `\${{ ${text} }}: ${why}.${more === '' ? '' : ` ${more}`}`, {
      cause: error,
      details: { expr: text },
    });
  }
}

/** @throws BatonError `EXPRESSION_FAILED` when the value is neither */
export function evaluateBoolean(text: string, sight: Sight): boolean {
  const value = evaluate(text, sight);
  if (typeof value === 'boolean') return value;
  throw new BatonError('EXPRESSION_FAILED', `\${{ ${text} }} must be true or false, and is ${JSON.stringify(value).slice(0, 80)}.`, {
    details: { expr: text },
  });
}

function parse(text: string): Expression {
  const result = parseExpression(text);
  if (!result.ok) throw new BatonError('EXPRESSION_FAILED', `\${{ ${text} }}: ${result.problem.message}.`, { details: { expr: text } });
  return parsed.keep(text, result.expression);
}

function seenBy(references: readonly Reference[], sight: Sight): Record<string, unknown> {
  const { state, scope, source, file, entry } = sight;
  const pathsOf = (root: string) => references.flatMap(({ path: [head, ...rest] }) => (head === root ? [rest] : []));
  const seen: Record<string, unknown> = {};
  const show = (root: string, value: () => unknown, schema?: unknown) => {
    const paths = pathsOf(root);
    if (paths.length > 0) seen[root] = partToCel(value(), paths, schema);
  };
  show('inputs', () => scope.inputs ?? source.inputs, { properties: file?.inputs });
  show('run', () => ({ id: state.id, name: state.plan.name, startedAt: new Date(state.submittedAt).toISOString() }));
  show('item', () => scope.item ?? null, file && entry ? itemSchema(file, entry) : undefined);
  show('index', () => scope.index ?? null);
  show('round', () => scope.round ?? null);
  show('this', () => sight.self ?? null, resultSchema(entry));
  const named = new Set(pathsOf('tasks').map(([name = '']) => name));
  if (named.size > 0)
    seen['tasks'] = mapOf(
      [...named].flatMap((name): [string, unknown][] => {
        const task = taskSeen(sight, name);
        const paths = pathsOf('tasks').flatMap(([head, ...rest]) => (head === name ? [rest] : []));
        return task ? [[name, partToCel(resultOf(task, sight), paths, resultSchema(file && taskNamed(file, name)))]] : [];
      }),
    );
  return seen;
}

const taskSeen = ({ state, scope }: Sight, name: string): TaskRecord | undefined => state.tasks.get(latestOf(state, scope.prefix + name));

function helpFor(why: string, references: readonly Reference[], sight: Sight): string {
  if (why.startsWith('No such key')) return explain(references, sight);
  return isMixedNumbers(why) ? MIXED_NUMBERS : '';
}

/** Why something was not there, as far as what was read tells. */
function explain(references: readonly Reference[], sight: Sight): string {
  for (const { path } of references) {
    const [root, name = '', section, output] = path;
    const task = root === 'tasks' ? taskSeen(sight, name) : undefined;
    if (!task || section !== 'outputs') continue;
    if (task.status !== 'committed') return `"${name}" was ${task.status}, so it has no outputs; ask for tasks.${name}.status first.`;
    const { outputs } = resultOf(task, sight);
    if (output === undefined || Object.hasOwn(outputs, output)) continue;
    if (output === 'json' && Object.hasOwn(outputs, 'stdoutWhole'))
      return `"${name}" printed more than 64 KiB, so only the end of its stdout is here and \`json\` is not. Write the data to a handoff ($BATON_HANDOFF), or print less.`;
    if (output === 'json' && Object.hasOwn(outputs, 'stdout')) return `What "${name}" printed is not JSON.`;
    return `"${name}" gave ${Object.keys(outputs).join(', ') || 'no outputs'}. Use has() where a value may be missing.`;
  }
  return 'Use has() where a value may be missing.';
}

export interface Result {
  readonly status: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly unknown[];
  readonly score: number | null;
  readonly items?: readonly unknown[];
}

/** A task as `tasks.x` shows it. */
export function resultOf(task: TaskRecord, { stored, blobs }: Pick<Sight, 'stored' | 'blobs'>): Result {
  const content = task.status === 'committed' && task.result !== undefined ? stored.content(task.result, blobs) : undefined;
  const scores = Object.values(task.verdicts).flatMap(({ score }) => (score === undefined ? [] : [score]));
  return {
    status: task.status,
    summary: content?.summary ?? task.failure?.message ?? '',
    outputs: content?.outputs ?? {},
    artifacts: content?.artifacts ?? [],
    score: scores.length > 0 ? Math.min(...scores) : null,
    ...(content?.items ? { items: content.items } : {}),
  };
}
