/**
 * Settings of a run and where each came from: flag, environment, workflow, project, user, default, in this order.
 * Limits and policy can only be narrowed on the way.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { LIMITS_DEFAULT, type Limits } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { agentConfig } from './agents.ts';
import { narrowLimits } from './compile.ts';
import { durationMs } from './duration.ts';
import { loadSettings } from './load.ts';
import { limitsOf } from './plan.ts';
import type { Problem } from './problem.ts';
import type { SettingsFile } from './schema.ts';

export interface Settings {
  readonly agents: readonly AgentConfig[];
  readonly providers: Readonly<Record<string, { readonly baseUrl: string; readonly apiKeyEnv?: string | undefined }>>;
  readonly secrets: NonNullable<SettingsFile['secrets']>;
  readonly limits: Limits;
  readonly slots: number;
  readonly runsMax: number;
  /** How long ended runs are kept, in milliseconds; undefined: until somebody cleans. */
  readonly keepRunsMs?: number;
  /** Each value with the file, variable or flag it came from. */
  readonly sources: readonly Setting[];
}
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

export type SettingsFound =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const SLOTS_DEFAULT = 64;
export const RUNS_MAX_DEFAULT = 10_000;
/** Without a setting, a run may have this many tasks, which a workflow may narrow. */
const ALLOWED: Limits = { ...LIMITS_DEFAULT, tasks: 100_000, depth: 8 };

/** The project a folder belongs to: where its `baton.yaml` or its git repository is, else the folder itself. */
export function projectOf(folder: string): string {
  const settings = projectFile(folder);
  if (settings !== undefined) return dirname(settings);
  for (let at = resolve(folder); at !== dirname(at); at = dirname(at)) if (existsSync(join(at, '.git'))) return at;
  return resolve(folder);
}

/** `baton.yaml` in the project or the nearest folder above it. */
export function projectFile(project: string): string | undefined {
  for (let folder = resolve(project); ; folder = dirname(folder)) {
    const file = join(folder, 'baton.yaml');
    if (existsSync(file)) return file;
    if (folder === dirname(folder)) return undefined;
  }
}

export const userFile = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'baton', 'baton.yaml');

export function findSettings(project: string, env: Readonly<Record<string, string | undefined>>): SettingsFound {
  const problems: Problem[] = [];
  const files: { readonly file: string; readonly value: SettingsFile }[] = [];
  for (const file of [projectFile(project), userFile(env)]) {
    if (file === undefined || !existsSync(file)) continue;
    const loaded = loadSettings(file, readFileSync(file));
    if (loaded.ok) files.push({ file, value: loaded.value });
    else problems.push(...loaded.problems);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, settings: merge(files, env) };
}

function merge(
  files: readonly { readonly file: string; readonly value: SettingsFile }[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const sources: Setting[] = [];
  const tell = (name: string, value: unknown, from: string) =>
    sources.push({ name, value: typeof value === 'string' ? value : JSON.stringify(value), from });
  // From the farthest to the nearest, so that the nearer one has the last word, and limits only shrink.
  let limits: Limits = ALLOWED;
  const limitSource = new Map<string, string>(Object.keys(limits).map((name) => [name, 'default']));
  const agents = new Map<string, AgentConfig>();
  const agentSource = new Map<string, string>();
  for (const { file, value } of [...files].reverse()) {
    const narrowed = narrowLimits(limitsOf(value.limits), limits);
    for (const [name, each] of Object.entries(narrowed)) if (each !== limits[name as keyof Limits]) limitSource.set(name, file);
    limits = narrowed;
    for (const [name, entry] of Object.entries(value.agents ?? {})) {
      agents.set(name, agentConfig(name, entry));
      agentSource.set(name, file);
    }
  }
  const nearest = <T>(pick: (value: SettingsFile) => T | undefined): { readonly value: T; readonly from: string } | undefined => {
    for (const { file, value } of files) {
      const found = pick(value);
      if (found !== undefined) return { value: found, from: file };
    }
    return undefined;
  };
  const number = (name: string, variable: string, pick: (value: SettingsFile) => number | undefined, fallback: number): number => {
    const given = Number(env[variable]);
    const chosen =
      Number.isInteger(given) && given > 0 ? { value: given, from: variable } : (nearest(pick) ?? { value: fallback, from: 'default' });
    tell(name, chosen.value, chosen.from);
    return chosen.value;
  };
  const slots = number('slots', 'BATON_SLOTS', (value) => value.slots, SLOTS_DEFAULT);
  const runsMax = number('runsMax', 'BATON_RUNS_MAX', (value) => value.runsMax, RUNS_MAX_DEFAULT);
  const keep = nearest((value) => value.retention?.runs);
  tell('retention.runs', keep?.value ?? 'until cleaned', keep?.from ?? 'default');
  for (const [name, value] of Object.entries(limits)) tell(`limits.${name}`, value, limitSource.get(name) ?? 'default');
  for (const [name, agent] of agents) tell(`agents.${name}`, agent.kind, agentSource.get(name) ?? '');
  const keepRunsMs = keep ? durationMs(keep.value) : undefined;
  return {
    agents: [...agents.values()],
    providers: Object.assign({}, ...[...files].reverse().map(({ value }) => value.providers ?? {})),
    secrets: Object.assign({}, ...[...files].reverse().map(({ value }) => value.secrets ?? {})),
    limits,
    slots,
    runsMax,
    ...(keepRunsMs === undefined ? {} : { keepRunsMs }),
    sources,
  };
}
