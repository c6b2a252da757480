/** The repositories of a home: one store of trees for each project that a run works over, and what the project's settings say of it. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HomePaths } from '../engine/journal/home.ts';
import type { RunState } from '../engine/kernel/state.ts';
import { BatonError } from '../errors.ts';
import type { TreeService } from '../interfaces/server/services.ts';
import { equip } from '../work/perform/equip.ts';
import type { Repositories, Repository } from '../work/perform/repositories.ts';
import { toolMounts } from '../work/perform/tool-mounts.ts';
import { inheritedEnvironment } from '../work/policy/environment.ts';
import { createBubblewrap } from '../work/sandbox/bubblewrap.ts';
import { sandboxUser } from '../work/sandbox/choose.ts';
import type { Sandboxes } from '../work/sandbox/sandbox.ts';
import type { Settings } from '../work/workflow/settings.ts';
import { give } from '../work/workspace/checkouts.ts';
import { STEP_LIMITS_DEFAULT } from '../work/workspace/limits.ts';
import { createPromotions } from '../work/workspace/promotion.ts';
import { createTrees } from '../work/workspace/trees.ts';
import { CHECKPOINTS_DEFAULT, QUOTA_DEFAULT, type Quota, type Trees } from '../work/workspace/workspace.ts';
import type { WorkPlaces } from './places.ts';

export interface RepositoryOptions {
  readonly paths: HomePaths;
  readonly places: WorkPlaces;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sandboxes: Sandboxes;
  readonly state: (run: string) => RunState | undefined;
  readonly settings: (project: string) => Settings;
  /** A run that goes on works over it. */
  readonly isNeeded: (project: string) => boolean;
}

export interface HomeRepositories extends Repositories {
  at(project: string): Repository;
  /** Sees to promotions that a crash interrupted, in every project this home has promoted into. */
  recover(): Promise<readonly { readonly project: string; readonly id: string; readonly outcome: string }[]>;
  /**
   * Nobody will ask for the way back of these promotions: their backups go. Where a project is gone, or has never heard of
   * them, there is nothing to do. @throws BatonError `PROMOTION_BUSY`
   */
  confirm(project: string, promotions: readonly string[]): Promise<void>;
  /** Removes what runs left of which nobody knows any more: workspaces, checkpoints, names, and whole stores that nobody needs. */
  sweep(isKnown: (run: string) => boolean): Promise<Swept>;
}

export interface Swept {
  readonly workspaces: number;
  readonly bytes: number;
  readonly stores: number;
}

/** Which project a folder of trees is of. */
const PROJECT_FILE = 'project';

export function createRepositories(options: RepositoryOptions): HomeRepositories {
  const known = new Map<string, Repository>();
  const at = (project: string): Repository => {
    const repository = known.get(project) ?? open(options, project);
    known.set(project, repository);
    return repository;
  };
  return {
    at,
    async recover() {
      const all: { project: string; id: string; outcome: string }[] = [];
      for (const project of projectsIn(options.places.trees))
        if (existsSync(project)) for (const each of await at(project).promotions.recover(project)) all.push({ project, ...each });
      return all;
    },
    async confirm(project, promotions) {
      if (!existsSync(project)) return;
      for (const id of promotions)
        try {
          await at(project).promotions.confirm(id, project);
        } catch (error) {
          if (!(error instanceof BatonError) || error.code !== 'PROMOTION_UNKNOWN') throw error;
        }
    },
    async sweep(isKnown) {
      let [workspaces, bytes, stores] = [0, 0, 0];
      for (const project of projectsIn(options.places.trees)) {
        const { trees } = at(project);
        const isOver = (id: string) => (runOf(id) === SETUP ? !options.isNeeded(project) : !isKnown(runOf(id)));
        for (const workspace of await trees.list()) {
          if (!isOver(workspace.id)) continue;
          await trees.remove(workspace.id);
          workspaces++;
          bytes += workspace.bytes;
        }
        for (const root of ['workspaces/', 'runs/'])
          for (const run of await trees.keptBelow(root)) if (isOver(run)) await trees.forget(`${root}${run}/`);
        const kept = await trees.keptBelow('');
        if (kept.length > 0 || options.isNeeded(project)) continue;
        known.delete(project);
        rmSync(folderOf(options.places.trees, project), { recursive: true, force: true });
        stores++;
      }
      return { workspaces, bytes, stores };
    },
    of(run) {
      const project = options.state(run)?.plan.scope;
      if (project === undefined || !existsSync(join(project, '.git')))
        throw new BatonError('NOT_A_REPOSITORY', `${project ?? 'The project'} is no git repository any more.`, {
          ...(project === undefined ? {} : { where: project }),
          hint: 'Runs over a repository need it until they have ended.',
        });
      return at(project);
    },
  };
}

/** Where dependencies are made; nobody's own. */
const SETUP = 'setup';
/** Workspaces and names begin with the run that they are of. */
const runOf = (id: string): string => id.split('/', 1)[0] ?? '';

const projectsIn = (trees: string): string[] =>
  (existsSync(trees) ? readdirSync(trees) : []).flatMap((name) => {
    const file = join(trees, name, PROJECT_FILE);
    return existsSync(file) ? [readFileSync(file, 'utf8')] : [];
  });

const folderOf = (trees: string, project: string): string => join(trees, createHash('sha256').update(project).digest('hex').slice(0, 16));

function open({ paths, places, env, sandboxes, settings }: RepositoryOptions, project: string): Repository {
  // Read when it is asked for: who is over a quota raises it, and goes on.
  const now = () => settings(project).workspace;
  const folder = folderOf(places.trees, project);
  const quota: Quota = {
    get bytes() {
      return now().quota.bytes ?? QUOTA_DEFAULT.bytes;
    },
    get files() {
      return now().quota.files ?? QUOTA_DEFAULT.files;
    },
  };
  const { owner } = createBubblewrap(sandboxUser(env));
  const trees = createTrees({
    folder,
    project,
    quota,
    limits: () => ({ ...STEP_LIMITS_DEFAULT, ...now().timeouts }),
    ...(owner ? { owner } : {}),
  });
  writeFileSync(join(folder, PROJECT_FILE), project, { mode: 0o600 });
  const promotions = createPromotions({ trees, folder, home: paths.home, quota });
  return {
    project,
    trees,
    promotions,
    quota,
    get checkpoints() {
      return { ...CHECKPOINTS_DEFAULT, ...now().checkpoints };
    },
    get rules() {
      const { protected: guarded, contracts, symlinks } = now();
      return { protected: guarded, contracts, symlinks };
    },
    get setup() {
      return now().setup;
    },
    async equip(checkout, { touched, signal }) {
      const { setup } = now();
      if (!setup) return;
      const walls = async (inside: string, command: readonly [string, ...string[]]) => {
        const sandbox = await sandboxes.choose();
        const inherited = inheritedEnvironment(env);
        const mounts = toolMounts(inherited['PATH'] ?? '', env['HOME'] ?? '/', sandbox.owner);
        return sandbox.wrap({ command, workspace: inside, env: { PATH: inherited['PATH'] ?? '' }, mounts });
      };
      await equip(checkout, {
        trees,
        store: join(folder, 'provided'),
        rule: setup,
        env: inheritedEnvironment(env),
        ...(touched ? { walls } : {}),
        own: async (made) => {
          if (owner) give(made, owner);
        },
        signal,
      });
    },
  };
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
    workspaces: async () => (await Promise.all(projectsIn(place).map((project) => at(project)?.list() ?? []))).flat(),
  };
}
