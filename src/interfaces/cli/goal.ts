/** A goal typed on the command line, for one agent that was named: a workflow of a single task. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BatonError } from '../../errors.ts';

export interface GoalOptions {
  readonly agent?: string;
  readonly gate?: readonly string[];
  readonly writes?: readonly string[];
  readonly promote?: string;
}

/** Agents that need no settings: Baton knows how to start them. */
const CODING_AGENTS: readonly string[] = ['claude', 'codex', 'opencode', 'gemini'];
const WHEN: readonly string[] = ['end', 'never'];
const NAME_MAX = 60;

/**
 * The workflow that what was typed stands for; nothing when it is a file.
 * @throws BatonError `USAGE` for a goal without an agent, or an option that only goals have
 */
export function goalOf(
  typed: string,
  cwd: string,
  { agent, gate = [], writes = [], promote }: GoalOptions,
): Record<string, unknown> | undefined {
  const isFile = existsSync(resolve(cwd, typed));
  if (agent === undefined) {
    if (gate.length > 0 || writes.length > 0 || promote !== undefined)
      throw new BatonError('USAGE', '--gate, --writes and --promote are for a goal, with --agent; a workflow file says these itself.');
    if (isFile || !/\s/.test(typed.trim())) return undefined;
    throw new BatonError('USAGE', `"${typed}" is no file. Making a plan of a goal is not there yet.`, {
      hint: 'Name the agent that is to do it: --agent claude, codex, opencode, gemini, or one of baton.yaml.',
    });
  }
  if (isFile) throw new BatonError('USAGE', `${typed} is a file, and its tasks name their agents.`, { hint: 'Leave --agent out.' });
  if (promote !== undefined && !WHEN.includes(promote))
    throw new BatonError('USAGE', `--promote is ${WHEN.join(' or ')}, not "${promote}".`);
  const own = CODING_AGENTS.includes(agent) ? { agents: { [agent]: { acp: agent } } } : {};
  return {
    version: 1,
    name: typed.trim().slice(0, NAME_MAX),
    ...(promote === undefined ? {} : { promote }),
    ...own,
    tasks: {
      goal: {
        agent,
        prompt: typed,
        ...(writes.length > 0 ? { writes } : {}),
        ...(gate.length > 0 ? { gate: gate.map((run) => ({ run })) } : {}),
      },
    },
  };
}
