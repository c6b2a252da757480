// req F1
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkTypes, EXPRESSION_MAX, environment, parseExpression } from './cel.ts';
import { ITEMS_MAX, partToCel, toCel, toJson } from './json.ts';

const evaluate = (text: string, context: Readonly<Record<string, unknown>> = {}): unknown => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.expression.evaluate(context);
};
const many = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i));
const TOO_MUCH = /^limit WORK_MAX/;

test('an expression gives JSON', () => {
  expect(evaluate("{'a': [1, 2.5, true, null], 'b': 'x' + 'y'}")).toEqual({ a: [1, 2.5, true, null], b: 'xy' });
  expect(evaluate("[b'hi', uint(3), duration('90s'), timestamp('2024-01-02T03:04:05Z')]")).toEqual([
    'aGk=',
    3,
    '90s',
    '2024-01-02T03:04:05.000Z',
  ]);
  for (const [text, why] of Object.entries({ '1.0 / 0.0': 'Infinity', '9007199254740991 + 2': 'beyond 2^53', 'type(1)': 'a type' }))
    expect(() => evaluate(text), text).toThrow(why);
});

test('work is bounded, however it is asked for', () => {
  const long = 'a'.repeat(65_536);
  for (const [text, context] of [
    ['a.map(x, a.map(y, a.map(z, x + y + z)))', { a: many(300) }],
    ['a.all(x, a.exists(y, y == x))', { a: many(100_000) }],
    ['a.exists(x, a.exists(y, a.exists(z, z == -1)))', { a: many(1_000) }],
    ['a.filter(x, x in a)', { a: many(100_000) }],
    ['a.map(x, b == b)', { a: many(1_000), b: Array.from({ length: 1_000 }, () => many(1_000)) }],
    ["a.map(x, s.contains('zz'))", { a: many(100_000), s: long }],
    ["a.map(x, s.split(''))", { a: many(1_000), s: long }],
    ['a.exists(x, false || a.exists(y, a.exists(z, false))) || true', { a: many(1_000) }],
    ['l + l + l + l + l + l + l + l + l + l + l + l + l + l + l', { l: many(100_000) }],
  ] as const)
    expect(() => evaluate(text, context), text).toThrow(TOO_MUCH);
});

test('what people write stays far below the bound', () => {
  const context = { a: many(1_000), l: Array.from({ length: 20_000 }, (_, i) => `src/${i}.ts`), s: 'fix: a\nadd: b\n'.repeat(4_000) };
  expect(evaluate('a.filter(x, x in a).size()', context)).toBe(1_000);
  expect(evaluate("l.filter(f, f.endsWith('7.ts')).size()", context)).toBe(2_000);
  expect(evaluate("s.split('\\n').filter(line, line.startsWith('fix')).size()", context)).toBe(4_000);
  expect(evaluate('a.map(x, a.filter(y, y < x).size()).size()', { a: many(300) })).toBe(300);
});

test('the allowance is anew for each evaluation, also after one that failed', () => {
  expect(() => evaluate('a.map(x, a.map(y, a.map(z, 1)))', { a: many(300) })).toThrow(TOO_MUCH);
  expect(evaluate('a.map(x, x).size()', { a: many(1_000) })).toBe(1_000);
});

test('patterns are refused wherever they stand', () => {
  for (const text of [
    "'a'.matches('^(a+)+$')",
    "['a'].exists(x, x.matches('a'))",
    "has(a.b) && a.b.matches('x')",
    "{'k': s.matches('x')}['k']",
  ])
    expect(parseExpression(text), text).toMatchObject({
      ok: false,
      problem: { kind: 'type', message: expect.stringContaining('matches') },
    });
});

test('names are found with the fields that follow, those of loops are not', () => {
  const names = (text: string) => {
    const parsed = parseExpression(text);
    return parsed.ok ? parsed.expression.references.map(({ path, at }) => `${path.join('.')}@${at}`) : parsed.problem.message;
  };
  expect(names('tasks.a.outputs.json[0].x + inputs["y"].z')).toEqual(['tasks.a.outputs.json@0', 'inputs.y.z@28']);
  expect(names('l.map(x, x + y)')).toEqual(['l@0', 'y@13']);
  expect(names('x.filter(x, x.b).map(y, x.c)')).toEqual(['x@0', 'x.c@24']);
  expect(names("tasks['a' + 'b']")).toEqual(['tasks@0']);
  expect(names('has(a.b.c) ? a.b.c : d')).toEqual(['a.b.c@4', 'a.b.c@13', 'd@21']);
});

test('long, empty and deep expressions are told, not thrown', () => {
  for (const text of [
    '',
    '  ',
    'a'.repeat(EXPRESSION_MAX + 1),
    '('.repeat(1_000),
    '['.repeat(200),
    `${'-'.repeat(3_000)}1`,
    'a'.concat('.b'.repeat(1_000)),
  ])
    expect(parseExpression(text).ok, text.slice(0, 20)).toBe(false);
});

test('no text makes parsing or checking throw', () => {
  const piece = fc.constantFrom(
    'a',
    '.b',
    '[0]',
    '(',
    ')',
    '{',
    '}',
    '"',
    "'",
    '+',
    '-',
    '?',
    ':',
    'has(',
    'map(x,',
    '&&',
    '||',
    '1',
    '1.0',
    ',',
    ' ',
    '\\',
    '\n',
    'true',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
        fc.string(),
      ),
      (text) => {
        parseExpression(text);
        checkTypes(text, environment({ a: { b: 'int' } }));
      },
    ),
  );
});

test('a value goes into CEL and back unchanged, and only its named parts are looked at', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const json: unknown = JSON.parse(JSON.stringify(value));
      expect(JSON.parse(JSON.stringify(toJson(toCel(json))))).toEqual(json);
    }),
  );
  for (const name of ['valueOf', 'toString', 'constructor', 'hasOwnProperty', 'then']) {
    const a = toCel({ [name]: 'data', other: 1 });
    expect(evaluate("[a, a.other, has(a.nope), 'other' in a, size(a)]", { a })).toEqual([{ [name]: 'data', other: 1 }, 1, false, true, 2]);
    expect(evaluate(`a.${name}`, { a })).toBe('data');
    expect(evaluate(`a.${name}`, { a: partToCel({ [name]: 'data' }, [[name]]) })).toBe('data');
  }
  const value = { a: { b: 1, c: Array.from({ length: ITEMS_MAX + 1 }, () => 0) }, d: 2 };
  expect(partToCel(value, [['a', 'b'], ['d'], ['nope', 'x']])).toEqual({ a: { b: 1n }, d: 2n });
  expect(() => partToCel(value, [['a']])).toThrow('limit ITEMS_MAX');
});

test('numbers are whole or not by their declared type', () => {
  const schema = { properties: { n: { type: 'number' }, i: { type: 'integer' }, l: { items: { type: 'number' } } } };
  expect(toCel({ n: 1, i: 1, l: [1, 2.5], other: 1, half: 0.5 }, schema)).toEqual({ n: 1, i: 1n, l: [1, 2.5], other: 1n, half: 0.5 });
  expect(toCel(1e300)).toBe(1e300);
});
