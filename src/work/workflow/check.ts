/** What is wrong with a file whose shape is right: names, kinds, the graph, and what this version can't do yet. */
import { findCycle } from '../../engine/kernel/graph.ts';
import { misplaced } from './belongs.ts';
import type { Path, Source } from './document.ts';
import { durationMs, durationText } from './duration.ts';
import { expressionProblems } from './expressions.ts';
import { misfit } from './inputs.ts';
import { KINDS, kindsOf, needsOf, taskNamed } from './names.ts';
import { didYouMean, type Problem, type ProblemCode } from './problem.ts';
import type { AgentEntry, TaskEntry, WorkflowFile } from './schema.ts';
import { gatePaths } from './sites.ts';
import { TEMPLATE_KEY } from './templates.ts';
import { checkTool, type ToolProblems } from './tool.ts';

const TASK_ID = /^[a-z][a-z0-9_]*$/;
/** Longest id, in characters: ids are parts of folder names and of the ids of what comes into being. */
const ID_MAX = 64;
const AGENT_KINDS = ['model', 'acp', 'command', 'a2a', 'human', 'scripted'] as const;
const AGENT_KINDS_LATER: ReadonlySet<string> = new Set(['a2a']);
/** Kinds that are settings beside `acp`: which model a coding agent uses, and which program it is. */
const ACP_SETTINGS: ReadonlySet<string> = new Set(['model', 'command']);
/** Names that `TaskSpec.agent` has for work that no agent does. */
const RESERVED: ReadonlySet<string> = new Set(['command', 'function', 'tool', 'planning']);
/** The most that a file may ask for, whatever is configured. */
const CEILING: Readonly<Record<string, number>> = { tasks: 1_000_000, depth: 32 };
/** Cycles of one file that are told. */
const CYCLES_MAX = 20;

export interface Known {
  /** Names of agents that the project or user defines. */
  readonly agents: ReadonlySet<string>;
  /** What those agents can do. */
  readonly capabilities?: ReadonlySet<string>;
  /** Limits that a file may narrow and not widen, as the kernel names them. */
  readonly limits?: Readonly<Record<string, number | undefined>>;
  /** Functions that a library program registered; undefined where none can be. */
  readonly functions?: ReadonlySet<string>;
  /** Why an agent of the file can't be used, in words. */
  readonly agentProblem?: (name: string, entry: AgentEntry) => string | undefined;
  /** What is wrong with the arguments of a tool that there is. */
  readonly toolProblems?: ToolProblems;
  /** Tells whether a JSON Schema can be checked; the first reason why not. */
  readonly schemaProblem?: (schema: unknown) => string | undefined;
}

export type Say = (code: ProblemCode, message: string, path: Path, key?: boolean) => void;

/** What is known of a file besides itself. */
export interface Around {
  readonly damaged: ReadonlySet<string>;
  readonly usedOutputs: (id: string) => readonly string[] | undefined;
}
const ALONE: Around = { damaged: new Set(), usedOutputs: () => undefined };

export function checkWorkflow(source: Source, file: WorkflowFile, known: Known, around: Around = ALONE): Problem[] {
  const problems: Problem[] = [];
  const say: Say = (code, message, path, key) =>
    problems.push({ file: source.file, ...(key ? source.atKey(path) : source.at(path)), code, message });
  const { damaged } = around;
  checkLimits(file.limits, known.limits, say);
  checkInputs(file, known, damaged, say);
  for (const [name, agent] of Object.entries(file.agents ?? {})) if (!damaged.has(`agents.${name}`)) checkAgent(name, agent, known, say);
  const agents = damaged.has('agents') ? undefined : new Set([...known.agents, ...Object.keys(file.agents ?? {})]);
  const capabilities = damaged.has('agents') ? undefined : capabilitiesOf(file, known);
  const ids = Object.keys(file.tasks);
  for (const [id, task] of Object.entries(file.tasks)) {
    checkId(id, say);
    checkNeeds(file, ids, id, task, say);
    if (!damaged.has(`tasks.${id}`)) checkKind(id, task, say);
    checkTask(id, task, agents, known, say);
    checkCapability(id, task, capabilities, say);
  }
  const cyclic = checkCycles(file, say);
  problems.push(...expressionProblems(source, file, { ...around, cyclic }));
  return problems;
}

export function checkLimits(limits: WorkflowFile['limits'] = {}, allowedBy: Known['limits'], say: Say): void {
  for (const [name, value] of Object.entries(limits)) {
    const asked = typeof value === 'string' ? durationMs(value) : value;
    const most = allowedBy?.[name === 'wallTime' ? 'wallTimeMs' : name] ?? CEILING[name];
    if (asked === undefined || most === undefined || asked <= most) continue;
    const allowed = name === 'wallTime' ? durationText(most) : most;
    say('LIMIT_TOO_LARGE', `${name}: ${value} is more than the ${allowed} that is allowed here; a file may only narrow its limits`, [
      'limits',
      name,
    ]);
  }
}

function checkInputs({ inputs = {} }: WorkflowFile, known: Known, damaged: ReadonlySet<string>, say: Say): void {
  for (const [name, entry] of Object.entries(inputs)) {
    if (damaged.has(`inputs.${name}`)) continue;
    const { default: value, description: _, ...schema } = entry;
    const problem = known.schemaProblem?.(schema);
    if (problem !== undefined) say('BAD_SCHEMA', `the input "${name}": ${problem}`, ['inputs', name]);
    const wrong = value === undefined ? undefined : misfit(entry, value);
    if (wrong !== undefined) say('WRONG_TYPE', `the default of the input "${name}"${wrong}`, ['inputs', name, 'default']);
  }
}

function checkAgent(name: string, agent: AgentEntry, known: Known, say: Say): void {
  let fine = true;
  checkAgentEntry(name, agent, ['agents', name], (...problem) => {
    fine = false;
    say(...problem);
  });
  const problem = fine ? known.agentProblem?.(name, agent) : undefined;
  if (problem !== undefined) say('WRONG_TYPE', problem, ['agents', name], true);
}

export function checkAgentEntry(name: string, agent: AgentEntry, path: Path, say: Say): void {
  const named = AGENT_KINDS.filter((kind) => agent[kind] !== undefined);
  const kinds = agent.acp === undefined ? named : named.filter((kind) => !ACP_SETTINGS.has(kind));
  if (kinds.length === 0) {
    const guess = Object.keys(agent)
      .map((key) => didYouMean(key, AGENT_KINDS))
      .find((each) => each !== '');
    say('MISSING_KEY', `agent "${name}" needs one of ${AGENT_KINDS.join(', ')}.${guess ?? ''}`, path, true);
  } else if (kinds.length > 1) say('SEVERAL_KINDS', `agent "${name}" is ${kinds.join(' and ')}; it can be one of them`, path, true);
  for (const kind of kinds)
    if (AGENT_KINDS_LATER.has(kind))
      say('NOT_YET', `agents of the kind \`${kind}\` come with a later version; use \`command\` or \`model\``, [...path, kind], true);
  if (RESERVED.has(name)) say('BAD_ID', `"${name}" is what Baton calls work that no agent does; choose another name`, path, true);
}

function checkId(id: string, say: Say): void {
  if (!TASK_ID.test(id))
    say(
      'BAD_ID',
      `"${id.slice(0, 80)}" is no task id: lower-case letters, digits and _, beginning with a letter${better(id)}`,
      ['tasks', id],
      true,
    );
  else if (id.length > ID_MAX) say('BAD_ID', `limit ID_MAX = ${ID_MAX} characters: this task id has ${id.length}`, ['tasks', id], true);
}
function better(id: string): string {
  const name = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '');
  return TASK_ID.test(name) && name.length <= ID_MAX ? `. For example \`${name}\`` : '';
}

function checkNeeds(file: WorkflowFile, ids: readonly string[], id: string, task: TaskEntry, say: Say): void {
  for (const [i, need] of needsOf(task).entries())
    if (!taskNamed(file, need))
      say(
        'UNKNOWN_DEPENDENCY',
        `task "${id}" needs "${need.slice(0, 80)}", which this file does not have.${didYouMean(need, ids, id)}`,
        Array.isArray(task.needs) ? ['tasks', id, 'needs', i] : ['tasks', id, 'needs'],
      );
}

function checkKind(id: string, task: TaskEntry, say: Say): void {
  const at = (...rest: Path): Path => ['tasks', id, ...rest];
  const [kind, second] = kindsOf(task);
  if (kind === undefined) {
    say('MISSING_KEY', `task "${id}" needs one of ${KINDS.filter((each) => each !== 'call').join(', ')}`, at(), true);
    return;
  }
  if (second !== undefined)
    say('SEVERAL_KINDS', `task "${id}" has ${kindsOf(task).join(' and ')}; a task does one thing`, at(second), true);
  else for (const { key, message } of misplaced(task, kind)) say('UNKNOWN_KEY', message, at(key), true);
  if (task.foreach !== undefined && task.until !== undefined)
    say('SEVERAL_KINDS', `task "${id}" has \`foreach\` and \`until\`; put one of them in a used workflow`, at('until'), true);
  if ((kind === 'agent' || kind === 'capability') && task.prompt === undefined)
    say('MISSING_KEY', `task "${id}" needs a \`prompt\` for its agent`, at(), true);
  checkApproval(task, kind === 'approve', at, say);
}

function checkApproval({ approval }: TaskEntry, decision: boolean, at: (...rest: Path) => Path, say: Say): void {
  if (!approval) return;
  if (decision && approval.at !== undefined)
    say('UNKNOWN_KEY', '`approve` is a decision by itself: its `approval` has no `at`', at('approval', 'at'), true);
  if (!decision && approval.at === undefined) say('MISSING_KEY', '`approval` needs `at`: start or result', at('approval'), true);
  if (approval.onTimeout !== undefined && approval.onTimeout !== 'wait' && approval.timeout === undefined)
    say('MISSING_KEY', `\`onTimeout: ${approval.onTimeout}\` needs a \`timeout\``, at('approval', 'onTimeout'), true);
  if (approval.onTimeout === 'escalate' && approval.escalateTo === undefined)
    say('MISSING_KEY', '`onTimeout: escalate` needs `escalateTo`, the roles that may decide then', at('approval', 'onTimeout'), true);
}

const capabilitiesOf = ({ agents = {} }: WorkflowFile, { capabilities }: Pick<Known, 'capabilities'>): ReadonlySet<string> =>
  new Set([...(capabilities ?? []), ...Object.values(agents).flatMap((agent) => agent.capabilities ?? [])]);

function checkCapability(id: string, { capability }: TaskEntry, there: ReadonlySet<string> | undefined, say: Say): void {
  if (capability === undefined || there === undefined || there.has(capability)) return;
  const meant = didYouMean(capability, there);
  const those =
    there.size === 0 ? ' No agent declares `capabilities`.' : meant || ` There are: ${[...there].sort().slice(0, 12).join(', ')}.`;
  say('UNKNOWN_CAPABILITY', `task "${id}" asks for the capability "${capability}", which no agent has.${those}`, [
    'tasks',
    id,
    'capability',
  ]);
}

function checkTask(id: string, task: TaskEntry, agents: ReadonlySet<string> | undefined, known: Known, say: Say): void {
  const at = (...rest: Path): Path => ['tasks', id, ...rest];
  if (task.agent !== undefined && agents && !agents.has(task.agent))
    say(
      'UNKNOWN_AGENT',
      `task "${id}" names the agent "${task.agent}", which nobody defines.${didYouMean(task.agent, agents)}`,
      at('agent'),
    );
  if (task.tool !== undefined) checkTool(id, task.tool, task.with ?? {}, known.toolProblems, say);
  if (JSON.stringify([task.with, task.foreach]).includes(`"${TEMPLATE_KEY}":`))
    say('UNKNOWN_KEY', `\`${TEMPLATE_KEY}\` is Baton's own; choose another key`, at(task.with === undefined ? 'foreach' : 'with'), true);
  if (task.call !== undefined && !known.functions?.has(task.call))
    say(
      'UNKNOWN_TOOL',
      `task "${id}" calls the function "${task.call}", which this program did not register.${didYouMean(task.call, known.functions ?? [])}`,
      at('call'),
    );
  for (const [path, gate] of gatePaths(id, task))
    if ('rubric' in gate) say('NOT_YET', 'rubric gates come with a later version; use `run` gates', path);
  const problem = task.schema === undefined ? undefined : known.schemaProblem?.(task.schema);
  if (problem !== undefined) say('BAD_SCHEMA', `\`schema\` of "${id}": ${problem}`, at('schema'));
}

/** @returns whether there is any */
function checkCycles(file: WorkflowFile, say: Say): boolean {
  const graph = new Map(Object.entries(file.tasks).map(([id, task]) => [id, needsOf(task).filter((need) => taskNamed(file, need))]));
  let told = 0;
  for (let cycle = findCycle(graph); cycle && told < CYCLES_MAX; cycle = findCycle(graph)) {
    told++;
    const [id = '', need = ''] = cycle;
    const i = needsOf(taskNamed(file, id) ?? {}).indexOf(need);
    const needs = taskNamed(file, id)?.needs;
    const shown = cycle.length > 24 ? [...cycle.slice(0, 12), `… ${cycle.length - 24} more …`, ...cycle.slice(-12)] : cycle;
    say(
      'CYCLE',
      `these tasks wait for each other: ${shown.join(' → ')}`,
      Array.isArray(needs) ? ['tasks', id, 'needs', i] : ['tasks', id, 'needs'],
    );
    graph.set(
      id,
      (graph.get(id) ?? []).filter((each) => each !== need),
    );
  }
  return told > 0;
}
