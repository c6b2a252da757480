/**
 * Gates of one attempt. Each is owed until its verdict is stored; the last verdict decides. All green: the result is
 * committed, or waits for the person who has to see it. One red: the task goes back with the evidence as feedback, at
 * most `reworkMax` times; a task that may not be repeated goes back only if its plan says so. A gate that could not be
 * run (`error`) says nothing about the work, so sending the work back would not help: the task fails.
 *
 * Over a repository a gate that was green need not run again where it would be given the same: the same tree, the same
 * command and all that goes with it. Its verdict then names the evidence it rests on. A red verdict is never used again,
 * and one that was given the same as a green one takes that away.
 */
import { committed } from './committed.ts';
import type { FactOf, RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import type { Hash } from './plan.ts';
import { type Green, type RunState, type TaskRecord, type TreeState, touch } from './state.ts';
import { enter, leave, move, taskOf } from './task.ts';

export const REWORK_MAX = 3;
export const reworkMax = (task: TaskRecord): number => task.spec.reworkMax ?? (task.spec.idempotent ? REWORK_MAX : 0);

/** The green verdict that stands for a gate which would be given this. */
export const greenOf = ({ tree }: Pick<RunState, 'tree'>, given: Hash): Green | undefined =>
  tree?.green !== undefined && Object.hasOwn(tree.green, given) ? tree.green[given] : undefined;

interface Asked {
  readonly task: string;
  readonly attempt: number;
  readonly gate: number;
}
const owing = (state: RunState, { task: id, attempt, gate }: Asked): TaskRecord | undefined => {
  const task = state.tasks.get(id);
  return task?.owed.some((each) => each.type === 'gate' && each.attempt === attempt && each.gate === gate) ? task : undefined;
};
const notOwed = ({ task, attempt, gate }: Asked) => refuse('GATE_OVER', `gate ${gate} of "${task}", attempt ${attempt}, is not owed`);

export const gateDeciders = {
  'gate.end'(state, command) {
    const task = owing(state, command);
    if (!task) return notOwed(command);
    if (command.reuses !== undefined) {
      const stands = command.given === undefined ? undefined : greenOf(state, command.given);
      if (command.verdict !== 'pass' || stands?.evidence !== command.reuses)
        return refuse(
          'EVIDENCE_STALE',
          `evidence ${command.reuses.slice(0, 12)} does not stand for gate ${command.gate} of "${command.task}"`,
        );
    }
    const { type: _, ...verdict } = command;
    const judged: RunFact = { type: 'gate.judged', ...verdict };
    const names = task.spec.gates ?? [];
    const verdicts = { ...task.verdicts, [command.gate]: command };
    if (names.some((_name, gate) => verdicts[gate] === undefined)) return [judged];
    const red = names.flatMap((name, gate) => {
      const found = verdicts[gate];
      return found && found.verdict !== 'pass' ? [{ name, ...found }] : [];
    });
    if (red.length === 0) return [judged, ...committed(task)];
    const broken = red.find((each) => each.verdict === 'error');
    if (!broken && task.reworks < reworkMax(task))
      return [judged, { type: 'task.reworked', task: command.task, rework: task.reworks + 1, feedback: red.map((each) => each.evidence) }];
    const failure = broken
      ? { class: 'gate-failed', code: 'GATE_ERROR', message: `Gate "${broken.name}" could not be run.`, report: broken.evidence }
      : {
          class: 'gate-failed',
          code: 'GATE_FAILED',
          message: `Gate ${red.map((each) => `"${each.name}"`).join(', ')} failed after ${task.reworks} of ${reworkMax(task)} reworks.`,
          report: red[0]?.evidence ?? command.evidence,
        };
    return [judged, { type: 'task.failed', task: command.task, attempt: command.attempt, failure: { ...failure, class: 'gate-failed' } }];
  },
  'gate.stall'(state, command) {
    if (!owing(state, command)) return notOwed(command);
    return [{ type: 'change.stalled', task: command.task, attempt: command.attempt, failure: command.failure }];
  },
  'feedback.acknowledge'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'running' || task.attempt !== command.attempt || command.count > task.feedback.length)
      return refuse('ATTEMPT_OVER', `attempt ${command.attempt} of "${command.task}" is over, or was told less`);
    if (command.count <= (task.acknowledged ?? 0)) return [];
    return [{ type: 'feedback.acknowledged', task: command.task, attempt: command.attempt, count: command.count }];
  },
} satisfies Partial<Deciders>;

export const gateEvolvers = {
  'gate.judged'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.verdicts = {
      ...task.verdicts,
      [fact.gate]: {
        verdict: fact.verdict,
        evidence: fact.evidence,
        ...(fact.score === undefined ? {} : { score: fact.score }),
        ...(fact.reuses === undefined ? {} : { reuses: fact.reuses }),
      },
    };
    if (state.tree) remember(state.tree, fact);
    enter(state, task, change);
  },
  'feedback.acknowledged'(state, fact) {
    const task = taskOf(state, fact.task);
    task.acknowledged = fact.count;
    touch(state, task);
  },
  'task.reworked'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    move(task, 'ready');
    task.reworks = fact.rework;
    task.feedback = [...task.feedback, ...fact.feedback];
    // New work begins: retries count anew, and recorded steps belong to the answer that was refused.
    task.failures = {};
    task.steps = {};
    delete task.result;
    delete task.change;
    delete task.merged;
    delete task.accepted;
    enter(state, task, change);
  },
} satisfies Partial<Evolvers>;

/** What was not run says nothing new; what could not be run says nothing at all. */
function remember(tree: TreeState, { given, reuses, verdict, task, attempt, evidence }: FactOf<'gate.judged'>): void {
  if (given === undefined || reuses !== undefined || verdict === 'error') return;
  tree.green ??= {};
  if (verdict === 'pass') tree.green[given] = { task, attempt, evidence };
  else delete tree.green[given];
}
