/**
 * Gates of one attempt. Each is owed until its verdict is stored; the last verdict decides. All green: the result is
 * committed, or waits for the person who has to see it. One red: the task goes back with the evidence as feedback, at
 * most `reworkMax` times; a task that may not be repeated goes back only if its plan says so. A gate that could not be
 * run (`error`) says nothing about the work, so sending the work back would not help: the task fails.
 */
import { committed } from './committed.ts';
import type { RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import type { TaskRecord } from './state.ts';
import { enter, leave, move, taskOf } from './task.ts';

export const REWORK_MAX = 3;
export const reworkMax = (task: TaskRecord): number => task.spec.reworkMax ?? (task.spec.idempotent ? REWORK_MAX : 0);

export const gateDeciders = {
  'gate.end'(state, command) {
    const task = state.tasks.get(command.task);
    const owed = task?.owed.some((each) => each.type === 'gate' && each.attempt === command.attempt && each.gate === command.gate);
    if (!task || !owed) return refuse('GATE_OVER', `gate ${command.gate} of "${command.task}", attempt ${command.attempt}, is not owed`);
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
      },
    };
    enter(state, task, change);
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
