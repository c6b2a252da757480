// req F1: what docs/concepts/workflow-file.md shows is loaded, and the numbers it gives are those of the source.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXPRESSION_MAX } from '../../src/work/expressions/cel.ts';
import { ITEMS_MAX } from '../../src/work/expressions/json.ts';
import { FILE_MAX } from '../../src/work/workflow/document.ts';
import { loadSettings, loadWorkflow } from '../../src/work/workflow/load.ts';
import { formatProblem } from '../../src/work/workflow/problem.ts';
import { ALIASES_MAX, EXPANDED_MAX, NESTING_MAX } from '../../src/work/workflow/yaml-value.ts';

const page = readFileSync(new URL('../../docs/concepts/workflow-file.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);

test.each(blocks.map((text) => [text.split('\n').find((line) => /^(name|# baton)/.test(line)) ?? '', text]))('%s', (_name, text) => {
  const result = text.startsWith('# baton.yaml')
    ? loadSettings('baton.yaml', Buffer.from(text))
    : loadWorkflow('shown.yaml', Buffer.from(text), { agents: new Set() });
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([]);
});

test('the page shows workflows and settings, and its limits are true', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  const limit = (what: string) => new RegExp(`^\\| ${what}[^|]*\\| (.*) \\|$`, 'm').exec(page)?.[1];
  const written = (value: number) => value.toLocaleString('en-US');
  expect(limit('a file')).toBe(`${FILE_MAX / 1024 / 1024} MiB`);
  expect(limit('nesting')).toBe(String(NESTING_MAX));
  expect(limit('aliases')).toBe(`${written(ALIASES_MAX)}; ${written(EXPANDED_MAX)}`);
  expect(limit('an expression')).toBe(`${written(EXPRESSION_MAX)} characters`);
  expect(limit('items')).toBe(written(ITEMS_MAX));
});
