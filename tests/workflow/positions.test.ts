// req F1
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSource } from '../../src/work/workflow/document.ts';

/** What cannot stand elsewhere in the text, so that the file itself tells where it is. */
const MARK = '${{ mark }}';

const word = fc.constantFrom('a', 'bc', 'it"s', "it's", '\\', 'é', '漢', '👍', '#x', '- y', 'z: w', '{', '\t');
const line = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => `x${words.join(' ')}x`);
const lines = fc.array(line, { maxLength: 4 });

const indented = (text: string) =>
  text
    .split('\n')
    .map((each) => (each === '' ? '' : `      ${each}`))
    .join('\n');
const STYLES: Readonly<Record<string, (text: string) => string>> = {
  literal: (text) => `|\n${indented(text)}`,
  'literal, stripped': (text) => `|-\n${indented(text)}`,
  folded: (text) => `>\n${indented(text.replaceAll('\n', '\n\n'))}`,
  'folded over lines': (text) => `>-\n${indented(text.replaceAll(' ', '\n'))}`,
  double: (text) => JSON.stringify(text),
  'double over lines': (text) => JSON.stringify(text).replaceAll('\\n', '\\n\\\n      '),
  'double, escaped': (text) =>
    `"${[...text].map((each) => (/[a-w]/.test(each) && !MARK.includes(each) ? `\\u00${each.charCodeAt(0).toString(16)}` : JSON.stringify(each).slice(1, -1))).join('')}"`,
  single: (text) => `'${text.replaceAll("'", "''").replaceAll('\n', '\n\n      ')}'`,
};

test.each(Object.entries(STYLES))('a character of a text is found in the file: %s', (_name, write) => {
  fc.assert(
    fc.property(lines, lines, line, fc.constantFrom('\n', '\r\n'), (before, after, beside, newline) => {
      const text = [...before, `x ${beside} ${MARK} ${beside}`, ...after].join('\n');
      const yaml = `tasks:\n  a:\n    other: 1\n    prompt: ${write(text)}\n    last: 1\n`.replaceAll('\n', newline);
      const source = readSource('x.yaml', Buffer.from(yaml));
      expect(source.problems).toEqual([]);
      const value = (source.value as { tasks: { a: { prompt: string } } }).tasks.a.prompt;
      const lineOfMark = yaml.split(newline).findIndex((each) => each.includes('mark'));
      const column = (yaml.split(newline)[lineOfMark] ?? '').indexOf('mark') + 1;
      expect(source.inside(['tasks', 'a', 'prompt'], value.indexOf('mark'))).toEqual({ line: lineOfMark + 1, column });
    }),
    { numRuns: 200 },
  );
});

test('a plain text over several lines, with a byte order mark before it', () => {
  const source = readSource('x.yaml', Buffer.from('\uFEFFa: one two\n  three\n\n  four ${{ five }}\n'));
  const { a } = source.value as { a: string };
  expect(a).toBe('one two three\nfour ${{ five }}');
  expect(source.inside(['a'], a.indexOf('five'))).toEqual({ line: 4, column: 12 });
});

test('asked in any order, about any text, the answer is the same', () => {
  const source = readSource('x.yaml', Buffer.from('a: |\n  one\n  two\nb: "three"\n'));
  expect(source.inside(['a'], 4)).toEqual({ line: 3, column: 3 });
  expect(source.inside(['b'], 2)).toEqual({ line: 4, column: 7 });
  expect(source.inside(['a'], 0)).toEqual({ line: 2, column: 3 });
  expect(source.inside(['a'], 999).line).toBeLessThanOrEqual(3);
  expect(source.inside(['nope', 1], 3)).toEqual({ line: 1, column: 1 });
});

test('what aliases repeat is found where it was written', () => {
  const source = readSource('x.yaml', Buffer.from('a: &env { KEY: "${{ x }}" }\nb: *env\n'));
  expect(source.inside(['b', 'KEY'], 4)).toEqual({ line: 1, column: 21 });
  expect(source.atKey(['b'])).toEqual({ line: 2, column: 1 });
});
