/** JSON on its way into CEL and back. CEL knows whole numbers (`int`, here BigInt) and others (`double`); JSON knows one kind. */
import { BatonError } from '../../errors.ts';

/** Items of any list that an expression may see. */
export const ITEMS_MAX = 100_000;

/** The part of JSON Schema that tells which numbers are whole. */
interface Declared {
  readonly type?: unknown;
  readonly properties?: unknown;
  readonly items?: unknown;
}
const declaredIn = (schema: unknown): Declared => (typeof schema === 'object' && schema !== null ? schema : {});
const fieldOf = (fields: unknown, key: string): unknown =>
  typeof fields === 'object' && fields !== null && Object.hasOwn(fields, key) ? (fields as Record<string, unknown>)[key] : undefined;

/**
 * A value as CEL sees it: numbers follow their declared type; where none is declared, whole ones are `int`.
 * @throws BatonError `LIST_TOO_LONG`
 */
export function toCel(value: unknown, schema?: unknown): unknown {
  const { type, items, properties } = declaredIn(schema);
  if (typeof value === 'number')
    return Number.isInteger(value) && (type === 'integer' || (type !== 'number' && Number.isSafeInteger(value))) ? BigInt(value) : value;
  if (Array.isArray(value)) {
    if (value.length > ITEMS_MAX) throw new BatonError('LIST_TOO_LONG', `limit ITEMS_MAX = ${ITEMS_MAX}: a list has ${value.length} items`);
    return value.map((item) => toCel(item, items));
  }
  if (typeof value !== 'object' || value === null) return value;
  return mapOf(Object.entries(value).map(([key, each]) => [key, toCel(each, fieldOf(properties, key))]));
}

/** The library asks a value for its `constructor` to see what it is; data may have a field of that name. */
export const mapOf = (entries: readonly (readonly [string, unknown])[]): unknown =>
  entries.some(([key]) => key === 'constructor') ? new Map(entries) : Object.fromEntries(entries);

/** The part of a value that some paths reach, as CEL sees it. What is not there stays away, so that `has()` can tell. */
export function partToCel(value: unknown, paths: readonly (readonly string[])[], schema?: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || paths.some((path) => path.length === 0))
    return toCel(value, schema);
  const part: [string, unknown][] = [];
  for (const head of new Set(paths.map(([first = '']) => first)))
    if (Object.hasOwn(value, head)) {
      const inner = paths.filter(([first]) => first === head).map(([, ...rest]) => rest);
      part.push([head, partToCel(fieldOf(value, head), inner, fieldOf(declaredIn(schema).properties, head))]);
    }
  return mapOf(part);
}

/**
 * What CEL gives back, as JSON.
 * @throws BatonError `NOT_JSON` for what JSON can't hold: infinite numbers, whole ones beyond 2^53, types
 */
export function toJson(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw notJson(`the number ${value}`);
      return value;
    case 'bigint':
      if (!Number.isSafeInteger(Number(value))) throw notJson(`the whole number ${value}, beyond 2^53,`);
      return Number(value);
    case 'object':
      return fromObject(value);
    default:
      throw notJson(`a value of type ${typeof value}`);
  }
}

function fromObject(value: object | null): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [String(key), toJson(each)]));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  const prototype: unknown = Object.getPrototypeOf(value);
  // Data may have a field of any name, `valueOf` as well, so only objects of the library are asked what they are.
  if (prototype === Object.prototype || prototype === null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
  if (Object.prototype.toString.call(value).includes('google.protobuf.Duration')) return String(value);
  if (typeof value.valueOf() === 'bigint') return toJson(value.valueOf());
  throw notJson('a type, or something else that is no value,');
}

const notJson = (what: string): BatonError => new BatonError('NOT_JSON', `${what} can't be a JSON value`);
