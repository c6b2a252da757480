// req A3: what docs/concepts/tools.md says of names and numbers is what the source has, and its example is loaded.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STEPS_MAX } from '../../src/work/agents/model-config.ts';
import { TOOL_TIMEOUT_MS } from '../../src/work/tools/call.ts';
import { FILE_MAX } from '../../src/work/tools/files/content.ts';
import { PATTERN_TIME_MAX_MS } from '../../src/work/tools/files/matching.ts';
import { TOOL_REPEATS_MAX } from '../../src/work/tools/loop.ts';
import { BUILT_IN } from '../../src/work/tools/names.ts';
import { TOOL_TEXT_MAX } from '../../src/work/tools/text.ts';
import { loadWorkflow } from '../../src/work/workflow/load.ts';

const page = readFileSync(new URL('../../docs/concepts/tools.md', import.meta.url), 'utf8');

test('the page has a row for every tool, and says whether it may be repeated', () => {
  const rows = [...page.matchAll(/^\| ((?:`[a-z]+\.[a-z]+`(?:, )?)+) \|.*\| (yes|no) \|$/gm)];
  const told = rows.flatMap(([, names = '', repeated]) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, repeated === 'yes']),
  );
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(Object.entries(BUILT_IN).map(([name, { idempotent }]) => [name, idempotent])),
  );
});

test('its numbers are those of the source', () => {
  expect(page).toContain(`${TOOL_TIMEOUT_MS / 1000} s, or as long`);
  expect(page).toContain(`cut to ${TOOL_TEXT_MAX.toLocaleString('en')}\n`);
  expect(page).toContain(`up to ${FILE_MAX / 1024 / 1024} MiB`);
  expect(page).toContain(`ended after ${PATTERN_TIME_MAX_MS / 1000} s`);
  expect(page).toContain(`\`stepsMax\` requests (${STEPS_MAX})`);
  expect(TOOL_REPEATS_MAX).toBe(5);
  expect(page).toContain('five times in a row');
});

test('its example is a workflow without a mistake', () => {
  const [, example = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const result = loadWorkflow('repair.yaml', Buffer.from(example), { agents: new Set() });
  expect(result.ok ? [] : result.problems).toEqual([]);
});
