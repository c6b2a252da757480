/** From a checked file to tasks of a plan. Used when a run is created, and again when a container makes its children. */

import { defined } from '../../defined.ts';
import type { ApprovalRule, Hash, Limits, RetryRule, TaskSpec } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import { template } from '../expressions/template.ts';
import type { ChildTemplate, Definition, GateDefinition, Scope } from '../planning/definition.ts';
import { PLANNER } from '../planning/planning-spent.ts';
import { BUILT_IN, isBuiltIn } from '../tools/names.ts';
import { durationMs } from './duration.ts';
import type { CheckedFile } from './load.ts';
import { gatesOf, needsOf } from './names.ts';
import { chosen, isRouted, type RouteSettings, routed, type World } from './routes.ts';
import type { TaskEntry } from './schema.ts';
import { bareExpression } from './sites.ts';
import { needsResolving, templates, templateValue, templateValues } from './templates.ts';

export interface CompileContext {
  readonly file: CheckedFile;
  readonly agents: ReadonlyMap<string, AgentConfig>;
  /** How tasks that name a capability find their agents. */
  readonly routing?: RouteSettings;
  readonly world?: () => World;
  /** An agent made this file: its commands run inside walls. */
  readonly foreign?: boolean;
  /** Prefix of the ids, and what the expressions see. */
  readonly scope: Scope;
  readonly parent?: string;
  /** The run works over a repository: commands and agents in checkouts of its integration tree. */
  readonly tree?: boolean;
  put(payload: string): Hash;
}

export function compileTasks(context: CompileContext): TaskSpec[] {
  const { value } = context.file;
  const agents = isRouted(value) ? chosen(routed(value, context.agents, context.routing, context.world?.())) : new Map<string, string>();
  return Object.entries(value.tasks).map(([id, entry]) => {
    const agent = entry.capability === undefined ? undefined : agents.get(id);
    return compileTask(context, id, agent === undefined ? entry : { ...entry, agent });
  });
}

function compileTask(context: CompileContext, name: string, entry: TaskEntry): TaskSpec {
  const id = context.scope.prefix + name;
  const frame = {
    id,
    needs: needsOf(entry).map((need) => context.scope.prefix + need),
    ...(context.parent === undefined ? {} : { parent: context.parent }),
    ...(entry.always ? { always: true } : {}),
    ...(entry.continueOnError ? { continueOnError: true } : {}),
  };
  const when =
    entry.when === undefined || entry.when === true
      ? {}
      : { when: entry.when === false ? 'false' : (bareExpression(entry.when) ?? 'false') };
  const scoped = isTop(context.scope) ? {} : { scope: context.scope };
  const one = single(context, name, entry);
  const container = (definition: Definition): TaskSpec => ({
    ...frame,
    kind: 'container',
    work: context.put(JSON.stringify({ ...definition, ...when, ...scoped })),
    ...(entry.maxParallel === undefined ? {} : { maxParallel: entry.maxParallel }),
    ...(entry.approval?.at === 'start' ? { approval: rule('start', entry.approval) } : {}),
  });
  const child = (): ChildTemplate => {
    const { approval, ...spec } = one.spec;
    return { spec: approval?.at === 'start' ? spec : one.spec, definition: one.definition };
  };
  if (entry.foreach !== undefined)
    return container({
      kind: 'foreach',
      items:
        typeof entry.foreach === 'string'
          ? { $template: { parts: [{ expr: bareExpression(entry.foreach) ?? '' }] } }
          : templateValue(entry.foreach),
      child: child(),
      ...(entry.continueOnError ? { continueOnError: true } : {}),
    });
  if (entry.until)
    return container({
      kind: 'until',
      until: bareExpression(entry.until.when) ?? '',
      maxRounds: entry.until.maxRounds,
      child: child(),
    });
  if (one.definition.kind === 'uses' || one.definition.kind === 'plan') return container(one.definition);
  const definition = { ...one.definition, ...when, ...scoped };
  return { ...frame, ...one.spec, work: context.put(JSON.stringify(definition)), ...(needsResolving(definition) ? { resolve: true } : {}) };
}

const isTop = (scope: Scope): boolean => scope.prefix === '' && scope.inputs === undefined && scope.item === undefined;

type ChildSpec = ChildTemplate['spec'];

/** One task as such, whatever container may hold it. */
function single(
  { file, agents, tree, foreign }: CompileContext,
  name: string,
  entry: TaskEntry,
): { spec: ChildSpec; definition: Definition } {
  const env = entry.env ? { env: templates(entry.env) } : {};
  const gates = gateDefinitions(entry);
  const rest = {
    ...env,
    ...(entry.in ? { in: entry.in } : {}),
    ...(foreign ? { foreign } : {}),
    ...(gates.length > 0 ? { gates } : {}),
    ...(entry.network?.length ? { network: entry.network } : {}),
    // A probe looks for what the command did, so it gets the same data.
    ...(entry.probe ? { probe: { run: entry.probe, ...env } } : {}),
  };
  const spec = (kind: TaskSpec['kind'], agent: string | undefined, idempotent: boolean): ChildSpec => ({
    kind,
    ...(agent === undefined ? {} : { agent }),
    idempotent: entry.idempotent ?? idempotent,
    ...(entry.onLost ? { onLost: entry.onLost } : {}),
    ...(entry.probe ? { probe: true } : {}),
    ...(entry.retry ? { retry: retryRule(entry.retry) } : {}),
    ...(gates.length > 0 ? { gates: gates.map((gate) => gate.name) } : {}),
    ...(entry.rework === undefined ? {} : { reworkMax: entry.rework }),
    ...(entry.approval ? { approval: rule(entry.approval.at ?? 'result', entry.approval) } : {}),
    ...(tree && kind === 'work' && agent !== 'function' && entry.in === undefined ? { tree: true } : {}),
    ...(entry.writes ? { claims: entry.writes } : {}),
    ...(entry.budget ? { budget: defined(entry.budget) } : {}),
    ...(entry.timeout ? { timeoutMs: durationMs(entry.timeout) ?? 0 } : {}),
    ...(entry.priority === undefined ? {} : { priority: entry.priority }),
  });
  if (entry.run !== undefined) return { spec: spec('work', 'command', false), definition: { kind: 'command', run: entry.run, ...rest } };
  if (entry.approve !== undefined)
    return {
      spec: { ...spec('decision', undefined, true), approval: rule('task', { ...entry.approval, ...(entry.by ? { by: entry.by } : {}) }) },
      definition: { kind: 'decision', question: template(entry.approve), ...rest },
    };
  if (entry.call !== undefined)
    return {
      spec: spec('work', 'function', true),
      definition: { kind: 'function', name: entry.call, ...(entry.with ? { inputs: templateValues(entry.with) } : {}), ...rest },
    };
  if (entry.tool !== undefined)
    return {
      spec: spec('work', 'tool', isBuiltIn(entry.tool) && BUILT_IN[entry.tool].idempotent),
      definition: { kind: 'tool', name: entry.tool, ...(entry.with ? { inputs: templateValues(entry.with) } : {}), ...rest },
    };
  if (entry.uses !== undefined)
    return {
      spec: spec('container', undefined, true),
      definition: { kind: 'uses', workflow: file.uses[name] ?? '', with: templateValues(entry.with ?? {}), ...rest },
    };
  if (entry.plan !== undefined) {
    const { kind: _, ...planner } = spec('work', PLANNER, true);
    return {
      spec: { kind: 'container', idempotent: true },
      definition: {
        kind: 'plan',
        ...(entry.carryOut === false ? { carryOut: false } : {}),
        child: { spec: { ...planner, kind: 'work' }, definition: { kind: 'planner', goal: template(entry.plan), ...rest } },
      },
    };
  }
  const agent = agents.get(entry.agent ?? '');
  if (!agent) throw new Error(`task "${name}" was compiled without its agent "${entry.agent}"`);
  const asksMax = entry.retry?.on.includes('invalid-output') ? { asksMax: entry.retry.attempts } : {};
  return {
    spec: spec(agent.kind === 'human' ? 'question' : 'work', agent.name, true),
    definition: {
      kind: 'agent',
      agent,
      ...(entry.capability === undefined ? {} : { capability: entry.capability }),
      prompt: template(entry.prompt ?? ''),
      ...(entry.with ? { inputs: templateValues(entry.with) } : {}),
      ...(entry.schema ? { schema: entry.schema } : {}),
      ...asksMax,
      ...rest,
    },
  };
}

const gateDefinitions = (entry: TaskEntry): GateDefinition[] =>
  gatesOf(entry).flatMap((gate) =>
    'run' in gate
      ? [
          {
            name: gate.name ?? (typeof gate.run === 'string' ? gate.run : gate.run.join(' ')).slice(0, 80),
            run: gate.run,
            ...(gate.env ? { env: templates(gate.env) } : {}),
            ...(gate.timeout ? { timeoutMs: durationMs(gate.timeout) ?? 0 } : {}),
            ...(gate.reuse === false ? { reuse: false as const } : {}),
          },
        ]
      : [],
  );

type Rule = NonNullable<TaskEntry['approval']>;
export const rule = (at: ApprovalRule['at'], entry: Partial<Omit<Rule, 'at'>>): ApprovalRule => ({
  at,
  by: entry.by ?? [],
  ...(entry.quorum === undefined ? {} : { quorum: entry.quorum }),
  ...(entry.notAuthor === undefined ? {} : { notAuthor: entry.notAuthor }),
  ...(entry.timeout === undefined ? {} : { timeoutMs: durationMs(entry.timeout) ?? 0 }),
  ...(entry.onTimeout === undefined ? {} : { onTimeout: entry.onTimeout }),
  ...(entry.escalateTo === undefined ? {} : { escalateTo: entry.escalateTo }),
});

const retryRule = (entry: NonNullable<TaskEntry['retry']>): RetryRule => ({
  attempts: entry.attempts,
  on: entry.on as RetryRule['on'],
  ...(entry.backoff ? { backoffMs: durationMs(entry.backoff) ?? 0 } : {}),
  ...(entry.backoffMax ? { backoffMaxMs: durationMs(entry.backoffMax) ?? 0 } : {}),
});

/** The limits of a run: what the file asks for, never more than what is allowed. */
export function narrowLimits(asked: Partial<Limits>, allowed: Limits): Limits {
  const limits: Record<string, number> = { ...allowed } as unknown as Record<string, number>;
  for (const [name, value] of Object.entries(asked))
    if (value !== undefined) limits[name] = Math.min(value, limits[name] ?? Number.POSITIVE_INFINITY);
  return limits as unknown as Limits;
}
