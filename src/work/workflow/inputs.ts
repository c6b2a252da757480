/** The inputs of a workflow: values as a person or program gave them, held against what the file declares. */
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import type { InputEntry, WorkflowFile } from './schema.ts';

export interface InputProblem {
  readonly code: 'INPUT_UNKNOWN' | 'INPUT_MISSING' | 'INPUT_TYPE';
  readonly input: string;
  readonly message: string;
  readonly hint?: string;
}

/**
 * @param given values of their own type, or texts as a command line gives them
 * @throws BatonError `INPUT_UNKNOWN`, `INPUT_MISSING` or `INPUT_TYPE`: the first problem, and all of them in `details.problems`
 */
export function resolveInputs(file: WorkflowFile, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { inputs, problems } = readInputs(file, given);
  const [first, ...more] = problems;
  if (!first) return inputs;
  throw new BatonError(first.code, [first, ...more].map(({ message }) => message).join(' '), {
    where: first.input,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
    details: { problems },
  });
}

export function readInputs(
  { inputs: declared = {} }: WorkflowFile,
  given: Readonly<Record<string, unknown>>,
): { readonly inputs: Record<string, unknown>; readonly problems: readonly InputProblem[] } {
  const problems: InputProblem[] = [];
  const inputs: Record<string, unknown> = {};
  for (const name of Object.keys(given)) if (!Object.hasOwn(declared, name)) problems.push(unknownInput(name, Object.keys(declared)));
  for (const [name, entry] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? readText(given[name], entry) : entry.default;
    if (value === undefined) {
      problems.push({
        code: 'INPUT_MISSING',
        input: name,
        message: `The input "${name}" has no value and no default.`,
        hint: `Give one: --input ${name}=…`,
      });
      continue;
    }
    const wrong = misfit(entry, value);
    if (wrong === undefined) inputs[name] = value;
    else problems.push({ code: 'INPUT_TYPE', input: name, message: `The input "${name}"${wrong}.` });
  }
  return { inputs, problems };
}

function unknownInput(name: string, known: readonly string[]): InputProblem {
  const guess = didYouMean(name, known);
  const all = known.length === 0 ? 'It has none.' : `It has ${known.join(', ')}.`;
  return {
    code: 'INPUT_UNKNOWN',
    input: name,
    message: `The workflow has no input "${name}".`,
    hint: guess ? `Did you mean "${guess}"?` : all,
  };
}

/** Values from a command line are texts: what the declared type needs is read from them. */
function readText(value: unknown, entry: Schema): unknown {
  if (typeof value !== 'string' || entry.type === 'string') return value;
  if (entry.type === 'array' && !value.trimStart().startsWith('[')) {
    const items = asSchema(entry.items);
    return value === '' ? [] : value.split(',').map((item) => (items.type === undefined ? item.trim() : readText(item.trim(), items)));
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** The part of JSON Schema that inputs are declared in. */
type Schema = { readonly [K in 'type' | 'enum' | 'items' | 'properties' | 'required']?: unknown };
const asSchema = (value: unknown): Schema => (typeof value === 'object' && value !== null ? value : {});

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  null: (value) => value === null,
};

/** How a value misses what is declared, as ` must be …, not …`; undefined when it fits. */
export function misfit(entry: InputEntry, value: unknown): string | undefined {
  const open: { readonly schema: Schema; readonly value: unknown; readonly path: string }[] = [{ schema: entry, value, path: '' }];
  for (const { schema, value: each, path } of open) {
    if (typeof schema.type === 'string' && KINDS[schema.type]?.(each) === false)
      return `${path} must be of type ${schema.type}, not ${shown(each)}`;
    if (Array.isArray(schema.enum) && !schema.enum.some((one) => JSON.stringify(one) === JSON.stringify(each)))
      return `${path} must be one of ${schema.enum.map(shown).join(', ')}, not ${shown(each)}`;
    if (Array.isArray(each)) {
      if (schema.items === undefined) continue;
      for (const [i, item] of each.entries()) open.push({ schema: asSchema(schema.items), value: item, path: `${path}[${i}]` });
    } else if (typeof each === 'object' && each !== null) {
      const missing = Array.isArray(schema.required) ? schema.required.find((key) => !Object.hasOwn(each, String(key))) : undefined;
      if (missing !== undefined) return `${path} needs the field "${String(missing)}"`;
      for (const [key, inner] of Object.entries(asSchema(schema.properties)))
        if (Object.hasOwn(each, key))
          open.push({ schema: asSchema(inner), value: (each as Record<string, unknown>)[key], path: `${path}.${key}` });
    }
  }
  return undefined;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
