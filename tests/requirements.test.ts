import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const CITATION = /\/\/ req ([A-Z]\d+[a-z]?(?:[, ]+[A-Z]\d+[a-z]?\b)*)/g;
const ENTRY = /^- ([A-Z]\d+[a-z]?) (?:`(\w+)`)?/gm;
const MARKS = ['done', 'partly', 'later'];

/** Every way in which the document and the tests disagree. */
function disagreements(document: string, tests: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const marks = new Map<string, string | undefined>();
  for (const [, id = '', mark] of document.matchAll(ENTRY)) {
    if (marks.has(id)) problems.push(`${id} stands twice in the document`);
    if (!MARKS.includes(mark ?? '')) problems.push(`${id} has no mark out of ${MARKS.join(', ')}`);
    marks.set(id, mark);
  }
  const cited = new Set<string>();
  for (const [file, text] of Object.entries(tests))
    for (const [, list = ''] of text.matchAll(CITATION))
      for (const id of list.split(/[, ]+/)) {
        cited.add(id);
        if (!marks.has(id)) problems.push(`${file} cites ${id}, which is not in the document`);
      }
  for (const [id, mark] of marks) if (mark === 'done' && !cited.has(id)) problems.push(`${id} is done, and no test cites it`);
  return problems;
}

const root = new URL('..', import.meta.url).pathname;
const self = 'tests/requirements.test.ts';
const files = globSync(['src/**/*.test.ts', 'tests/**/*.test.ts', 'tests/acceptance/**/*.ts'], { cwd: root }).filter(
  (file) => file !== self,
);
const read = (file: string) => readFileSync(`${root}${file}`, 'utf8');

test('docs/requirements.md and the tests agree', () => {
  const document = read('docs/requirements.md');
  const bullets = document.slice(document.indexOf('\n## ')).match(/^- /gm) ?? [];
  expect(bullets.length).toBeGreaterThan(0);
  expect([...document.matchAll(ENTRY)]).toHaveLength(bullets.length);
  expect(disagreements(document, Object.fromEntries(files.map((file) => [file, read(file)])))).toEqual([]);
});

test('a disagreement that was planted is found', () => {
  const document = '- K1 `done` Pure.\n- K2 `later` Legal.\n- W1a `done` Merged.\n- K3 `partly` Durable.\n';
  const cites = (list: string) => ({ 'a.test.ts': `// req ${list}\ntest();` });
  expect(disagreements(document, cites('K1, W1a'))).toEqual([]);
  expect(disagreements(document, cites('K1 W1a: both at once.'))).toEqual([]);
  expect(disagreements(document, cites('K1'))).toEqual(['W1a is done, and no test cites it']);
  expect(disagreements(document, cites('K1, W1a, K9'))).toEqual(['a.test.ts cites K9, which is not in the document']);
  expect(disagreements(document, { ...cites('W1a'), 'b.test.ts': 'K1 without the word' })).toEqual(['K1 is done, and no test cites it']);
  expect(disagreements(`${document}- K4 \`finished\` Ends.\n- K5 No mark.\n- K2 \`later\` Again.`, cites('K1, W1a'))).toEqual([
    'K4 has no mark out of done, partly, later',
    'K5 has no mark out of done, partly, later',
    'K2 stands twice in the document',
  ]);
});
