/**
 * Between which two trees a difference is. Commits are named by people, so only those that the facts of the run name are
 * known, by any beginning that no other shares: nothing that was typed ever reaches git as it is.
 */
import type { Stored } from '../../engine/kernel/facts.ts';
import { promotedOf } from '../../engine/kernel/promotion.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';

export interface Span {
  readonly from: string;
  readonly to: string;
}

export interface AskedSpan {
  readonly task?: string;
  readonly from?: string;
  readonly to?: string;
}

/** Trees of a run, and of each the one it is best compared with. */
interface Known {
  readonly since: ReadonlyMap<string, string | undefined>;
  /** What each task changed last. */
  readonly latest: ReadonlyMap<string, Span>;
}

/** @throws BatonError `UNKNOWN_COMMIT`, `AMBIGUOUS_COMMIT`, `NO_TREE` */
export function spanOf(state: RunState, facts: Iterable<Stored>, { task, ...typed }: AskedSpan): Span {
  const { since, latest } = known(facts);
  const find = (text: string) => commitIn(state.id, since.keys(), text);
  const whole =
    task === undefined ? { from: state.tree?.base, to: state.tree?.head } : (latest.get(task) ?? { from: undefined, to: undefined });
  const to = typed.to === undefined ? whole.to : find(typed.to);
  const from = typed.from === undefined ? ((typed.to === undefined ? undefined : since.get(to ?? '')) ?? whole.from) : find(typed.from);
  if (from !== undefined && to !== undefined) return { from, to };
  throw new BatonError('NO_TREE', task === undefined ? `Run ${state.id} has no tree.` : `Task "${task}" has worked in no tree.`, {
    where: task ?? state.id,
    hint: state.plan.tree ? 'There is one once an attempt has begun.' : 'Runs have one where the project is a git repository.',
  });
}

/** What waits for a person's decision. */
export function spanOfApproval(state: RunState, subject: string, task: string | undefined, binds: string): Span | undefined {
  if (subject === 'promotion') {
    const from = state.tree && promotedOf(state.tree);
    return from === undefined ? undefined : { from, to: binds };
  }
  const record = subject === 'result' && task !== undefined ? state.tasks.get(task) : undefined;
  return record?.merged && { from: record.merged.onto, to: record.merged.tree };
}

/** A commit by any beginning of it. @throws BatonError `UNKNOWN_COMMIT`, `AMBIGUOUS_COMMIT` */
export function commitIn(run: string, commits: Iterable<string>, typed: string): string {
  const all = [...new Set(commits)];
  const found = all.filter((commit) => commit.startsWith(typed));
  const [only] = found;
  if (only !== undefined && found.length === 1 && typed !== '') return only;
  if (found.length > 1 && typed !== '')
    throw new BatonError('AMBIGUOUS_COMMIT', `"${typed}" begins ${found.length} checkpoints of run ${run}.`, {
      where: typed,
      hint: `Type more of it: ${found.slice(0, 5).map(short).join(', ')}`,
    });
  const near = didYouMean(
    typed,
    all.map((commit) => commit.slice(0, typed.length)),
  );
  throw new BatonError('UNKNOWN_COMMIT', `Run ${run} has no checkpoint "${typed}" there.`, {
    where: typed,
    hint: near === undefined ? `See those there are: baton checkpoints ${run}` : `Did you mean ${near}?`,
  });
}

const short = (commit: string): string => commit.slice(0, 12);

/** Commits that belong to the workspace of a task: what it may be put back to. */
export function commitsOf(facts: Iterable<Stored>, task: string): string[] {
  return [...facts].flatMap(({ fact }) => {
    if (!('task' in fact) || fact.task !== task) return [];
    if (fact.type === 'task.started') return fact.base ?? [];
    if (fact.type === 'checkpoint.taken') return fact.checkpoint;
    return fact.type === 'restore.ended' ? [fact.before, fact.checkpoint].filter((commit) => commit !== undefined) : [];
  });
}

function known(facts: Iterable<Stored>): Known {
  const since = new Map<string, string | undefined>();
  const latest = new Map<string, Span>();
  const bases = new Map<string, string>();
  const note = (task: string, to: string | undefined, from: string | undefined) => {
    if (to === undefined) return;
    since.set(to, from);
    if (from !== undefined) latest.set(task, { from, to });
  };
  for (const { fact } of facts) {
    if (fact.type === 'tree.opened') since.set(fact.tree, undefined);
    if (fact.type === 'change.merged') note(fact.task, fact.tree, fact.onto);
    if (fact.type === 'checkpoint.taken') note(fact.task, fact.checkpoint, bases.get(fact.task));
    if (fact.type === 'restore.ended') for (const commit of [fact.before, fact.checkpoint]) note(fact.task, commit, bases.get(fact.task));
    if (fact.type === 'task.started' && fact.base !== undefined) {
      bases.set(fact.task, fact.base);
      since.set(fact.base, since.get(fact.base));
      // Until it changes something, nothing is what it changed.
      if (!latest.has(fact.task)) latest.set(fact.task, { from: fact.base, to: fact.base });
    }
  }
  return { since, latest };
}
