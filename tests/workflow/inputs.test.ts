// req F1
import { expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { resolveInputs } from '../../src/work/workflow/inputs.ts';
import { load } from './support/run.ts';

const file = load(`inputs:
  name: { type: string }
  count: { type: integer, default: 3 }
  ratio: { type: number, default: 0.5 }
  yes: { type: boolean, default: false }
  list: { type: array, items: { type: integer }, default: [] }
  words: { type: array, default: [] }
  deep: { type: object, properties: { a: { type: array, items: { type: object, required: [x], properties: { x: { enum: [1, 2] } } } } }, default: {} }
  level: { type: string, enum: [low, high], default: low }
tasks: { a: { run: x } }`).files['w.yaml']!.value;

const given = (inputs: Record<string, unknown>) => {
  try {
    return resolveInputs(file, { name: 'n', ...inputs });
  } catch (error) {
    if (error instanceof BatonError)
      return { [error.code]: error.message, hint: error.hint, all: (error.details?.['problems'] as unknown[] | undefined)?.length };
    throw error;
  }
};

test('texts of a command line become what is declared', () => {
  expect(given({ count: '7', ratio: '1', yes: 'true', list: '1, 2,3', words: 'a,b', deep: '{"a":[{"x":2}]}' })).toEqual({
    name: 'n',
    count: 7,
    ratio: 1,
    yes: true,
    list: [1, 2, 3],
    words: ['a', 'b'],
    deep: { a: [{ x: 2 }] },
    level: 'low',
  });
  expect(given({ list: '[4]', words: '', name: '12' })).toMatchObject({ list: [4], words: [], name: '12' });
});

test('values of a program are taken as they are', () => {
  expect(given({ count: 7, list: [1], deep: { other: true } })).toMatchObject({ count: 7, list: [1], deep: { other: true } });
});

test('what does not fit is told with its place', () => {
  expect(given({ count: 'many' })).toMatchObject({ INPUT_TYPE: 'The input "count" must be of type integer, not "many".' });
  expect(given({ count: 1.5 })).toHaveProperty('INPUT_TYPE');
  expect(given({ list: [1, 'b'] })).toMatchObject({ INPUT_TYPE: 'The input "list"[1] must be of type integer, not "b".' });
  expect(given({ deep: { a: [{ x: 1 }, { x: 3 }] } })).toMatchObject({ INPUT_TYPE: 'The input "deep".a[1].x must be one of 1, 2, not 3.' });
  expect(given({ deep: { a: [{}] } })).toMatchObject({ INPUT_TYPE: 'The input "deep".a[0] needs the field "x".' });
  expect(given({ level: 'mid' })).toMatchObject({ INPUT_TYPE: 'The input "level" must be one of "low", "high", not "mid".' });
  expect(given({ yes: 'perhaps' })).toHaveProperty('INPUT_TYPE');
});

test('missing and unknown inputs are told all at once, with a guess', () => {
  expect(given({ name: undefined, cuont: 1, level: 'x' })).toMatchObject({
    INPUT_UNKNOWN: expect.stringContaining('"cuont"'),
    hint: 'Did you mean "count"?',
    all: 3,
  });
  expect(given({ constructor: 1 })).toHaveProperty('INPUT_UNKNOWN');
});

test('a list of a million items is read without harm', () => {
  expect(given({ list: Array.from({ length: 1_000_000 }, () => 1) })).toHaveProperty('list');
});
