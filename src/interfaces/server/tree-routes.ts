/** Trees of runs over a repository: what changed, what is on record, what went into the user's tree, and back. */
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import { GRANTS } from '../../engine/kernel/grants.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { isTreePath } from '../api/paths.ts';
import type { WorkspaceView } from '../api/trees.ts';
import { readBody } from './body.ts';
import { commandRef, engineOf, replied, submit } from './commands.ts';
import { taskOf } from './details.ts';
import { findRun } from './find-run.ts';
import { overlapCommand } from './overlap.ts';
import { refused } from './problem.ts';
import { type Asked, get, json, post, type Route } from './route.ts';
import type { Services } from './services.ts';
import { commitIn, commitsOf, spanOf } from './tree-span.ts';
import { checkpointsIn, treeView } from './tree-story.ts';
import { diffOf, ownerOf } from './tree-views.ts';

export function treeRoutes(services: Services): Route[] {
  const by = services.local;
  const factsOf = ({ id }: RunState) => services.journal.read(id);
  const runOf = (asked: Asked): RunState => {
    const run = findRun(services, asked.param('run'));
    const state = services.state(run);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run "${run}".`);
    return state;
  };
  const taskIn = (state: RunState, typed: string | undefined) => (typed === undefined ? undefined : taskOf(state, typed).spec.id);

  return [
    get('/workspaces', async () => {
      const all = await services.trees.workspaces();
      return json({ workspaces: all.map((each) => ({ ...each, ...ownerOf(services, each.id) }) satisfies WorkspaceView) });
    }),
    get('/runs/:run/diff', async (asked) => {
      const state = runOf(asked);
      const given = { task: taskIn(state, asked.query('task')), from: asked.query('from'), to: asked.query('to') };
      const span = spanOf(state, factsOf(state), defined(given));
      return json(await diffOf(services.trees, state, span, pathsIn(asked.query('paths'))));
    }),
    get('/runs/:run/checkpoints', (asked) => {
      const state = runOf(asked);
      const task = taskIn(state, asked.query('task'));
      return json({ checkpoints: checkpointsIn(factsOf(state)).filter((each) => task === undefined || each.task === task) });
    }),
    get('/runs/:run/tree', async (asked) => {
      const state = runOf(asked);
      if (!state.tree) throw new BatonError('NO_TREE', `Run ${state.id} does not work over a repository.`, { where: state.id });
      const texts = await services.texts();
      return json(treeView(state, factsOf(state), (hash) => texts.payload(hash)));
    }),
    post('/runs/:run/promote', async (asked) => {
      engineOf(services);
      const body = await readBody(asked, 'promoteRequest');
      const { undo, branch } = body;
      const command: AskedCommand = undo ? { type: 'promotion.undo', by } : { type: 'run.promote', by, ...(branch ? { branch } : {}) };
      return submit(services, runOf(asked).id, command, commandRef(asked, body));
    }),
    post('/runs/:run/tasks/:task/overlap', async (asked) => {
      const { host } = engineOf(services);
      const body = await readBody(asked, 'overlapRequest');
      // The same again changes nothing, whatever its id; it must have one like any other command.
      commandRef(asked, body);
      const state = runOf(asked);
      const reply = await host.submit(GRANTS, await overlapCommand(services, state, taskOf(state, asked.param('task')), body));
      if (!reply.ok) throw refused(reply.refusal);
      return replied({ run: state.id, seq: state.seq }, false);
    }),
    post('/runs/:run/tasks/:task/restore', async (asked) => {
      engineOf(services);
      const body = await readBody(asked, 'restoreRequest');
      const state = runOf(asked);
      const { id } = taskOf(state, asked.param('task')).spec;
      const to = commitIn(state.id, commitsOf(factsOf(state), id), body.to);
      return submit(services, state.id, { type: 'workspace.restore', by, task: id, ...body, to }, commandRef(asked, body));
    }),
  ];
}

/** Paths are separated by a NUL, which no path has. @throws BatonError `BAD_REQUEST` */
function pathsIn(query = ''): readonly string[] {
  const paths = query.split('\0').filter((path) => path !== '');
  const wrong = paths.find((path) => !isTreePath(path));
  if (wrong !== undefined) throw new BatonError('BAD_REQUEST', `"${wrong}" is no path inside the tree.`, { where: wrong });
  return paths.map((path) => path.replace(/\/+$/, ''));
}

const defined = ({ task, from, to }: { task: string | undefined; from: string | undefined; to: string | undefined }) => ({
  ...(task === undefined ? {} : { task }),
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
});
