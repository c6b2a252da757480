/** Holds a file's value against its schema and says every difference in words, with its position. */
import type { z } from 'zod';
import type { Path, Source } from './document.ts';
import { didYouMean, PROBLEM_CODES, type Problem, type ProblemCode } from './problem.ts';

type Issue = z.core.$ZodIssue;

export function shapeProblems(source: Source, schema: z.ZodType): Problem[] {
  const result = schema.safeParse(source.value, { reportInput: true });
  return result.success ? [] : result.error.issues.flatMap((issue) => toProblems(source, schema, issue, []));
}

function toProblems(source: Source, schema: z.ZodType, issue: Issue, above: Path): Problem[] {
  const path = [...above, ...issue.path] as (string | number)[];
  const problem = (code: ProblemCode, message: string, place: { line: number; column: number }): Problem => ({
    file: source.file,
    ...place,
    code,
    message,
  });
  const name = path.length === 0 ? 'the file' : `\`${path.at(-1)}\``;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = keysAt(schema, path);
        const where = path.length === 0 ? 'the file' : `\`${path.join('.')}\``;
        return problem(
          'UNKNOWN_KEY',
          `${where} has no key "${key}".${didYouMean(key, known) || (known.length > 0 && known.length < 12 ? ` Known are ${known.join(', ')}.` : '')}`,
          source.atKey([...path, key]),
        );
      });
    case 'invalid_type':
      if (issue.input === undefined && path.length > 0) {
        const parent = path.slice(0, -1);
        return [
          problem(
            'MISSING_KEY',
            `${parent.length === 0 ? 'the file' : `\`${parent.join('.')}\``} needs ${name} (${issue.expected})`,
            source.atKey(parent),
          ),
        ];
      }
      return [problem('WRONG_TYPE', `${name} must be ${article(issue.expected)}, not ${kindOf(issue.input)}`, source.at(path))];
    case 'invalid_union': {
      // The branch that came nearest (its first difference lies deepest) knows best what was meant.
      const branches = issue.errors.map((errors) => errors.flatMap((each) => toProblems(source, schema, each, path)));
      const deep = issue.errors.findIndex((errors) =>
        errors.every((each) => each.path.length > 0 || each.code === 'unrecognized_keys' || each.code === 'custom'),
      );
      const best = branches[deep];
      if (best && best.length > 0) return best;
      return [problem('WRONG_TYPE', `${name} can't be ${kindOf(issue.input)}`, source.at(path))];
    }
    case 'invalid_value':
      if (issue.input === undefined)
        return [problem('MISSING_KEY', `${name} is missing: ${values(issue.values)}`, source.atKey(path.slice(0, -1)))];
      return [problem('WRONG_TYPE', `${name} must be ${values(issue.values)}, not ${JSON.stringify(issue.input)}`, source.at(path))];
    case 'invalid_key':
      return [problem('WRONG_TYPE', `${name} is no name: letters, digits and _ only`, source.atKey(path))];
    case 'custom': {
      const code: unknown = issue.params?.['code'];
      return [
        problem(
          typeof code === 'string' && code in PROBLEM_CODES ? (code as ProblemCode) : 'WRONG_TYPE',
          `${name}: ${issue.message}`,
          source.at(path),
        ),
      ];
    }
    default:
      return [problem('WRONG_TYPE', `${name}: ${issue.message}`, source.at(path))];
  }
}

const values = (all: readonly unknown[]): string =>
  all.length === 1 ? JSON.stringify(all[0]) : `one of ${all.map((each) => JSON.stringify(each)).join(', ')}`;
const article = (expected: string): string => (/^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`);
const kindOf = (value: unknown): string =>
  value === null
    ? 'empty'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a map'
        : `the ${typeof value} ${JSON.stringify(value)}`;

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** Keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let found: z.ZodType[] = [schema];
  for (const step of path)
    found = found.flatMap(unwrap).flatMap((each) => {
      const def = each.def as unknown as Def;
      const next =
        def.type === 'object'
          ? def.shape?.[String(step)]
          : def.type === 'record'
            ? def.valueType
            : def.type === 'array'
              ? def.element
              : undefined;
      return next ? [next] : [];
    });
  return found.flatMap(unwrap).flatMap((each) => Object.keys((each.def as unknown as Def).shape ?? {}));
}
function unwrap(schema: z.ZodType): z.ZodType[] {
  const def = schema.def as unknown as Def;
  if (def.innerType) return unwrap(def.innerType);
  if (def.options) return def.options.flatMap(unwrap);
  return [schema];
}
