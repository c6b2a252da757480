/** Holds a file's value against its schema and says every difference in words, with its position. */
import type { z } from 'zod';
import type { Path, Place, Source } from './document.ts';
import { didYouMean, PROBLEM_CODES, type Problem, type ProblemCode } from './problem.ts';

type Issue = z.core.$ZodIssue;

export type Shaped<T> =
  | { readonly value: T; readonly problems?: never }
  | { readonly value?: never; readonly problems: readonly Problem[] };

export function shaped<T>(source: Source, schema: z.ZodType<T>): Shaped<T> {
  const result = schema.safeParse(source.value, { reportInput: true });
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap(leaves).flatMap(({ issue, path }) => toProblems(source, schema, issue, path)) };
}

function toProblems(source: Source, schema: z.ZodType, issue: Issue, path: Path): Problem[] {
  const name = nameOf(path);
  const problem = (code: ProblemCode, message: string, place: Place): Problem[] => [{ file: source.file, ...place, code, message }];
  const missing = (what: string) => {
    const parent = path.slice(0, -1);
    return problem('MISSING_KEY', `${nameOf(parent)} needs \`${path.at(-1)}\`${what}`, source.atKey(parent));
  };
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.flatMap((key) => problem('UNKNOWN_KEY', unknownKey(name, key, keysAt(schema, path)), source.atKey([...path, key])));
    case 'invalid_type':
      if (issue.input === undefined && path.length > 0) return missing(`, ${WORDS[issue.expected] ?? issue.expected}`);
      return problem(
        'WRONG_TYPE',
        `${name} must be ${WORDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`,
        source.at(path),
      );
    case 'invalid_union':
      if (isMap(issue.input) && keysAt(schema, path).length > 0)
        return problem('MISSING_KEY', `${name} needs one of ${keysAt(schema, path).join(', ')}`, source.atKey(path));
      return problem('WRONG_TYPE', `${name} must be ${choices(issue)}, not ${kindOf(issue.input)}`, source.at(path));
    case 'invalid_value':
      if (issue.input === undefined) return missing(`: ${values(issue.values)}`);
      return problem('WRONG_TYPE', `${name} must be ${values(issue.values)}, not ${kindOf(issue.input)}`, source.at(path));
    case 'invalid_key':
      return problem('WRONG_TYPE', `${name} is no name: letters, digits and _, not beginning with a digit`, source.atKey(path));
    case 'too_small':
      return problem('WRONG_TYPE', `${name} must ${tooSmall(issue)}`, source.at(path));
    case 'too_big':
      return problem('LIMIT_TOO_LARGE', `${name} must be at most ${issue.maximum}`, source.at(path));
    case 'custom': {
      const code: unknown = issue.params?.['code'];
      return problem(isCode(code) ? code : 'WRONG_TYPE', `${name}: ${issue.message}`, source.at(path));
    }
    default:
      return problem('WRONG_TYPE', `${name}: ${issue.message}`, source.at(path));
  }
}

const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCode = (code: unknown): code is ProblemCode => typeof code === 'string' && Object.hasOwn(PROBLEM_CODES, code);

type Union = Extract<Issue, { code: 'invalid_union' }>;

/**
 * What the branch says that knows best what was meant: its type is right, and it finds the least wrong inside. Where
 * several are as near, only what none of them knows is sure.
 */
function meant(issue: Union): Issue[] | undefined {
  const near = branches(issue).filter(
    (errors) => errors.length > 0 && errors.every((each) => each.path.length > 0 || !TYPES.has(each.code)),
  );
  const least = Math.min(...near.map(wrongness));
  const [best, other] = near.filter((errors) => wrongness(errors) === least);
  if (!best || !other) return best;
  const unknown = best.filter(({ code }) => code === 'unrecognized_keys');
  return unknown.length > 0 ? unknown : undefined;
}
/** Unions of unions have all their branches. */
function branches(issue: Union): Issue[][] {
  const found: Issue[][] = [];
  const open = [...issue.errors];
  for (const errors of open) {
    const [inner] = errors;
    if (inner?.code === 'invalid_union' && inner.path.length === 0) open.push(...inner.errors);
    else found.push(errors);
  }
  return found;
}
const wrongness = (errors: readonly Issue[]): number =>
  errors.reduce((sum, each) => sum + (each.code === 'unrecognized_keys' ? 1 + each.keys.length : 1), 0);
const TYPES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

/** An issue as those that it is made of, with whole paths: a union speaks for its best branch. */
export function leaves(issue: Issue): { readonly issue: Issue; readonly path: Path }[] {
  const found: { issue: Issue; path: Path }[] = [];
  const open: { issue: Issue; path: Path }[] = [{ issue, path: issue.path as Path }];
  for (const each of open) {
    const inner = each.issue.code === 'invalid_union' ? meant(each.issue) : undefined;
    if (inner) open.push(...inner.map((one) => ({ issue: one, path: [...each.path, ...(one.path as Path)] })));
    else found.push(each);
  }
  return found;
}

/** Every type that a union would take. */
function choices(issue: Union): string {
  const words: string[] = [];
  const open: Issue[] = issue.errors.flat();
  for (const each of open) {
    if (each.code === 'invalid_union') open.push(...each.errors.flat());
    else if (each.path.length > 0) continue;
    else if (each.code === 'invalid_type') words.push(WORDS[each.expected] ?? each.expected);
    else if (each.code === 'invalid_value') words.push(values(each.values));
  }
  return [...new Set(words)].join(' or ') || 'something else';
}

function tooSmall(issue: Extract<Issue, { code: 'too_small' }>): string {
  if (issue.origin !== 'number' && issue.origin !== 'int') return 'not be empty';
  return issue.inclusive ? `be at least ${issue.minimum}` : `be more than ${issue.minimum}`;
}

function unknownKey(where: string, key: string, known: readonly string[]): string {
  const hint = didYouMean(key, known) || (known.length > 0 && known.length < 12 ? ` It may have ${known.join(', ')}.` : '');
  return `${where} has no key "${key.slice(0, 80)}".${hint}`;
}

/** A path as a person would write it: `tasks.fix.needs[0]`. */
function nameOf(path: Path): string {
  if (path.length === 0) return 'the file';
  const text = path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
  return `\`${text.length > 120 ? `${text.slice(0, 120)}…` : text}\``;
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list',
  null: 'empty',
};
const values = (all: readonly unknown[]): string =>
  all.length === 1 ? JSON.stringify(all[0]) : `one of ${all.map((each) => JSON.stringify(each)).join(', ')}`;

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return `the ${typeof value === 'string' ? 'text' : typeof value} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}
const defOf = (schema: z.ZodType): Def => schema.def as unknown as Def;

/** Keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let found: z.ZodType[] = [schema];
  for (const step of path) found = found.flatMap(unwrap).flatMap((each) => inside(defOf(each), step) ?? []);
  return [...new Set(found.flatMap(unwrap).flatMap((each) => Object.keys(defOf(each).shape ?? {})))];
}
function inside(def: Def, step: string | number): z.ZodType | undefined {
  if (def.type === 'object') return def.shape && Object.hasOwn(def.shape, step) ? def.shape[String(step)] : undefined;
  return def.type === 'record' ? def.valueType : def.element;
}
function unwrap(schema: z.ZodType): z.ZodType[] {
  const def = defOf(schema);
  if (def.innerType) return unwrap(def.innerType);
  return def.options ? def.options.flatMap(unwrap) : [schema];
}
