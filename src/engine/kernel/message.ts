/**
 * A message from a person to a task. It waits until an attempt runs, is handed to it, and is over when the attempt
 * acknowledged it. An attempt that refuses it is not asked again; after three refusals, or when the task ends first,
 * the message is returned: whoever sent it learns that nobody read it. It is never silently lost.
 */
import type { RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { type Owed, type OwedChange, owe } from './owed.ts';
import { latestOf, type Message, type RunState, TERMINAL } from './state.ts';

export const REFUSALS_MAX = 3;

export const messageDeciders = {
  'message.send'(state, command) {
    const id = latestOf(state, command.task);
    const task = state.tasks.get(id);
    if (!task) return refuse('TASK_NOT_FOUND', `no task "${command.task}"`);
    if (TERMINAL.has(task.status)) return refuse('ATTEMPT_OVER', `task "${id}" is ${task.status}: nobody would read the message`);
    return [{ type: 'message.sent', message: `message:${state.messages.size + 1}`, task: id, body: command.body, by: command.by.id }];
  },
  'message.end'(state, command) {
    const message = state.messages.get(command.message);
    // An attempt that took the message and ended at once reports both; the message was read, whichever is stored first.
    const taken = message?.status === 'returned' && command.acknowledged;
    if (!message || (message.status !== 'waiting' && !taken)) return refuse('MESSAGE_OVER', `message "${command.message}" is not waiting`);
    if (command.acknowledged) return [{ type: 'message.acknowledged', message: message.id, attempt: command.attempt }];
    const reason = command.reason ?? 'not acknowledged';
    const facts: RunFact[] = [{ type: 'message.refused', message: message.id, attempt: command.attempt, reason }];
    if (message.refused + 1 >= REFUSALS_MAX) facts.push({ type: 'message.returned', message: message.id, reason });
    return facts;
  },
} satisfies Partial<Deciders>;

export const messageEvolvers = {
  'message.sent'(state, fact, _at, change) {
    const message: Message = { id: fact.message, task: fact.task, body: fact.body, by: fact.by, status: 'waiting', refused: 0, owed: [] };
    state.messages.set(message.id, message);
    owe(message, owedByMessage(state, message), change);
  },
  'message.acknowledged'(state, fact, _at, change) {
    close(state, fact.message, 'acknowledged', change);
  },
  'message.refused'(state, fact, _at, change) {
    const message = messageOf(state, fact.message);
    message.refused++;
    message.refusedBy = fact.attempt;
    owe(message, owedByMessage(state, message), change);
  },
  'message.returned'(state, fact, _at, change) {
    close(state, fact.message, 'returned', change);
  },
} satisfies Partial<Evolvers>;

function close(state: RunState, id: string, status: 'acknowledged' | 'returned', change: OwedChange): void {
  const message = messageOf(state, id);
  message.status = status;
  state.due.delete(id);
  owe(message, [], change);
}

const messageOf = (state: RunState, id: string): Message => {
  const message = state.messages.get(id);
  if (!message) throw new Error(`run ${state.id} has no message "${id}"`);
  return message;
};

export function owedByMessage(state: RunState, message: Message): readonly Owed[] {
  const task = state.tasks.get(message.task);
  if (!task || message.status !== 'waiting' || task.status !== 'running' || task.spec.kind !== 'work' || task.stopping) return [];
  if (message.refusedBy === task.attempt) return [];
  const { id } = message;
  return [
    { type: 'deliver', id: `deliver:${id}:${task.attempt}`, task: message.task, attempt: task.attempt, message: id, body: message.body },
  ];
}

/** Says anew what the waiting messages of a task owe; called when its attempt changes. */
export function redeliver(state: RunState, task: string, change: OwedChange): void {
  for (const message of state.messages.values())
    if (message.task === task && message.status === 'waiting') owe(message, owedByMessage(state, message), change);
}
