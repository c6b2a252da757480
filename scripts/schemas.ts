/** Writes schemas/*.json from the zod schemas they are made of. `--check` writes nothing and exits 1 when one differs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { handoffJsonSchema } from '../src/work/perform/handoff.ts';
import { planJsonSchema } from '../src/work/planning/plan-schema.ts';
import { planChange } from '../src/work/workflow/change-schema.ts';
import { settings, workflow } from '../src/work/workflow/schema.ts';

const published = (schema: z.ZodType, title: string, description: string): object => ({
  ...z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input', unrepresentable: 'any' }),
  title,
  description,
});

const schemas: Readonly<Record<string, object>> = {
  'workflow.v1': published(workflow, 'Baton workflow, version 1', 'A plan as data: tasks, what they need, and how they are checked.'),
  'baton.v1': published(settings, 'baton.yaml, version 1', 'Settings of a project: agents, providers, limits, secrets by name.'),
  'handoff.v1': handoffJsonSchema(),
  'plan.v1': planJsonSchema(),
  'change.v1': published(planChange, 'Baton change of a plan, version 1', 'What becomes of the tasks of a plan that is being carried out.'),
};

const check = process.argv.includes('--check');
for (const [name, schema] of Object.entries(schemas)) {
  const file = new URL(`../schemas/${name}.json`, import.meta.url);
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  let before = '';
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // Not there yet: it is written now.
  }
  if (before === text) continue;
  if (check) {
    console.error(`schemas/${name}.json differs from the source: npm run schemas`);
    process.exitCode = 1;
  } else writeFileSync(file, text);
}
