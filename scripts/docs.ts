/**
 * Writes the tables of docs/reference/ from the source, so that they can't say anything else. `--check` writes nothing
 * and exits 1 when a file on disk differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { REFUSALS } from '../src/engine/kernel/commands.ts';
import { FACTS } from '../src/engine/kernel/facts.ts';
import { FAILURE_CLASSES } from '../src/engine/kernel/plan.ts';
import { CLASS_RULES } from '../src/engine/kernel/retry.ts';
import { TASK_STATUSES } from '../src/engine/kernel/state.ts';
import { transitions } from '../src/engine/kernel/task.ts';
import { FINDINGS } from '../src/work/planning/draft.ts';
import { PROBLEM_CODES } from '../src/work/workflow/problem.ts';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

const page = (title: string, from: string, text: string, body: string): string =>
  `# ${title}\n\n${text}\n\n${body}\n\n*Generated from \`${from}\` by \`npm run docs\`.*\n`;

const facts = page(
  'Facts',
  'src/engine/kernel/facts.ts',
  'Every kind of fact the journal holds. A fact is stored with the version of its shape; later releases lift older ones.',
  table(
    ['fact', 'version', 'what it says'],
    Object.entries(FACTS).map(([type, { version, means }]) => [`\`${type}\``, String(version), means]),
  ),
);

const picture = TASK_STATUSES.flatMap((from) => transitions[from].map((to) => `  ${mermaidId(from)} --> ${mermaidId(to)}`)).join('\n');
function mermaidId(status: string): string {
  return status.replace('-', '_');
}
const states = page(
  'States of a task',
  'src/engine/kernel/task.ts',
  'Which status a task can go to from which. No other step can be stored; a status without a next one is final.',
  `${table(
    ['from', 'to'],
    TASK_STATUSES.map((from) => [`\`${from}\``, transitions[from].map((to) => `\`${to}\``).join(', ') || '(final)']),
  )}\n\n\`\`\`mermaid\nstateDiagram-v2\n${picture}\n\`\`\``,
);

const failures = page(
  'Failures and retries',
  'src/engine/kernel/retry.ts',
  'Every failure has a class, given by type at its source. The class decides about another attempt; a task may name its own `retry` rule for the passing ones.',
  table(
    ['class', 'severity', 'attempts in all', 'first wait', 'longest wait'],
    FAILURE_CLASSES.map((each) => {
      const rule = CLASS_RULES[each];
      return [`\`${each}\``, rule.severity, String(rule.attempts), `${rule.backoffMs} ms`, `${rule.backoffMaxMs} ms`];
    }),
  ),
);

const refusals = page(
  'Refusals',
  'src/engine/kernel/commands.ts',
  'Why a command had no effect. Nothing was stored.',
  table(
    ['code', 'what it means'],
    Object.entries(REFUSALS).map(([code, means]) => [`\`${code}\``, means]),
  ),
);

const problems = page(
  'Problems of workflow files',
  'src/work/workflow/problem.ts',
  'What can be wrong with a workflow file or `baton.yaml`. Every problem is reported at once, with file, line and column.',
  table(
    ['code', 'what it means'],
    Object.entries(PROBLEM_CODES).map(([code, means]) => [`\`${code}\``, means]),
  ),
);

const findings = page(
  'Findings',
  'src/work/planning/draft.ts',
  'What can be wrong with a plan, or worth knowing about it. Each names the tasks, and says what would mend it. A plan that is refused has at least one.',
  table(
    ['code', 'what it means'],
    Object.entries(FINDINGS).map(([code, means]) => [`\`${code}\``, means]),
  ),
);

const check = process.argv.includes('--check');
let stale = 0;
for (const [name, text] of Object.entries({ facts, states, failures, refusals, problems, findings })) {
  const file = new URL(`../docs/reference/${name}.md`, import.meta.url);
  let before = '';
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    // Not there yet: it is written now.
  }
  if (before === text) continue;
  stale++;
  if (check) console.error(`docs/reference/${name}.md differs from the source: npm run docs`);
  else writeFileSync(file, text);
}
if (!check) console.log(`${stale} of 5 pages written`);
process.exitCode = check && stale > 0 ? 1 : 0;
