/** Workflow files as the API asks for them: checked, previewed, and made into plans. */
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { defined } from '../defined.ts';
import type { Hash, Limits, Plan } from '../engine/kernel/plan.ts';
import { BatonError } from '../errors.ts';
import type { PlanPreview, RunRequest } from '../interfaces/api/shapes.ts';
import type { Workflows } from '../interfaces/server/services.ts';
import type { AgentConfig } from '../work/agents/agent.ts';
import { badSchema } from '../work/agents/json-schema.ts';
import { inputProblems } from '../work/tools/input.ts';
import { changedPlan } from '../work/workflow/changed-plan.ts';
import { narrowLimits } from '../work/workflow/compile.ts';
import { begin, describe } from '../work/workflow/describe.ts';
import { type Begun, refusals } from '../work/workflow/foreseen.ts';
import { type Loaded, loadWorkflow, type ReadUsed } from '../work/workflow/load.ts';
import { planOf } from '../work/workflow/plan.ts';
import { formatProblem, type Problem } from '../work/workflow/problem.ts';
import type { World } from '../work/workflow/routes.ts';
import { findSettings, projectOf, type Settings } from '../work/workflow/settings.ts';
import { repositoryOf } from '../work/workspace/repository-of.ts';
import { agentProblem, type Staff } from './agents.ts';
import { projectIn } from './repository.ts';

export interface WorkflowParts {
  readonly staff: Staff;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly functions: ReadonlySet<string>;
  readonly now: () => number;
  put(payload: Uint8Array | string): Hash;
  get(hash: Hash): Uint8Array | undefined;
  /** What routing is told of the world, as of now. */
  readonly world?: (settings: Settings) => World;
}

export function createWorkflows(parts: WorkflowParts): Workflows {
  return {
    async prepare(request) {
      const { loaded, settings } = await load(parts, request);
      return plan(parts, loaded, settings, request);
    },
    async plan(request): Promise<PlanPreview> {
      const { loaded, settings } = await load(parts, request);
      const described = describe(begun(parts, loaded, settings, request, true));
      if (!(await repositoryOf(projectOf(request.cwd)))) return described;
      const promote = loaded.files[loaded.main]?.value.promote ?? 'end';
      return { ...described, trees: { promote, ...defined({ approval: settings.promotionApproval }) } };
    },
    async change(state, asked) {
      const cwd = projectIn(state.plan) ?? '.';
      const settings = settingsAt(cwd, parts.env);
      return changedPlan(
        {
          state,
          blobs: { put: parts.put, get: parts.get },
          agents: settings.agents,
          world: () => parts.world?.(settings) ?? {},
          async check(file, text, texts, agents) {
            const readUsed: ReadUsed = (path) => (texts.has(path) ? Buffer.from(texts.get(path) ?? '') : undefined);
            const { loaded } = await check(parts, file, Buffer.from(text), { cwd }, { readUsed, agents });
            const checked = loaded.files[loaded.main];
            if (!checked) throw new Error(`${loaded.main} was not loaded`);
            return checked;
          },
        },
        asked,
      );
    },
  };
}

/** A plan from a workflow given as text by a program, not as a file. */
export async function planText(parts: WorkflowParts, text: string, request: RunRequest): Promise<Plan> {
  const { loaded, settings } = await check(parts, request.file, Buffer.from(text), request);
  return plan(parts, loaded, settings, request);
}

const worldOf = ({ world }: WorkflowParts, settings: Settings) => (world ? { world: () => world(settings) } : {});

const limitsFor = (settings: Settings, { limits }: RunRequest): Limits => narrowLimits(limits ?? {}, settings.limits);

const begun = (parts: WorkflowParts, loaded: Loaded, settings: Settings, request: RunRequest, isAsked = false): Begun =>
  begin(loaded, {
    agents: settings.agents,
    routing: settings.routing,
    limits: limitsFor(settings, request),
    inputs: request.inputs ?? {},
    isAsked,
    ...worldOf(parts, settings),
  });

async function plan(parts: WorkflowParts, loaded: Loaded, settings: Settings, request: RunRequest): Promise<Plan> {
  const refused = refusals(begun(parts, loaded, settings, request));
  if (refused.length > 0)
    throw new BatonError('PLAN_REFUSED', `${loaded.main} asks for more than it may have.\n${refused.map(formatProblem).join('\n')}`, {
      where: loaded.main,
      hint: 'Ask for less, or raise the limit where it is set: in the file, in `baton.yaml`, or on the command line.',
      details: { problems: refused },
    });
  const { put, now } = parts;
  const { inputs, priority } = request;
  const project = projectOf(request.cwd);
  const repository = await repositoryOf(project);
  return planOf(loaded, {
    agents: settings.agents,
    routing: settings.routing,
    planning: settings.planning,
    ...worldOf(parts, settings),
    limits: limitsFor(settings, request),
    scope: repository?.top ?? project,
    ...defined({ folder: repository?.folder }),
    ...(repository ? { repository: defined({ approval: settings.promotionApproval }) } : {}),
    now: now(),
    put,
    ...(inputs ? { inputs } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...(settings.changeApproval ? { changes: settings.changeApproval } : {}),
    ...(request.approvePlan ? { approvePlan: true } : {}),
  });
}

async function load(parts: WorkflowParts, request: RunRequest): Promise<Checked> {
  if (request.workflow !== undefined) return check(parts, 'goal', Buffer.from(JSON.stringify(request.workflow)), request);
  const path = resolve(request.cwd, request.file);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new BatonError('FILE_NOT_FOUND', `There is no workflow file ${path}.`, {
      where: path,
      hint: 'Name a file, or make one with `baton init`. A goal has several words, or an `--agent`.',
      cause,
    });
  }
  return check(parts, relative(request.cwd, path) || path, bytes, request);
}

interface Checked {
  readonly loaded: Loaded;
  readonly settings: Settings;
}

/** What is wrong with a workflow that was planned. It names no agent but these, and no function. */
export async function planProblems(workflow: Readonly<Record<string, unknown>>, agents: readonly AgentConfig[]): Promise<string[]> {
  const known = { ...namesOf(agents), functions: new Set<string>(), ...(await toolsKnown()) };
  const checked = loadWorkflow('plan', Buffer.from(JSON.stringify(workflow)), known);
  return checked.ok ? [] : checked.problems.map(({ code, message }) => `${code}: ${message}`);
}

const namesOf = (agents: readonly AgentConfig[]) => ({
  agents: new Set(agents.map(({ name }) => name)),
  capabilities: new Set(agents.flatMap(({ capabilities }) => capabilities)),
});

/** Loaded when it is needed: commands that only read meet no workflow file. */
async function toolsKnown() {
  const { TOOLS } = await import('../work/tools/catalog.ts');
  return {
    toolProblems: (name: string, value: unknown) => {
      const tool = TOOLS.get(name);
      return tool === undefined ? [] : inputProblems(tool, value);
    },
  };
}

async function check(
  parts: WorkflowParts,
  file: string,
  bytes: Uint8Array,
  { cwd }: Pick<RunRequest, 'cwd'>,
  { readUsed = fromDisk(cwd), agents }: { readonly readUsed?: ReadUsed; readonly agents?: readonly AgentConfig[] } = {},
): Promise<Checked> {
  const settings = settingsAt(cwd, parts.env);
  const known = {
    ...namesOf(agents ?? settings.agents),
    ...(await toolsKnown()),
    limits: settings.limits as unknown as Record<string, number>,
    functions: parts.functions,
    schemaProblem: (schema: unknown) => badSchema(schema as Record<string, unknown>),
    agentProblem: (name: string, entry: Parameters<typeof agentProblem>[1]) => agentProblem(name, entry, parts.staff.providers),
  };
  const result = loadWorkflow(file, bytes, known, readUsed);
  if (!result.ok) throw invalid(file, result.problems);
  return { loaded: result.loaded, settings };
}

function settingsAt(cwd: string, env: WorkflowParts['env']): Settings {
  const found = findSettings(cwd, env);
  if (!found.ok) throw invalid('baton.yaml', found.problems);
  return found.settings;
}

const fromDisk =
  (folder: string): ReadUsed =>
  (used) => {
    try {
      return readFileSync(join(folder, used));
    } catch {
      // Missing, a folder, or not for this user: the loader says where it is named.
      return undefined;
    }
  };

function invalid(file: string, problems: readonly Problem[]): BatonError {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return new BatonError('WORKFLOW_INVALID', `${file} has ${count}.\n${problems.map(formatProblem).join('\n')}`, {
    where: file,
    details: { problems },
  });
}
