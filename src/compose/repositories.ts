/** The repositories of a home: one store of trees for each project that a run works over, and what the project's settings say of it. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
import { createPromotions } from '../work/workspace/promotion.ts';
import { createTrees } from '../work/workspace/trees.ts';
import { QUOTA_DEFAULT, type Quota } from '../work/workspace/workspace.ts';

export interface RepositoryOptions {
  readonly paths: HomePaths;
  readonly places: WorkPlaces;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sandboxes: Sandboxes;
  readonly state: (run: string) => RunState | undefined;
  readonly settings: (project: string) => Settings;
}

/** Folders outside the home, where somebody else than root has to come by. */
export interface WorkPlaces {
  readonly work: string;
  readonly trees: string;
  readonly sockets: string;
}

/** Root works for a sandbox that is another user: nothing of root's own folders can be seen from there. */
const ROOT_PLACE = '/var/lib/baton';

export function openWorkPlaces(paths: HomePaths, homeId: string): WorkPlaces {
  const root = process.getuid?.() === 0;
  const base = root ? join(ROOT_PLACE, homeId) : undefined;
  const mode = root ? 0o711 : 0o700;
  if (base) for (const folder of [ROOT_PLACE, base]) mkdirSync(folder, { recursive: true, mode });
  const places = {
    work: base ? join(base, 'work') : paths.work,
    trees: base ? join(base, 'trees') : join(paths.home, 'trees'),
    sockets: base ? join(base, 's') : join(tmpdir(), `baton-${homeId.slice(0, 10)}`),
  };
  for (const folder of Object.values(places)) mkdirSync(folder, { recursive: true, mode });
  // The name of a folder for everybody's use can be guessed, and somebody else may have made it first.
  return isOurs(places.sockets) ? places : { ...places, sockets: mkdtempSync(join(tmpdir(), 'baton-')) };
}

const FOR_OTHERS = 0o066;
function isOurs(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.getuid?.() && (mode & FOR_OTHERS) === 0;
}

export interface HomeRepositories extends Repositories {
  at(project: string): Repository;
  /** Sees to promotions that a crash interrupted, in every project this home has promoted into. */
  recover(): Promise<readonly { readonly project: string; readonly id: string; readonly outcome: string }[]>;
  workspaces(): Promise<readonly { readonly id: string; readonly folder: string; readonly bytes: number }[]>;
  /** Removes what a run left: workspaces, checkpoints, names. Call it while the run is still known. */
  forget(run: string): Promise<void>;
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
    async workspaces() {
      return (await Promise.all(projectsIn(options.places.trees).map((project) => at(project).trees.list()))).flat();
    },
    async forget(run) {
      for (const project of projectsIn(options.places.trees)) {
        const { trees } = at(project);
        for (const { id } of await trees.list()) if (id.startsWith(`${run}/`)) await trees.remove(id);
        for (const prefix of [`workspaces/${run}/`, `runs/${run}/`]) await trees.forget(prefix);
      }
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

const projectsIn = (trees: string): string[] =>
  readdirSync(trees).flatMap((name) => {
    const file = join(trees, name, PROJECT_FILE);
    return existsSync(file) ? [readFileSync(file, 'utf8')] : [];
  });

function open({ paths, places, env, sandboxes, settings }: RepositoryOptions, project: string): Repository {
  // Read when it is asked for: who is over a quota raises it, and goes on.
  const now = () => settings(project).workspace;
  const folder = join(places.trees, createHash('sha256').update(project).digest('hex').slice(0, 16));
  const quota: Quota = {
    get bytes() {
      return now().quota.bytes ?? QUOTA_DEFAULT.bytes;
    },
    get files() {
      return now().quota.files ?? QUOTA_DEFAULT.files;
    },
  };
  const { owner } = createBubblewrap(sandboxUser(env));
  const trees = createTrees({ folder, project, quota, ...(owner ? { owner } : {}) });
  writeFileSync(join(folder, PROJECT_FILE), project, { mode: 0o600 });
  const promotions = createPromotions({ trees, folder, home: paths.home, quota });
  return {
    project,
    trees,
    promotions,
    quota,
    get rules() {
      const { protected: guarded, symlinks } = now();
      return { protected: guarded, symlinks };
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

/** What the API shows of them. */
export const treeService = (repositories: HomeRepositories): TreeService => ({
  async diff({ id }, from, to, paths) {
    const { trees } = repositories.of(id);
    const [changes, patch] = await Promise.all([trees.changes(from, to), trees.patch(from, to, paths)]);
    return {
      changes:
        paths.length === 0 ? changes : changes.filter(({ path }) => paths.some((each) => path === each || path.startsWith(`${each}/`))),
      patch,
    };
  },
  workspaces: () => repositories.workspaces(),
});
