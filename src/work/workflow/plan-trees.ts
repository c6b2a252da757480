/** What a plan says of trees before it runs: who works in one, and who waits for whom because they write the same paths. */
import { globsMeet } from '../../engine/kernel/grants.ts';
import type { AgentConfig } from '../agents/agent.ts';
import type { TaskEntry } from './schema.ts';

/** Two tasks that claim a path in common, with nothing that orders them; of a `foreach` also twice the same, for its items. */
export interface Turns {
  readonly tasks: readonly [string, string];
  /** The globs that meet. */
  readonly claims: readonly [string, string];
}

interface Writer {
  readonly id: string;
  readonly kind: string;
  readonly needs: readonly string[];
  readonly fanOut?: number;
  readonly writes: readonly string[];
}

/** Where the project is a repository; as tasks are compiled. */
export const worksInTree = (entry: TaskEntry, agent: AgentConfig | undefined): boolean =>
  entry.in === undefined &&
  [entry.run, entry.tool, entry.capability, entry.agent].some((what) => what !== undefined) &&
  agent?.kind !== 'human';

/** Pairs of tasks that are compared. */
const PAIRS_MAX = 200_000;

/** Also of tasks in different files. */
export function turnsAmong(tasks: readonly Writer[]): Turns[] {
  const writing = tasks.filter(({ writes }) => writes.length > 0);
  const needs = needsAcross(tasks);
  const found: Turns[] = [];
  let pairs = 0;
  for (const [i, one] of writing.entries()) {
    const [glob] = one.writes;
    if (one.kind === 'foreach' && one.fanOut !== 0 && one.fanOut !== 1 && glob !== undefined)
      found.push({ tasks: [one.id, one.id], claims: [glob, glob] });
    for (const other of writing.slice(i + 1)) {
      if (pairs++ > PAIRS_MAX) return found;
      const claims = meeting(one.writes, other.writes);
      if (claims && !needs(one.id, other.id) && !needs(other.id, one.id)) found.push({ tasks: [one.id, other.id], claims });
    }
  }
  return found;
}

function meeting(some: readonly string[], others: readonly string[]): Turns['claims'] | undefined {
  for (const one of some) for (const other of others) if (globsMeet(one, other)) return [one, other];
  return undefined;
}

/** Does a task come after another? What a used file has waits for all that its task waits for, and is over before it is. */
function needsAcross(tasks: readonly Writer[]): (id: string, other: string) => boolean {
  const known = new Map(tasks.map(({ id, needs }) => [id, needs]));
  return (id, other) => {
    const seen = new Set<string>();
    const open = [id];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const need of withParents(at).flatMap((each) => known.get(each) ?? [])) {
        if (need === other || other.startsWith(`${need}/`)) return true;
        if (seen.has(need)) continue;
        seen.add(need);
        open.push(need);
      }
    return false;
  };
}

/** `a/b/c`, `a/b`, `a`. */
const withParents = (id: string): string[] => id.split('/').map((_, i, parts) => parts.slice(0, parts.length - i).join('/'));
