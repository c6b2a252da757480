// req F1: whatever the bytes are, the loader answers, and soon. A test that hangs fails by its time limit.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSource } from '../../src/work/workflow/document.ts';
import { loadSettings, loadWorkflow } from '../../src/work/workflow/load.ts';

const known = { agents: new Set(['writer']) };
const codes = (text: string | Uint8Array): string[] => {
  const result = loadWorkflow('w.yaml', Buffer.from(text), known);
  return result.ok ? [] : [...new Set(result.problems.map(({ code }) => code))];
};
const HEAD = 'version: 1\nname: x\n';
const tasks = (count: number, entry: (i: number) => string) =>
  `${HEAD}tasks:\n${Array.from({ length: count }, (_, i) => `  t${i}: ${entry(i)}\n`).join('')}`;

const HOSTILE: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  'an anchor inside itself': [`${HEAD}tasks:\n  a:\n    run: x\n    with: &a { b: *a }\n`, ['ALIAS_BOMB']],
  'the whole file inside itself': [`&r\n${HEAD}tasks: *r\n`, ['ALIAS_BOMB']],
  'a billion laughs': [
    `${HEAD}a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((each, i) => `${each}: &${each} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[i]}`).join(',')}]\n`)
      .join('')}`,
    ['ALIAS_BOMB'],
  ],
  'nesting by aliases': [
    `${HEAD}${Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [[[[[[[[[[${i ? `*a${i - 1}` : 1}]]]]]]]]]]\n`).join('')}`,
    ['ALIAS_BOMB'],
  ],
  'many aliases': [`${HEAD}a: &a 1\nb: [${'*a,'.repeat(2_000)}]\n`, ['ALIAS_BOMB']],
  'an alias of nothing': [`${HEAD}tasks: { a: *nope }`, ['YAML_SYNTAX']],
  'open brackets': [`${HEAD}tasks: ${'['.repeat(50_000)}`, ['YAML_SYNTAX']],
  'lists in lists': [`${HEAD}tasks:\n${'- '.repeat(50_000)}x`, ['YAML_SYNTAX']],
  'keys of keys': ['? '.repeat(50_000), ['YAML_SYNTAX']],
  'ever deeper': [Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), ['YAML_SYNTAX']],
  'a list as a key': [`${HEAD}[a, b]: 1\n`, ['YAML_SYNTAX']],
  'the key of all objects': [`${HEAD}tasks: { a: { run: x } }\n__proto__: { polluted: true }\n`, ['YAML_SYNTAX']],
  'control characters': [`${HEAD}a: \u0000`, ['YAML_SYNTAX']],
  tabs: [`${HEAD}tasks:\n\ta: 1`, ['YAML_SYNTAX']],
  'two documents': [`${HEAD}---\n${HEAD}`, ['YAML_SYNTAX']],
  'dates and bytes of an older YAML': ['%YAML 1.1\n---\nversion: 1\nname: 2001-01-01\ntasks: { a: { run: !!binary aGk= } }\n', []],
  'quotes without end': [`${HEAD}a: ${'"'.repeat(30_000)}`, ['YAML_SYNTAX']],
  'many keys': [
    `${HEAD}tasks: { a: { run: x } }\ninputs:\n${Array.from({ length: 20_000 }, (_, i) => `  k${i}: 1\n`).join('')}`,
    ['WRONG_TYPE'],
  ],
  'many unknown needs': [tasks(10_000, (i) => `{ run: x, needs: [q${i}] }`), ['UNKNOWN_DEPENDENCY']],
  'many unknown names': [tasks(5_000, (i) => `{ run: x, env: { A: "\${{ tasks.q${i}.x }}" } }`), ['EXPRESSION_UNKNOWN_NAME']],
  'a long chain, read from its end': [
    tasks(5_000, (i) => (i === 0 ? '{ run: x }' : `{ run: x, needs: t${i - 1}, env: { A: "\${{ tasks.t0.summary }}" } }`)),
    [],
  ],
  'one circle of thousands': [tasks(5_000, (i) => `{ run: x, needs: t${(i + 1) % 5_000} }`), ['CYCLE']],
  'many circles': [tasks(2_000, (i) => `{ run: x, needs: [t${i}] }`), ['CYCLE']],
  'long names': [`${HEAD}tasks: { ${'a'.repeat(100_000)}: { run: x, needs: [${'b'.repeat(100_000)}] } }`, ['BAD_ID', 'UNKNOWN_DEPENDENCY']],
  'a prompt of expressions': [
    `${HEAD}tasks:\n  z: { run: y }\n  a:\n    needs: z\n    agent: writer\n    prompt: |\n${'      ${{ tasks.z.summary }} ${{ tasks.zz.q }}\n'.repeat(15_000)}`,
    ['EXPRESSION_UNKNOWN_NAME'],
  ],
  'an escaped prompt of expressions': [
    `${HEAD}tasks:\n  z: { run: y }\n  a: { needs: z, agent: writer, prompt: "${'\\u0061 ${{ tasks.zz.q }} '.repeat(15_000)}" }`,
    ['EXPRESSION_UNKNOWN_NAME'],
  ],
};

test.each(Object.entries(HOSTILE))('%s', (_name, [text, expected]) => {
  expect(codes(text)).toEqual(expected);
  expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
});

test('bytes that are no UTF-8 are told at their place', () => {
  expect(readSource('x.yaml', Uint8Array.from([...Buffer.from('a: 1\nb: é'), 0xe9, 0x0a])).problems).toMatchObject([
    { line: 2, column: 5, code: 'YAML_SYNTAX' },
  ]);
});

test('no list of bytes makes the loader throw', () => {
  const token = fc.constantFrom(
    'version: 1\n',
    'name: x\n',
    'tasks:\n',
    '  a:\n',
    '    run: x\n',
    '    needs: [a]\n',
    '&a ',
    '*a',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '|\n',
    '>\n',
    '"',
    "'",
    '${{',
    '}}',
    '\n',
    '\t',
    '#',
    '!!set ',
    '%',
    '? ',
    '\\',
    '~',
    '1',
    '\u2028',
    '\ud800',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join('')),
        fc.uint8Array({ maxLength: 200 }),
      ),
      (input) => {
        const bytes = typeof input === 'string' ? Buffer.from(input) : input;
        loadWorkflow('w.yaml', bytes, known);
        loadSettings('baton.yaml', bytes);
      },
    ),
    { numRuns: 500 },
  );
});

test('no value where another is expected makes the loader throw, and none that is wrong is let in', () => {
  const valid = {
    version: 1,
    name: 'x',
    inputs: { i: { type: 'string', default: 'd' } },
    agents: { w: { scripted: {} } },
    limits: { tasks: 5 },
    tasks: {
      a: { run: 'x', env: { A: '1' }, gate: [{ run: 'g' }] },
      b: { needs: ['a'], agent: 'w', prompt: 'p', retry: { attempts: 2 }, foreach: [1] },
    },
  };
  const paths: (string | number)[][] = [];
  const open: [(string | number)[], unknown][] = [[[], valid]];
  for (const [path, value] of open) {
    paths.push(path);
    if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value)) open.push([[...path, Array.isArray(value) ? Number(key) : key], each]);
  }
  fc.assert(
    fc.property(fc.constantFrom(...paths.filter((path) => path.length > 0)), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
      const changed = structuredClone(valid) as Record<string, unknown>;
      let at: Record<string, unknown> = changed;
      for (const step of path.slice(0, -1)) at = at[String(step)] as Record<string, unknown>;
      at[String(path.at(-1))] = value;
      const result = loadWorkflow('w.yaml', Buffer.from(JSON.stringify(changed)), known);
      if (result.ok) expect(result.loaded.files['w.yaml']?.value).toBeDefined();
      else expect(result.problems.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
