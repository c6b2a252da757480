/** A state as text: a header and one record per task, so that saving again writes only what changed. What is owed is derived anew. */
import { rederive } from './kernel.ts';
import type { Approval, Message, RunState, TaskRecord } from './state.ts';

export interface SavedState {
  readonly header: string;
  /** Only tasks changed since the last save; a dropped task has an empty record. */
  readonly records: Map<string, string>;
}

/** Saves what changed since the last call, and forgets what was dirty. */
export function save(state: RunState): SavedState {
  const { tasks, dirty, due, owed, ...header } = state;
  const records = new Map<string, string>();
  for (const id of dirty) {
    const task = tasks.get(id);
    if (task) task.dirty = false;
    records.set(id, task ? JSON.stringify({ ...task, owed: undefined, dirty: undefined }) : '');
  }
  state.dirty = [];
  return { header: JSON.stringify(header, replacer), records };
}

export function restore(saved: { readonly header: string; readonly records: ReadonlyMap<string, string> }): RunState {
  const header = JSON.parse(saved.header) as Omit<RunState, 'tasks' | 'dirty' | 'due' | 'owed'>;
  const records: TaskRecord[] = [];
  for (const text of saved.records.values()) if (text !== '') records.push({ ...(JSON.parse(text) as TaskRecord), owed: [], dirty: false });
  records.sort((a, b) => a.index - b.index);
  const state: RunState = {
    ...header,
    approvals: new Map<string, Approval>(header.approvals),
    messages: new Map<string, Message>(header.messages),
    commands: new Map(header.commands),
    latest: new Map(header.latest),
    tasks: new Map(records.map((task) => [task.spec.id, task])),
    due: new Set(),
    owed: [],
    dirty: [],
  };
  rederive(state);
  return state;
}

/** Maps as lists of pairs; what is owed is left out. */
const replacer = (key: string, value: unknown): unknown => (value instanceof Map ? [...value] : key === 'owed' ? undefined : value);
