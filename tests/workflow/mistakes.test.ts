// req F1
import { expect, test } from 'vitest';
import { messages, problems } from './support/run.ts';

test('names that every object has are names like any other', () => {
  expect(problems('tasks: { a: { run: x, needs: [constructor, toString] } }')).toEqual([
    'UNKNOWN_DEPENDENCY 1:31',
    'UNKNOWN_DEPENDENCY 1:44',
  ]);
  expect(problems('tasks: { a: { run: x, env: { A: "${{ inputs.valueOf }}", B: "${{ tasks.constructor.summary }}" } } }')).toEqual([
    'EXPRESSION_UNKNOWN_NAME 1:38',
    'EXPRESSION_UNKNOWN_NAME 1:66',
  ]);
});

test('one mistake is told once, and does not make others of what it touches', () => {
  expect(
    problems(`inputs: { bad: { type: strng }, worse: 5 }
agents: { odd: [1] }
tasks:
  a: { run: x, needs: [1, zz] }
  b: 5
  c: { run: x, needs: b, env: { A: "\${{ inputs.bad }} \${{ inputs.worse }} \${{ tasks.b.outputs.x }}" } }
  d: { agent: odd, prompt: p, retry: { attemps: 2 } }
  e: { run: 7, gate: [{ run: 1 }, { run: ok, env: { A: "\${{ inputs.nope }}" } }] }`),
  ).toEqual([
    'WRONG_TYPE 1:24',
    'WRONG_TYPE 1:40',
    'WRONG_TYPE 2:16',
    'WRONG_TYPE 4:24',
    'UNKNOWN_DEPENDENCY 4:27',
    'WRONG_TYPE 5:6',
    'MISSING_KEY 7:31',
    'UNKNOWN_KEY 7:40',
    'WRONG_TYPE 8:13',
    'WRONG_TYPE 8:30',
    'EXPRESSION_UNKNOWN_NAME 8:61',
  ]);
});

test('a file without its version is still looked at', () => {
  expect(problems('version: 1\ntasks: { a: { run: x, needs: b } }')).toContain('DUPLICATE_KEY 1:1');
  expect(problems('version: 1\ntasks: { a: { run: x, needs: b } }')).toContain('UNKNOWN_DEPENDENCY 2:30');
});

test('a key that means nothing where it stands is a mistake', () => {
  expect(
    problems(
      `tasks:
  a: { approve: "ok?", gate: { run: x }, timeout: 5m, retry: { attempts: 2 }, env: { A: b }, prompt: p }
  b: { run: x, schema: { type: object }, with: { a: 1 }, maxParallel: 3, by: [x], rework: 2 }
  c: { agent: writer, prompt: p, in: project, probe: x }
  d: { uses: u.yaml, writes: [src/**], env: { A: b } }`,
      { 'u.yaml': 'tasks: { a: { run: x } }' },
    ),
  ).toEqual([
    ...['2:24', '2:42', '2:55', '2:79', '2:94'].map((at) => `UNKNOWN_KEY ${at}`),
    ...['3:16', '3:42', '3:58', '3:74'].map((at) => `UNKNOWN_KEY ${at}`),
    ...['4:34', '4:47'].map((at) => `UNKNOWN_KEY ${at}`),
    ...['5:22', '5:40'].map((at) => `UNKNOWN_KEY ${at}`),
  ]);
});

test('a gate says what it is', () => {
  expect(
    problems(
      'tasks:\n  a: { run: x, gate: {} }\n  b: { run: x, gate: [{ rubric: { threshold: 2, criteria: [] } }] }\n  c: { run: x, gate: { rubrik: 1 } }',
    ),
  ).toEqual(['MISSING_KEY 2:16', 'LIMIT_TOO_LARGE 3:46', 'WRONG_TYPE 3:59', 'UNKNOWN_KEY 4:24']);
});

test('approvals say when, and to whom it goes when nobody answers', () => {
  expect(
    problems(`tasks:
  a: { run: x, approval: { by: [lead] } }
  b: { approve: "ok?", approval: { at: start } }
  c: { run: x, approval: { at: start, onTimeout: deny } }
  d: { approve: "ok?", approval: { timeout: 1h, onTimeout: escalate } }
  e: { approve: "ok?", by: [lead], approval: { timeout: 1h, onTimeout: deny } }`),
  ).toEqual(['MISSING_KEY 2:16', 'UNKNOWN_KEY 3:36', 'MISSING_KEY 4:39', 'MISSING_KEY 5:49']);
});

test('an expression where none is filled in is a mistake, and a secret there is told as one', () => {
  expect(
    problems(`secrets: [S]
inputs: { d: { type: string, default: "\${{ run.id }}" } }
agents: { p: { command: "./x \${{ inputs.d }}" }, q: { scripted: {}, note: "\${{ secrets.S }}" } }
tasks:
  a: { run: x, writes: ["src/\${{ inputs.d }}"], description: "may say \${{ anything }}" }
  b: { run: ["echo", "\${{ inputs.d }}"], probe: "y \${{ inputs.d }}" }`).sort(),
  ).toEqual([
    'BAD_GLOB 5:25',
    'EXPRESSION_IN_COMMAND 3:34',
    'EXPRESSION_IN_COMMAND 6:27',
    'EXPRESSION_IN_COMMAND 6:56',
    'EXPRESSION_SYNTAX 2:44',
    'SECRET_OUTSIDE_ENV 3:80',
  ]);
});

test('a secret stands alone, in env, and is one that the file lists', () => {
  expect(
    problems(`secrets: [TOKEN]
tasks:
  a:
    agent: writer
    prompt: "use \${{ secrets.TOKEN }}"
    env: { A: "Bearer \${{ secrets.TOKEN }}", B: "\${{ secrets.TOKEN + 'x' }}", C: "\${{ secrets['TOKEN'] }}", D: "\${{ secrets.TOKN }}" }
    gate: { run: x, env: { A: "\${{ secrets.TOKEN }}" } }`),
  ).toEqual(['SECRET_OUTSIDE_ENV 5:22', 'EXPRESSION_TYPE 6:54', 'EXPRESSION_TYPE 6:87', 'EXPRESSION_UNKNOWN_NAME 6:117']);
});

test('the item of a foreach is there for its work, and not for its own `when`', () => {
  expect(
    problems(`tasks:
  a: { foreach: [1], run: x, when: "item == 1", env: { A: "\${{ item }}" } }
  b: { run: x, env: { A: "\${{ item }}" }, until: { when: "this.outputs.exitCode == 0 && item == 1", maxRounds: 2 } }`),
  ).toEqual(['EXPRESSION_UNKNOWN_NAME 2:37', 'EXPRESSION_UNKNOWN_NAME 3:31', 'EXPRESSION_UNKNOWN_NAME 3:89']);
});

test('types are checked as far as they are known, and no further', () => {
  const text = (expression: string) =>
    problems(`inputs:
  n: { type: integer, default: 1 }
  h: { type: number, default: 1 }
  o: { type: object, properties: { s: { type: string } }, default: {} }
tasks:
  run: { run: x }
  open: { agent: writer, prompt: p, schema: { type: object, properties: { title: { type: string } } } }
  closed: { agent: writer, prompt: p, schema: { type: object, properties: { title: { type: string } }, additionalProperties: false } }
  text: { agent: writer, prompt: p }
  all: { foreach: [1], run: x }
  yes: { approve: "ok?" }
  it: { needs: [run, open, closed, text, all, yes], run: x, env: { A: "\${{ ${expression} }}" } }`).map((each) => each.split(' ')[0]);
  for (const fine of [
    'tasks.run.outputs.json.anything[0].else',
    'tasks.run.outputs.stdoutWhole.size',
    'tasks.run.outputs.version',
    'tasks.open.outputs.other',
    "tasks.open.outputs.title + 'x'",
    'tasks.closed.outputs.title.size()',
    'tasks.text.outputs.text.size()',
    'tasks.all.items[0].outputs.stdout',
    'tasks.all.items.map(each, each.status)',
    'tasks.yes.outputs.decision',
    'inputs.h * 2.0',
    'inputs.n * 2',
    'inputs.o.s.size()',
    'inputs.o.other',
    'size(inputs) > 1',
    'size(tasks.run.outputs)',
    'has(tasks.run.outputs.json) ? 1 : 2',
    "tasks['run'].summary",
  ])
    expect(text(fine), fine).toEqual([]);
  for (const [wrong, code] of Object.entries({
    'tasks.run.outputs.stdot': 'EXPRESSION_UNKNOWN_NAME',
    'tasks.run.output.stdout': 'EXPRESSION_UNKNOWN_NAME',
    'tasks.closed.outputs.body': 'EXPRESSION_UNKNOWN_NAME',
    'tasks.open.outputs.titel': 'EXPRESSION_UNKNOWN_NAME',
    'tasks.all.outputs.items + 1 == tasks.all.itms': 'EXPRESSION_UNKNOWN_NAME',
    'inputs.h * 2': 'EXPRESSION_TYPE',
    "inputs.n + 'x'": 'EXPRESSION_TYPE',
    'tasks.run.outputs.stdout + 1': 'EXPRESSION_TYPE',
    'tasks.run.outputs.exitCode.size()': 'EXPRESSION_TYPE',
    "'a'.matches('^(a+)+$')": 'EXPRESSION_TYPE',
    "['a'].exists(x, x.matches('a'))": 'EXPRESSION_TYPE',
    'size(tasks)': 'EXPRESSION_TYPE',
    "tasks['ru' + 'n'].summary": 'EXPRESSION_TYPE',
    'cel.bind(x, 1, x)': 'EXPRESSION_UNKNOWN_NAME',
    'inputs.n +': 'EXPRESSION_SYNTAX',
  }))
    expect(text(wrong)[0], wrong).toBe(code);
});

test('`when` and `foreach` want a truth and a list, as one whole expression', () => {
  expect(
    problems(`inputs: { n: { type: integer, default: 1 }, l: { type: array, default: [] } }
tasks:
  a: { run: x, when: "inputs.n" }
  b: { run: x, foreach: "\${{ inputs.n }}" }
  c: { run: x, when: "x \${{ inputs.n > 1 }}" }
  d: { run: x, foreach: "\${{ inputs.l }}", when: "\${{ inputs.n > 0 }}" }`),
  ).toEqual(['EXPRESSION_TYPE 3:23', 'EXPRESSION_TYPE 4:30', 'EXPRESSION_SYNTAX 5:23']);
});

test('reading a task means needing it, directly or through others', () => {
  expect(
    messages(`tasks:
  a: { run: x }
  b: { run: x, needs: a }
  c: { run: x, needs: b, env: { A: "\${{ tasks.a.summary }}" } }
  d: { run: x, needs: [a], env: { A: "\${{ tasks.b.summary }} \${{ tasks.d.summary }}" } }`),
  ).toEqual([
    'REFERENCE_NOT_NEEDED 5:43 "d" reads "b" and does not need it. Add it: `needs: [a, b]`',
    'REFERENCE_NOT_NEEDED 5:66 "d" reads its own result, which is not there yet',
  ]);
});

test('every circle is told with its path, and references inside it are left alone', () => {
  expect(
    messages(`tasks:
  a: { run: x, needs: [b] }
  b: { run: x, needs: a, env: { A: "\${{ tasks.c.summary }}" } }
  c: { run: x, needs: [c] }`),
  ).toEqual(['CYCLE 2:24 these tasks wait for each other: a → b → a', 'CYCLE 4:24 these tasks wait for each other: c → c']);
});

test('defaults, durations, globs, limits and names are checked for what they mean', () => {
  expect(
    problems(`inputs:
  n: { type: integer, default: abc }
  l: { type: array, items: { type: string }, default: [a, 1] }
limits: { tasks: 101, wallTime: 2h }
tasks:
  a: { run: x, timeout: 0s, retry: { attempts: 2, backoff: 0s } }
  b: { run: x, writes: ["./src/**", "src//a", "{a/b,c}/**", "../x", "src/[ab]/*.ts"] }
  c: { run: "", env: { "1A": x } }
  d: { run: x, retry: { attempts: 1000 } }
  Bad-Id: { run: x }
  ${'e'.repeat(65)}: { run: x }`),
  ).toEqual([
    'WRONG_TYPE 2:32',
    'WRONG_TYPE 3:55',
    'LIMIT_TOO_LARGE 4:18',
    'LIMIT_TOO_LARGE 4:33',
    'BAD_DURATION 6:25',
    'BAD_GLOB 7:25',
    'BAD_GLOB 7:37',
    'BAD_GLOB 7:47',
    'BAD_GLOB 7:61',
    'WRONG_TYPE 8:13',
    'WRONG_TYPE 8:24',
    'LIMIT_TOO_LARGE 9:35',
    'BAD_ID 10:3',
    'BAD_ID 11:3',
  ]);
  expect(messages('tasks: { Bad-Id: { run: x } }')[0]).toContain('For example `bad_id`');
});

test('what is handed to a used workflow is held against its inputs, and its mistakes are told once', () => {
  const used = {
    'u.yaml':
      'inputs: { must: { type: string }, may: { type: integer, default: 1 } }\noutputs: { o: x }\ntasks: { q: { run: x, needs: nope } }',
  };
  expect(
    problems(
      `tasks:
  a: { uses: u.yaml, with: { nope: 1, may: many } }
  b: { uses: ./u.yaml, with: { must: "\${{ inputs.x }}" } }
  c: { needs: a, run: x, env: { A: "\${{ tasks.a.outputs.o }} \${{ tasks.a.outputs.p }}" } }
  d: { uses: gone.yaml }
  e: { uses: /etc/passwd }`,
      used,
    ),
  ).toEqual([
    'UNKNOWN_DEPENDENCY u.yaml:3:30',
    'MISSING_KEY 2:8',
    'UNKNOWN_KEY 2:30',
    'WRONG_TYPE 2:44',
    'EXPRESSION_UNKNOWN_NAME 3:43',
    'EXPRESSION_UNKNOWN_NAME 4:66',
    'USES_NOT_FOUND 5:14',
    'USES_NOT_FOUND 6:14',
  ]);
});

test('workflows that use each other are a circle wherever it closes; one that two use is none', () => {
  const task = (uses: string) => `tasks: { a: { uses: ${uses} } }`;
  expect(messages(task('u.yaml'), { 'u.yaml': task('v.yaml'), 'v.yaml': task('u.yaml') })).toEqual([
    expect.stringContaining("USES_RECURSION v.yaml:1:21 u.yaml uses v.yaml uses u.yaml: a workflow can't use itself"),
  ]);
  const two = 'tasks: { a: { uses: u.yaml }, b: { uses: v.yaml } }';
  expect(problems(two, { 'u.yaml': task('v.yaml'), 'v.yaml': 'tasks: { a: { run: x } }' })).toEqual([]);
});

test('a used workflow may name agents of the file at the top', () => {
  const used = { 'u.yaml': 'tasks: { a: { agent: mine, prompt: p } }' };
  expect(problems('agents: { mine: { scripted: {} } }\ntasks: { a: { uses: u.yaml } }', used)).toEqual([]);
  expect(problems('tasks: { a: { uses: u.yaml } }', used)).toEqual(['UNKNOWN_AGENT u.yaml:1:22']);
});
