/**
 * A plan as a workflow file: what is then checked, shown, run and kept like one that a person wrote. Every text of the plan
 * is data here: an expression that somebody wrote into it stays the letters it is.
 */
import type { Draft, DraftQuestion, DraftTask } from './draft.ts';

export type PlannedWorkflow = Readonly<Record<string, unknown>> & { readonly tasks: Readonly<Record<string, unknown>> };

/** The person that questions of a plan go to. */
const PERSON = 'person';
const SECOND_MS = 1_000;

/** @param chosen who does the tasks that name neither an agent nor a capability */
export function toWorkflow({ goal, requirements, questions, tasks }: Draft, chosen: ReadonlyMap<string, string>): PlannedWorkflow {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const texts = new Map(requirements.map(({ id, text }) => [id, text]));
  return {
    version: 1,
    name: plain(lineOf(goal)),
    ...descriptionOf(goal, requirements),
    ...(questions.length > 0 ? { agents: { [PERSON]: { human: true } } } : {}),
    tasks: Object.fromEntries([
      ...questions.map((question) => [question.id, asked(question)]),
      ...tasks.map((task) => [task.id, entryOf(task, byId, texts, chosen)]),
    ]),
  };
}

/** Nothing, where the name says it all. */
function descriptionOf(goal: string, requirements: Draft['requirements']): { readonly description?: string } {
  const lines = [...(lineOf(goal) === goal.trim() ? [] : [goal]), ...(requirements.length > 1 ? requirements.map(requirementLine) : [])];
  return lines.length === 0 ? {} : { description: plain(lines.join('\n')) };
}

const NAME_MAX = 60;
const lineOf = (text: string): string => (text.trim().split('\n', 1)[0] ?? '').slice(0, NAME_MAX) || 'plan';
const requirementLine = ({ id, text, deferred }: Draft['requirements'][number]): string =>
  `${id}: ${text}${deferred === undefined ? '' : ` (deferred: ${deferred})`}`;

/** `${{` opens an expression: here it is written as one that gives its own first letter. */
const plain = (text: string): string => text.replaceAll('${{', () => `\${{ '$' }}{{`);

const asked = ({ text, choices }: DraftQuestion) => ({
  agent: PERSON,
  prompt: plain(choices ? `${text}\n${choices.map((choice) => `- ${choice}`).join('\n')}` : text),
});

function entryOf(
  task: DraftTask,
  byId: ReadonlyMap<string, DraftTask>,
  texts: ReadonlyMap<string, string>,
  chosen: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const { id, kind, title, needs, covers = [], writes, gates, approval, timeoutMs, budgetUsd, network } = task;
  const covering = covers.flatMap((each) => (texts.has(each) ? [each] : []));
  return {
    description: plain(covering.length > 0 ? `${title} (${covering.join(', ')})` : title),
    ...(needs.length > 0 ? { needs } : {}),
    ...workOf(task, byId, texts, chosen.get(id)),
    ...(writes && kind !== 'composite' ? { writes } : {}),
    ...(gates && kind !== 'approve' && kind !== 'composite'
      ? { gate: gates.map(({ name, run }) => ({ ...(name === undefined ? {} : { name }), run })) }
      : {}),
    ...(approval && kind !== 'approve' ? { approval: { at: approval } } : {}),
    ...(timeoutMs === undefined || kind === 'approve' ? {} : { timeout: `${Math.ceil(timeoutMs / SECOND_MS)}s` }),
    ...(budgetUsd === undefined || kind !== 'agent' ? {} : { budget: { costUsd: budgetUsd } }),
    ...(network && kind !== 'approve' && kind !== 'composite' ? { network } : {}),
  };
}

function workOf(
  task: DraftTask,
  byId: ReadonlyMap<string, DraftTask>,
  texts: ReadonlyMap<string, string>,
  chosen: string | undefined,
): Record<string, unknown> {
  const { kind, text, agent, capability, outputs } = task;
  switch (kind) {
    case 'command':
      return { run: text };
    case 'tool':
      return { tool: text, ...(task.with ? { with: plainValue(task.with) } : {}) };
    case 'approve':
      return { approve: plain(text) };
    case 'composite':
      return { plan: plain(text) };
    case 'agent':
      return {
        ...(agent === undefined && capability !== undefined ? { capability } : { agent: agent ?? chosen }),
        prompt: promptOf(task, byId, texts),
        ...(outputs ? { schema: schemaOf(outputs) } : {}),
      };
    default:
      return kind satisfies never;
  }
}

/** What it is to do, what it is for, and what others have found. */
function promptOf({ text, covers = [], inputs = {} }: DraftTask, byId: ReadonlyMap<string, DraftTask>, texts: ReadonlyMap<string, string>) {
  const lines = [plain(text)];
  const obligations = covers.flatMap((each) => texts.get(each) ?? []);
  if (obligations.length > 0) lines.push('', 'It has to bring about:', ...obligations.map((each) => `- ${plain(each)}`));
  for (const [name, from] of Object.entries(inputs)) {
    const [source = '', output] = from.split('.', 2);
    const promised = output === undefined || output === 'summary' ? undefined : byId.get(source)?.outputs?.includes(output);
    const read =
      output === 'summary' ? `tasks.${source}.summary` : promised ? `tasks.${source}.outputs.${output}` : `tasks.${source}.outputs`;
    lines.push('', `${name}, from "${source}":`, `\${{ ${read} }}`);
  }
  return lines.join('\n');
}

const schemaOf = (outputs: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(outputs.map((name) => [name, {}])),
  required: outputs,
});

const plainValue = (value: unknown): unknown =>
  typeof value === 'string'
    ? plain(value)
    : Array.isArray(value)
      ? value.map(plainValue)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainValue(each)]))
        : value;
