/**
 * The value of a YAML document, built in one pass without recursion. Aliases share the value of their anchor, so they
 * cost no memory; what they would expand to is counted and bounded all the same, because whoever walks the value later
 * meets it expanded.
 */
import type { Document, Node, Pair } from 'yaml';
import type { ProblemCode } from './problem.ts';
import { yaml } from './yaml.ts';

/** How often aliases may repeat an anchor, in all. */
export const ALIASES_MAX = 1_000;
/** Values that aliases may add to the file, in all. */
export const EXPANDED_MAX = 10_000;
/** How deep maps and lists may nest. */
export const NESTING_MAX = 64;

const TOO_DEEP = `limit NESTING_MAX = ${NESTING_MAX}: nested deeper`;

export type Tell = (code: ProblemCode, message: string, node: Node) => void;

interface Anchored {
  readonly value: unknown;
  /** Values inside, itself included, aliases expanded; unknown while it is open. */
  size: number | undefined;
  readonly depth: number;
  /** Deepest nesting inside, aliases expanded. */
  deepest: number;
}

type Step =
  | { readonly enter: Node | null | undefined; readonly depth: number; readonly put: (value: unknown) => void }
  | { readonly leave: Anchored; readonly before: number };

export function yamlValue(document: Document, tell: Tell): unknown {
  const { isAlias, isMap, isSeq } = yaml();
  const anchors = new Map<string, Anchored>();
  const counted = { values: 0, aliases: 0, expanded: 0 };
  let root: unknown;
  const open: Step[] = [{ enter: document.contents as Node | null, depth: 0, put: (value) => (root = value) }];
  const later: Step[] = [];
  const around: Anchored[] = [];
  const reach = (depth: number) => {
    for (const each of around) each.deepest = Math.max(each.deepest, depth);
  };
  for (let step = open.pop(); step; step = open.pop()) {
    if ('leave' in step) {
      step.leave.size = counted.values - step.before;
      around.pop();
      continue;
    }
    const { enter: node, depth, put } = step;
    counted.values++;
    if (isAlias(node)) {
      const anchored = anchors.get(node.source);
      counted.aliases++;
      counted.expanded += anchored?.size ?? 0;
      counted.values += anchored?.size ?? 0;
      if (!anchored)
        tell('YAML_SYNTAX', `\`*${node.source}\` repeats an anchor that is not there; set it before with \`&${node.source}\``, node);
      else if (anchored.size === undefined)
        tell('ALIAS_BOMB', `\`*${node.source}\` stands inside \`&${node.source}\`, which would contain itself for ever`, node);
      else if (counted.aliases > ALIASES_MAX)
        return tell('ALIAS_BOMB', `limit ALIASES_MAX = ${ALIASES_MAX}: the file has more aliases`, node);
      else if (counted.expanded > EXPANDED_MAX)
        return tell('ALIAS_BOMB', `limit EXPANDED_MAX = ${EXPANDED_MAX}: aliases multiply the file beyond it`, node);
      else if (depth + anchored.deepest - anchored.depth > NESTING_MAX) tell('ALIAS_BOMB', TOO_DEEP, node);
      else {
        reach(depth + anchored.deepest - anchored.depth);
        put(anchored.value);
      }
      continue;
    }
    if (depth > NESTING_MAX) {
      tell('YAML_SYNTAX', TOO_DEEP, node as Node);
      continue;
    }
    reach(depth);
    const value = isMap(node) ? {} : isSeq(node) ? new Array<unknown>(node.items.length).fill(null) : scalarValue(node);
    put(value);
    const anchor = node && 'anchor' in node ? node.anchor : undefined;
    if (node && anchor !== undefined) {
      const anchored: Anchored = { value, size: undefined, depth, deepest: depth };
      anchors.set(anchor, anchored);
      around.push(anchored);
      open.push({ leave: anchored, before: counted.values - 1 });
    }
    if (isMap(node)) mapSteps(node.items as Pair<Node, Node | null>[], value as Record<string, unknown>, depth, later, tell);
    else if (isSeq(node))
      for (const [i, item] of node.items.entries())
        later.push({ enter: item as Node | null, depth: depth + 1, put: (each) => ((value as unknown[])[i] = each) });
    // In the order of the file, so that an anchor is known before its aliases.
    for (let next = later.pop(); next; next = later.pop()) open.push(next);
  }
  return root;
}

function mapSteps(pairs: readonly Pair<Node, Node | null>[], map: Record<string, unknown>, depth: number, later: Step[], tell: Tell): void {
  const seen = new Set<string>();
  for (const pair of pairs) {
    const key = keyOf(pair);
    if (key === undefined || key === '__proto__') tell('YAML_SYNTAX', 'a key must be a plain text', pair.key);
    else if (seen.has(key)) tell('DUPLICATE_KEY', `\`${key}\` stands twice in this map; remove one`, pair.key);
    else {
      seen.add(key);
      later.push({ enter: pair.value, depth: depth + 1, put: (value) => (map[key] = value) });
    }
  }
}

export const keyOf = ({ key }: Pair<Node, Node | null>): string | undefined =>
  yaml().isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number' || typeof key.value === 'boolean')
    ? String(key.source ?? key.value)
    : undefined;

/** Values that JSON has no word for (dates, bytes) stay the text they were written as. */
function scalarValue(node: Node | null | undefined): unknown {
  if (!yaml().isScalar(node)) return null;
  const { value } = node;
  if (value === undefined) return null;
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
    ? value
    : (node.source ?? String(value));
}
