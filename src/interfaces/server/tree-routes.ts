/** Trees of runs over a repository: what changed, what is on record, what went into the user's tree, and back. */
import type { Stored } from '../../engine/kernel/facts.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import type { CheckpointView, PromotionView } from '../api/shapes.ts';
import { readBody } from './body.ts';
import { commandRef, engineOf, submit } from './commands.ts';
import { taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import { type Asked, get, json, post, type Route } from './route.ts';
import type { Services, TreeService } from './services.ts';

export function treeRoutes(services: Services): Route[] {
  const by = services.local;
  const runOf = (asked: Asked): RunState => {
    const run = findRun(services, asked.param('run'));
    const state = services.state(run);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return state;
  };

  return [
    get('/workspaces', async () => json({ workspaces: await treesOf(services).workspaces() })),
    get('/runs/:run/diff', async (asked) => {
      const state = runOf(asked);
      const { from, to } = spanOf(asked, state);
      const paths = (asked.query('paths') ?? '').split('\0').filter((path) => path !== '');
      return json({ from, to, ...(await treesOf(services).diff(state, from, to, paths)) });
    }),
    get('/runs/:run/checkpoints', (asked) => {
      const state = runOf(asked);
      const typed = asked.query('task');
      const task = typed === undefined ? undefined : taskOf(state, typed).spec.id;
      const all = [...services.journal.read(state.id)].flatMap(checkpointIn).filter((each) => task === undefined || each.task === task);
      return json({ checkpoints: all });
    }),
    get('/runs/:run/promotions', async (asked) => {
      const texts = await services.texts();
      return json({ promotions: promotionsIn(services.journal.read(runOf(asked).id), (hash) => texts.payload(hash)) });
    }),
    post('/runs/:run/promote', async (asked) => {
      engineOf(services);
      const { undo = false } = await readBody(asked, 'promoteRequest');
      return submit(services, runOf(asked).id, { type: undo ? 'promotion.undo' : 'run.promote', by }, commandRef(asked, { undo }));
    }),
    post('/runs/:run/tasks/:task/restore', async (asked) => {
      engineOf(services);
      const body = await readBody(asked, 'restoreRequest');
      const state = runOf(asked);
      const { id } = taskOf(state, asked.param('task')).spec;
      return submit(services, state.id, { type: 'workspace.restore', by, task: id, ...body }, commandRef(asked, body));
    }),
  ];
}

function treesOf({ trees, home }: Services): TreeService {
  if (trees) return trees;
  throw new BatonError('READ_ONLY', 'This process only reads the home, and trees are its owner’s.', { where: home });
}

/** What a diff is between: two commits that were named, what a task changed, or what the whole run did. */
function spanOf(asked: Asked, state: RunState): { readonly from: string; readonly to: string } {
  const typed = asked.query('task');
  const task = typed === undefined ? undefined : taskOf(state, typed);
  const from = asked.query('from') ?? (task ? (task.merged?.onto ?? task.base) : state.tree?.base);
  const to = asked.query('to') ?? (task ? (task.merged?.tree ?? task.change ?? task.checkpoint ?? task.base) : state.tree?.head);
  if (from !== undefined && to !== undefined) return { from, to };
  throw new BatonError('NO_TREE', task ? `Task "${task.spec.id}" has changed no tree.` : `Run ${state.id} has no tree.`, {
    hint: state.plan.tree ? 'It has one once its first attempt has begun.' : 'Runs have one where the project is a git repository.',
  });
}

function checkpointIn({ fact, at }: Stored): CheckpointView[] {
  if (fact.type === 'checkpoint.taken') {
    const { task, attempt, checkpoint, why, files } = fact;
    return [{ task, attempt, checkpoint, why, files, at }];
  }
  if (fact.type === 'restore.ended' && fact.checkpoint !== undefined)
    return [{ task: fact.task, checkpoint: fact.checkpoint, why: 'restore', at }];
  return [];
}

function promotionsIn(facts: Iterable<Stored>, payload: (hash: string) => unknown): PromotionView[] {
  const all = new Map<string, PromotionView>();
  for (const { fact, at } of facts) {
    if (fact.type === 'approval.requested' && fact.subject === 'promotion')
      all.set(fact.approval, { promotion: fact.approval, tree: fact.binds, status: 'asked', at });
    if (fact.type === 'promotion.started') all.set(fact.promotion, { promotion: fact.promotion, tree: fact.tree, status: 'running', at });
    const before = 'promotion' in fact ? all.get(fact.promotion) : undefined;
    if (!before) continue;
    if (fact.type === 'promotion.undoing') all.set(before.promotion, { ...before, status: 'undoing', at });
    if (fact.type === 'promotion.done') all.set(before.promotion, { ...before, status: 'done', at, report: payload(fact.report) });
    if (fact.type === 'promotion.undone') all.set(before.promotion, { ...before, status: 'undone', at, report: payload(fact.report) });
    if (fact.type === 'promotion.refused') {
      const { code, message, report } = fact;
      // An undoing that was refused leaves what was done.
      const status = before.status === 'undoing' ? 'done' : 'refused';
      all.set(before.promotion, {
        ...before,
        status,
        at,
        refusal: { code, message },
        ...(report === undefined ? {} : { report: payload(report) }),
      });
    }
  }
  return [...all.values()];
}
