/**
 * The integration tree of a run over a repository. It begins as a snapshot of the user's tree, and every task that works
 * in a tree starts from it as it stands. Committing what a task changed means: merged onto the integration tree, gates
 * green on the merged tree. Changes queue for that, and only the first of the queue is at it, so that what a gate saw is
 * what is committed. A change that does not go together with what was committed meanwhile is rework for its task, which
 * is not committed yet; nothing committed is ever opened again. While a person looks at a result the queue goes on; if the
 * tree has grown since, the result is merged and checked anew, and needs no second look.
 *
 * Trouble of the machine (a disk, a time limit) is nobody's fault: the change stands aside and a person is asked.
 */
import { committed } from './committed.ts';
import type { RunFact } from './facts.ts';
import { reworkMax } from './gate.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import { RUN_TERMINAL, type RunState, type TaskRecord, TERMINAL, touch, treeOf } from './state.ts';
import { enter, leave, move, taskOf } from './task.ts';

export const treeDeciders = {
  'tree.open'(state, command) {
    if (!state.owed.some((owed) => owed.type === 'snapshot')) return refuse('TREE_OVER', `run ${state.id} owes no snapshot`);
    return [{ type: 'tree.opened', tree: command.tree }];
  },
  'tree.fail'(state, command) {
    if (!state.owed.some((owed) => owed.type === 'snapshot')) return refuse('TREE_OVER', `run ${state.id} owes no snapshot`);
    return [{ type: 'tree.failed', failure: command.failure }];
  },
  'checkpoint.take'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.status !== 'running' || task.attempt !== command.attempt)
      return refuse('ATTEMPT_OVER', `attempt ${command.attempt} of "${command.task}" is over`);
    const { type: _, ...checkpoint } = command;
    return [{ type: 'checkpoint.taken', ...checkpoint }];
  },
  'integrate.end'(state, command) {
    const task = state.tasks.get(command.task);
    const owed = task?.owed.find((each) => each.type === 'integrate');
    if (!task || owed?.attempt !== command.attempt || owed.onto !== command.onto)
      return refuse('TREE_OVER', `"${command.task}", attempt ${command.attempt}, is not to be merged onto ${command.onto.slice(0, 12)}`);
    const { outcome, onto, attempt } = command;
    const about = { task: command.task, attempt };
    switch (outcome.to) {
      case 'merged': {
        const merged: RunFact = { type: 'change.merged', ...about, onto, tree: outcome.tree };
        return (task.spec.gates?.length ?? 0) > 0 ? [merged] : [merged, ...committed(task, { onto, tree: outcome.tree })];
      }
      case 'refused': {
        const refused: RunFact = { type: 'change.refused', ...about, onto, why: outcome.why, feedback: outcome.feedback };
        if (task.reworks < reworkMax(task))
          return [refused, { type: 'task.reworked', task: command.task, rework: task.reworks + 1, feedback: [outcome.feedback] }];
        return [refused, { type: 'task.failed', ...about, failure: failureOf(task, outcome.why, outcome.feedback) }];
      }
      case 'stalled':
        return [{ type: 'change.stalled', ...about, failure: outcome.failure }];
      default:
        return outcome satisfies never;
    }
  },
  'workspace.restore'(state, command) {
    const task = state.tasks.get(command.task);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (!task.spec.tree || task.attempt === 0)
      return refuse('NO_TREE', `task "${command.task}" has no workspace`, { hint: 'It has one once its first attempt has begun.' });
    if (RUN_TERMINAL.has(state.status) || TERMINAL.has(task.status))
      return refuse('TASK_NOT_READY', `task "${command.task}" is ${task.status}: nobody goes on in its workspace`);
    if ((task.status !== 'ready' && task.status !== 'undecided') || task.restoring)
      return refuse('TASK_RUNNING', `task "${command.task}" is ${task.restoring ? 'being restored' : task.status}`, {
        hint: 'Pause the run, and try again when its attempt has ended.',
      });
    return [
      {
        type: 'restore.asked',
        task: command.task,
        by: command.by.id,
        to: command.to,
        ...(command.paths ? { paths: command.paths } : {}),
      },
    ];
  },
  'restore.end'(state, command) {
    const task = state.tasks.get(command.task);
    if (task?.restoring?.to !== command.to) return refuse('TREE_OVER', `"${command.task}" is not being restored`);
    const { outcome } = command;
    return [
      {
        type: 'restore.ended',
        task: command.task,
        ...(outcome.ok
          ? {
              before: outcome.before,
              checkpoint: outcome.checkpoint,
              ...(outcome.feedback === undefined ? {} : { feedback: outcome.feedback }),
            }
          : { reason: outcome.reason }),
      },
    ];
  },
} satisfies Partial<Deciders>;

const failureOf = (task: TaskRecord, why: 'conflict' | 'rules', report: string) =>
  ({
    class: why === 'conflict' ? 'gate-failed' : 'policy',
    code: why === 'conflict' ? 'MERGE_CONFLICT' : 'CHANGE_REFUSED',
    message: `What it changed ${why === 'conflict' ? 'conflicts with what was committed meanwhile' : 'may not be changed'}, after ${task.reworks} of ${reworkMax(task)} reworks.`,
    report,
  }) as const;

export const treeEvolvers = {
  'tree.opened'(state, fact, _at, change) {
    const tree = treeOf(state);
    tree.base = fact.tree;
    tree.head = fact.tree;
    owe(state, owedByRun(state), change);
    reenterWaiting(state, change);
  },
  'tree.failed'(state, fact, _at, change) {
    treeOf(state).failure = fact.failure;
    owe(state, owedByRun(state), change);
    reenterWaiting(state, change);
  },
  'checkpoint.taken'(state, fact) {
    const task = taskOf(state, fact.task);
    task.checkpoint = fact.checkpoint;
    task.checkpoints = (task.checkpoints ?? 0) + 1;
    touch(state, task);
  },
  'change.merged'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.merged = { onto: fact.onto, tree: fact.tree };
    task.verdicts = {};
    enter(state, task, change);
  },
  // What follows of it is the fact after it: rework, or the end.
  'change.refused'() {},
  'change.stalled'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.stalled = fact.failure.message;
    enter(state, task, change);
  },
  'change.resumed'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    delete task.stalled;
    // It left the queue, so what it was merged onto may have grown. Gates that were green on the same tree are not run again.
    if (task.merged) {
      delete task.merged;
      task.verdicts = {};
    }
    enter(state, task, change);
  },
  'restore.asked'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    task.restoring = { to: fact.to, ...(fact.paths ? { paths: fact.paths } : {}) };
    enter(state, task, change);
  },
  'restore.ended'(state, fact, _at, change) {
    const task = taskOf(state, fact.task);
    leave(state, task);
    delete task.restoring;
    if (fact.checkpoint !== undefined) {
      task.checkpoint = fact.checkpoint;
      task.checkpoints = (task.checkpoints ?? 0) + 1;
      // What recorded steps did is not in the folder any more.
      task.steps = {};
    }
    if (fact.feedback !== undefined) task.feedback = [...task.feedback, fact.feedback];
    enter(state, task, change);
  },
} satisfies Partial<Evolvers>;

/** Tasks that waited for the tree may start, or fail with it. */
function reenterWaiting(state: RunState, change: Parameters<typeof enter>[2]): void {
  for (const task of state.tasks.values())
    if (task.spec.tree && task.status === 'ready') {
      leave(state, task);
      enter(state, task, change);
    }
}

/** The person who accepted a result saw it on an older tree: it is merged and checked again. */
export function checkAgain(state: RunState, task: TaskRecord, change: Parameters<typeof enter>[2]): void {
  leave(state, task);
  move(task, 'validating');
  task.accepted = true;
  delete task.merged;
  task.verdicts = {};
  enter(state, task, change);
}
