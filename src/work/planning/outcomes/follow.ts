/**
 * Outcomes out of the facts of the journal. An attempt is a success when its task is committed with it, and a failure when the
 * agent failed, or when a check sent its work back. What others caused (a lost process, a budget, a person who cancelled, a
 * conflict with another task's change) is no outcome at all. Reads facts one after another and keeps only what is open; what
 * it keeps can be stored with the position up to which it has read, and made anew from the journal at any time.
 */
import type { Fact, Stored } from '../../../engine/kernel/facts.ts';
import type { FailureClass, Hash, Usage } from '../../../engine/kernel/plan.ts';
import type { Outcome } from './outcomes.ts';

/** Does a failure of this class say something of the agent? */
const SAYS_OF_AGENT: Readonly<Record<FailureClass, boolean>> = {
  transient: true,
  timeout: true,
  'invalid-output': true,
  permanent: true,
  'gate-failed': true,
  throttled: false,
  lost: false,
  budget: false,
  policy: false,
  unsafe: false,
  cancelled: false,
};
/** Names that `TaskSpec.agent` has for work that no agent does. */
const NO_AGENTS: ReadonlySet<string> = new Set(['command', 'function', 'tool']);

/** What the definition of a task says it was routed for; nothing where it can't be read any more. */
export type Asked = (work: Hash) => Pick<Outcome, 'capability' | 'size' | 'named'> | undefined;

interface Attempt {
  readonly startedAt: number;
  costUsd?: number;
  latencyMs?: number;
  /** Its change could not be merged: what follows is not its fault. */
  conflict?: boolean;
}
interface OpenTask {
  readonly agent: string;
  readonly work: Hash;
  attempt?: Attempt;
}
type OpenRun = Map<string, OpenTask>;
export type FollowJson = readonly (readonly [run: string, tasks: readonly (readonly [task: string, open: OpenTask])[]])[];

export class OutcomeFollower {
  private readonly asked: Asked;
  private readonly runs = new Map<string, OpenRun>();

  constructor(asked: Asked, kept: FollowJson = []) {
    this.asked = asked;
    for (const [run, tasks] of kept) this.runs.set(run, new Map(tasks.map(([task, open]) => [task, structuredClone(open)])));
  }

  toJSON(): FollowJson {
    return [...this.runs].map(([run, tasks]) => [run, [...tasks]]);
  }

  /** Takes the next fact of a run. @returns the outcome that it completes */
  follow({ stream, fact, at }: Pick<Stored, 'stream' | 'fact' | 'at'>): Outcome | undefined {
    if (fact.type === 'plan.changed') this.add(stream, fact);
    else if (fact.type === 'run.ended') this.runs.delete(stream);
    const task = 'task' in fact && fact.task !== undefined ? this.runs.get(stream)?.get(fact.task) : undefined;
    return task && this.ofTask(task, fact, at);
  }

  private add(run: string, { add }: Extract<Fact, { type: 'plan.changed' }>): void {
    const tasks: OpenRun = this.runs.get(run) ?? new Map();
    for (const { id, kind, agent, work } of add)
      if (kind === 'work' && agent !== undefined && !NO_AGENTS.has(agent)) tasks.set(id, { agent, work });
    if (tasks.size > 0) this.runs.set(run, tasks);
  }

  private ofTask(task: OpenTask, fact: Fact, at: number): Outcome | undefined {
    const { attempt } = task;
    if (fact.type === 'task.started') task.attempt = { startedAt: at };
    if (attempt === undefined) return undefined;
    switch (fact.type) {
      case 'step.recorded':
        spend(attempt, fact.usage);
        return undefined;
      case 'attempt.succeeded':
        end(attempt, fact, at);
        return undefined;
      case 'change.refused':
        attempt.conflict = fact.why === 'conflict';
        return undefined;
      case 'task.committed':
        end(attempt, fact, at);
        return this.over(task, attempt, true, at);
      case 'task.reworked':
        return attempt.conflict ? drop(task) : this.over(task, attempt, false, at);
      case 'attempt.failed':
      case 'task.failed':
        end(attempt, fact, at);
        return SAYS_OF_AGENT[fact.failure.class] ? this.over(task, attempt, false, at) : drop(task);
      case 'attempt.lost':
      case 'task.cancelled':
        return drop(task);
      default:
        return undefined;
    }
  }

  private over(task: OpenTask, { costUsd, latencyMs }: Attempt, success: boolean, at: number): Outcome | undefined {
    drop(task);
    const asked = this.asked(task.work);
    return (
      asked && {
        agent: task.agent,
        ...asked,
        success,
        at,
        ...(costUsd === undefined ? {} : { costUsd }),
        ...(latencyMs === undefined ? {} : { latencyMs }),
      }
    );
  }
}

const drop = (task: OpenTask): undefined => {
  delete task.attempt;
};

function spend(attempt: Attempt, usage: Usage | undefined): void {
  if (usage?.costUsd !== undefined) attempt.costUsd = (attempt.costUsd ?? 0) + usage.costUsd;
}

/** The first end counts: what comes after it are gates and people. */
function end(attempt: Attempt, { ms, usage }: { readonly ms?: number; readonly usage?: Usage }, at: number): void {
  spend(attempt, usage);
  attempt.latencyMs ??= ms ?? at - attempt.startedAt;
}
