/**
 * Expressions in CEL, with guards. The library checks syntax and types when a file is loaded. What it lacks is a bound on
 * the work of one evaluation: `meter.ts` adds it, and `matches` is refused, because a pattern such as `^(a+)+$` runs for
 * seconds inside a single call.
 */
import { createRequire } from 'node:module';
import type { Environment, TypeCheckResult } from '@marcbachmann/cel-js';
import { toJson } from './json.ts';
import { bounded, metered } from './meter.ts';
import { type Reference, walk } from './references.ts';

/** Characters of one expression. */
export const EXPRESSION_MAX = 4_000;

const OPTIONS = {
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 2_000, maxDepth: 48, maxListElements: 500, maxMapEntries: 500 },
};
const require = createRequire(import.meta.url);
/** The library is loaded with the first expression: most of the time an engine only goes on with runs that need none. */
function newEnvironment(options: ConstructorParameters<typeof Environment>[0]): Environment {
  const library = require('@marcbachmann/cel-js') as typeof import('@marcbachmann/cel-js');
  return new library.Environment(options);
}
let dynamic: Environment | undefined;
const REFUSED: ReadonlySet<string> = new Set(['matches']);

export interface ExpressionProblem {
  readonly kind: 'syntax' | 'type' | 'unknown-name';
  readonly message: string;
  /** Offset in the expression. */
  readonly at: number;
  readonly fix?: string;
}

export interface Expression {
  readonly text: string;
  readonly references: readonly Reference[];
  /** @throws what the library throws for a missing key, BatonError `EXPRESSION_TOO_MUCH_WORK` or `NOT_JSON` */
  evaluate(context: Readonly<Record<string, unknown>>): unknown;
}

export type Parsed = { readonly ok: true; readonly expression: Expression } | { readonly ok: false; readonly problem: ExpressionProblem };

export function parseExpression(text: string): Parsed {
  if (text.length > EXPRESSION_MAX) return wrong(`limit EXPRESSION_MAX = ${EXPRESSION_MAX} characters: this has ${text.length}`);
  if (text.trim() === '') return wrong('the expression is empty');
  let parsed: ReturnType<Environment['parse']>;
  try {
    dynamic ??= newEnvironment(OPTIONS);
    parsed = dynamic.parse(text);
  } catch (error) {
    return wrong(summary(error), startOf(error));
  }
  const { references, nodes, refused } = walk(parsed.ast, REFUSED);
  if (refused)
    return {
      ok: false,
      problem: {
        kind: 'type',
        message: '`matches` is not available: a pattern can take for ever',
        at: refused.start,
        fix: 'Use contains, startsWith or endsWith, or test it in a `run` task.',
      },
    };
  for (const node of nodes) metered(node);
  return { ok: true, expression: { text, references, evaluate: (context) => toJson(bounded(() => parsed(context))) } };
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

/** A type that CEL knows (`dyn`, `string`, `int`, `list<string>` …), or a map of such. */
export type Shape = string | { readonly [field: string]: Shape };

/** Names and their types, for `checkTypes`. */
export function environment(names: Readonly<Record<string, Shape>>): Environment {
  const known = newEnvironment({ ...OPTIONS, unlistedVariablesAreDyn: false });
  for (const [name, shape] of Object.entries(names)) {
    if (typeof shape === 'string') known.registerVariable(name, shape);
    else if (Object.keys(shape).length === 0) known.registerVariable(name, 'map');
    else known.registerVariable({ name, schema: shape } as Parameters<Environment['registerVariable']>[0] & object);
  }
  return known;
}

/** Numbers are the one place where CEL is stricter than people expect. */
export const isMixedNumbers = (message: string): boolean => /\b(double|int)\b.* [-+*/%] .*\b(int|double)\b/.test(message);
export const MIXED_NUMBERS = "Whole numbers and others don't mix: write 1.0 for 1, or double(…) around a value.";

const wrong = (message: string, at = 0): Parsed => ({ ok: false, problem: { kind: 'syntax', message, at } });

const summary = (error: unknown): string => {
  const text =
    error instanceof Error ? ('summary' in error && typeof error.summary === 'string' ? error.summary : error.message) : String(error);
  return text.split('\n')[0] ?? text;
};
const startOf = (error: unknown): number => {
  const range: unknown = error instanceof Error && 'range' in error ? error.range : undefined;
  return typeof range === 'object' && range !== null && 'start' in range && typeof range.start === 'number' ? range.start : 0;
};
