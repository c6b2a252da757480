/** A YAML file with the position of everything in it. Never throws, whatever the bytes are. */
import type { Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';
import type { Problem, ProblemCode } from './problem.ts';
import { ScalarPositions, type ScalarStyle } from './scalar-position.ts';
import { yaml } from './yaml.ts';
import { keyOf, NESTING_MAX, yamlValue } from './yaml-value.ts';

/** Largest file, in bytes. */
export const FILE_MAX = 1024 * 1024;
/** Syntax errors of one file that are told; what follows the first ones is mostly their echo. */
const SYNTAX_ERRORS_MAX = 20;

export type Path = readonly (string | number)[];
export interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface Source {
  readonly file: string;
  /** The value, or undefined when the file can't be read as YAML. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Where the value at a path stands; its nearest parent when it is not there. */
  at(path: Path): Place;
  /** Where the key at a path stands. */
  atKey(path: Path): Place;
  /** Where a character of the text at a path stands. */
  inside(path: Path, offset: number): Place;
}

export function readSource(file: string, bytes: Uint8Array): Source {
  if (bytes.length > FILE_MAX)
    return unreadable(file, 'FILE_TOO_LARGE', `limit FILE_MAX = ${FILE_MAX} bytes: the file has ${bytes.length}`);
  const text = new TextDecoder('utf-8').decode(bytes);
  const strange = strangeAt(text);
  if (strange !== undefined) {
    const before = text.slice(0, strange).split('\n');
    const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    const code = (text.codePointAt(strange) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const message = text[strange] === REPLACEMENT ? 'the file is not UTF-8 text' : `the control character U+${code} can't stand in YAML`;
    return unreadable(file, 'YAML_SYNTAX', message, place);
  }
  try {
    return parsed(file, text);
  } catch (error) {
    return unreadable(file, 'YAML_SYNTAX', error instanceof Error ? plain(error.message) : String(error));
  }
}

/** What a decoder puts where bytes are no text. */
const REPLACEMENT = '\ufffd';

/** The first character that a YAML text can't have. */
function strangeAt(text: string): number | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127 || code === 0xfffd) return i;
  }
  return undefined;
}

function unreadable(file: string, code: ProblemCode, message: string, place: Place = START): Source {
  const nowhere = () => START;
  return { file, value: undefined, problems: [{ file, ...place, code, message }], at: nowhere, atKey: nowhere, inside: nowhere };
}
const START: Place = { line: 1, column: 1 };

function parsed(file: string, text: string): Source {
  const { isScalar, LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  // Duplicate keys are found by `yamlValue`: the library compares each key with all others.
  const document: Document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, strict: true });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const start = (node: Node | undefined): Place => place(node?.range?.[0] ?? 0);
  const problems: Problem[] = syntaxErrors(document.errors).map((error) => ({
    file,
    ...place(error.pos[0]),
    code: 'YAML_SYNTAX',
    message: plain(error.message),
  }));
  const value =
    problems.length > 0 ? undefined : yamlValue(document, (code, message, node) => problems.push({ file, ...start(node), code, message }));
  const find = finder(document);
  let inScalar: { readonly node: Node; readonly positions: ScalarPositions } | undefined;
  return {
    file,
    value: problems.every(({ code }) => code === 'DUPLICATE_KEY') ? value : undefined,
    problems,
    at: (path) => start(find(path).node),
    atKey: (path) => {
      const { node, key } = find(path);
      return start(key ?? node);
    },
    inside(path, offset) {
      const { node } = find(path);
      if (!isScalar(node) || !node.range || typeof node.value !== 'string') return start(node);
      const [from, to] = node.range;
      if (inScalar?.node !== node)
        inScalar = { node, positions: new ScalarPositions(text.slice(from, to), STYLES[node.type ?? 'PLAIN'] ?? 'plain', node.value) };
      return place(from + inScalar.positions.rawOffset(offset));
    },
  };
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

const TOO_DEEP = /call stack/i;
function syntaxErrors(errors: readonly YAMLError[]): readonly YAMLError[] {
  // Where the parser gave up on nesting, whatever else it says is an echo of that.
  const deep = errors.find(({ message }) => TOO_DEEP.test(message));
  return deep ? [deep] : errors.slice(0, SYNTAX_ERRORS_MAX);
}
const plain = (message: string): string =>
  TOO_DEEP.test(message)
    ? `limit NESTING_MAX = ${NESTING_MAX}: nested deeper`
    : message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').trim();

interface Found {
  readonly node: Node | undefined;
  readonly key: Node | undefined;
}

/** Looks nodes up by path; keys of a map are indexed when it is first asked about. */
function finder(document: Document): (path: Path) => Found {
  const { isAlias, isMap, isSeq } = yaml();
  const indexes = new Map<YAMLMap, Map<string, Pair<Node, Node | null>>>();
  const pairAt = (map: YAMLMap, key: string) => {
    let index = indexes.get(map);
    if (!index) {
      index = new Map();
      for (const pair of map.items as Pair<Node, Node | null>[]) {
        const name = keyOf(pair);
        if (name !== undefined && !index.has(name)) index.set(name, pair);
      }
      indexes.set(map, index);
    }
    return index.get(key);
  };
  return (path) => {
    let node: Node | undefined = (document.contents as Node | null) ?? undefined;
    let key: Node | undefined;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document) as Node | undefined;
      if (isMap(node)) {
        const pair = pairAt(node as YAMLMap, String(step));
        if (!pair) break;
        key = pair.key;
        node = pair.value ?? key;
      } else if (isSeq(node)) {
        const item = node.items[Number(step)] as Node | undefined;
        if (!item) break;
        key = item;
        node = item;
      } else break;
    }
    return { node, key };
  };
}
