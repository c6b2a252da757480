/** The repositories of a home: one store of trees for each that a run works over, whichever project in it the run is of. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../defined.ts';
import type { HomePaths } from '../engine/journal/home.ts';
import type { RunState } from '../engine/kernel/state.ts';
import { BatonError } from '../errors.ts';
import type { TreeService } from '../interfaces/server/services.ts';
import type { Repositories } from '../work/perform/repositories.ts';
import { createBubblewrap } from '../work/sandbox/bubblewrap.ts';
import { sandboxUser } from '../work/sandbox/choose.ts';
import type { Sandboxes } from '../work/sandbox/sandbox.ts';
import type { Settings } from '../work/workflow/settings.ts';
import { STEP_LIMITS_DEFAULT } from '../work/workspace/limits.ts';
import { createPromotions } from '../work/workspace/promotion.ts';
import { isTop } from '../work/workspace/repository-of.ts';
import { createTrees } from '../work/workspace/trees.ts';
import type { Trees } from '../work/workspace/workspace.ts';
import type { WorkPlaces } from './places.ts';
import { type Kept, projectIn, projectRepository, quotaIn } from './repository.ts';

export interface RepositoryOptions {
  readonly paths: HomePaths;
  readonly places: WorkPlaces;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sandboxes: Sandboxes;
  readonly state: (run: string) => RunState | undefined;
  readonly settings: (project: string) => Settings;
  /** A run that goes on works over it. */
  readonly isNeeded: (top: string) => boolean;
}

export interface HomeRepositories extends Repositories {
  /** Sees to promotions that a crash interrupted, in every repository this home has promoted into. */
  recover(): Promise<readonly { readonly project: string; readonly id: string; readonly outcome: string }[]>;
  /**
   * Nobody will ask for the way back of these promotions: their backups go. Where a repository is gone, or has never heard of
   * them, there is nothing to do. @throws BatonError `PROMOTION_BUSY`
   */
  confirm(top: string, promotions: readonly string[]): Promise<void>;
  /** Removes what runs left of which nobody knows any more: workspaces, checkpoints, names, and whole stores that nobody needs. */
  sweep(isKnown: (run: string) => boolean): Promise<Swept>;
}

export interface Swept {
  readonly workspaces: number;
  readonly bytes: number;
  readonly stores: number;
}

/** Which repository a folder of trees is of. */
const PROJECT_FILE = 'project';

export function createRepositories(options: RepositoryOptions): HomeRepositories {
  const known = new Map<string, Kept>();
  const at = (top: string): Kept => {
    const kept = known.get(top) ?? open(options, top);
    known.set(top, kept);
    return kept;
  };
  return {
    async recover() {
      const all: { project: string; id: string; outcome: string }[] = [];
      for (const top of repositoriesIn(options.places.trees))
        if (existsSync(top)) for (const each of await at(top).promotions.recover(top)) all.push({ project: top, ...each });
      return all;
    },
    async confirm(top, promotions) {
      if (!existsSync(top)) return;
      for (const id of promotions)
        try {
          await at(top).promotions.confirm(id, top);
        } catch (error) {
          if (!(error instanceof BatonError) || error.code !== 'PROMOTION_UNKNOWN') throw error;
        }
    },
    async sweep(isKnown) {
      let [workspaces, bytes, stores] = [0, 0, 0];
      for (const top of repositoriesIn(options.places.trees)) {
        const { trees } = at(top);
        const isOver = (id: string) => (runOf(id) === SETUP ? !options.isNeeded(top) : !isKnown(runOf(id)));
        for (const workspace of await trees.list()) {
          if (!isOver(workspace.id)) continue;
          await trees.remove(workspace.id);
          workspaces++;
          bytes += workspace.bytes;
        }
        for (const root of ['workspaces/', 'runs/'])
          for (const run of await trees.keptBelow(root)) if (isOver(run)) await trees.forget(`${root}${run}/`);
        const kept = await trees.keptBelow('');
        if (kept.length > 0 || options.isNeeded(top)) continue;
        known.delete(top);
        rmSync(folderOf(options.places.trees, top), { recursive: true, force: true });
        stores++;
      }
      return { workspaces, bytes, stores };
    },
    of(run) {
      const plan = options.state(run)?.plan;
      if (plan?.scope === undefined || !isTop(plan.scope))
        throw new BatonError('NOT_A_REPOSITORY', `${plan?.scope ?? 'The project'} is no git repository any more.`, {
          ...(plan?.scope === undefined ? {} : { where: plan.scope }),
          hint: 'Runs over a repository need it until they have ended.',
        });
      return projectRepository({ ...options, ...at(plan.scope), top: plan.scope, ...defined({ folder: plan.folder }) });
    },
  };
}

/** Where dependencies are made; nobody's own. */
const SETUP = 'setup';
/** Workspaces and names begin with the run that they are of. */
const runOf = (id: string): string => id.split('/', 1)[0] ?? '';

const repositoriesIn = (trees: string): string[] =>
  (existsSync(trees) ? readdirSync(trees) : []).flatMap((name) => {
    const file = join(trees, name, PROJECT_FILE);
    return existsSync(file) ? [readFileSync(file, 'utf8')] : [];
  });

const folderOf = (trees: string, project: string): string => join(trees, createHash('sha256').update(project).digest('hex').slice(0, 16));

function open({ paths, places, env, settings, state }: RepositoryOptions, top: string): Kept {
  const folder = folderOf(places.trees, top);
  const { owner } = createBubblewrap(sandboxUser(env));
  const quotaOf = (id: string) => quotaIn(settings(projectIn(state(runOf(id))?.plan) ?? top));
  const limits = () => ({ ...STEP_LIMITS_DEFAULT, ...settings(top).workspace.timeouts });
  const trees = createTrees({ folder, project: top, quotaOf, limits, ...(owner ? { owner } : {}) });
  writeFileSync(join(folder, PROJECT_FILE), top, { mode: 0o600 });
  const promotions = createPromotions({ trees, folder, home: paths.home });
  return { trees, promotions, store: folder, ...(owner ? { owner } : {}) };
}

const notHere = (run: string): BatonError =>
  new BatonError('NO_TREE', `The trees of run ${run} are not here.`, { where: run, hint: 'Were they removed by `baton clean`?' });

/** Where there is no home yet. */
export const noTrees: TreeService = {
  diff: ({ id }) => Promise.reject(notHere(id)),
  workspaces: async () => [],
};

/** What the API shows of them: where nobody owns the home as well. Makes nothing that isn't there. */
export function treeService({ trees: place }: Pick<WorkPlaces, 'trees'>): TreeService {
  const known = new Map<string, Trees>();
  const at = (project: string): Trees | undefined => {
    const folder = folderOf(place, project);
    if (!existsSync(join(folder, PROJECT_FILE))) return undefined;
    const trees = known.get(project) ?? createTrees({ folder, project });
    known.set(project, trees);
    return trees;
  };
  return {
    async diff({ id, plan }, from, to, paths) {
      const trees = plan.scope === undefined ? undefined : at(plan.scope);
      if (!trees) throw notHere(id);
      const [changes, patch] = await Promise.all([trees.changes(from, to), trees.patch(from, to, paths)]);
      const isMeant = (path: string) => paths.length === 0 || paths.some((each) => path === each || path.startsWith(`${each}/`));
      return { changes: changes.filter(({ path }) => isMeant(path)), patch };
    },
    workspaces: async () => (await Promise.all(repositoriesIn(place).map((project) => at(project)?.list() ?? []))).flat(),
  };
}
