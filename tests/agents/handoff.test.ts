import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { TaskRecord } from '../../src/engine/kernel/state.ts';
import { assemble, checksumOf, handoffJsonSchema, handoffSchema } from '../../src/work/perform/handoff.ts';

const SUM = 'a'.repeat(64);
const content = {
  summary: 'Made it.',
  outputs: { n: 1 },
  artifacts: [
    { path: 'b', sha256: SUM, size: 2 },
    { path: 'a', sha256: SUM, size: 1 },
  ],
  evidence: [],
  questions: [],
};
const record = (more: object = {}): TaskRecord =>
  ({
    spec: { id: 'fix', kind: 'work', needs: [], work: SUM },
    attempt: 2,
    agent: 'coder',
    spent: { costUsd: 0.5, tokens: 120, calls: 1 },
    verdicts: {},
    ...more,
  }) as unknown as TaskRecord;

/** The schema without what only explains it. */
const meaning = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(meaning);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !(['title', 'description', '$comment'].includes(key) && typeof value === 'string'))
      .map(([key, value]) => [key, meaning(value)]),
  );
};
const stored = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../schemas/${path}`, import.meta.url), 'utf8'));

// req F2
describe('a handoff', () => {
  test('is put together from what was stored and what the state says', () => {
    expect(assemble('r1', record(), content)).toEqual({
      schemaVersion: 1,
      run: 'r1',
      task: 'fix',
      attempt: 2,
      idempotencyKey: 'r1/fix/2',
      from: 'coder',
      status: 'done',
      ...content,
      usage: { tokens: 120, calls: 1, costUsd: 0.5 },
      artifactsChecksum: checksumOf(content.artifacts),
    });
  });

  test('has the lowest score that a gate gave, and none without', () => {
    const verdicts = {
      0: { verdict: 'pass', evidence: SUM, score: 0.9 },
      1: { verdict: 'pass', evidence: SUM, score: 0.8 },
      2: { verdict: 'pass', evidence: SUM },
    };
    expect(assemble('r1', record({ verdicts }), content).score).toBe(0.8);
    expect(assemble('r1', record(), content)).not.toHaveProperty('score');
  });

  test('does not claim that a model without a price was free', () => {
    expect(assemble('r1', record({ spent: { costUsd: 0, tokens: 5, calls: 1 } }), content).usage).toEqual({ tokens: 5, calls: 1 });
  });

  test('has a checksum that depends on the artifacts, not on their order', () => {
    expect(checksumOf([...content.artifacts].reverse())).toBe(checksumOf(content.artifacts));
    expect(checksumOf(content.artifacts.slice(1))).not.toBe(checksumOf(content.artifacts));
    expect(checksumOf([])).toMatch(/^e3b0c442/);
  });

  test.each([
    { score: 1.1 },
    { score: -0.1 },
    { extra: 1 },
    { usage: {} },
    { artifactsChecksum: 'x' },
    { artifacts: [{ path: 'a', sha256: SUM }] },
  ])('is strict: %j', (wrong) => {
    expect(handoffSchema.safeParse({ ...assemble('r1', record(), content), ...wrong }).success).toBe(false);
  });
});

// req F3
describe('schemas/handoff.v1.json', () => {
  test('is what the source says, and accepts what the source accepts', async () => {
    await expect(`${JSON.stringify(handoffJsonSchema(), null, 2)}\n`).toMatchFileSnapshot('../../schemas/handoff.v1.json');
    const validate = new Ajv2020({ strict: false }).compile(stored('handoff.v1.json') as object);
    const whole = assemble('r1', record(), content);
    expect(validate(whole)).toBe(true);
    expect(validate({ ...whole, score: 2 })).toBe(false);
    expect(validate({ ...whole, extra: 1 })).toBe(false);
  });

  test('means what its last released form meant: readers refuse fields they do not know, so any change is a version step', () => {
    expect(meaning(stored('handoff.v1.json'))).toEqual(meaning(stored('released/handoff.v1.json')));
  });
});
