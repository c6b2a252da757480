/**
 * Settings of a run and where each came from: flag, environment, workflow, project, user, default, in this order.
 * Limits and policy can only be narrowed on the way.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { defined } from '../../defined.ts';
import { type ApprovalRule, LIMITS_DEFAULT, type Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { WEIGHTS_DEFAULT, type Weights } from '../planning/route/routing.ts';
import type { RouteRule } from '../planning/route/rules.ts';
import { PLAN_LIMITS_DEFAULT, type PlanningSettings } from '../planning/situation.ts';
import { agentConfig } from './agents.ts';
import { rule } from './compile.ts';
import { durationMs } from './duration.ts';
import { loadSettings, type SettingsResult } from './load.ts';
import { limitsOf } from './plan.ts';
import type { Problem } from './problem.ts';
import type { SettingsFile } from './schema.ts';

export interface Settings {
  readonly agents: readonly AgentConfig[];
  readonly providers: Readonly<Record<string, { readonly baseUrl: string; readonly apiKeyEnv?: string | undefined }>>;
  readonly secrets: NonNullable<SettingsFile['secrets']>;
  readonly limits: Limits;
  readonly workspace: WorkspaceSettings;
  readonly routing: RoutingSettings;
  readonly planning: PlanningSettings;
  /** Who searches for `research.search`. */
  readonly search?: SearchSettings;
  /** Asked before a change goes into the user's tree. */
  readonly promotionApproval?: ApprovalRule;
  readonly changeApproval?: ApprovalRule;
  readonly slots: number;
  readonly runsMax: number;
  /** How long ended runs are kept, in milliseconds; undefined: until somebody cleans. */
  readonly keepRunsMs?: number;
  /** Each value with the file, variable or flag it came from. */
  readonly sources: readonly Setting[];
}
export interface SearchSettings {
  readonly at:
    | {
        readonly run: string | readonly string[];
        readonly secrets: readonly string[];
        readonly network: readonly string[];
        readonly sandbox: boolean;
      }
    | { readonly url: string; readonly bearer?: string };
  readonly tool: string;
  readonly query: string;
  readonly limit?: string;
  readonly with: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}
export interface WorkspaceSettings {
  readonly setup?: {
    readonly run: string | readonly string[];
    readonly provides: readonly string[];
    readonly key: readonly string[];
    readonly timeoutMs: number;
  };
  readonly protected: readonly string[];
  /** Only a task that names one of these letter by letter may change it, and two that do never overlap. */
  readonly contracts: readonly string[];
  readonly symlinks: boolean;
  readonly quota: { readonly bytes?: number; readonly files?: number };
  readonly checkpoints: { readonly everyMs?: number; readonly changes?: number };
  /** Of single steps, in milliseconds. */
  readonly timeouts: Partial<Readonly<Record<TimedStep, number>>>;
}
type TimedStep = keyof NonNullable<NonNullable<SettingsFile['workspace']>['timeouts']>;
export interface RoutingSettings {
  readonly rules: readonly RouteRule[];
  readonly weights: Weights;
  /** Outcomes of earlier tasks count. */
  readonly learn: boolean;
}
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

export type SettingsFound =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What decides how Baton treats a project is nothing for a task to change: this one's, and those of packages below it. */
const PROTECTED: readonly string[] = ['**/baton.yaml', '**/.baton/**'];
export const SEARCH_TIMEOUT_MS = 30_000;
const SETUP_TIMEOUT_MS = 10 * 60_000;
export const SLOTS_DEFAULT = 64;
export const RUNS_MAX_DEFAULT = 10_000;
/** Without a setting, a run may have this many tasks, which a workflow may narrow. A setting may allow more. */
const ALLOWED: Limits = { ...LIMITS_DEFAULT, tasks: 100_000, depth: 8 };

/**
 * The project a folder belongs to: the nearest one, here or above, with a `baton.yaml` or a git repository, else the folder
 * itself. A package of a repository is a project of its own where it has a `baton.yaml`.
 */
export function projectOf(folder: string): string {
  const settings = projectFile(folder);
  const own = settings === undefined ? undefined : dirname(settings);
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at)) if (at === own || existsSync(join(at, '.git'))) return at;
  return own ?? resolve(folder);
}

/**
 * `baton.yaml` in the project or the nearest folder above it. It may name commands to run, so where anybody may write
 * (`/tmp`), one that somebody else left there does not count.
 */
export function projectFile(project: string): string | undefined {
  for (let folder = resolve(project); ; folder = dirname(folder)) {
    const file = join(folder, 'baton.yaml');
    if (existsSync(file) && !isPlanted(file, folder)) return file;
    if (folder === dirname(folder)) return undefined;
  }
}

const ANYBODY_WRITES = 0o002;

function isPlanted(file: string, folder: string): boolean {
  const me = process.getuid?.();
  return me !== undefined && (statSync(folder).mode & ANYBODY_WRITES) !== 0 && statSync(file).uid !== me;
}

export const userFile = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'baton', 'baton.yaml');

interface SettingsSource {
  readonly file: string;
  readonly value: SettingsFile;
}

export function findSettings(project: string, env: Readonly<Record<string, string | undefined>>): SettingsFound {
  const problems: Problem[] = [];
  const files: SettingsSource[] = [];
  const checks: ((agents: Iterable<string>) => readonly Problem[])[] = [];
  for (const file of new Set([projectFile(project), userFile(env)])) {
    if (file === undefined || !existsSync(file)) continue;
    const loaded = read(file);
    if (loaded.ok) {
      files.push({ file, value: loaded.value });
      checks.push(loaded.routingProblems);
    } else problems.push(...loaded.problems);
  }
  const agents = new Set(files.flatMap(({ value }) => Object.keys(value.agents ?? {})));
  // A file that can't be read might define the agents that the others name.
  if (problems.length === 0) for (const check of checks) problems.push(...check(agents));
  for (const name of [SLOTS_VARIABLE, RUNS_MAX_VARIABLE])
    if (env[name] !== undefined && !isCount(env[name]))
      problems.push({
        file: `$${name}`,
        line: 1,
        column: 1,
        code: 'WRONG_TYPE',
        message: `must be a whole number above 0, not ${JSON.stringify(env[name])}`,
      });
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, settings: merge(files, env) };
}

const SLOTS_VARIABLE = 'BATON_SLOTS';
const RUNS_MAX_VARIABLE = 'BATON_RUNS_MAX';
const isCount = (text: string | undefined): boolean => /^[1-9]\d{0,8}$/.test(text ?? '');

function read(file: string): SettingsResult {
  try {
    return loadSettings(file, readFileSync(file));
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { ok: false, problems: [{ file, line: 1, column: 1, code: 'YAML_SYNTAX', message: `can't be read (${why})` }] };
  }
}

/** What every file that says something allows: the least. Where none does, the default. */
function limitsFrom(files: readonly SettingsSource[]): { readonly limits: Limits; readonly from: ReadonlyMap<string, string> } {
  const limits: Record<string, number> = {};
  const from = new Map<string, string>();
  for (const { file, value } of files)
    for (const [name, most] of Object.entries(limitsOf(value.limits)))
      if (limits[name] === undefined || most < limits[name]) {
        limits[name] = most;
        from.set(name, file);
      }
  return { limits: { ...ALLOWED, ...limits }, from };
}

function merge(files: readonly SettingsSource[], env: Readonly<Record<string, string | undefined>>): Settings {
  const sources: Setting[] = [];
  const tell = (name: string, value: unknown, from: string) =>
    sources.push({ name, value: typeof value === 'string' ? value : JSON.stringify(value), from });
  const { limits, from: limitSource } = limitsFrom(files);
  const agents = new Map<string, AgentConfig>();
  const agentSource = new Map<string, string>();
  // From the farthest to the nearest, so that the nearer one has the last word.
  for (const { file, value } of [...files].reverse())
    for (const [name, entry] of Object.entries(value.agents ?? {})) {
      agents.set(name, agentConfig(name, entry));
      agentSource.set(name, file);
    }
  const nearest = <T>(pick: (value: SettingsFile) => T | undefined): { readonly value: T; readonly from: string } | undefined => {
    for (const { file, value } of files) {
      const found = pick(value);
      if (found !== undefined) return { value: found, from: file };
    }
    return undefined;
  };
  const number = (name: string, variable: string, pick: (value: SettingsFile) => number | undefined, fallback: number): number => {
    const given = env[variable];
    const chosen = given === undefined ? (nearest(pick) ?? { value: fallback, from: 'default' }) : { value: Number(given), from: variable };
    tell(name, chosen.value, chosen.from);
    return chosen.value;
  };
  const slots = number('slots', SLOTS_VARIABLE, (value) => value.slots, SLOTS_DEFAULT);
  const runsMax = number('runsMax', RUNS_MAX_VARIABLE, (value) => value.runsMax, RUNS_MAX_DEFAULT);
  const keep = nearest((value) => value.retention?.runs);
  tell('retention.runs', keep?.value ?? 'until cleaned', keep?.from ?? 'default');
  for (const [name, value] of Object.entries(limits)) tell(`limits.${name}`, value, limitSource.get(name) ?? 'default');
  for (const [name, agent] of agents) tell(`agents.${name}`, agent.kind, agentSource.get(name) ?? '');
  const approval = nearest((value) => value.promotion?.approval);
  tell('promotion.approval', approval ? approval.value : 'none', approval?.from ?? 'default');
  const changing = nearest((value) => value.planning?.changes?.approval);
  tell('planning.changes.approval', changing ? changing.value : 'none', changing?.from ?? 'default');
  const search = nearest((value) => value.research?.search);
  if (search) tell('research.search', 'url' in search.value ? search.value.url : search.value.command, search.from);
  const workspace = workspaceOf(files, nearest, tell);
  const routing = routingOf(nearest, tell);
  const planning = planningOf(nearest, tell);
  const keepRunsMs = keep ? durationMs(keep.value) : undefined;
  return {
    agents: [...agents.values()],
    providers: Object.assign({}, ...[...files].reverse().map(({ value }) => value.providers ?? {})),
    secrets: Object.assign({}, ...[...files].reverse().map(({ value }) => value.secrets ?? {})),
    limits,
    workspace,
    routing,
    planning,
    ...(search ? { search: searchOf(search.value) } : {}),
    ...(approval ? { promotionApproval: rule('task', approval.value) } : {}),
    ...(changing ? { changeApproval: rule('task', changing.value) } : {}),
    slots,
    runsMax,
    ...(keepRunsMs === undefined ? {} : { keepRunsMs }),
    sources,
  };
}

type SearchEntry = NonNullable<NonNullable<SettingsFile['research']>['search']>;

const searchOf = (entry: SearchEntry): SearchSettings => ({
  at:
    'url' in entry
      ? { url: entry.url, ...(entry.bearer === undefined ? {} : { bearer: entry.bearer }) }
      : { run: entry.command, secrets: entry.secrets ?? [], network: entry.network ?? [], sandbox: entry.sandbox ?? true },
  ...{ tool: entry.tool, query: entry.query ?? 'query', with: entry.with ?? {} },
  ...(entry.limit === undefined ? {} : { limit: entry.limit }),
  timeoutMs: entry.timeout === undefined ? SEARCH_TIMEOUT_MS : (durationMs(entry.timeout) ?? SEARCH_TIMEOUT_MS),
});

type Nearest = <T>(pick: (value: SettingsFile) => T | undefined) => { readonly value: T; readonly from: string } | undefined;

/** The nearest file that says something of rules, of weights, or of learning decides about that. */
function routingOf(nearest: Nearest, tell: (name: string, value: unknown, from: string) => void): RoutingSettings {
  const rules = nearest((value) => value.routing?.rules);
  const weights = nearest((value) => value.routing?.weights);
  const learn = nearest((value) => value.routing?.learn);
  if (rules) tell('routing.rules', rules.value, rules.from);
  if (weights) tell('routing.weights', weights.value, weights.from);
  if (learn) tell('routing.learn', learn.value, learn.from);
  return { rules: rules?.value ?? [], weights: { ...WEIGHTS_DEFAULT, ...defined(weights?.value ?? {}) }, learn: learn?.value ?? true };
}

function planningOf(nearest: Nearest, tell: (name: string, value: unknown, from: string) => void): PlanningSettings {
  const agent = nearest((value) => value.planning?.agent);
  const agents = nearest((value) => value.planning?.agents);
  const network = nearest((value) => value.planning?.network);
  const limits = nearest((value) => value.planning?.limits);
  if (agent) tell('planning.agent', agent.value, agent.from);
  if (agents) tell('planning.agents', agents.value, agents.from);
  if (network) tell('planning.network', network.value, network.from);
  if (limits) tell('planning.limits', limits.value, limits.from);
  const { time, ...counted } = limits?.value ?? {};
  const timeMs = time === undefined ? undefined : durationMs(time);
  return {
    ...(agent ? { agent: agent.value } : {}),
    ...(agents ? { agents: agents.value } : {}),
    network: network?.value ?? [],
    limits: { ...PLAN_LIMITS_DEFAULT, ...defined(counted), ...(timeMs === undefined ? {} : { timeMs }) },
  };
}

/** What any file protects is protected, and what any calls a contract is one; the nearest one decides the rest, and symlinks only where none forbids them. */
function workspaceOf(
  files: readonly SettingsSource[],
  nearest: Nearest,
  tell: (name: string, value: unknown, from: string) => void,
): WorkspaceSettings {
  const guarded = files.flatMap(({ value }) => value.workspace?.protected ?? []);
  const contracts = files.flatMap(({ value }) => value.workspace?.contracts ?? []);
  const symlinks = files.some(({ value }) => value.workspace?.symlinks) && files.every(({ value }) => value.workspace?.symlinks !== false);
  const quota = nearest((value) => value.workspace?.quota);
  const setup = nearest((value) => value.workspace?.setup);
  const checkpoints = nearest((value) => value.workspace?.checkpoints);
  tell('workspace.protected', [...PROTECTED, ...guarded], guarded.length > 0 ? 'settings' : 'default');
  if (contracts.length > 0) tell('workspace.contracts', contracts, 'settings');
  tell('workspace.symlinks', symlinks, symlinks ? 'settings' : 'default');
  if (quota) tell('workspace.quota', quota.value, quota.from);
  const timeouts = nearest((value) => value.workspace?.timeouts);
  if (timeouts) tell('workspace.timeouts', timeouts.value, timeouts.from);
  if (checkpoints) tell('workspace.checkpoints', checkpoints.value, checkpoints.from);
  if (setup) tell('workspace.setup', setup.value.run, setup.from);
  return {
    protected: [...PROTECTED, ...guarded],
    contracts,
    symlinks,
    quota: defined(quota?.value ?? {}),
    timeouts: Object.fromEntries(
      Object.entries(timeouts?.value ?? {}).flatMap(([name, text]) => (text === undefined ? [] : [[name, durationMs(text) ?? 0]])),
    ),
    checkpoints: defined({
      everyMs: checkpoints?.value.every === undefined ? undefined : durationMs(checkpoints.value.every),
      changes: checkpoints?.value.changes,
    }),
    ...(setup
      ? {
          setup: {
            run: setup.value.run,
            provides: setup.value.provides,
            key: setup.value.key,
            timeoutMs: setup.value.timeout === undefined ? SETUP_TIMEOUT_MS : (durationMs(setup.value.timeout) ?? SETUP_TIMEOUT_MS),
          },
        }
      : {}),
  };
}
