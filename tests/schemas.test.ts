import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { breaks, type Schema } from './support/schema-breaks.ts';

const folder = new URL('../schemas/', import.meta.url).pathname;
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Schema;

// req F3
test('no schema breaks its last released form; a break wants a file with the next version in its name', () => {
  const released = globSync(`${folder}released/*.json`).sort();
  const found = released.flatMap((file) => {
    const now = `${folder}${basename(file)}`;
    if (!existsSync(now)) return [`${basename(file)} was released and is gone`];
    return breaks(read(file), read(now)).map((line) => `${basename(file)} ${line}`);
  });
  const all = globSync(`${folder}*.json`).length;
  console.log(`${released.length} released schemas compared; ${all - released.length} of ${all} not released yet`);
  expect(found).toEqual([]);
});

const object = (properties: Record<string, Schema>, more: object = {}): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const string = { type: 'string' };
const node = (next: object): Schema => ({
  $ref: '#/$defs/node',
  $defs: { node: object({ next: { $ref: '#/$defs/node' }, name: next as Schema }) },
});

const safe: [why: string, before: Schema, after: Schema][] = [
  ['nothing changed', object({ a: string }), object({ a: string })],
  ['an optional property more', object({ a: string }), object({ a: string, b: string })],
  ['no longer required', object({ a: string }, { required: ['a'] }), object({ a: string })],
  ['a type more', { type: 'string' }, { type: ['string', 'null'] }],
  ['a number for an integer', { type: 'integer' }, { type: 'number' }],
  ['a value more', { enum: ['a'] }, { enum: ['a', 'b'] }],
  ['a const that says its type', { const: 1 }, { const: 1, type: 'number' }],
  ['wider bounds', { minimum: 2, maxLength: 5 }, { minimum: 1, maxLength: 6 }],
  ['an alternative more', string, { anyOf: [string, { type: 'number' }] }],
  ['alternatives in another order', { anyOf: [string, { type: 'number' }] }, { anyOf: [{ type: 'number' }, string] }],
  ['opened', object({ a: string }), object({ a: string }, { additionalProperties: true })],
  ['a description', string, { ...string, description: 'A name.' }],
  ['moved behind a reference', object({ a: string }), { ...(object({ a: { $ref: '#/$defs/a' } }) as object), $defs: { a: string } }],
  ['contains itself', node(string), node(string)],
];
const unsafe: [why: string, before: Schema, after: Schema, found: string[]][] = [
  ['removed', object({ a: string, b: string }), object({ a: string }), ['/b: was removed']],
  ['required', object({ a: string }), object({ a: string }, { required: ['a'] }), ['/a: is now required']],
  ['new and required', object({}), object({ a: string }, { required: ['a'] }), ['/a: is now required']],
  ['type narrowed', { type: ['string', 'null'] }, string, ['(root): type null is no longer accepted']],
  ['an integer for a number', { type: 'number' }, { type: 'integer' }, ['(root): type number is no longer accepted']],
  ['type added', {}, string, ['(root): is now limited to string']],
  ['value removed', { enum: ['a', 'b'] }, { const: 'a' }, ['(root): "b" is no longer accepted']],
  ['values added to a free text', string, { ...string, enum: ['a'] }, ['(root): is now limited to "a"']],
  ['floor raised', { minLength: 1 }, { minLength: 2 }, ['(root): minLength is 2, was 1']],
  ['ceiling added', {}, { maxItems: 3 }, ['(root): maxItems is 3, was not there']],
  ['pattern changed', { pattern: 'a' }, { pattern: 'b' }, ['(root): pattern is "b", was "a"']],
  ['closed', object({}, { additionalProperties: true }), object({}), ['/*: nothing is allowed any more']],
  [
    'closed by a type',
    object({}, { additionalProperties: {} }),
    object({}, { additionalProperties: string }),
    ['/*: is now limited to string'],
  ],
  [
    'alternative removed',
    { anyOf: [string, { type: 'null' }, { type: 'number' }] },
    { anyOf: [string, { type: 'number' }] },
    ['(root): alternative 2 was removed or narrowed'],
  ],
  ['union gone', { anyOf: [string, { type: 'null' }] }, string, ['(root): type null is no longer accepted']],
  ['within an alternative', { oneOf: [string, object({ a: string })] }, { oneOf: [string, object({})] }, ['/a: was removed']],
  ['items', { items: { type: ['string', 'number'] } }, { items: string }, ['/[]: type number is no longer accepted']],
  ['tuple', { prefixItems: [string] }, { prefixItems: [{ type: 'number' }] }, ['/0: type string is no longer accepted']],
  ['allOf', string, { allOf: [string, { minLength: 1 }] }, ['(root): minLength is 1, was not there']],
  [
    'allOf with a reference',
    object({ a: string }),
    { allOf: [{ $ref: '#/$defs/a' }], $defs: { a: object({ a: string }, { required: ['a'] }) } },
    ['/a: is now required'],
  ],
  ['deep, behind a reference to itself', node({}), node(string), ['/name: is now limited to string']],
];

test.each(safe)('safe: %s', (_, before, after) => {
  expect(breaks(before, after)).toEqual([]);
});
test.each(unsafe)('a break: %s', (_, before, after, found) => {
  expect(breaks(before, after)).toEqual(found);
});
