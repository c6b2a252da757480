/** A YAML file with the position of everything in it. Never throws, whatever the bytes are. */
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { Problem, ProblemCode } from './problem.ts';

/** Largest file, in bytes. */
export const FILE_MAX = 1024 * 1024;
/** How often aliases may repeat an anchor, in all. */
export const ALIASES_MAX = 100;
/** How deep maps and lists may nest. */
export const NESTING_MAX = 64;

export type Path = readonly (string | number)[];

export interface Source {
  readonly file: string;
  /** The value, or undefined when the file can't be read as YAML. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where the value at a path stands; its nearest parent when it is not there. */
  at(path: Path): { readonly line: number; readonly column: number };
  /** Where the key at a path stands. */
  atKey(path: Path): { readonly line: number; readonly column: number };
  /** Where a character of the text at a path stands, as well as the style of the text lets us know. */
  inside(path: Path, offset: number): { readonly line: number; readonly column: number };
}

export function readSource(file: string, bytes: Uint8Array): Source {
  const nowhere = () => ({ line: 1, column: 1 });
  const bad = (code: ProblemCode, message: string): Source => ({
    file,
    value: undefined,
    problems: [{ file, line: 1, column: 1, code, message }],
    at: nowhere,
    atKey: nowhere,
    inside: nowhere,
  });
  if (bytes.length > FILE_MAX) return bad('FILE_TOO_LARGE', `limit FILE_MAX = ${FILE_MAX} bytes: the file has ${bytes.length}`);
  const text = new TextDecoder('utf-8').decode(bytes);
  const nested = deepest(text);
  if (nested > NESTING_MAX * 8) return bad('YAML_SYNTAX', `brackets nest ${nested} deep; the limit is NESTING_MAX = ${NESTING_MAX}`);
  const lines = new LineCounter();
  try {
    return parsed(file, text, lines);
  } catch (error) {
    return bad(
      'YAML_SYNTAX',
      error instanceof RangeError
        ? `nested deeper than NESTING_MAX = ${NESTING_MAX}`
        : error instanceof Error
          ? error.message
          : String(error),
    );
  }
}

function parsed(file: string, text: string, lines: LineCounter): Source {
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, strict: true });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = document.errors.slice(0, 50).map((error) => ({
    file,
    ...place(error.pos[0]),
    code: error.code === 'DUPLICATE_KEY' ? 'DUPLICATE_KEY' : 'YAML_SYNTAX',
    message: error.code === 'DUPLICATE_KEY' ? 'this key stands twice in its map; remove one' : plain(error.message),
  }));
  let aliases = 0;
  let depth = 0;
  visit(document, {
    Alias: () => void aliases++,
    Collection: (_key, _node, ancestors) => {
      depth = Math.max(depth, ancestors.length);
    },
  });
  const refuse = (code: ProblemCode, message: string) => problems.push({ file, line: 1, column: 1, code, message });
  if (aliases > ALIASES_MAX) refuse('ALIAS_BOMB', `limit ALIASES_MAX = ${ALIASES_MAX}: the file has ${aliases} aliases`);
  if (depth > NESTING_MAX * 2) refuse('YAML_SYNTAX', `nested deeper than NESTING_MAX = ${NESTING_MAX}`);
  let value: unknown;
  const unreadable = problems.some((problem) => problem.code !== 'DUPLICATE_KEY');
  if (!unreadable)
    try {
      value = document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message.includes('alias count')) refuse('ALIAS_BOMB', `limit ALIASES_MAX = ${ALIASES_MAX}: aliases multiply beyond it`);
      else refuse('YAML_SYNTAX', plain(message));
    }
  const nodeAt = (path: Path): { node: Node | undefined; key: Node | undefined } => {
    let node = document.contents as Node | null | undefined;
    let key: Node | undefined;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document);
      if (isMap(node)) {
        const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
        if (!pair) break;
        key = pair.key as Node;
        node = (pair.value as Node | null) ?? key;
      } else if (isSeq(node)) {
        const item = node.items[Number(step)] as Node | undefined;
        if (!item) break;
        key = item;
        node = item;
      } else break;
    }
    return { node: node ?? undefined, key };
  };
  const start = (node: Node | undefined) => place(node?.range?.[0] ?? 0);
  return {
    file,
    value,
    problems,
    at: (path) => start(nodeAt(path).node),
    atKey: (path) => {
      const { node, key } = nodeAt(path);
      return start(key ?? node);
    },
    inside(path, offset) {
      const { node } = nodeAt(path);
      if (!isScalar(node) || !node.range || typeof node.value !== 'string') return start(node);
      // The raw text differs from the value by indentation and escapes: find the piece itself, from where it may begin.
      const raw = text.slice(node.range[0], node.range[1]);
      const piece = node.value.slice(offset, offset + 24).split('\n')[0] ?? '';
      const before = occurrences(node.value.slice(0, offset), piece);
      let found = -1;
      for (let i = 0; i <= before; i++) found = piece === '' ? -1 : raw.indexOf(piece, found + 1);
      return place(node.range[0] + Math.max(0, found));
    },
  };
}

const plain = (message: string): string => message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').trim();

function occurrences(text: string, piece: string): number {
  let count = 0;
  for (let at = piece === '' ? -1 : text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) count++;
  return count;
}

/** How deep brackets nest, quotes ignored: an upper bound that costs one pass and keeps the parser from recursing too far. */
function deepest(text: string): number {
  let [depth, most] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '[' || letter === '{') most = Math.max(most, ++depth);
    else if ((letter === ']' || letter === '}') && depth > 0) depth--;
  }
  return most;
}
