/**
 * Tasks that make a plan: what is known of the project is put together, a model is asked as long as it may be, and where
 * that leads nowhere a recipe or one agent does it. What comes back is a workflow, checked like one that a person wrote.
 */

import { defined } from '../../defined.ts';
import type { AttemptContext } from '../../engine/host/host.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { Usage } from '../../engine/kernel/plan.ts';
import type { AgentConfig, AgentOutcome, Checked, Work } from '../agents/agent.ts';
import type { Definition } from '../planning/definition.ts';
import type { Finding } from '../planning/draft.ts';
import { judgeSaid } from '../planning/judge.ts';
import { type Plan, type Planned, planOf, planWithoutModel } from '../planning/levels.ts';
import { planJsonSchema } from '../planning/plan-schema.ts';
import { type Spent, spentOn } from '../planning/planning-spent.ts';
import { type Example, planPrompt, problemsOf } from '../planning/prompt.ts';
import type { RouteOptions } from '../planning/route/routing.ts';
import { loadRules } from '../planning/route/rules.ts';
import { PLAN_LIMITS_DEFAULT, type Situation } from '../planning/situation.ts';
import { type PlannedWorkflow, toWorkflow } from '../planning/to-workflow.ts';
import { failure } from '../processes/failure.ts';
import { BUILT_IN } from '../tools/names.ts';
import { type AgentStaff, ASKS_MAX, capabilityOf, servicesOf, workOf } from './agent-task.ts';
import type { putContent } from './content.ts';
import { plainText } from './definitions.ts';
import { RedactedLog } from './log.ts';
import { failed, succeeded } from './outcome.ts';
import { goesOn, openPlace, type Place } from './place.ts';
import { projectIn } from './project-context.ts';
import { environmentOf, type Home } from './surroundings.ts';

export type PlannerDefinition = Extract<Definition, { kind: 'planner' }>;

export interface PlannerStaff extends AgentStaff {
  /** What is wrong with a workflow that was planned, as of a file. */
  readonly planProblems: (workflow: PlannedWorkflow, agents: readonly AgentConfig[]) => Promise<readonly string[]>;
  /** Finished plans for something alike. */
  readonly similar: (goal: string) => readonly Example[];
  /** What routing is told of the world. */
  readonly world: () => Pick<RouteOptions, 'health' | 'learned'>;
}

export async function performPlanner(
  home: Home,
  staff: PlannerStaff,
  definition: PlannerDefinition,
  context: AttemptContext,
): Promise<Outcome> {
  const store = { blobs: context.blobs, secrets: home.secrets };
  const whose = { run: context.run, task: context.spec.id, attempt: context.attempt };
  const place = await openPlace(home, whose, {
    definition,
    ...defined({ tree: context.base }),
    goesOn: goesOn(context),
    walled: false,
    signal: context.signal,
  });
  try {
    const situation = await situationOf(staff, definition, place, context);
    const { planned, usage } = await plan({ home, staff, definition, situation, place, context });
    if (context.signal.aborted) throw context.signal.reason;
    const outcome = planned.ok
      ? succeeded(contentOf(planned.plan, staff.similar(situation.goal)), store)
      : failed(refusedFor(planned.findings), store);
    return { ...outcome, ...defined({ usage }) };
  } finally {
    await place.close();
  }
}

async function situationOf(
  { world }: PlannerStaff,
  { goal, agents = [], network = [], limits = PLAN_LIMITS_DEFAULT, depth = 1, above = [], routing }: PlannerDefinition,
  place: Place,
  context: AttemptContext,
): Promise<Situation> {
  const loaded = loadRules(
    routing?.rules ?? [],
    agents.map(({ name }) => name),
  );
  const { plan, spent } = context.state();
  const left = plan.limits.costUsd === undefined ? undefined : Math.max(0, plan.limits.costUsd - spent.costUsd);
  return {
    goal: plainText(goal),
    agents,
    routing: { ...world(), ...(routing ? { weights: routing.weights } : {}), ...(loaded.ok ? { rules: loaded.rules } : {}) },
    tools: new Set(Object.keys(BUILT_IN)),
    network: new Set(network),
    project: await projectIn(place),
    limits,
    depth,
    above,
    ...defined({ budgetUsd: left }),
  };
}

interface Making {
  readonly home: Home;
  readonly staff: PlannerStaff;
  readonly definition: PlannerDefinition;
  readonly situation: Situation;
  readonly place: Place;
  readonly context: AttemptContext;
}
interface Made {
  readonly planned: Planned;
  readonly usage?: Usage;
}

async function plan(making: Making): Promise<Made> {
  const { definition, situation, staff, context } = making;
  const { planner } = definition;
  if (!planner) return { planned: await checked(planWithoutModel(situation, 'no model is configured'), making) };
  const spent = spentOn(context.state(), context.spec, ASKS_MAX, staff.now());
  const over = overLimit(spent, situation.limits);
  if (over) return { planned: await checked(planWithoutModel(situation, over.message, [over]), making) };
  const capability = capabilityOf(planner);
  if (!staff.breakers.admit(planner.name, capability, staff.now()))
    return {
      planned: await checked(
        planWithoutModel(situation, `the agent ${planner.name} is not asked for a while, as it failed too often`),
        making,
      ),
    };
  return askModel(making, planner, Math.min(ASKS_MAX, situation.limits.calls - spent.calls));
}

/** Before the model is asked, never after. */
function overLimit({ calls, tokens, timeMs }: Spent, limits: Situation['limits']): Finding | undefined {
  const told = (code: Finding['code'], name: string, limit: number, used: number): Finding => ({
    code,
    level: 'note',
    tasks: [],
    message: `limit ${name} = ${limit}: planning in this run has used ${used}, so no model was asked`,
    fix: `Raise \`planning: { limits: { ${name} } }\`.`,
  });
  if (calls >= limits.calls) return told('LIMIT_CALLS', 'calls', limits.calls, calls);
  if (tokens >= limits.tokens) return told('LIMIT_TOKENS', 'tokens', limits.tokens, tokens);
  return timeMs >= limits.timeMs ? told('LIMIT_TIME', 'time', limits.timeMs, timeMs) : undefined;
}

async function askModel(making: Making, planner: AgentConfig, asks: number): Promise<Made> {
  const { home, staff, situation, context } = making;
  const ticket = staff.breakers.begin(planner.name, capabilityOf(planner), staff.now());
  const log = new RedactedLog(home.secrets, (chunk, kind) => context.log(chunk, kind));
  const found: { plan?: Plan; findings: readonly Finding[] } = { findings: [] };
  let ended: AgentOutcome | undefined;
  try {
    const work = await workFor(making, planner, asks);
    const read = async (said: string): Promise<Checked> => {
      const judged = judgeSaid(said, situation);
      found.findings = judged.findings;
      if (!judged.ok) return { ok: false, problems: problemsOf(judged.findings, judged.repairs) };
      const plan = planOf('model', `the agent ${planner.name} made it`, judged);
      const problems = await staff.planProblems(toWorkflow(plan.draft, plan.chosen), situation.agents);
      if (problems.length > 0) return { ok: false, problems };
      found.plan = plan;
      return { ok: true, result: { status: 'done', summary: plan.draft.goal, outputs: {}, artifacts: [], evidence: [], questions: [] } };
    };
    ended = await staff.adapters.model.attempt({ ...work, read }, servicesOf(home, context, context.signal, log));
  } finally {
    ticket.end(ended?.ok === false ? ended.failure.class : undefined, staff.now());
    log.end();
  }
  const used = defined({ usage: ended.usage });
  if (ended.ok && found.plan) return { planned: { ok: true, plan: found.plan }, ...used };
  const why = ended.ok ? 'it gave no plan' : ended.failure.message;
  context.log(`No plan came from ${planner.name}: ${why}\n`, 'note');
  return {
    planned: await checked(planWithoutModel(situation, `no plan came from the agent ${planner.name} (${why})`, found.findings), making),
    ...used,
  };
}

async function workFor({ home, staff, definition, situation, place, context }: Making, planner: AgentConfig, asks: number): Promise<Work> {
  const whose = { run: context.run, task: context.spec.id, attempt: context.attempt };
  const env = await environmentOf(home, whose, definition.env);
  const prompt = planPrompt(situation, staff.similar(situation.goal));
  // A planner reads and writes nothing: tools of the agent stay with the tasks that it is given.
  const { tools: _, ...config } = planner.config;
  const asked = { kind: 'agent', agent: { ...planner, config }, prompt, schema: planJsonSchema(), asksMax: asks } as const;
  return workOf(place, asked, env, context);
}

/** A plan of ours that is no workflow would be a fault of ours: it is told, and carried out by nobody. */
async function checked(planned: Planned, { staff, situation }: Making): Promise<Planned> {
  if (!planned.ok) return planned;
  const problems = await staff.planProblems(toWorkflow(planned.plan.draft, planned.plan.chosen), situation.agents);
  if (problems.length === 0) return planned;
  const message = `The plan is no workflow: ${problems.join('; ')}`;
  return { ok: false, findings: [{ code: 'BAD_SHAPE', level: 'refuse', tasks: [], message, fix: 'Write the plan as a workflow file.' }] };
}

const contentOf = (
  { level, why, draft, repairs, findings, chosen }: Plan,
  similar: readonly Example[],
): Parameters<typeof putContent>[0] => ({
  summary: `A plan of ${draft.tasks.length === 1 ? '1 task' : `${draft.tasks.length} tasks`}, by ${level === 'single' ? 'nobody: one agent does it all' : `the ${level} level`}: ${why}.`,
  outputs: {
    level,
    why,
    workflow: toWorkflow(draft, chosen),
    requirements: draft.requirements,
    repairs,
    findings,
    similar,
  },
  artifacts: [],
  evidence: [],
  questions: [],
});

const refusedFor = (findings: readonly Finding[]): { failure: ReturnType<typeof failure>; report: string } => {
  const worst = findings.filter(({ level }) => level === 'refuse');
  const [first] = worst;
  return {
    failure: failure(
      'permanent',
      'PLAN_REFUSED',
      first ? `${first.code}: ${first.message} ${first.fix}` : 'There is no plan for this goal.',
      {
        dispatched: false,
      },
    ),
    report: findings.map(({ code, message, fix }) => `${code}: ${message} ${fix}`).join('\n'),
  };
};
