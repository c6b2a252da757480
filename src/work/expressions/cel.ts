/**
 * Expressions in CEL, with guards. The library checks syntax and types when a file is loaded; what it lacks is a bound
 * on the work of one evaluation. So `matches` is refused (a pattern such as `^(a+)+$` ran for seconds on 28 characters),
 * loops nest at most twice, and the lists they run over are bounded.
 */
import { type ASTNode, Environment, type TypeCheckResult } from '@marcbachmann/cel-js';
import { BatonError } from '../../errors.ts';

/** How deep loops (`map`, `filter`, `all`, `exists` …) may nest. */
export const LOOPS_MAX = 2;
/** Items of a list that an expression with nested loops may see. */
export const NESTED_ITEMS_MAX = 1_000;
/** Items of any list that an expression may see. */
export const ITEMS_MAX = 100_000;
/** Characters of one expression. */
export const EXPRESSION_MAX = 4_000;

const LOOPS: ReadonlySet<string> = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);
const OPTIONS = {
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 2_000, maxDepth: 48, maxListElements: 500, maxMapEntries: 500 },
};
const dynamic = new Environment(OPTIONS);

export interface ExpressionProblem {
  readonly kind: 'syntax' | 'type' | 'unknown-name';
  readonly message: string;
  /** Offset in the expression. */
  readonly at: number;
  readonly fix?: string;
}

/** A name an expression uses, with the constant fields that follow it: `tasks.fix.outputs.text`. */
export interface Reference {
  readonly path: readonly string[];
  readonly at: number;
}

export interface Expression {
  readonly text: string;
  readonly references: readonly Reference[];
  readonly loops: number;
  evaluate(context: Readonly<Record<string, unknown>>): unknown;
}

export type Parsed = { readonly ok: true; readonly expression: Expression } | { readonly ok: false; readonly problem: ExpressionProblem };

export function parseExpression(text: string): Parsed {
  if (text.length > EXPRESSION_MAX)
    return wrong('syntax', `limit EXPRESSION_MAX = ${EXPRESSION_MAX} characters: this has ${text.length}`, 0);
  if (text.trim() === '') return wrong('syntax', 'the expression is empty', 0);
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = dynamic.parse(text);
  } catch (error) {
    return wrong('syntax', summary(error), startOf(error));
  }
  const seen = look(parsed.ast);
  if (seen.problem) return { ok: false, problem: seen.problem };
  const evaluate = (context: Readonly<Record<string, unknown>>) => toJson(parsed(context));
  return { ok: true, expression: { text, references: seen.references, loops: seen.loops, evaluate } };
}

/** Checks the types of an expression against what is known of its names. @returns the type, or the problem */
export function checkTypes(text: string, known: Environment): string | ExpressionProblem {
  let result: TypeCheckResult;
  try {
    result = known.check(text);
  } catch (error) {
    return { kind: 'type', message: summary(error), at: startOf(error) };
  }
  if (result.valid) return result.type ?? 'dyn';
  return { kind: 'type', message: summary(result.error), at: startOf(result.error) };
}

/** Names and their types, for `checkTypes`: `dyn`, `string`, `int`, … or a shape of such. */
export type Shape = string | { readonly [field: string]: Shape };
export function environment(names: Readonly<Record<string, Shape>>): Environment {
  const env = new Environment({ ...OPTIONS, unlistedVariablesAreDyn: false });
  for (const [name, shape] of Object.entries(names)) {
    if (typeof shape === 'string') env.registerVariable(name, shape);
    else if (Object.keys(shape).length === 0) env.registerVariable(name, 'map');
    else env.registerVariable({ name, schema: shape } as Parameters<Environment['registerVariable']>[0] & object);
  }
  return env;
}

const wrong = (kind: ExpressionProblem['kind'], message: string, at: number): Parsed => ({ ok: false, problem: { kind, message, at } });
const summary = (error: unknown): string => {
  const text =
    error instanceof Error ? ('summary' in error && typeof error.summary === 'string' ? error.summary : error.message) : String(error);
  return text.split('\n')[0] ?? text;
};
const startOf = (error: unknown): number => {
  const range: unknown = error instanceof Error && 'range' in error ? error.range : undefined;
  return typeof range === 'object' && range !== null && 'start' in range && typeof range.start === 'number' ? range.start : 0;
};

interface Seen {
  readonly references: Reference[];
  loops: number;
  problem?: ExpressionProblem;
}

/** Walks the tree without recursion: collects names, counts nested loops, refuses what has no bound. */
function look(root: ASTNode): Seen {
  const seen: Seen = { references: [], loops: 0 };
  const open: { node: ASTNode; loops: number; bound: ReadonlySet<string> }[] = [{ node: root, loops: 0, bound: new Set() }];
  for (let item = open.pop(); item; item = open.pop()) {
    const { node } = item;
    let { loops, bound } = item;
    if (node.op === 'rcall' || node.op === 'call') {
      const name = node.args[0];
      if (name === 'matches') {
        seen.problem = {
          kind: 'type',
          message: '`matches` is not available: a pattern can take for ever',
          at: node.start,
          fix: 'Use contains, startsWith or endsWith.',
        };
        return seen;
      }
      if (node.op === 'rcall' && LOOPS.has(name)) {
        loops++;
        const item0 = node.args[2][0];
        if (item0?.op === 'id') bound = new Set([...bound, item0.args]);
      }
      seen.loops = Math.max(seen.loops, loops);
      if (loops > LOOPS_MAX) {
        seen.problem = { kind: 'type', message: `loops nest ${loops} deep; the limit is LOOPS_MAX = ${LOOPS_MAX}`, at: node.start };
        return seen;
      }
    }
    const reference = pathOf(node);
    if (reference) {
      if (!bound.has(reference.path[0] ?? '')) seen.references.push(reference);
      continue;
    }
    for (const child of children(node)) open.push({ node: child, loops, bound });
  }
  return seen;
}

function pathOf(node: ASTNode): Reference | undefined {
  const path: string[] = [];
  let at: ASTNode = node;
  while (at.op === '.' || (at.op === '[]' && at.args[1].op === 'value' && typeof at.args[1].args === 'string')) {
    path.unshift(at.op === '.' ? at.args[1] : String((at.args[1] as { args: unknown }).args));
    at = at.args[0];
  }
  return at.op === 'id' ? { path: [at.args, ...path], at: at.start } : undefined;
}

function children(node: ASTNode): ASTNode[] {
  const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
  const found: ASTNode[] = [];
  const open: unknown[] = [node.args];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) open.push(...value);
  }
  return found;
}

/** JSON as CEL sees it: whole numbers are `int` unless the declared type is `number`. @throws BatonError `LIST_TOO_LONG` */
export function toCel(value: unknown, schema?: unknown, itemsMax = ITEMS_MAX): unknown {
  const declared =
    typeof schema === 'object' && schema !== null
      ? (schema as { type?: unknown; properties?: Record<string, unknown>; items?: unknown })
      : {};
  if (typeof value === 'number') return declared.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) {
    if (value.length > itemsMax)
      throw new BatonError(
        'LIST_TOO_LONG',
        `limit ${itemsMax === ITEMS_MAX ? 'ITEMS_MAX' : 'NESTED_ITEMS_MAX'} = ${itemsMax} items: a list has ${value.length}`,
      );
    return value.map((item) => toCel(item, declared.items, itemsMax));
  }
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toCel(each, declared.properties?.[key], itemsMax)]));
  return value;
}

/** What CEL gives back, as JSON. */
export function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [String(key), toJson(each)]));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    if ('valueOf' in value && typeof value.valueOf() === 'bigint') return Number(value.valueOf());
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
  }
  return value;
}
