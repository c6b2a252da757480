/**
 * What a changed JSON Schema no longer accepts. A document that was valid must stay valid, and a field that readers know
 * must stay: removed properties, newly required ones, narrowed types, enums and bounds are breaks; whatever is only wider
 * is not. Keywords it can't weigh (`pattern`, `format`, `not` …) count as narrower when they are new or changed.
 */
export type Schema = boolean | { readonly [keyword: string]: unknown };
type Keywords = { readonly [keyword: string]: unknown };

const FLOORS = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains'];
const CEILINGS = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains'];
const OPAQUE = ['pattern', 'format', 'multipleOf', 'uniqueItems', 'propertyNames', 'patternProperties', 'not', 'if', 'contains'];

/** A line for each break; empty when the step from `before` to `after` is safe. */
export function breaks(before: Schema, after: Schema): string[] {
  return compare(before, after, { before, after, at: '', seen: new Set() });
}

interface Place {
  /** The documents that `$ref` points into. */
  readonly before: Schema;
  readonly after: Schema;
  readonly at: string;
  /** Pairs of references being compared: a schema may contain itself. */
  readonly seen: ReadonlySet<string>;
}

function compare(before: Schema, after: Schema, place: Place): string[] {
  const pair = `${refOf(before)} ${refOf(after)}`;
  if (pair !== ' ') {
    if (place.seen.has(pair)) return [];
    const deeper = { ...place, seen: new Set([...place.seen, pair]) };
    return compare(resolve(before, place.before), resolve(after, place.after), deeper);
  }
  if (after === true || before === false) return [];
  if (after === false) return [say(place, 'nothing is allowed any more')];
  const old = before === true ? {} : before;

  const olds = alternatives(old, place.before);
  const news = alternatives(after, place.after);
  if (olds.length > 1 || news.length > 1 || olds[0] !== old || news[0] !== after)
    return olds.flatMap((one, index) => {
      const tried = news.map((other) => compare(one, other, place));
      if (tried.some((found) => found.length === 0)) return [];
      const same = olds.length === news.length || news.length === 1 ? (tried[index] ?? tried[0]) : undefined;
      return same ?? [say(place, `alternative ${index + 1} was removed or narrowed`)];
    });

  return [
    ...types(old, after, place),
    ...values(old, after, place),
    ...bounds(old, after, place),
    ...properties(old, after, place),
    ...items(old, after, place),
  ];
}

const say = ({ at }: Place, what: string) => `${at || '(root)'}: ${what}`;
const at = (place: Place, step: string): Place => ({ ...place, at: `${place.at}/${step}` });
const refOf = (schema: Schema): string => (typeof schema === 'object' && typeof schema['$ref'] === 'string' ? schema['$ref'] : '');
const list = (value: unknown): readonly unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const text = (value: unknown) => JSON.stringify(value);
const fields = (value: unknown): Readonly<Record<string, Schema>> => (value ?? {}) as Record<string, Schema>;

function resolve(schema: Schema, root: Schema): Schema {
  const ref = refOf(schema);
  if (ref === '' || typeof schema === 'boolean') return schema;
  if (!ref.startsWith('#')) throw new Error(`${ref} points out of its schema`);
  const steps = ref
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  let found: unknown = root;
  for (const step of steps) found = (found as Keywords | undefined)?.[step];
  if (found === undefined) throw new Error(`${ref} points nowhere`);
  const { $ref: _, ...beside } = schema;
  return found === true || found === false ? found : { ...(found as Keywords), ...beside };
}

/** The branches of a union, each with what stands beside it; `allOf` is folded into one. The schema itself if it has neither. */
function alternatives(schema: Keywords, root: Schema): readonly Schema[] {
  const { anyOf, oneOf, allOf, ...beside } = schema;
  if (anyOf === undefined && oneOf === undefined && allOf === undefined) return [schema];
  const whole = list(allOf).reduce<Keywords>((sum, part) => merge(sum, resolve(part as Schema, root) as Keywords), beside);
  const branches = list(anyOf ?? oneOf) as readonly Schema[];
  if (branches.length === 0) return [whole];
  return branches.map((branch) => (typeof branch === 'boolean' || Object.keys(whole).length === 0 ? branch : { ...whole, ...branch }));
}

const merge = (one: Keywords, other: Keywords): Keywords => ({
  ...one,
  ...other,
  properties: { ...fields(one['properties']), ...fields(other['properties']) },
  required: [...list(one['required']), ...list(other['required'])],
});

function types(old: Keywords, after: Keywords, place: Place): string[] {
  const now = list(after['type']);
  const was = list(old['type']);
  if (now.length === 0) return [];
  if (was.length === 0) return impliedBy(old, now) ? [] : [say(place, `is now limited to ${now.join(', ')}`)];
  const gone = was.filter((type) => !now.includes(type) && !(type === 'integer' && now.includes('number')));
  return gone.length === 0 ? [] : [say(place, `type ${gone.join(', ')} is no longer accepted`)];
}

/** `const: 1` accepts numbers only, whether it says so or not. */
function impliedBy(old: Keywords, types: readonly unknown[]): boolean {
  const known = allowed(old);
  return known?.every((value) => types.includes(typeOf(value)) || (Number.isInteger(value) && types.includes('integer'))) ?? false;
}
const typeOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const allowed = (schema: Keywords): readonly unknown[] | undefined =>
  'const' in schema ? [schema['const']] : (schema['enum'] as readonly unknown[] | undefined);

function values(old: Keywords, after: Keywords, place: Place): string[] {
  const now = allowed(after)?.map(text);
  if (!now) return [];
  const was = allowed(old)?.map(text);
  if (!was) return [say(place, `is now limited to ${now.join(', ')}`)];
  const gone = was.filter((value) => !now.includes(value));
  return gone.length === 0 ? [] : [say(place, `${gone.join(', ')} is no longer accepted`)];
}

function bounds(old: Keywords, after: Keywords, place: Place): string[] {
  const higher = FLOORS.filter((key) => key in after && !(Number(old[key]) >= Number(after[key])));
  const lower = CEILINGS.filter((key) => key in after && !(Number(old[key]) <= Number(after[key])));
  const changed = OPAQUE.filter((key) => key in after && text(after[key]) !== text(old[key]));
  return [...higher, ...lower, ...changed].map((key) => say(place, `${key} is ${text(after[key])}, was ${text(old[key]) ?? 'not there'}`));
}

function properties(old: Keywords, after: Keywords, place: Place): string[] {
  const was = fields(old['properties']);
  const now = fields(after['properties']);
  const found: string[] = [];
  for (const [name, schema] of Object.entries(was)) {
    const next = now[name];
    if (next === undefined) found.push(say(at(place, name), 'was removed'));
    else found.push(...compare(schema, next, at(place, name)));
  }
  const asked = list(old['required']);
  for (const name of list(after['required'])) if (!asked.includes(name)) found.push(say(at(place, String(name)), 'is now required'));
  const others = (schema: Keywords): Schema => (schema['additionalProperties'] ?? true) as Schema;
  return [...found, ...compare(others(old), others(after), at(place, '*'))];
}

function items(old: Keywords, after: Keywords, place: Place): string[] {
  const was = list(old['prefixItems']) as readonly Schema[];
  const now = list(after['prefixItems']) as readonly Schema[];
  const rest = (schema: Keywords): Schema => (schema['items'] ?? true) as Schema;
  const found = Array.from({ length: Math.max(was.length, now.length) }, (_, index) =>
    compare(was[index] ?? rest(old), now[index] ?? rest(after), at(place, String(index))),
  );
  return [...found.flat(), ...compare(rest(old), rest(after), at(place, '[]'))];
}
