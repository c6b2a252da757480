/**
 * A goal typed on the command line, as the workflow it stands for: a task that is planned, or one for an agent that was
 * named.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BatonError } from '../../errors.ts';

export interface GoalOptions {
  readonly agent?: string;
  readonly gate?: readonly string[];
  readonly writes?: readonly string[];
  readonly promote?: string;
  readonly approvePlan?: boolean;
  /** The plan is made, and nothing of it is run. */
  readonly onlyPlan?: boolean;
}

/** Agents that need no settings: Baton knows how to start them. */
const CODING_AGENTS: readonly string[] = ['claude', 'codex', 'opencode', 'gemini'];
const WHEN: readonly string[] = ['end', 'never'];
const NAME_MAX = 60;

/**
 * The workflow that what was typed stands for; nothing when it is a file.
 * @throws BatonError `USAGE` for options that do not belong to what was typed
 */
export function goalOf(typed: string, cwd: string, options: GoalOptions): Record<string, unknown> | undefined {
  const { agent, gate = [], writes = [], promote } = options;
  const isFile = existsSync(resolve(cwd, typed));
  const isGoal = !isFile && (agent !== undefined || /\s/.test(typed.trim()));
  if (isFile && agent !== undefined)
    throw new BatonError('USAGE', `${typed} is a file, and its tasks name their agents.`, { hint: 'Leave --agent out.' });
  if (!isGoal && (gate.length > 0 || writes.length > 0 || promote !== undefined))
    throw new BatonError('USAGE', '--gate, --writes and --promote are for a goal; a workflow file says these itself.');
  if (!isGoal) return undefined;
  if (promote !== undefined && !WHEN.includes(promote))
    throw new BatonError('USAGE', `--promote is ${WHEN.join(' or ')}, not "${promote}".`);
  if (agent === undefined && writes.length > 0)
    throw new BatonError('USAGE', '--writes is for a goal with --agent: the tasks of a plan say themselves what they write.');
  return {
    version: 1,
    name: typed.trim().slice(0, NAME_MAX),
    ...(agent === undefined ? planned(typed, options) : forAgent(typed, agent, options)),
    ...(promote === undefined ? {} : { promote }),
  };
}

const forAgent = (goal: string, agent: string, { gate = [], writes = [] }: GoalOptions) => ({
  ...(CODING_AGENTS.includes(agent) ? { agents: { [agent]: { acp: agent } } } : {}),
  tasks: {
    goal: {
      agent,
      prompt: goal,
      ...(writes.length > 0 ? { writes } : {}),
      ...(gate.length > 0 ? { gate: gate.map((run) => ({ run })) } : {}),
    },
  },
});

/** What must pass in the end is a task of its own: a plan has no single result that a gate could look at. */
const planned = (goal: string, { gate = [], approvePlan, onlyPlan }: GoalOptions) => ({
  ...(onlyPlan ? { promote: 'never' } : {}),
  tasks: {
    goal: { plan: goal, ...(onlyPlan ? { carryOut: false } : {}), ...(approvePlan ? { approval: { at: 'result' } } : {}) },
    ...Object.fromEntries(gate.map((run, i) => [`check_${i + 1}`, { needs: 'goal', run }])),
  },
});
