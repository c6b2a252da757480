/** Who does the tasks of a file: those with a `capability` are routed, all of a file together; the others have who they name. */
import type { AgentConfig } from '../agents/agent.ts';
import { type Solved, solve } from '../planning/route/route.ts';
import type { RouteOptions, RouteTask, Weights } from '../planning/route/routing.ts';
import { loadRules, type RouteRule } from '../planning/route/rules.ts';
import { durationMs } from './duration.ts';
import { kindsOf, needsOf } from './names.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';

/** What settings say of routing. */
export interface RouteSettings {
  readonly rules: readonly RouteRule[];
  readonly weights: Weights;
}

/** What routing is told of the world besides settings. */
export type World = Pick<RouteOptions, 'learned' | 'health'>;

export const isRouted = ({ tasks }: WorkflowFile): boolean => Object.values(tasks).some(({ capability }) => capability !== undefined);

export function routed(file: WorkflowFile, agents: ReadonlyMap<string, AgentConfig>, settings?: RouteSettings, world: World = {}): Solved {
  const tasks = Object.entries(file.tasks).map(([id, entry]) => routeTask(id, entry));
  return solve(tasks, [...agents.values()], routeOptions(agents, settings, world));
}

export function routeOptions(agents: ReadonlyMap<string, AgentConfig>, settings?: RouteSettings, world: World = {}): RouteOptions {
  // Rules were checked with the settings; an agent of theirs that has gone since makes them say nothing.
  const loaded = loadRules(settings?.rules ?? [], agents.keys());
  return {
    ...world,
    ...(settings ? { weights: settings.weights } : {}),
    ...(loaded.ok ? { rules: loaded.rules } : {}),
  };
}

/** Who was chosen, by the id of the task. */
export const chosen = ({ routing }: Solved): ReadonlyMap<string, string> =>
  new Map(routing.assignments.flatMap(({ task, agent }) => (agent === undefined ? [] : [[task, agent]])));

function routeTask(id: string, entry: TaskEntry): RouteTask {
  const [kind] = kindsOf(entry);
  const timeoutMs = entry.timeout === undefined ? undefined : durationMs(entry.timeout);
  return {
    id,
    kind: kind === 'agent' || kind === 'capability' ? 'agent' : kind === 'plan' ? 'composite' : kind === 'approve' ? 'approve' : 'command',
    needs: needsOf(entry),
    title: entry.description ?? id,
    text: entry.prompt ?? '',
    ...(entry.capability === undefined ? {} : { capability: entry.capability }),
    ...(entry.agent === undefined ? {} : { agent: entry.agent }),
    ...(entry.writes ? { writes: entry.writes } : {}),
    ...(entry.network ? { network: entry.network } : {}),
    ...(entry.approval?.at === undefined ? {} : { approval: entry.approval.at }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(entry.budget?.costUsd === undefined ? {} : { budgetUsd: entry.budget.costUsd }),
  };
}
