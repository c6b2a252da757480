import { describe, expect, test } from 'vitest';
import { checkAnswer } from './human.ts';
import { badSchema, schemaProblems } from './json-schema.ts';
import { checkWritten, parseJson } from './written.ts';

const schema = {
  type: 'object',
  required: ['title'],
  properties: { title: { type: 'string' }, tags: { type: 'array', items: { enum: ['a', 'b'] } } },
  additionalProperties: false,
};
const problems = (written: unknown, against?: typeof schema) => {
  const checked = checkWritten(written, against);
  return checked.ok ? [] : checked.problems;
};

// req F2
describe('what an agent writes', () => {
  test('needs a summary and outputs, and nothing else', () => {
    expect(checkWritten({ summary: 's', outputs: { a: 1 } })).toEqual({
      ok: true,
      result: { status: 'done', summary: 's', outputs: { a: 1 }, artifacts: [], evidence: [], questions: [] },
    });
  });

  test('is refused with every problem at once', () => {
    expect(problems({ outputs: [], score: 1, artifacts: [1], id: 'x' })).toEqual([
      'summary: Invalid input: expected string, received undefined',
      'outputs: Invalid input: expected record, received array',
      'artifacts[0]: Invalid input: expected string, received number',
      'unknown field "score", unknown field "id"',
    ]);
    expect(problems('done')).toEqual(['the handoff: Invalid input: expected object, received string']);
  });

  test.each(['score', 'usage', 'idempotencyKey', 'artifactsChecksum', 'from'])('can not set %s, which is for Baton to say', (field) => {
    expect(problems({ summary: '', outputs: {}, [field]: 1 })).toEqual([`unknown field "${field}"`]);
  });

  test('must fit the schema of the task', () => {
    expect(problems({ summary: '', outputs: { tags: ['a', 'c'], x: 1 } }, schema)).toEqual([
      "outputs must have required property 'title'",
      'outputs has the unknown field "x"',
      'outputs.tags[1] must be equal to one of the allowed values: ["a","b"]',
    ]);
    expect(problems({ status: 'failed', summary: 'no', outputs: {} }, schema)).toEqual([]);
  });

  test('may be wrapped in a fence', () => {
    expect(parseJson('```json\n{"a":1}\n```\n')).toEqual({ ok: true, value: { a: 1 } });
    expect(parseJson('{"a":')).toMatchObject({ ok: false });
  });
});

describe('a schema', () => {
  test('is read by its draft, and says what is wrong with it', () => {
    expect(badSchema({ type: 'objekt' })).toContain('type');
    expect(badSchema({ $ref: 'https://example.com/other.json' })).toContain('example.com');
    expect(badSchema({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' })).toBeUndefined();
    expect(badSchema({ $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'x', type: 'object' })).toBeUndefined();
    expect(badSchema({ $id: 'x', type: 'array' })).toBeUndefined();
  });

  test('with conditions is held to them', () => {
    const conditional = JSON.parse('{ "if": { "required": ["a"] }, "then": { "required": ["b"] } }');
    expect(schemaProblems(conditional, { a: 1 })).toEqual([" must have required property 'b'", ' must match "then" schema']);
  });
});

test("a person's answer is text, any JSON, or what the schema asks for", () => {
  expect(checkAnswer('yes')).toMatchObject({ result: { outputs: { text: 'yes' }, summary: 'yes' } });
  expect(checkAnswer(3)).toMatchObject({ result: { outputs: { value: 3 } } });
  expect(checkAnswer({ title: 't' }, schema)).toMatchObject({ result: { outputs: { title: 't' } } });
  expect(checkAnswer({}, schema)).toEqual({ ok: false, problems: ["the answer must have required property 'title'"] });
});
