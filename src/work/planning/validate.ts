/**
 * What is wrong with a plan, as coded findings. Each look is linear in the plan; none recurses on the graph. Nobody for a
 * capability (`UNROUTABLE`) is told by routing.
 */
import type { Draft, DraftGate, DraftTask, Finding } from './draft.ts';
import { note, refusal } from './notes.ts';
import { Order } from './order.ts';
import type { Situation } from './situation.ts';
import { writeConflicts } from './write-conflicts.ts';

export function validate(draft: Draft, situation: Situation): Finding[] {
  const order = new Order(draft.tasks);
  if (order.cycle) {
    const path = order.cycle.join(' → ');
    return [refusal('CYCLE', order.cycle.slice(0, -1), `These tasks wait for each other: ${path}.`, 'Drop one of these dependencies.')];
  }
  return [
    ...unknownNeeds(draft),
    ...duplicates(draft.tasks),
    ...missingInputs(draft.tasks, order),
    ...uncovered(draft),
    ...redundant(draft.tasks),
    ...writeConflicts(draft.tasks, order),
    ...denied(draft.tasks, situation),
    ...tooMuch(draft, situation),
    ...loops(draft, situation),
    ...unapproved(draft.tasks),
    ...unsatisfiable(draft.tasks, situation),
    ...expressions(draft.tasks),
  ];
}

function unknownNeeds({ tasks, questions }: Draft): Finding[] {
  const known = new Set([...tasks.map(({ id }) => id), ...questions.map(({ id }) => id)]);
  return tasks.flatMap(({ id, needs }) =>
    needs
      .filter((need) => !known.has(need))
      .map((need) =>
        refusal(
          'UNKNOWN_DEPENDENCY',
          [id],
          `"${id}" needs "${need}", which the plan does not have.`,
          'Name a task of the plan, or leave it out.',
        ),
      ),
  );
}

function duplicates(tasks: readonly DraftTask[]): Finding[] {
  const seen = new Set<string>();
  return tasks.flatMap(({ id }) => {
    if (!seen.has(id)) {
      seen.add(id);
      return [];
    }
    return [refusal('DUPLICATE_ID', [id], `There are two tasks "${id}".`, 'Give each a name of its own.')];
  });
}

/** An input must be made by a task that comes before, and one that says what it makes must make that. */
function missingInputs(tasks: readonly DraftTask[], order: Order): Finding[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return tasks.flatMap(({ id, inputs = {} }) =>
    Object.entries(inputs).flatMap(([name, from]) => {
      const [source = '', output] = from.split('.', 2);
      const made = byId.get(source);
      if (!made)
        return [
          refusal(
            'MISSING_INPUT',
            [id],
            `The input "${name}" of "${id}" comes from "${source}", which the plan does not have.`,
            'Add the task that makes it.',
          ),
        ];
      if (output !== undefined && made.outputs && !made.outputs.includes(output) && output !== 'summary')
        return [
          refusal(
            'MISSING_INPUT',
            [id, source],
            `The input "${name}" of "${id}" is "${output}" of "${source}", which makes ${made.outputs.join(', ')}.`,
            'Read one of these, or have it made.',
          ),
        ];
      if (order.comesBefore(source, id)) return [];
      return [
        refusal(
          'MISSING_INPUT',
          [id, source],
          `"${id}" reads what "${source}" makes and does not need it.`,
          `Let "${id}" need "${source}".`,
        ),
      ];
    }),
  );
}

function uncovered({ requirements, tasks }: Draft): Finding[] {
  const covered = new Set(tasks.flatMap(({ covers = [] }) => covers));
  return requirements
    .filter(({ id, deferred }) => deferred === undefined && !covered.has(id))
    .map(({ id, text }) =>
      refusal('UNCOVERED_REQUIREMENT', [], `No task covers ${id}: ${text}`, 'Add a task that does, or say why it is deferred.'),
    );
}

/** The same text with the same inputs; similar words are no reason. */
function redundant(tasks: readonly DraftTask[]): Finding[] {
  const first = new Map<string, string>();
  return tasks.flatMap((task) => {
    const key = sameness(task);
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, task.id);
      return [];
    }
    return [
      refusal('REDUNDANT', [before, task.id], `"${task.id}" says the same as "${before}", with the same inputs.`, 'Leave one of them out.'),
    ];
  });
}
export const sameness = ({ kind, text, with: args, inputs, writes, agent, needs }: DraftTask): string =>
  JSON.stringify([kind, plainText(text), args ?? {}, inputs ?? {}, writes ?? [], agent ?? '', kind === 'agent' ? [] : [...needs].sort()]);

function denied(tasks: readonly DraftTask[], { agents, tools, network }: Situation): Finding[] {
  const names = new Set(agents.map(({ name }) => name));
  return tasks.flatMap(({ id, agent, kind, text, network: asked = [] }) => {
    const found: Finding[] = [];
    if (agent !== undefined && !names.has(agent))
      found.push(refusal('ACL_DENIED', [id], `"${id}" names the agent "${agent}", which there is not.`, 'Name a capability instead.'));
    if (kind === 'tool' && !tools.has(text))
      found.push(refusal('ACL_DENIED', [id], `"${id}" names the tool "${text}", which there is not.`, 'Use one of the tools there are.'));
    const beyond = asked.filter((domain) => !network.has(domain));
    if (beyond.length > 0)
      found.push(
        refusal(
          'ACL_DENIED',
          [id],
          `"${id}" asks for ${beyond.join(', ')}, which planned tasks may not reach.`,
          'Leave it out, or allow it by `planning: { network: […] }`.',
        ),
      );
    return found;
  });
}

function tooMuch({ tasks }: Draft, { limits, depth }: Situation): Finding[] {
  const found: Finding[] = [];
  if (tasks.length > limits.tasks)
    found.push(refusal('FANOUT_EXCEEDED', [], `limit tasks = ${limits.tasks}: the plan has ${tasks.length}.`, 'Make fewer, larger tasks.'));
  const composite = tasks.filter(({ kind }) => kind === 'composite').map(({ id }) => id);
  if (composite.length > 0 && depth >= limits.depth)
    found.push(
      refusal(
        'DEPTH_EXCEEDED',
        composite,
        `limit depth = ${limits.depth}: this plan is at ${depth} and has composite tasks.`,
        'Plan these whole: an agent does each.',
      ),
    );
  return found;
}

/** What is planned again and again would be done by nobody. */
function loops({ goal, tasks }: Draft, { above = [] }: Situation): Finding[] {
  const goals = new Set([goal, ...above].map(plainText));
  return tasks
    .filter(({ kind, text }) => kind === 'composite' && goals.has(plainText(text)))
    .map(({ id }) =>
      refusal(
        'DELEGATION_LOOP',
        [id],
        `"${id}" is to be planned for the goal of a plan that it lies in.`,
        'Let an agent do it, or cut it into smaller parts.',
      ),
    );
}
const plainText = (text: string): string => text.toLowerCase().replace(/\s+/g, ' ').trim();

const unapproved = (tasks: readonly DraftTask[]): Finding[] =>
  tasks
    .filter(({ irreversible, approval, kind }) => irreversible && approval !== 'start' && kind !== 'approve')
    .map(({ id }) =>
      refusal('APPROVAL_MISSING', [id], `"${id}" can't be taken back, and nobody is asked before it starts.`, 'Add `approval: start`.'),
    );

/** Commands hold no expressions: data reaches them by files and by the environment. */
const expressions = (tasks: readonly DraftTask[]): Finding[] =>
  tasks
    .filter(({ kind, text, gates = [] }) =>
      [...(kind === 'command' ? [text] : []), ...gates.map(({ run }) => String(run))].some((run) => run.includes('${{')),
    )
    .map(({ id }) => refusal('BAD_SHAPE', [id], `A command of "${id}" has an expression in it.`, 'Write a command without `${{`.'));

/** Gates and commands that can never pass, because what they run is not there. */
function unsatisfiable(tasks: readonly DraftTask[], { project }: Situation): Finding[] {
  return tasks.flatMap(({ id, gates = [], kind, text }) => [
    ...gates.flatMap(({ run }) => {
      const why = missing(run, project);
      return why === undefined
        ? []
        : [refusal('GATE_UNSATISFIABLE', [id], `A gate of "${id}" ${why}.`, 'Check it by a command that the project has.')];
    }),
    ...(kind === 'command' && missing(text, project) !== undefined
      ? [note('GATE_UNSATISFIABLE', [id], `The command of "${id}" ${missing(text, project)}.`, 'An earlier task must make it.')]
      : []),
  ]);
}

export const isMissing = (run: DraftGate['run'], project: Situation['project']): boolean => missing(run, project) !== undefined;

/** Why a command can't do anything here, as far as that can be told without running it. */
function missing(run: DraftGate['run'], { files, more, scripts }: Situation['project']): string | undefined {
  const text = typeof run === 'string' ? run : run.join(' ');
  if (text.trim() === '') return 'is empty';
  const [, named, short] = NPM_SCRIPT.exec(text) ?? [];
  const script = named ?? short;
  if (script !== undefined && !scripts?.has(script === 't' ? 'test' : script))
    return `runs the script "${script}", which package.json does not have`;
  const program = /^\.\/(\S+)/.exec(text)?.[1];
  return program !== undefined && more === 0 && !files.includes(program) ? `runs ./${program}, which the project does not have` : undefined;
}
const NPM_SCRIPT = /^(?:npm|pnpm|yarn)(?:\s+-s|\s+--silent)?\s+(?:run\s+([\w:.-]+)|(test|t|start)\b)/;
