/** Tasks that nobody can do: what is missing, and who comes nearest. Tasks that miss the same are one finding. */
import { didYouMean } from '../../../near.ts';
import type { Finding } from '../draft.ts';
import { type Candidates, unable } from './candidates.ts';
import type { Blocked, RouteAgent, RouteTask } from './routing.ts';

/** Agents that are named as the nearest. */
const NEAREST_MAX = 3;
/** Ids that a message names. */
const NAMED_MAX = 8;

export function unroutable(
  tasks: readonly RouteTask[],
  alone: readonly number[],
  blocked: readonly Blocked[],
  agents: readonly RouteAgent[],
  candidates: Candidates,
): Finding[] {
  const groups = Map.groupBy(
    alone.flatMap((at) => tasks[at] ?? []),
    (task) => JSON.stringify([task.capability, task.agent, task.labels, task.contextTokens, candidates.ruling(task)]),
  );
  const waiting = Map.groupBy(blocked, ({ by }) => by);
  return [...groups.values()].map((group) => {
    const ids = group.map(({ id }) => id);
    const held = ids.flatMap((id) => waiting.get(id)?.map(({ task }) => task) ?? []);
    const [first] = group;
    const { missing, fix } = first ? why(first, agents, candidates) : { missing: '', fix: '' };
    return {
      code: 'UNROUTABLE',
      level: 'refuse',
      tasks: ids,
      message: `Nobody can do ${named(ids)}: ${missing}.${held.length > 0 ? ` Blocked by it: ${named(held)}.` : ''}`,
      fix,
    };
  });
}

function why(task: RouteTask, agents: readonly RouteAgent[], candidates: Candidates): { missing: string; fix: string } {
  if (agents.length === 0)
    return { missing: `there are no agents${wants(task)}`, fix: 'Define an agent in `baton.yaml`, or name one with `--agent`.' };
  const ruling = candidates.ruling(task);
  const skilled =
    task.capability === undefined ? agents : agents.filter(({ capabilities }) => capabilities.includes(task.capability ?? ''));
  if (ruling?.verb === 'require' && skilled.length > 0)
    return {
      missing: `the rule \`${ruling.when}\` requires ${ruling.agents.map(quoted).join(' or ')}, and ${reasons(task, agents, ruling.agents)}`,
      fix: 'Change the rule, or give that agent what the task asks for.',
    };
  if (task.agent !== undefined) {
    const there = agents.some(({ name }) => name === task.agent);
    const meant = didYouMean(
      task.agent,
      agents.map(({ name }) => name),
    );
    return there
      ? { missing: reasons(task, agents, [task.agent]), fix: `Give ${quoted(task.agent)} what the task asks for, or name another agent.` }
      : {
          missing: `there is no agent ${quoted(task.agent)}`,
          fix: meant === undefined ? 'Name an agent that there is.' : `Did you mean ${quoted(meant)}?`,
        };
  }
  if (skilled.length > 0)
    return {
      missing: `${reasons(
        task,
        agents,
        skilled.slice(0, NEAREST_MAX).map(({ name }) => name),
      )}`,
      fix: 'Add what is missing to one of them, or ask for less.',
    };
  const nearest = nearestTo(task.capability ?? '', agents);
  return {
    missing: `no agent has the capability ${quoted(task.capability ?? '')}. Nearest: ${nearest.map(skills).join('; ')}`,
    fix: `Add ${quoted(task.capability ?? '')} to the \`capabilities\` of an agent, or define one that has it.`,
  };
}

/** Those with a capability that reads alike first, then those who can do most. */
function nearestTo(capability: string, agents: readonly RouteAgent[]): readonly RouteAgent[] {
  const alike = didYouMean(capability, new Set(agents.flatMap(({ capabilities }) => capabilities)));
  const has = ({ capabilities }: RouteAgent) => (alike !== undefined && capabilities.includes(alike) ? 1 : 0);
  return [...agents]
    .sort((a, b) => has(b) - has(a) || b.capabilities.length - a.capabilities.length || (a.name < b.name ? -1 : 1))
    .slice(0, NEAREST_MAX);
}

const reasons = (task: RouteTask, agents: readonly RouteAgent[], names: readonly string[]): string =>
  names
    .map((name) => {
      const agent = agents.find((each) => each.name === name);
      return agent === undefined ? `${quoted(name)} is not there` : `${quoted(name)} can't: ${unable(task, agent) ?? 'a rule forbids it'}`;
    })
    .join('; ');
const wants = ({ capability }: RouteTask): string =>
  capability === undefined ? '' : `, and it needs the capability ${quoted(capability)}`;
const skills = ({ name, capabilities }: RouteAgent): string => `${quoted(name)} (${capabilities.join(', ') || 'no capabilities'})`;
const quoted = (text: string): string => `"${text}"`;
const named = (ids: readonly string[]): string =>
  ids.slice(0, NAMED_MAX).map(quoted).join(', ') + (ids.length > NAMED_MAX ? ` and ${ids.length - NAMED_MAX} more` : '');
