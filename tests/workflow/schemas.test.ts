// req F1, F3: the published schemas and the checks of the loader are one thing.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { settings, workflow } from '../../src/work/workflow/schema.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const validator = (path: string) =>
  new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(JSON.parse(read(path)) as object);

const SETTINGS = {
  version: 1,
  agents: { a: { command: ['x'], capabilities: ['code'], slots: 2 }, b: { human: { by: ['lead'] } } },
  providers: { p: { baseUrl: 'http://localhost:1/v1', apiKeyEnv: 'KEY' } },
  limits: { tasks: 5, wallTime: '2h' },
  secrets: { T: { command: ['pass', 'show', 't'] }, U: { env: 'U' } },
  slots: 4,
  retention: { runs: '30d' },
};
const CASES: readonly [string, z.ZodType, string, unknown][] = [
  ['workflow.v1, by the example', workflow, 'schemas/workflow.v1.json', parse(read('examples/fix-and-release.yaml'))],
  ['workflow.v1, by the demo', workflow, 'schemas/workflow.v1.json', parse(read('examples/demo/release.yaml'))],
  ['baton.v1', settings, 'schemas/baton.v1.json', SETTINGS],
];

/** Every place in a value. */
function places(value: unknown): (string | number)[][] {
  const found: (string | number)[][] = [];
  const open: [(string | number)[], unknown][] = [[[], value]];
  for (const [path, each] of open) {
    if (path.length > 0) found.push(path);
    if (typeof each === 'object' && each !== null)
      for (const [key, inner] of Object.entries(each)) open.push([[...path, Array.isArray(each) ? Number(key) : key], inner]);
  }
  return found;
}

function changed(value: unknown, path: readonly (string | number)[], how: { readonly set?: unknown; readonly add?: string }): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  let at: Record<string, unknown> = copy;
  for (const step of path.slice(0, -1)) at = at[String(step)] as Record<string, unknown>;
  const key = String(path.at(-1));
  const inner = at[key];
  if (how.add !== undefined && typeof inner === 'object' && inner !== null && !Array.isArray(inner))
    (inner as Record<string, unknown>)[how.add] = 1;
  else if ('set' in how) at[key] = how.set;
  else if (Array.isArray(at)) at.splice(Number(key), 1);
  else delete at[key];
  return copy;
}

test.each(CASES)('%s: editor and loader agree', (_name, schema, path, valid) => {
  const validate = validator(path);
  expect(schema.safeParse(valid).success).toBe(true);
  expect(validate(valid), JSON.stringify(validate.errors)).toBe(true);
  const how = fc.oneof(
    fc.constant({}),
    fc.record({ add: fc.constantFrom('unknown', 'run', 'default') }),
    fc.record({ set: fc.jsonValue({ maxDepth: 2 }) }),
  );
  const verdicts = { both: 0, neither: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...places(valid)), how, (place, change) => {
      const value = changed(valid, place, change);
      const byZod = schema.safeParse(value);
      const byEditor = validate(value);
      // What only the loader can tell: durations, globs, URLs, whether there is a task at all.
      const onlyLoader =
        !byZod.success &&
        byZod.error.issues.every((issue) => issue.code === 'custom' || (issue.code === 'invalid_format' && issue.format === 'url'));
      if (!onlyLoader) expect(byEditor, JSON.stringify(value)).toBe(byZod.success);
      verdicts[byEditor ? 'both' : 'neither']++;
    }),
    { numRuns: 1_000 },
  );
  // A test that never meets one of the two can't fail.
  expect(Math.min(verdicts.both, verdicts.neither)).toBeGreaterThan(50);
});
