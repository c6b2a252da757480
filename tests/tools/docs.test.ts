// req A3: what docs/concepts/tools.md says of names and numbers is what the source has, and its example is loaded.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STEPS_MAX } from '../../src/work/agents/model-config.ts';
import { KNOWLEDGE_LIMITS } from '../../src/work/knowledge/knowledge.ts';
import { TOOL_TIMEOUT_MS } from '../../src/work/tools/call.ts';
import { TOOLS } from '../../src/work/tools/catalog.ts';
import { FILE_MAX } from '../../src/work/tools/files/content.ts';
import { PATTERN_TIME_MAX_MS } from '../../src/work/tools/files/matching.ts';
import { inputProblems } from '../../src/work/tools/input.ts';
import { TOOL_REPEATS_MAX } from '../../src/work/tools/loop.ts';
import { BUILT_IN } from '../../src/work/tools/names.ts';
import { PAGE_TEXT_MAX } from '../../src/work/tools/research/fetch.ts';
import { MCP_BYTES_MAX } from '../../src/work/tools/research/mcp.ts';
import { WEB_LIMITS } from '../../src/work/tools/research/request.ts';
import { RESULTS_DEFAULT, RESULTS_MAX } from '../../src/work/tools/research/search.ts';
import { TOOL_TEXT_MAX } from '../../src/work/tools/text.ts';
import { loadSettings, loadWorkflow } from '../../src/work/workflow/load.ts';
import { SEARCH_TIMEOUT_MS } from '../../src/work/workflow/settings.ts';

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
  expect(page).toContain(`has ${WEB_LIMITS.timeMs / 1000} s and ${WEB_LIMITS.bytes / 1024 / 1024} MiB`);
  expect(page).toContain(`and ${WEB_LIMITS.redirects} redirects`);
  expect(page).toContain(`(${PAGE_TEXT_MAX.toLocaleString('en')} characters at most`);
  expect(page).toContain(`timeout: ${SEARCH_TIMEOUT_MS / 1000}s`);
  expect(page).toContain(`(${RESULTS_DEFAULT}, at most ${RESULTS_MAX})`);
  expect(page).toContain(`may say ${MCP_BYTES_MAX / 1024 / 1024} MiB`);
  expect(page).toContain(`up to ${KNOWLEDGE_LIMITS.textBytes / 1024} KiB`);
  expect(page).toContain(`up to ${KNOWLEDGE_LIMITS.entries.toLocaleString('en')}.`);
});

test('its examples are workflows and settings without a mistake', () => {
  const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
  const results = examples.map((text) =>
    text.startsWith('# baton.yaml')
      ? loadSettings('baton.yaml', Buffer.from(text))
      : loadWorkflow('example.yaml', Buffer.from(text), { agents: new Set(), toolProblems }),
  );
  expect(results.flatMap((each) => (each.ok ? [] : each.problems))).toEqual([]);
  expect(results).toHaveLength(5);
});

const toolProblems = (name: string, input: unknown) => {
  const tool = TOOLS.get(name);
  return tool === undefined ? [] : inputProblems(tool, input);
};
