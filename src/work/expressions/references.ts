/** What a parsed expression names, found by a walk over its parts without recursion. */
import type { ASTNode } from '@marcbachmann/cel-js';

/** A name an expression uses, with the constant fields that follow it: `tasks.fix.outputs.text`. */
export interface Reference {
  readonly path: readonly string[];
  /** Offset in the expression. */
  readonly at: number;
}

export interface Walked {
  readonly references: readonly Reference[];
  /** All parts, inner ones included. */
  readonly nodes: readonly ASTNode[];
  /** The first call of a function that is not available. */
  readonly refused?: ASTNode;
}

/** Macros whose first argument names the item that the others see. */
const LOOPS: ReadonlySet<string> = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);

export function walk(root: ASTNode, refused: ReadonlySet<string>): Walked {
  const references: Reference[] = [];
  const nodes: ASTNode[] = [];
  const open: { readonly node: ASTNode; readonly bound: ReadonlySet<string> }[] = [{ node: root, bound: new Set() }];
  for (let item = open.pop(); item; item = open.pop()) {
    const { node, bound } = item;
    nodes.push(node);
    if ((node.op === 'rcall' || node.op === 'call') && refused.has(node.args[0])) return { references, nodes, refused: node };
    const reference = referenceOf(node);
    if (reference) {
      if (!bound.has(reference.path[0] ?? '')) references.push(reference);
      continue;
    }
    if (node.op === 'rcall' && LOOPS.has(node.args[0])) {
      const [, receiver, [variable, ...rest]] = node.args;
      open.push({ node: receiver, bound });
      const inner = variable?.op === 'id' ? new Set([...bound, variable.args]) : bound;
      for (const each of rest) open.push({ node: each, bound: inner });
    } else for (const each of children(node)) open.push({ node: each, bound });
  }
  references.sort((a, b) => a.at - b.at);
  return { references, nodes };
}

/** `a.b["c"]` as a path; undefined for anything computed. */
function referenceOf(root: ASTNode): Reference | undefined {
  const path: string[] = [];
  let node = root;
  for (;;) {
    if (node.op === '.') {
      path.unshift(node.args[1]);
      node = node.args[0];
    } else if (node.op === '[]' && node.args[1].op === 'value' && typeof node.args[1].args === 'string') {
      path.unshift(node.args[1].args);
      node = node.args[0];
    } else return node.op === 'id' ? { path: [node.args, ...path], at: node.start } : undefined;
  }
}

function children(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const open: unknown[] = [node.args];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (isNode(value)) found.push(value);
    else if (Array.isArray(value)) for (const each of value) open.push(each);
  }
  return found;
}
const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
