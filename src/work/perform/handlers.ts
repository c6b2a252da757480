/**
 * The handlers of one process: what the host calls for each kind of owed work that the outside world does. Everything
 * the world does wrong comes back as an outcome; what is thrown from here is our own bug.
 */
import type { Blobs, Handlers } from '../../engine/host/host.ts';
import { OWN } from '../../engine/kernel/attempt.ts';
import type { Outcome } from '../../engine/kernel/commands.ts';
import type { OwedOf } from '../../engine/kernel/owed.ts';
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import type { Registry } from '../agents/registry.ts';
import type { Definition } from '../planning/definition.ts';
import { failure } from '../processes/failure.ts';
import { capabilityOf, performAgent } from './agent-task.ts';
import { performGate, performProbe } from './checks.ts';
import { performCommand } from './command-task.ts';
import { Definitions } from './definitions.ts';
import { type Functions, performFunction } from './function-task.ts';
import { failed, failedBy } from './outcome.ts';
import { type PlannerStaff, performPlanner } from './planner-task.ts';
import type { Home } from './surroundings.ts';
import { performToolTask } from './tool-task.ts';
import { createTreeHandlers } from './tree-handlers.ts';

export interface PerformOptions extends Home, PlannerStaff {
  readonly registry: Pick<Registry, 'has'>;
  readonly functions: Functions;
  /** Where definitions are read when the host asks whether an attempt may start. */
  readonly blobs: Pick<Blobs, 'get'>;
  /** One line for people; must not throw. */
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** What `TaskSpec.agent` says of work that no agent does. */
const NO_AGENT = OWN;

export const createHandlers = (options: PerformOptions): Handlers => {
  const definitions = new Definitions();

  return {
    attempt(_owed, context) {
      try {
        const definition = definitions.read(context.inputs, context.blobs);
        switch (definition.kind) {
          case 'function':
            return performFunction(options, options.functions, definition, context);
          case 'command':
            return performCommand(options, definition, context).catch((error) => failedBy(error, { ...options, blobs: context.blobs }));
          case 'tool':
            return performToolTask(options, definition, context).catch((error) => failedBy(error, { ...options, blobs: context.blobs }));
          case 'planner':
            return performPlanner(options, options, definition, context).catch((error) =>
              failedBy(error, { ...options, blobs: context.blobs }),
            );
          case 'agent':
            return performAgent(options, options, definition, context);
          default:
            return Promise.resolve(notAttemptable(definition.kind, context.spec, { ...options, blobs: context.blobs }));
        }
      } catch (error) {
        return Promise.resolve(failedBy(error, { ...options, blobs: context.blobs }));
      }
    },

    gate: (owed, context) => performGate(options, definitions, owed, context),
    probe: (owed, context) => performProbe(options, definitions, owed, context),

    trees: createTreeHandlers(options.repositories),

    async notify(owed, run) {
      options.log(noticeOf(owed), { run, subject: owed.subject, what: owed.what });
    },

    admit(agent, spec) {
      if (NO_AGENT.has(agent)) return true;
      try {
        return admitAgent(options, agent, definitions.read(spec.work, options.blobs));
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
};

const admitAgent = (
  { registry, adapters, breakers, now }: PerformOptions,
  agent: string,
  definition: Definition,
): true | false | string => {
  if (definition.kind !== 'agent') return registry.has(agent) ? true : `There is no agent "${agent}".`;
  const { kind, name } = definition.agent;
  if (!Object.hasOwn(adapters, kind)) return `The agent "${name}" is of the kind "${kind}", which this version can't run.`;
  return breakers.admit(name, capabilityOf(definition.agent), now());
};

const notAttemptable = (kind: string, spec: TaskSpec, store: Parameters<typeof failed>[1]): Outcome =>
  failed(
    { failure: failure('permanent', 'NOT_ATTEMPTABLE', `"${spec.id}" is a ${kind}, which nobody attempts.`, { dispatched: false }) },
    store,
  );

const noticeOf = ({ what, subject }: OwedOf<'notify'>): string => {
  switch (what) {
    case 'approval':
      return `An approval is needed: ${subject}.`;
    case 'question':
      return `"${subject}" waits for an answer.`;
    case 'undecided':
      return `"${subject}" was lost on the way; somebody has to decide whether it happened.`;
    case 'blocked':
      return `"${subject}" is blocked: nobody can do it.`;
    default:
      return what satisfies never;
  }
};
