/**
 * What runs over a repository owe: a snapshot to begin with, each change merged onto the integration tree, workspaces put
 * back, and the way into the user's tree. What was changed is judged by the trees themselves: whatever an attempt staged,
 * committed, renamed or hid, only what its folder holds counts.
 */
import type { TreeContext, TreeHandlers } from '../../engine/host/host.ts';
import type { Integration } from '../../engine/kernel/commands.ts';
import type { OwedOf } from '../../engine/kernel/owed.ts';
import { claimsIn, type Plan, plainPath, type TaskSpec } from '../../engine/kernel/plan.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { ChangeRules, Violation } from '../workspace/workspace.ts';
import { type Repositories, type Repository, workspaceId } from './repositories.ts';
import { tried } from './trouble.ts';

const CONFLICT_TEXT_MAX = 20_000;

export const createTreeHandlers = (repositories: Repositories): TreeHandlers => ({
  snapshot: (_owed, { run }) =>
    tried(async () => {
      const { trees, top } = repositories.of(run);
      const commit = await trees.snapshot(top, `before run ${run}`);
      await trees.keep(refOf(run, 'base'), commit);
      return commit;
    }),

  integrate: (owed, context) => tried(() => integrate(repositories.of(context.run), owed, context)),

  restore: (owed, { run, state, blobs }) =>
    tried(async () => {
      const { trees, folder } = repositories.of(run);
      const base = state().tasks.get(owed.task)?.base;
      if (base === undefined) throw new BatonError('NO_WORKSPACE', `Task "${owed.task}" has no workspace.`);
      const workspace = await trees.open(workspaceId(run, owed.task), base);
      const before = await trees.restore(workspace, owed.to, owed.paths);
      const { commit } = await trees.checkpoint(workspace, `restored to ${owed.to}`);
      const changes = await trees.changes(before, commit);
      const feedback = blobs.put(
        JSON.stringify({
          feedback: aboutRestore(
            changes.map(({ path }) => path),
            folder,
          ),
        }),
      );
      return { ok: true, before, checkpoint: commit, feedback };
    }),

  async promote({ promotion, undo, base, tree, branch }, { run, state, blobs }) {
    const { promotions, top: project, rules, quota } = repositories.of(run);
    const id = promotionId(run, promotion);
    const { plan } = state();
    const outcome = undo
      ? await promotions.undo(id, project)
      : await promotions.promote({
          ...{ id, project, base, tree, quota },
          rules: { ...rules, ...claimsOf(state()) },
          ...(branch === undefined ? {} : { branch: { name: branch, message: `${plan.name}\n\nRun ${run} of Baton.` } }),
        });
    const report = blobs.put(JSON.stringify(outcome));
    return outcome.ok ? { ok: true, report } : { ok: false, code: outcome.code, message: outcome.message, report };
  },
});

/** As a promotion of a run is called in its project. */
export const promotionId = (run: string, promotion: string): string => `${run}-${promotion}`.replace(/[^A-Za-z0-9-]/g, '-');

/** Names a commit that a run needs, for as long as the run is kept. */
const refOf = (run: string, what: string): string => `runs/${run}/${what}`;

/** Where every task that may write has said what, nothing else comes back either. */
const claimsOf = (state: RunState): Pick<ChangeRules, 'writes' | 'named'> => {
  const writers = [...state.tasks.values()].filter(({ checkpoints }) => checkpoints !== undefined);
  const claims = writers.flatMap(({ spec }) => claimsIn(state.plan, spec));
  const all = writers.length > 0 && writers.every(({ spec }) => spec.claims?.length);
  return { named: claims.map(plainPath), ...(all ? { writes: claims } : {}) };
};

function writesOf(plan: Pick<Plan, 'folder'>, spec: TaskSpec | undefined): Pick<ChangeRules, 'writes' | 'named'> {
  if (!spec?.claims) return {};
  const writes = claimsIn(plan, spec);
  return { writes, named: writes.map(plainPath) };
}

async function integrate(repository: Repository, owed: OwedOf<'integrate'>, context: TreeContext): Promise<Integration> {
  const { run, state, blobs } = context;
  const { trees, rules, folder } = repository;
  const { plan, tasks } = state();
  const workspace = await trees.open(workspaceId(run, owed.task), owed.base);
  const now = await trees.checkpoint(workspace, 'to be merged');
  const found = [...now.violations, ...trees.judge(now.changes, { ...rules, ...writesOf(plan, tasks.get(owed.task)?.spec) })];
  if (found.length > 0) {
    const paths = [...new Set(found.map(({ path }) => path))];
    await trees.restore(workspace, owed.base, paths);
    return { to: 'refused', why: 'rules', feedback: blobs.put(JSON.stringify({ feedback: aboutRules(found, folder), violations: found })) };
  }
  const merged = await trees.merge(owed.base, owed.onto, now.commit, `${owed.task}, attempt ${owed.attempt}`);
  if (!merged.ok)
    return {
      to: 'refused',
      why: 'conflict',
      feedback: blobs.put(
        JSON.stringify({ feedback: aboutConflicts(merged.conflicts, folder), conflicts: merged.conflicts.map(({ path }) => path) }),
      ),
    };
  await trees.keep(refOf(run, `merged/${owed.task}-${owed.attempt}`), merged.commit);
  return { to: 'merged', tree: merged.commit };
}

const aboutRules = (violations: readonly Violation[], folder: string | undefined): string =>
  [
    `Some of what you changed may not be changed. These paths${seenFrom(folder)} were put back as they were; everything else is as you left it:`,
    ...violations.map(({ path, message }) => `- ${path}: ${message}`),
    'Go on without changing them, and hand over again.',
  ].join('\n');

const PATHS_MAX = 50;
const aboutRestore = (paths: readonly string[], folder: string | undefined): string =>
  [
    `Somebody has put your folder back to how it was before. These files${seenFrom(folder)} are not as you left them:`,
    ...paths.slice(0, PATHS_MAX).map((path) => `- ${path}`),
    ...(paths.length > PATHS_MAX ? [`- and ${paths.length - PATHS_MAX} more`] : []),
    'Look at them again before you go on.',
  ].join('\n');

const aboutConflicts = (conflicts: readonly { readonly path: string; readonly text: string }[], folder: string | undefined): string => {
  const text = conflicts.map((each) => `--- ${each.path}\n${each.text}`).join('\n');
  return [
    `Your change conflicts with what was committed meanwhile. These files${seenFrom(folder)} have both sides now, with conflict marks:`,
    ...conflicts.map(({ path }) => `- ${path}`),
    'Resolve each so that both changes keep their meaning, remove the marks, and hand over again.',
    text.length > CONFLICT_TEXT_MAX ? `${text.slice(0, CONFLICT_TEXT_MAX)}\n… (${text.length} characters in all)` : text,
  ].join('\n');
};

const seenFrom = (folder: string | undefined): string =>
  folder === undefined ? '' : ` (named from the top of the repository; you work in its folder ${folder})`;
