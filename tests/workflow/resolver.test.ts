// req F1
import { expect, test } from 'vitest';
import { TestRun } from './support/run.ts';

const env = (run: TestRun, id: string) => run.definition(id).env;

test('a value that is one whole expression keeps its type; inside a text it is its text, or canonical JSON', () => {
  const run = new TestRun(`
inputs: { list: { type: array, default: [1, 2] }, name: { type: string, default: N } }
tasks:
  a:
    agent: writer
    prompt: "\${{ inputs.name }}: \${{ inputs.list }} \${{ {'b': 1, 'a': [true]} }}"
    with: { whole: "\${{ inputs.list }}", inside: "x\${{ inputs.list }}", nested: { deep: ["\${{ size(inputs.list) }}"] } }
`);
  expect(run.resolve('a')).toBe('inputs');
  expect(run.definition('a')).toMatchObject({
    prompt: 'N: [1,2] {"a":[true],"b":1}',
    inputs: { whole: [1, 2], inside: 'x[1,2]', nested: { deep: [2] } },
  });
});

test('data that looks like a template stays data, whoever wrote it', () => {
  const run = new TestRun(`
tasks:
  a: { run: x }
  b:
    needs: a
    agent: writer
    prompt: p
    with: { car: { parts: [wheel, door] }, from: "\${{ tasks.a.outputs }}" }
`);
  const trap = { $template: { parts: [{ expr: 'run.id' }] }, parts: [{ secret: 'TOKEN' }], text: '${{ run.id }}' };
  run.end('a', { outputs: trap });
  run.resolve('b');
  expect(run.definition('b')).toMatchObject({ inputs: { car: { parts: ['wheel', 'door'] }, from: trap } });
});

test('secrets stay references, also beside values', () => {
  const run = new TestRun(`
secrets: [TOKEN]
inputs: { name: { type: string, default: N } }
tasks:
  a: { run: x, env: { A: "Bearer \${{ secrets.TOKEN }} for \${{ inputs.name }}", B: "\${{ secrets.TOKEN }}", C: "\${{ inputs.name }}" } }
`);
  run.resolve('a');
  expect(env(run, 'a')).toEqual({
    A: { parts: ['Bearer ', { secret: 'TOKEN' }, ' for ', 'N'] },
    B: { parts: [{ secret: 'TOKEN' }] },
    C: 'N',
  });
});

test('a probe and gates get their data as well, whether or not anything is filled in', () => {
  const run = new TestRun(`
inputs: { name: { type: string, default: N } }
tasks:
  a: { run: x, env: { A: "\${{ inputs.name }}" }, probe: p, gate: { run: g, env: { G: "\${{ inputs.name }}" } } }
  b: { run: x, env: { A: plain }, probe: p }
`);
  run.resolve('a');
  expect(run.definition('a')).toMatchObject({ probe: { run: 'p', env: { A: 'N' } }, gates: [{ run: 'g', env: { G: 'N' } }] });
  expect(run.task('b').spec.resolve).toBeUndefined();
  expect(run.definition('b')).toMatchObject({ probe: { run: 'p', env: { A: 'plain' } } });
});

test('numbers follow their declared type: of inputs, outputs, items and scores', () => {
  const run = new TestRun(`
inputs:
  half: { type: number, default: 2 }
  whole: { type: integer, default: 2 }
  all: { type: array, items: { type: number }, default: [1, 2] }
tasks:
  a:
    agent: writer
    prompt: p
    schema: { type: object, properties: { n: { type: number }, i: { type: integer } } }
  b: { needs: a, run: x, env: { A: "\${{ inputs.half * 1.5 }}", B: "\${{ inputs.whole * 2 }}", C: "\${{ tasks.a.outputs.n * 0.5 }}", D: "\${{ tasks.a.outputs.i + 1 }}" } }
  c: { foreach: "\${{ inputs.all }}", run: x, env: { A: "\${{ item * 0.5 }}", B: "\${{ index + 1 }}" } }
`);
  run.end('a', { outputs: { n: 3, i: 3 } });
  expect(run.resolve('b')).toBe('inputs');
  expect(env(run, 'b')).toEqual({ A: '3', B: '4', C: '1.5', D: '4' });
  expect(run.resolve('c')).toBe('expand');
  run.resolve('c[1]');
  expect(env(run, 'c[1]')).toEqual({ A: '1', B: '2' });
});

test('numbers that do not mix say so', () => {
  const run = new TestRun(
    'tasks:\n  a: { run: x }\n  b: { needs: a, run: x, env: { A: "${{ tasks.a.outputs.json * 1.5 }}", B: "${{ double(tasks.a.outputs.json) * 1.5 }}" } }\n',
  );
  run.end('a', { outputs: { json: 2 } });
  expect(run.resolve('b')).toMatch(/no such overload: .*Whole numbers and others don't mix/);
});

test('numbers that JSON can not hold fail, and are not quietly changed', () => {
  const run = new TestRun(`
inputs: { zero: { type: number, default: 0 }, big: { type: integer, default: 9007199254740991 } }
tasks:
  a: { run: x, env: { A: "\${{ 1.0 / inputs.zero }}" } }
  b: { run: x, env: { A: "\${{ inputs.big + 2 }}" } }
`);
  expect(run.resolve('a')).toContain("the number Infinity can't be a JSON value");
  expect(run.resolve('b')).toContain("the whole number 9007199254740993, beyond 2^53, can't be a JSON value");
});

test('`when` skips, runs, or fails when it is neither true nor false', () => {
  const run = new TestRun(`
inputs: { go: { type: object, default: { yes: true, no: false, text: hm } } }
tasks:
  a: { when: "\${{ inputs.go.yes }}", run: x }
  b: { when: inputs.go.no, run: x }
  c: { when: "inputs.go.text", run: x }
  d: { when: false, run: x }
  e: { needs: [b], run: x, env: { A: "\${{ tasks.b.status }}" } }
`);
  expect(run.resolve('a')).toBe('inputs');
  expect(run.resolve('b')).toBe('skip');
  expect(run.resolve('c')).toBe('EXPRESSION_FAILED w.yaml:8:15  ${{ inputs.go.text }} must be true or false, and is "hm".');
  expect(run.resolve('d')).toBe('skip');
  run.resolve('e');
  expect(env(run, 'e')).toEqual({ A: 'skipped' });
});

test('an expression that fails names its line, what was there, and what to do', () => {
  const run = new TestRun(`
tasks:
  a: { run: x }
  b: { needs: a, run: x, env: { A: "\${{ tasks.a.outputs.json.version }}" } }
  c: { needs: a, run: x, env: { A: "\${{ tasks.a.outputs.json }}" } }
  d: { needs: [b], continueOnError: true, run: x }
  e:
    needs: [b]
    always: true
    agent: writer
    prompt: |
      Some lines before.
      Then: \${{ tasks.b.outputs.stdout }}
  f: { needs: a, run: x, env: { A: "\${{ has(tasks.a.outputs.json) ? 'there' : 'not there' }}" } }
`);
  run.end('a', { outputs: { stdout: 'the end', stderr: '', exitCode: 0, stdoutWhole: { sha256: 'ab', size: 70000 } } });
  expect(run.resolve('b')).toMatch(/^EXPRESSION_FAILED w\.yaml:6:41 {2}.*No such key: json\. "a" printed more than 64 KiB/);
  expect(run.resolve('e')).toMatch(/^EXPRESSION_FAILED w\.yaml:15:17 {2}.*"b" was failed, so it has no outputs/);
  expect(run.resolve('f')).toBe('inputs');
  expect(env(run, 'f')).toEqual({ A: 'not there' });
});

test('only what an expression names is looked at', () => {
  const run = new TestRun(
    `
inputs: { long: { type: array, default: [] }, name: { type: string, default: N } }
tasks:
  a: { run: x, env: { A: "\${{ inputs.name }}" } }
  b: { run: x, env: { A: "\${{ size(inputs.long) }}" } }
`,
    { inputs: { long: Array.from({ length: 100_001 }, () => 0) } },
  );
  expect(run.resolve('a')).toBe('inputs');
  expect(run.resolve('b')).toContain('limit ITEMS_MAX = 100000');
});

test('foreach: a task for each item, closed with their results in order', () => {
  const run = new TestRun(`
inputs: { languages: { type: array, items: { type: string }, default: [de, fr] } }
tasks:
  t: { foreach: "\${{ inputs.languages }}", maxParallel: 1, agent: writer, prompt: "into \${{ item }} (\${{ index }})" }
  u: { needs: t, run: x, env: { A: "\${{ tasks.t.items[1].outputs.text }}", B: "\${{ size(tasks.t.items) }}" } }
`);
  expect(run.resolve('t')).toBe('expand');
  expect(run.task('t').spec.maxParallel).toBe(1);
  for (const [i, text] of ['Hallo', 'Salut'].entries()) {
    run.resolve(`t[${i}]`);
    run.end(`t[${i}]`, { outputs: { text } });
  }
  expect(run.definition('t[1]')).toMatchObject({ prompt: 'into fr (1)' });
  expect(run.resolve('t')).toBe('commit');
  expect(run.content('t').items).toMatchObject([{ status: 'committed', outputs: { text: 'Hallo' } }, { outputs: { text: 'Salut' } }]);
  run.resolve('u');
  expect(env(run, 'u')).toEqual({ A: 'Salut', B: '2' });
});

test('foreach: an empty list is done at once; no list fails; a failed item fails it unless told otherwise', () => {
  const run = new TestRun(`
inputs: { none: { type: array, default: [] }, odd: { type: object, default: { x: 1 } } }
tasks:
  a: { foreach: "\${{ inputs.none }}", run: x }
  b: { foreach: "\${{ inputs.odd.x }}", run: x }
  c: { foreach: [1, 2], run: x }
  d: { foreach: [1, 2], run: x, continueOnError: true }
`);
  expect(run.resolve('a')).toBe('commit');
  expect(run.content('a').items).toEqual([]);
  expect(run.resolve('b')).toContain('FOREACH_NOT_A_LIST');
  for (const id of ['c', 'd']) {
    run.resolve(id);
    run.end(`${id}[0]`, {});
    run.fail(`${id}[1]`);
  }
  expect(run.resolve('c')).toContain('c[1]: It did not work.');
  expect(run.resolve('d')).toBe('commit');
  expect(run.content('d').items).toMatchObject([{ status: 'committed' }, { status: 'failed', summary: 'It did not work.' }]);
});

test('until: round after round, and its result is that of the last; too many rounds fail', () => {
  const run = new TestRun(`
tasks:
  p: { agent: writer, prompt: "round \${{ round }}", until: { when: "this.outputs.good", maxRounds: 2 } }
  q: { run: x, until: { when: "\${{ this.outputs.exitCode > 0 }}", maxRounds: 1 } }
  s: { run: x, when: "run.name == 'other'", until: { when: "true", maxRounds: 1 } }
`);
  expect(run.resolve('p')).toBe('expand');
  run.resolve('p~1');
  run.end('p~1', { outputs: { good: false } });
  expect(run.resolve('p')).toBe('expand');
  run.resolve('p~2');
  expect(run.definition('p~2')).toMatchObject({ prompt: 'round 2' });
  run.end('p~2', { outputs: { good: true }, summary: 'done' });
  expect(run.resolve('p')).toBe('commit');
  expect(run.content('p')).toMatchObject({ summary: 'done', outputs: { good: true } });
  run.resolve('q');
  run.end('q~1', { outputs: { exitCode: 0 } });
  expect(run.resolve('q')).toContain('ROUNDS_EXHAUSTED limit maxRounds = 1');
  expect(run.resolve('s')).toBe('skip');
});

test('uses: the tasks of another file with its own inputs and types, closed with the outputs it declares', () => {
  const used = {
    'u.yaml': `
inputs: { factor: { type: number }, name: { type: string, default: N } }
outputs: { text: "\${{ tasks.b.outputs.text }}", twice: "\${{ inputs.factor * 2.0 }}" }
tasks:
  a: { run: x, env: { A: "\${{ inputs.factor * 0.5 }} \${{ inputs.name }}" } }
  b: { needs: [a], agent: writer, prompt: "\${{ tasks.a.outputs.stdout }}" }
`,
  };
  const run = new TestRun(
    `
tasks:
  a: { run: x }
  r: { needs: a, uses: ./u.yaml, with: { factor: "\${{ tasks.a.outputs.json.n }}" } }
  z: { needs: r, run: x, env: { A: "\${{ tasks.r.outputs.text }} \${{ tasks.r.outputs.twice }}" } }
`,
    { used },
  );
  run.end('a', { outputs: { stdout: 'outer', json: { n: 3 } } });
  expect(run.resolve('r')).toBe('expand');
  expect(run.task('r/b').spec).toMatchObject({ needs: ['r/a'], parent: 'r' });
  run.resolve('r/a');
  expect(env(run, 'r/a')).toEqual({ A: '1.5 N' });
  run.end('r/a', { outputs: { stdout: 'inner' } });
  run.resolve('r/b');
  expect(run.definition('r/b')).toMatchObject({ prompt: 'inner' });
  run.end('r/b', { outputs: { text: 'hi' } });
  expect(run.resolve('r')).toBe('commit');
  expect(run.content('r').outputs).toEqual({ text: 'hi', twice: 6 });
  run.resolve('z');
  expect(env(run, 'z')).toEqual({ A: 'hi 6' });
});

test('uses in a foreach, and a failure in the used file names that file', () => {
  const used = {
    'sub/u.yaml': `
inputs: { n: { type: integer } }
tasks:
  a: { run: x, env: { A: "\${{ inputs.n }}" } }
  b: { needs: a, run: x, env: { A: "\${{ tasks.a.outputs.json }}" } }
`,
  };
  const run = new TestRun('tasks:\n  r: { foreach: [7, 8], uses: sub/u.yaml, with: { n: "${{ item }}" } }\n', { used });
  expect(run.resolve('r')).toBe('expand');
  expect(run.resolve('r[1]')).toBe('expand');
  run.resolve('r[1]/a');
  expect(env(run, 'r[1]/a')).toEqual({ A: '8' });
  run.end('r[1]/a', { outputs: { stdout: 'no json' } });
  expect(run.resolve('r[1]/b')).toMatch(/^EXPRESSION_FAILED sub\/u\.yaml:7:41 .*What "a" printed is not JSON/);
});

test('an input that does not fit where it is used fails before anything of that file runs', () => {
  const used = { 'u.yaml': 'inputs: { n: { type: integer } }\ntasks: { a: { run: x } }\n' };
  const run = new TestRun('tasks:\n  a: { run: x }\n  r: { needs: a, uses: u.yaml, with: { n: "${{ tasks.a.outputs.stdout }}" } }\n', {
    used,
  });
  run.end('a', { outputs: { stdout: 'many' } });
  expect(run.resolve('r')).toContain('INPUT_TYPE The input "n" must be of type integer, not "many"');
});

test('a task may be called what objects have by themselves', () => {
  const run = new TestRun(
    'tasks:\n  constructor: { run: x }\n  a: { needs: constructor, run: x, env: { A: "${{ tasks.constructor.outputs.stdout }}" } }\n',
  );
  run.end('constructor', { outputs: { stdout: 'hi' } });
  expect(run.resolve('a')).toBe('inputs');
  expect(env(run, 'a')).toEqual({ A: 'hi' });
});

test('what the run is called can be told', () => {
  const run = new TestRun('tasks:\n  a: { run: x, env: { A: "${{ run.id }} ${{ run.name }} ${{ run.startedAt }}" } }\n');
  run.resolve('a');
  expect(env(run, 'a')).toEqual({ A: 'r1 test 2023-11-14T22:13:20.000Z' });
});

test('a removed payload is a failure with its own code, not a crash', () => {
  const run = new TestRun('tasks:\n  a: { run: x, env: { A: "${{ run.id }}" } }\n');
  run.blobs.map.clear();
  expect(run.resolve('a')).toContain('PAYLOAD_MISSING');
});
