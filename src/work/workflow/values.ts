/** What expressions see of a run: its inputs and the results of tasks, looked up only as far as an expression names them. */
import type { Blobs } from '../../engine/host/host.ts';
import { latestOf, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { type Expression, ITEMS_MAX, NESTED_ITEMS_MAX, parseExpression, toCel } from '../expressions/cel.ts';
import type { HandoffContent, Scope } from '../planning/definition.ts';
import type { RunSource } from './plan.ts';

export interface Sight {
  readonly state: RunState;
  readonly blobs: Pick<Blobs, 'get'>;
  readonly source: RunSource;
  readonly scope: Scope;
  /** Declared JSON Schemas of the inputs, for numbers. */
  readonly inputSchemas?: Readonly<Record<string, unknown>>;
  /** Result of the round that has just ended, for `until`. */
  readonly self?: unknown;
}

const parsed = new Map<string, Expression>();
const PARSED_MAX = 4_096;

/** @throws BatonError `EXPRESSION_FAILED` naming the expression and why */
export function evaluate(text: string, sight: Sight): unknown {
  try {
    const expression = parse(text);
    const itemsMax = expression.loops > 1 ? NESTED_ITEMS_MAX : ITEMS_MAX;
    return expression.evaluate(context(expression, sight, itemsMax));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new BatonError('EXPRESSION_FAILED', `\${{ ${text} }}: ${why}`, { cause: error, hint: 'Use has() where a value may be missing.' });
  }
}

function parse(text: string): Expression {
  const known = parsed.get(text);
  if (known) return known;
  const result = parseExpression(text);
  if (!result.ok) throw new Error(result.problem.message);
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(text, result.expression);
  return result.expression;
}

function context({ references }: Expression, sight: Sight, itemsMax: number): Record<string, unknown> {
  const { state, scope, source } = sight;
  const roots = new Set(references.map(({ path }) => path[0]));
  const seen: Record<string, unknown> = {};
  if (roots.has('inputs')) seen['inputs'] = toCel(scope.inputs ?? source.inputs, { properties: sight.inputSchemas }, itemsMax);
  if (roots.has('run')) seen['run'] = { id: state.id, name: state.plan.name, startedAt: new Date(state.submittedAt).toISOString() };
  for (const name of ['item', 'index', 'round'] as const) if (roots.has(name)) seen[name] = toCel(scope[name] ?? null, undefined, itemsMax);
  if (roots.has('this')) seen['this'] = toCel(sight.self ?? null, undefined, itemsMax);
  if (roots.has('tasks')) {
    const names = new Set(references.flatMap(({ path }) => (path[0] === 'tasks' && path[1] !== undefined ? [path[1]] : [])));
    seen['tasks'] = Object.fromEntries(
      [...names].flatMap((name) => {
        const task = state.tasks.get(latestOf(state, scope.prefix + name));
        return task ? [[name, toCel(resultOf(task, sight.blobs), undefined, itemsMax)]] : [];
      }),
    );
  }
  return seen;
}

/** A task as `tasks.x` shows it. */
export function resultOf(task: TaskRecord, blobs: Pick<Blobs, 'get'>): Record<string, unknown> {
  const content = task.status === 'committed' && task.result !== undefined ? contentOf(task.result, blobs) : undefined;
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

export function contentOf(result: string, blobs: Pick<Blobs, 'get'>): HandoffContent {
  const payload = blobs.get(result);
  if (!payload) throw new BatonError('PAYLOAD_MISSING', `The result ${result.slice(0, 12)} was removed.`);
  return JSON.parse(Buffer.from(payload).toString('utf8')) as HandoffContent;
}
