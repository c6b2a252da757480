/** What is wrong with a file whose shape is right: names, kinds, the graph, and what this version can't do yet. */
import { findCycle } from '../../engine/kernel/graph.ts';
import type { Path, Source } from './document.ts';
import { expressionProblems } from './expressions.ts';
import { KINDS, kindsOf, needsOf } from './names.ts';
import { didYouMean, type Problem, type ProblemCode } from './problem.ts';
import type { AgentEntry, TaskEntry, WorkflowFile } from './schema.ts';

export const TASK_ID = /^[a-z][a-z0-9_]*$/;
export const AGENT_KINDS = ['model', 'acp', 'command', 'a2a', 'human', 'scripted'] as const;
const AGENT_KINDS_LATER: ReadonlySet<string> = new Set(['acp', 'a2a']);
const RESERVED: ReadonlySet<string> = new Set(['command', 'function']);
/** The most that a file may ask for, whatever is configured. */
export const CEILING = { tasks: 1_000_000, depth: 32 };

export interface Known {
  /** Names of agents that the project or user defines. */
  readonly agents: ReadonlySet<string>;
  /** Limits that a file may narrow and not widen. */
  readonly limits?: Readonly<Record<string, number | undefined>>;
  /** Functions that a library program registered; undefined where none can be. */
  readonly functions?: ReadonlySet<string>;
  /** Why an agent of the file can't be used, in words. */
  readonly agentProblem?: (name: string, entry: AgentEntry) => string | undefined;
  /** Tells whether a JSON Schema can be checked; the first reason why not. */
  readonly schemaProblem?: (schema: unknown) => string | undefined;
}

export type Say = (code: ProblemCode, message: string, path: Path, key?: boolean) => void;

export function checkWorkflow(source: Source, file: WorkflowFile, known: Known): Problem[] {
  const problems: Problem[] = [];
  const say: Say = (code, message, path, key) =>
    problems.push({ file: source.file, ...(key ? source.atKey(path) : source.at(path)), code, message });
  if (file.promote !== undefined)
    say(
      'NOT_YET',
      '`promote` comes with integration trees; until then commands change the project only with `in: project`',
      ['promote'],
      true,
    );
  checkLimits(file, known, say);
  for (const [name, agent] of Object.entries(file.agents ?? {})) {
    const before = problems.length;
    checkAgentEntry(name, agent, ['agents', name], say);
    const problem = problems.length === before ? known.agentProblem?.(name, agent) : undefined;
    if (problem !== undefined) say('WRONG_TYPE', problem, ['agents', name], true);
  }
  const agents = new Set([...known.agents, ...Object.keys(file.agents ?? {})]);
  for (const [id, task] of Object.entries(file.tasks)) checkTask(file, id, task, agents, known, say);
  const graph = new Map(Object.entries(file.tasks).map(([id, task]) => [id, needsOf(task)]));
  const cycle = findCycle(graph);
  if (cycle) say('CYCLE', `these tasks wait for each other: ${cycle.join(' → ')}`, ['tasks', cycle[0] ?? '', 'needs']);
  problems.push(...expressionProblems(source, file));
  return problems;
}

function checkLimits(file: WorkflowFile, known: Known, say: Say): void {
  for (const [name, value] of Object.entries(file.limits ?? {})) {
    if (typeof value !== 'number') continue;
    const most = known.limits?.[name] ?? CEILING[name as keyof typeof CEILING];
    if (most !== undefined && value > most)
      say('LIMIT_TOO_LARGE', `${name}: ${value} is more than the ${most} that is allowed here`, ['limits', name]);
  }
}

export function checkAgentEntry(name: string, agent: AgentEntry, path: Path, say: Say): void {
  const kinds = AGENT_KINDS.filter((kind) => agent[kind] !== undefined);
  if (kinds.length === 0) say('MISSING_KEY', `agent "${name}" needs one of ${AGENT_KINDS.join(', ')}`, path, true);
  else if (kinds.length > 1) say('SEVERAL_KINDS', `agent "${name}" is ${kinds.join(' and ')}; it can be one of them`, path, true);
  for (const kind of kinds)
    if (AGENT_KINDS_LATER.has(kind))
      say('NOT_YET', `agents of the kind \`${kind}\` come with a later version; use \`command\` or \`model\``, [...path, kind], true);
  if (RESERVED.has(name)) say('BAD_ID', `"${name}" is what Baton calls work that no agent does; choose another name`, path, true);
}

function checkTask(file: WorkflowFile, id: string, task: TaskEntry, agents: ReadonlySet<string>, known: Known, say: Say): void {
  const at = (...rest: (string | number)[]): Path => ['tasks', id, ...rest];
  if (!TASK_ID.test(id)) say('BAD_ID', `"${id}" is no task id: lower-case letters, digits and _, beginning with a letter`, at(), true);
  const kinds = kindsOf(task);
  if (kinds.length === 0) say('MISSING_KEY', `task "${id}" needs one of ${KINDS.filter((kind) => kind !== 'call').join(', ')}`, at(), true);
  if (kinds.length > 1) say('SEVERAL_KINDS', `task "${id}" has ${kinds.join(' and ')}; a task does one thing`, at(kinds[1] ?? ''), true);
  for (const [i, need] of needsOf(task).entries())
    if (!file.tasks[need])
      say(
        'UNKNOWN_DEPENDENCY',
        `task "${id}" needs "${need}", which this file does not have.${didYouMean(need, Object.keys(file.tasks))}`,
        Array.isArray(task.needs) ? at('needs', i) : at('needs'),
      );
  if (task.agent !== undefined && !agents.has(task.agent))
    say(
      'UNKNOWN_AGENT',
      `task "${id}" names the agent "${task.agent}", which nobody defines.${didYouMean(task.agent, agents)}`,
      at('agent'),
    );
  if (task.capability !== undefined) say('NOT_YET', 'routing by `capability` comes with planning; name an `agent`', at('capability'), true);
  if (task.tool !== undefined) say('NOT_YET', '`tool` tasks come with the tools; use `run`', at('tool'), true);
  if (task.call !== undefined && !known.functions?.has(task.call))
    say('UNKNOWN_TOOL', `task "${id}" calls the function "${task.call}", which this program did not register`, at('call'));
  const gates = task.gate === undefined ? [] : Array.isArray(task.gate) ? task.gate : [task.gate];
  for (const [i, gate] of gates.entries())
    if ('rubric' in gate)
      say('NOT_YET', 'rubric gates come with a later version; use `run` gates', Array.isArray(task.gate) ? at('gate', i) : at('gate'));
  if (task.prompt === undefined && task.agent !== undefined)
    say('MISSING_KEY', `task "${id}" needs a \`prompt\` for its agent`, at(), true);
  if (task.prompt !== undefined && task.agent === undefined && task.capability === undefined && kinds.length > 0)
    say('UNKNOWN_KEY', `\`prompt\` belongs to agent tasks; "${id}" has \`${kinds[0]}\``, at('prompt'), true);
  if (task.foreach !== undefined && task.until !== undefined)
    say('SEVERAL_KINDS', `task "${id}" has \`foreach\` and \`until\`; put one of them in a used workflow`, at('until'), true);
  if (task.in !== undefined && task.run === undefined)
    say('UNKNOWN_KEY', '`in: project` is a right of commands the user wrote, never of an agent', at('in'), true);
  if (task.probe !== undefined && task.run === undefined && task.call === undefined)
    say('UNKNOWN_KEY', '`probe` looks whether a command happened; this task has none', at('probe'), true);
  const problem = task.schema === undefined ? undefined : known.schemaProblem?.(task.schema);
  if (problem !== undefined) say('BAD_SCHEMA', `\`schema\` of "${id}": ${problem}`, at('schema'));
}
