/** One home, opened: the journal, the host, and everybody who does work for it. */
import { basename, dirname } from 'node:path';
import { systemClock } from '../engine/host/clock.ts';
import { EmbeddedHost } from '../engine/host/embedded.ts';
import type { Handlers } from '../engine/host/host.ts';
import { homePaths } from '../engine/journal/home.ts';
import type { Journal } from '../engine/journal/journal.ts';
import { acquireOwner, type Owner } from '../engine/journal/owner.ts';
import { readOwner } from '../engine/journal/owner-info.ts';
import { ReadModel, VIEWS_EVERY_MS } from '../engine/journal/read-model.ts';
import type { SqliteJournal } from '../engine/journal/sqlite.ts';
import { type Hash, plainPath, type TaskSpec } from '../engine/kernel/plan.ts';
import { viewOf } from '../engine/kernel/view.ts';
import { BatonError } from '../errors.ts';
import type { Engine, Services } from '../interfaces/server/services.ts';
import { KnowledgeStore } from '../work/knowledge/store.ts';
import type { Functions } from '../work/perform/function-task.ts';
import { createHandlers } from '../work/perform/handlers.ts';
import type { RouteOptions } from '../work/planning/route/routing.ts';
import { endLeftovers } from '../work/processes/leftovers.ts';
import { createSandboxes } from '../work/sandbox/choose.ts';
import type { Reach } from '../work/sandbox/destination.ts';
import { formatProblem } from '../work/workflow/problem.ts';
import { createResolver } from '../work/workflow/resolver.ts';
import type { World } from '../work/workflow/routes.ts';
import { findSettings, projectOf, type Settings } from '../work/workflow/settings.ts';
import { matcher } from '../work/workspace/paths.ts';
import { createStaff, type Staff } from './agents.ts';
import { agentViews, partChecks } from './health.ts';
import { knowledgeReader, knowledgeWriter } from './knowledge.ts';
import { Learning } from './learning.ts';
import { replayPast } from './past.ts';
import { homeIdOf, openWorkPlaces } from './places.ts';
import { localPrincipal } from './principal.ts';
import { removeRuns } from './remove.ts';
import { createRepositories, treeService } from './repositories.ts';
import { globsOf, projectIn } from './repository.ts';
import { routeOptions } from './routing.ts';
import { createDecisions, createTexts } from './texts.ts';
import { version } from './version.ts';
import { RunWatch } from './watch.ts';
import { createWorkflows, planProblems } from './workflows.ts';

export interface HomeOptions {
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly functions?: Functions;
  /** How names of the web are looked up for tools, and what may be reached. Default: the system's, and the public internet. */
  readonly reach?: Reach;
  /** One line for people about what the engine meets; must not throw. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Told once when this process can go on no longer. */
  readonly onFatal?: (error: BatonError) => void;
}

export interface OpenHome {
  readonly services: Services & { readonly engine: Engine };
  readonly host: EmbeddedHost;
  readonly owner: Owner;
  readonly staff: Staff;
  readonly settings: Settings;
  readonly watch: RunWatch;
  /** What the journal says of agents and of finished plans, as of now. */
  readonly learning: Learning;
  /** What a route is told of the world, as it is now. @throws BatonError as `routeOptions` */
  routing(settings?: Settings): RouteOptions;
  /** Runs that were unfinished, and attempts that were lost, when the home was opened. */
  readonly recovered: { readonly runs: number; readonly lost: number };
  close(): Promise<void>;
}

/** @throws BatonError `HOME_OWNED`, `WORKFLOW_INVALID` for a `baton.yaml` with mistakes, or of the journal */
export async function openHome(options: HomeOptions): Promise<OpenHome> {
  const { home, cwd, env, functions = new Map(), log = () => {} } = options;
  const settings = settingsOf(cwd, env);
  const crashed = readOwner(homePaths(home)) !== undefined;
  const owner = acquireOwner(home);
  const { journal, paths } = owner;
  const homeId = homeIdOf(home);
  if (crashed) for (const left of await endLeftovers(homeId)) log('ended a process that an earlier owner left behind', { ...left });
  const staff = createStaff(settings, env, [cwd]);
  const places = openWorkPlaces(paths, homeId);
  const sandboxes = createSandboxes({ env });
  const repositories = createRepositories({
    paths,
    places,
    env,
    sandboxes,
    state: (run) => host.latest(run),
    settings: (project) => settingsOf(project, env),
    isNeeded: (project) => views.unfinished().some((run) => host.latest(run)?.plan.scope === project),
  });
  const knowledge = new KnowledgeStore({ path: paths.knowledge, now: systemClock.now });
  const handlers: Handlers = createHandlers({
    ...staff,
    homeId,
    folders: {
      project: projectFor(home, cwd),
      projectOf: (run) => projectIn(host.latest(run)?.plan),
      root: places.work,
      sockets: places.sockets,
    },
    repositories,
    sandboxes,
    // Looked up with each search: a project may have changed its file.
    searchServer: (run) => settingsOf(projectIn(host.latest(run)?.plan) ?? cwd, env).search,
    knowledge,
    reach: options.reach ?? {},
    env,
    functions,
    blobs: journal,
    now: systemClock.now,
    log,
    planProblems,
    similar: (goal) => learning.similar(goal).map(({ run, name, tasks }) => ({ run, goal: name, tasks })),
    world: () => routing(),
  });
  const host: EmbeddedHost = new EmbeddedHost({
    journal,
    handlers,
    resolver: createResolver(() => routing()),
    slots: settings.slots,
    slotsOf: slotsOf(journal, settings.slots),
    runsMax: settings.runsMax,
    onProblem: (error) => log(error.message, { code: error.code, hint: error.hint }),
    ...(options.onFatal ? { onFatal: options.onFatal } : {}),
  });
  const routing = (current: Settings = settings): RouteOptions =>
    routeOptions({ settings: current, breakers: staff.breakers, learning, now: systemClock.now() });
  const learning = new Learning({ path: paths.learned, journal, write: true });
  const views = new ReadModel(
    journal,
    (run) => host.latestInMemory(run),
    (error) => log('the rows of lists could not be written', { error: error instanceof Error ? error.message : String(error) }),
  );
  const stopFollowing = followViews(host, views);
  const unfinished = views.unfinished();
  for (const left of await repositories.recover()) log('a promotion that was interrupted has been seen to', { ...left });
  const recovered = await host.recover(unfinished);
  void knowSecrets(unfinished, host, journal, staff);
  const engine: Engine = {
    host,
    startedAt: systemClock.now(),
    ...createDecisions(journal, (run) => host.state(run)),
    async remove(runs) {
      const removed = await removeRuns({ journal, paths, places, repositories, state: (run) => host.state(run) }, runs);
      learning.forget(removed.runs);
      return removed;
    },
    knowledge: (folder = cwd) => knowledgeWriter(knowledge, folder, staff.secrets.redactor()),
  };
  const services = {
    ...floorServices(options, journal, { journal, learning, routing }, staff),
    version: version(),
    home,
    logs: paths.logs,
    journal,
    views,
    state: (run: string) => host.state(run),
    grants: () => host.grants(),
    local: localPrincipal(),
    engine,
    knowledge: async (folder = cwd) => knowledgeReader(knowledge, folder),
    trees: treeService(places),
  };
  return {
    services,
    host,
    owner,
    staff,
    settings,
    watch: new RunWatch(host),
    learning,
    routing,
    recovered,
    async close() {
      await host.close();
      stopFollowing();
      learning.close();
      knowledge.close();
      owner.release();
    },
  };
}

/** The past of a home, and what routing makes of it. */
interface Told {
  readonly journal: Pick<Journal, 'readAll' | 'position' | 'get'>;
  readonly learning: Pick<Learning, 'outcomes'>;
  routing(settings: Settings): World;
}

/** What the work floor tells the API: the same for an engine and for a reader. */
export function floorServices(
  { cwd, env, functions = new Map() }: HomeOptions,
  blobs: Pick<Journal, 'put' | 'get'>,
  { journal, learning, routing }: Told,
  staff: Staff = createStaff(settingsOf(cwd, env), env, [cwd]),
): Pick<Services, 'workflows' | 'texts' | 'agents' | 'replay' | 'checks' | 'settings' | 'contracts'> {
  const texts = createTexts(blobs);
  return {
    workflows: createWorkflows({
      staff,
      env,
      functions: new Set(functions.keys()),
      now: systemClock.now,
      put: (payload) => blobs.put(payload),
      get: (hash) => blobs.get(hash),
      world: routing,
    }),
    texts: async () => texts,
    // Settings are read when asked for: a project may have changed its file, or another one asks.
    agents: async (folder = cwd) => {
      const settings = settingsOf(folder, env);
      return agentViews(settings, staff, systemClock.now(), settings.routing.learn ? learning.outcomes() : undefined);
    },
    replay: async (folder = cwd) => replayPast({ journal, settings: settingsOf(folder, env) }),
    checks: async (folder = cwd) => partChecks({ cwd: folder, env, staff, settings: settingsOf(folder, env), now: systemClock.now() }),
    contracts: async ({ scope = cwd, folder }, paths) => {
      const globs = globsOf(
        { scope, folder },
        (project) => settingsOf(project, env),
        ({ contracts }) => contracts,
      );
      const isContract = globs.map(matcher);
      return paths.filter((path) => isContract.some((matches) => matches(plainPath(path))));
    },
    settings: async (folder = cwd) => settingsOf(folder, env).sources.map(({ name, value, from }) => ({ name, value, source: from })),
  };
}

function settingsOf(cwd: string, env: HomeOptions['env']): Settings {
  const found = findSettings(cwd, env);
  if (found.ok) return found.settings;
  const text = found.problems.map(formatProblem).join('\n');
  throw new BatonError('WORKFLOW_INVALID', `The settings have ${found.problems.length} problems.\n${text}`, {
    where: 'baton.yaml',
    details: { problems: found.problems },
  });
}

/** The project that `in: project` means: the folder that `.baton` lies in, else where the command was typed. */
const projectFor = (home: string, cwd: string): string => (basename(home) === '.baton' ? dirname(home) : projectOf(cwd));

/** How many attempts an agent makes at once is in the definitions of its tasks, since a file may bring its own agents. */
function slotsOf(journal: SqliteJournal, slots: number): (agent: string, spec: TaskSpec) => number {
  const known = new Map<Hash, number>();
  return (agent, spec) => {
    if (agent === 'command' || agent === 'function') return slots;
    const before = known.get(spec.work);
    if (before !== undefined) return before;
    if (known.size > 1_000) known.clear();
    const payload = journal.get(spec.work);
    const definition = payload ? (JSON.parse(Buffer.from(payload).toString('utf8')) as { agent?: { slots?: number } }) : {};
    const own = definition.agent?.slots ?? slots;
    known.set(spec.work, own);
    return own;
  };
}

function followViews(host: EmbeddedHost, views: ReadModel): () => void {
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (views.flush()) arm();
  };
  const arm = () => {
    timer ??= setTimeout(flush, VIEWS_EVERY_MS);
  };
  // What the owner before left behind: until its rows are written, every list folds it.
  arm();
  const stop = host.onFacts((facts) => {
    const due = views.follow(facts);
    for (const { stored } of facts) {
      if (stored.fact.type !== 'run.ended') continue;
      const state = host.state(stored.stream);
      if (state) views.keep(viewOf(state));
    }
    if (due && timer === undefined) timer = setTimeout(flush, 0);
    else arm();
  });
  return () => {
    stop();
    if (timer) clearTimeout(timer);
    // To the last: the next owner would have to fold what is left, and folding 1,000 runs of three steps took it 70 MB.
    views.flushAll();
  };
}

/** Looks up the secrets that unfinished runs declare, so that no output shows one that only an earlier process handed out. */
async function knowSecrets(runs: readonly string[], host: EmbeddedHost, journal: SqliteJournal, { secrets }: Staff): Promise<void> {
  const names = new Set<string>();
  for (const run of runs) {
    const payload = journal.get(host.state(run)?.plan.source ?? '');
    const source = payload ? (JSON.parse(Buffer.from(payload).toString('utf8')) as { secrets?: readonly string[] }) : {};
    for (const name of source.secrets ?? []) names.add(name);
  }
  for (const name of names) await secrets.find(name).catch(() => undefined);
}
