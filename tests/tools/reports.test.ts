import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Analyser } from '../../src/work/tools/analysis/analyser.ts';
import { biome, eslint, ruff, tsc } from '../../src/work/tools/analysis/analysers.ts';
import { go } from '../../src/work/tools/test/golang.ts';
import { jest, nodeTest, npm, vitest } from '../../src/work/tools/test/javascript.ts';
import { readJUnit } from '../../src/work/tools/test/junit.ts';
import { pytest } from '../../src/work/tools/test/python.ts';
import { FAILURES_MAX, type Project, type TestOutput, type TestRunner } from '../../src/work/tools/test/runner.ts';
import { cargo } from '../../src/work/tools/test/rust.ts';
import { xmlEvents } from '../../src/work/tools/test/xml.ts';

const recorded = (name: string): string => readFileSync(new URL(`../fixtures/tools/${name}`, import.meta.url), 'utf8');
const project: Project = {
  names: new Set(),
  text: (name) => (name === 'go.mod' ? 'module example.com/sample\n\ngo 1.25\n' : undefined),
  npm: undefined,
  inside: '/workspace',
};
const read = (runner: TestRunner, output: Partial<TestOutput>) =>
  runner.read({ stdout: '', stderr: '', report: undefined, ...output }, project);

// req A3
describe('the report of', () => {
  test('node --test', () => {
    expect(read(nodeTest, { report: recorded('node.junit.xml') })).toMatchObject({
      passed: 3,
      failed: 3,
      skipped: 2,
      failures: [
        { name: 'test/broken.test.js', file: 'test/broken.test.js', message: 'test failed' },
        {
          // Node escapes quotes twice in names.
          name: 'sums › adds <angles> & &quot;quotes&quot;',
          file: 'test/math.test.js',
          line: 8,
          message: 'Expected values to be strictly equal:\n\n2 !== 3',
        },
        { name: 'sums.nested › throws', file: 'test/math.test.js', line: 14, message: 'no such number' },
      ],
    });
  });

  test('a script that prints TAP', () => {
    expect(read(npm, { stdout: recorded('node.tap') })).toMatchObject({
      passed: 3,
      failed: 3,
      skipped: 2,
      failures: [
        { name: 'test/broken.test.js', file: 'test/broken.test.js', line: 1, message: 'test failed' },
        {
          name: 'adds <angles> & "quotes"',
          file: 'test/math.test.js',
          line: 8,
          message: 'Expected values to be strictly equal:\n\n2 !== 3',
        },
        { name: 'throws', line: 14, message: 'no such number' },
      ],
    });
    expect(read(npm, { stdout: 'ok, all is well\n' })).toBeUndefined();
    expect(read(npm, { stdout: 'TAP version 14\n1..3\nok 1\nnot ok 2 # TODO later\nok 3 # skip\n' })).toEqual({
      passed: 1,
      failed: 0,
      skipped: 2,
      failures: [],
    });
  });

  test('Vitest', () => {
    const { failures, ...counts } = read(vitest, { report: recorded('vitest.json') }) ?? {};
    // One of the files could not be loaded.
    expect(counts).toEqual({ passed: 2, failed: 2, skipped: 2 });
    expect(failures).toMatchObject([
      { name: 'the file itself', file: 'tests/broken.test.ts', message: expect.stringContaining("Cannot find module '../src/missing.ts'") },
      { name: 'sums is wrong', file: 'tests/math.test.ts', line: 7, message: expect.stringContaining('expected 2 to be 3') },
    ]);
  });

  test('Jest', () => {
    const { failures, ...counts } = read(jest, { report: recorded('jest.json') }) ?? {};
    expect(counts).toEqual({ passed: 2, failed: 2, skipped: 2 });
    expect(failures).toMatchObject([
      { name: 'sums is wrong', file: 'tests/math.test.js', line: 5, message: expect.stringContaining('Expected: 3') },
      { name: 'the file itself', file: 'tests/broken.test.js', message: expect.stringContaining('Cannot find module') },
    ]);
  });

  test('pytest', () => {
    expect(read(pytest, { report: recorded('pytest.junit.xml') })).toMatchObject({
      passed: 2,
      failed: 4,
      skipped: 2,
      failures: [
        { name: 'tests.test_broken', file: 'tests/test_broken.py', line: 1, message: 'collection failure' },
        {
          name: 'tests.test_math › test_wrong',
          file: 'tests/test_math.py',
          line: 9,
          message: 'AssertionError: sums & <angles>\nassert (1 + 1) == 3',
        },
        { name: 'tests.test_math.TestGroup › test_small[2]', file: 'tests/test_math.py', line: 25, message: 'assert 2 < 2' },
        {
          name: 'tests.test_math › test_setup',
          file: 'tests/test_math.py',
          line: 30,
          message: 'failed on setup with "RuntimeError: no fixture today"',
        },
      ],
    });
  });

  test('cargo', () => {
    const { failures, ...counts } = read(cargo, { stdout: recorded('cargo.stdout.txt'), stderr: recorded('cargo.stderr.txt') }) ?? {};
    expect(counts).toEqual({ passed: 3, failed: 3, skipped: 1 });
    expect(failures).toMatchObject([
      { name: 'tests::wrong', file: 'src/lib.rs', line: 14, message: expect.stringContaining('left: 2\n right: 3') },
      { name: 'fails_with_result', message: 'Error: "no luck"' },
      { name: 'src/lib.rs - add (line 3)', file: 'src/lib.rs', line: 5 },
    ]);
    expect(failures?.[0]?.message).not.toContain('stack backtrace');
    expect(read(cargo, { stdout: '', stderr: 'error[E0425]: cannot find value' })).toBeUndefined();
  });

  test('go (written by hand)', () => {
    expect(read(go, { stdout: recorded('go.hand-made.jsonl') })).toMatchObject({
      passed: 2,
      failed: 2,
      skipped: 1,
      failures: [
        {
          name: 'example.com/sample/broken',
          file: 'broken/broken_test.go',
          line: 5,
          message: expect.stringContaining('undefined: nothing'),
        },
        { name: 'TestGroup/small', file: 'sums/sums_test.go', line: 14, message: expect.stringContaining('2 is not 3') },
      ],
    });
  });
});

// req A3
describe('the findings of', () => {
  const found = (analyser: Analyser, name: string) => analyser.read(recorded(name), project);

  test('ESLint', () => {
    expect(found(eslint, 'eslint.json')).toEqual([
      {
        tool: 'eslint',
        file: 'src/a.js',
        line: 1,
        column: 7,
        rule: 'no-unused-vars',
        severity: 'warning',
        message: "'unused' is assigned a value but never used.",
      },
      {
        tool: 'eslint',
        file: 'src/a.js',
        line: 2,
        column: 33,
        rule: 'eqeqeq',
        severity: 'error',
        message: "Expected '===' and instead saw '=='.",
      },
      {
        tool: 'eslint',
        file: 'src/a.js',
        line: 3,
        column: 1,
        rule: 'no-debugger',
        severity: 'error',
        message: "Unexpected 'debugger' statement.",
      },
      { tool: 'eslint', file: 'src/broken.js', line: 1, column: 24, severity: 'error', message: 'Parsing error: Unexpected token ;' },
    ]);
  });

  test('Biome', () => {
    expect(found(biome, 'biome.rdjson')?.slice(0, 2)).toEqual([
      {
        tool: 'biome',
        file: 'src/a.js',
        line: 1,
        column: 7,
        rule: 'lint/correctness/noUnusedVariables',
        severity: 'warning',
        message: 'This variable unused is unused.',
      },
      {
        tool: 'biome',
        file: 'src/a.js',
        line: 2,
        column: 33,
        rule: 'lint/suspicious/noDoubleEquals',
        severity: 'error',
        message: expect.stringContaining('Using =='),
      },
    ]);
  });

  test('tsc', () => {
    expect(found(tsc, 'tsc.txt')).toHaveLength(5);
    expect(found(tsc, 'tsc.txt')?.[3]).toEqual({
      tool: 'tsc',
      file: 'src/b.ts',
      line: 6,
      column: 3,
      rule: 'TS2345',
      severity: 'error',
      message: expect.stringMatching(
        /^Argument of type .*\n {2}The types of 'deep\.name' .*\n {4}Type 'number' is not assignable to type 'string'\.$/,
      ),
    });
    expect(tsc.read("error TS5083: Cannot read file '/workspace/tsconfig.json'.\n", project)).toMatchObject([
      { file: 'tsconfig.json', rule: 'TS5083' },
    ]);
  });

  test('ruff', () => {
    expect(found(ruff, 'ruff.json')?.map(({ file, line, rule }) => [file, line, rule])).toEqual([
      ['a.py', 1, 'I001'],
      ['a.py', 1, 'F401'],
      ['a.py', 5, 'F821'],
      ['b.py', 1, 'invalid-syntax'],
      ['b.py', 2, 'invalid-syntax'],
    ]);
  });
});

describe('a report that somebody made up', () => {
  test('which is none, or of another shape, is not read', () => {
    for (const report of ['', '{}', 'null', '[1]', '{"testResults":[{"name":1}]}', '<html>', '{"testResults":'])
      for (const runner of [vitest, jest, nodeTest, pytest]) expect(read(runner, { report })).toBeUndefined();
    for (const analyser of [eslint, biome, ruff])
      for (const stdout of ['', 'x', '{"diagnostics":7}', '[{"messages":[]}]']) expect(analyser.read(stdout, project)).toBeUndefined();
  });

  test('is bounded in what it can say', () => {
    const failure = `<testcase name="n"><failure message="${'m'.repeat(10_000)}"/></testcase>`;
    const counts = readJUnit(`<testsuites>${failure.repeat(1000)}</testsuites>`, project);
    expect(counts?.failed).toBe(1000);
    expect(counts?.failures).toHaveLength(FAILURES_MAX);
    expect(counts?.failures[0]?.message).toHaveLength(4000);
  });

  test('of XML without an end, in any nesting, is read once through', () => {
    const events = (xml: string) => [...xmlEvents(xml)];
    expect(events('<a b="<x>" c=\'&lt;&#65;&#x42;&nope;&#x110000;\'>t<![CDATA[<b>&amp;]]><!-- <c> --></a>')).toEqual([
      {
        type: 'open',
        name: 'a',
        attributes: new Map([
          ['b', '<x>'],
          ['c', '<AB&nope;&#x110000;'],
        ]),
      },
      { type: 'text', text: 't' },
      { type: 'text', text: '<b>&amp;' },
      { type: 'close', name: 'a' },
    ]);
    for (const xml of ['<', '<a', '<a b="', '<!--', '<![CDATA[x', '&', '<?', '</']) expect(() => events(xml)).not.toThrow();
    expect(events('<a>'.repeat(100_000))).toHaveLength(100_000);
    expect(events('<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>').filter(({ type }) => type === 'text')).toContainEqual({
      type: 'text',
      text: '&b;',
    });
  });
});
