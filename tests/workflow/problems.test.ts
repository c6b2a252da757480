// req F1
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { badSchema } from '../../src/work/agents/json-schema.ts';
import { FILE_MAX } from '../../src/work/workflow/document.ts';
import { loadSettings, loadWorkflow } from '../../src/work/workflow/load.ts';
import { formatProblem, PROBLEM_CODES, type Problem } from '../../src/work/workflow/problem.ts';

const fixtures = fileURLToPath(new URL('../fixtures/workflow/', import.meta.url));
const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const known = { agents: new Set<string>(), schemaProblem: (schema: unknown) => badSchema(schema as Record<string, unknown>) };

function problemsOf(file: string, bytes: Uint8Array = readFileSync(file)): readonly Problem[] {
  const result = loadWorkflow(basename(file), bytes, known, (used) => {
    try {
      return readFileSync(`${fixtures}${used}`);
    } catch {
      return undefined;
    }
  });
  return result.ok ? [] : result.problems;
}

describe('one file for every code', () => {
  const files = globSync(`${fixtures}[A-Z]*.yaml`).sort();
  it.each(files.map((file) => [basename(file), file]))('%s', (_name, file) => {
    const [, code, line, column] = /^# (\w+) (\d+):(\d+)/.exec(readFileSync(file, 'utf8')) ?? [];
    const found = problemsOf(file).map((problem) => `${problem.code} ${problem.line}:${problem.column}`);
    expect(found).toContain(`${code} ${line}:${column}`);
    expect(found.filter((each) => !each.startsWith(`${code} `))).toEqual([]);
  });

  it('has a file for every code but the one that needs another size', () => {
    const covered = new Set(files.map((file) => basename(file, '.yaml')));
    expect(Object.keys(PROBLEM_CODES).filter((code) => !covered.has(code))).toEqual(['FILE_TOO_LARGE']);
  });

  it('a file above the limit', () => {
    const [problem] = problemsOf('big.yaml', Buffer.alloc(FILE_MAX + 1, 'a'));
    expect(problem).toMatchObject({ code: 'FILE_TOO_LARGE', message: expect.stringContaining(String(FILE_MAX)) });
  });
});

test('ten mistakes are all told at once, each with its line', () => {
  const found = problemsOf(`${fixtures}ten-mistakes.yaml`);
  const expected = {
    LIMIT_TOO_LARGE: 6,
    SEVERAL_KINDS: 8,
    BAD_ID: 10,
    UNKNOWN_DEPENDENCY: 13,
    EXPRESSION_IN_COMMAND: 14,
    BAD_DURATION: 17,
    UNKNOWN_AGENT: 19,
    EXPRESSION_UNKNOWN_NAME: 20,
    UNKNOWN_KEY: 23,
    UNKNOWN_TOOL: 25,
    REFERENCE_NOT_NEEDED: 28,
  };
  for (const [code, line] of Object.entries(expected))
    expect(
      found.map((each) => `${each.code}:${each.line}`),
      found.map(formatProblem).join('\n'),
    ).toContain(`${code}:${line}`);
});

test('a name that is nearly right brings a guess', () => {
  expect(problemsOf(`${fixtures}UNKNOWN_DEPENDENCY.yaml`)[0]?.message).toContain('Did you mean "log"?');
  expect(problemsOf(`${fixtures}UNKNOWN_KEY.yaml`)[0]?.message).toContain('Did you mean "idempotent"?');
});

test('the whole example of the workflow file reports exactly what this version can’t do yet', () => {
  const found = problemsOf(`${examples}fix-and-release.yaml`);
  expect(found.map(({ code }) => code)).toEqual(['NOT_YET']);
});

test('the demo loads clean, also with a byte order mark, Windows line ends and an anchor', () => {
  const text = readFileSync(`${examples}demo/release.yaml`, 'utf8');
  expect(problemsOf('release.yaml', Buffer.from(text))).toEqual([]);
  expect(problemsOf('release.yaml', Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`))).toEqual([]);
  const anchored = 'version: 1\nname: x\ntasks:\n  a: &a { run: echo, idempotent: true }\n  b: *a\n';
  expect(problemsOf('x.yaml', Buffer.from(anchored))).toEqual([]);
});

test('tabs, empty files, deep nesting and other types are told, not thrown', () => {
  const codes = (text: string) => problemsOf('x.yaml', Buffer.from(text)).map(({ code }) => code);
  expect(codes('version: 1\n\tname: x\n')).toContain('YAML_SYNTAX');
  expect(codes('').length).toBeGreaterThan(0);
  expect(codes('- 1\n- 2\n')).toContain('WRONG_TYPE');
  expect(codes(`a: ${'['.repeat(5_000)}`)).toContain('YAML_SYNTAX');
  expect(codes(`a: ${'{a: '.repeat(5_000)}`)).toContain('YAML_SYNTAX');
  expect(codes('version: 2\nname: x\ntasks: { a: { run: echo } }\n')).toContain('WRONG_TYPE');
});

test('baton.yaml is checked in the same way', () => {
  const codes = (text: string) => {
    const result = loadSettings('baton.yaml', Buffer.from(text));
    return result.ok ? [] : result.problems.map(formatProblem);
  };
  expect(codes('')).toEqual([]);
  expect(codes('agents: { w: { model: openai/x } }\nlimits: { costUsd: 5 }\n')).toEqual([]);
  expect(codes('agents:\n  w: { modle: openai/x }\nlimts: {}\n')).toEqual([
    expect.stringContaining('baton.yaml:2:3  MISSING_KEY'),
    expect.stringContaining('baton.yaml:3:1  UNKNOWN_KEY'),
  ]);
});

test('no byte of a valid file, changed at random, makes the loader throw', () => {
  const bytes = readFileSync(`${examples}demo/release.yaml`);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      problemsOf('release.yaml', changed);
    }),
    { numRuns: 500 },
  );
});
