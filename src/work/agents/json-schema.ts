/**
 * Holds values against the JSON Schemas that people write for outputs and answers: draft 2020-12, or draft 7 where
 * `$schema` names it. `format` is an annotation, as the draft has it.
 */
import { createRequire } from 'node:module';
import type { Ajv as AjvInstance, ErrorObject, ValidateFunction } from 'ajv';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Every way in which the value misses the schema, each with its path first, such as `.title must be string`. */
export const schemaProblems = (schema: JsonSchema, value: unknown): readonly string[] => {
  const validate = compiled(schema);
  if (typeof validate === 'string') return [` can't be checked: ${validate}`];
  return validate(value) ? [] : (validate.errors ?? []).map(describe);
};

/** What is wrong with a schema itself; undefined when it can be used. */
export const badSchema = (schema: JsonSchema): string | undefined => {
  const validate = compiled(schema);
  return typeof validate === 'string' ? validate : undefined;
};

const require = createRequire(import.meta.url);
const OPTIONS = { allErrors: true, strict: false, validateFormats: false, logger: false } as const;
const drafts = new Map<string, AjvInstance>();

/** Loaded when the first schema is met: most commands of Baton meet none. */
const ajvFor = (schema: JsonSchema): AjvInstance => {
  const draft = String(schema['$schema'] ?? '').includes('draft-07') ? 'ajv' : 'ajv/dist/2020.js';
  const known = drafts.get(draft);
  if (known !== undefined) return known;
  const { default: Ajv } = require(draft) as typeof import('ajv');
  const ajv = new Ajv(OPTIONS);
  drafts.set(draft, ajv);
  return ajv;
};

const validators = new WeakMap<JsonSchema, ValidateFunction | string>();

const compiled = (schema: JsonSchema): ValidateFunction | string => {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = compile(schema);
  validators.set(schema, made);
  return made;
};

const compile = (schema: JsonSchema): ValidateFunction | string => {
  const ajv = ajvFor(schema);
  try {
    // Without its id and draft, so that two schemas of one name can't meet.
    const { $id: _id, $schema: _draft, $async: _async, ...rest } = schema;
    const validate = ajv.compile(rest);
    ajv.removeSchema(rest);
    return validate;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const describe = ({ instancePath, keyword, message = 'is not valid', params }: ErrorObject): string => {
  const path = instancePath
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
  if (keyword === 'additionalProperties') return `${path} has the unknown field "${String(params['additionalProperty'])}"`;
  if (keyword === 'enum' || keyword === 'const')
    return `${path} ${message}: ${JSON.stringify(params['allowedValues'] ?? params['allowedValue'])}`;
  return `${path} ${message}`;
};
