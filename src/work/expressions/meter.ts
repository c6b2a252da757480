/**
 * Bounds the work of one evaluation. CEL has no endless loops, but loops nest, and lists and texts grow: without a bound
 * one line of a workflow file could hold up the whole process. Every part of an expression pays for its evaluation and
 * for the size of what it gives; when the allowance is spent, every further part fails at once.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { BatonError } from '../../errors.ts';

/** What one evaluation may spend: a part that gives a small value costs 1, a list or text costs by its size. */
export const WORK_MAX = 2_000_000;
const PER_ITEM = 1 / 4;
const PER_CHARACTER = 1 / 64;

type Evaluate = (this: ASTNode, evaluator: unknown, node: ASTNode, context: unknown) => unknown;

/** Evaluation is synchronous and never nests, so one allowance serves all. */
let left = Number.POSITIVE_INFINITY;
let sizes = new WeakMap<object, number>();
/** Made once for an evaluation: loops that catch it meet it again with every further item. */
let exhausted: BatonError | undefined;

const spent = (): BatonError => {
  exhausted ??= new BatonError('EXPRESSION_TOO_MUCH_WORK', `limit WORK_MAX = ${WORK_MAX}: the expression does more work than that`, {
    hint: 'Make its lists shorter, or do the work in a `run` task.',
  });
  return exhausted;
};

/** @throws BatonError `EXPRESSION_TOO_MUCH_WORK`, also where a part of the expression would have caught it */
export function bounded<T>(evaluate: () => T): T {
  left = WORK_MAX;
  sizes = new WeakMap();
  exhausted = undefined;
  try {
    const value = evaluate();
    if (left < 0) throw spent();
    return value;
  } catch (error) {
    throw left < 0 ? spent() : error;
  } finally {
    left = Number.POSITIVE_INFINITY;
  }
}

/** Makes a part of a parsed expression pay. The library puts its evaluator into the node when it is first run. */
export function metered(node: ASTNode): void {
  const target = node as unknown as { evaluate: Evaluate };
  let inner = target.evaluate;
  const run: Evaluate = function (this: ASTNode, evaluator, self, context) {
    if (left < 0) throw spent();
    const value = inner.call(this, evaluator, self, context);
    left -= 1 + sizeOf(value);
    if (left < 0) throw spent();
    return value;
  };
  Object.defineProperty(target, 'evaluate', {
    get: () => run,
    set: (next: Evaluate) => {
      inner = next;
    },
  });
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length * PER_CHARACTER;
  if (typeof value !== 'object' || value === null) return 0;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  let size = 0;
  for (const each of value instanceof Map ? value.values() : Array.isArray(value) ? value : Object.values(value))
    size += PER_ITEM + sizeOf(each);
  sizes.set(value, size);
  return size;
}
