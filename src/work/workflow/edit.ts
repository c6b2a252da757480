/** A change of a plan, made in the text of its workflow: so it is checked as a whole, like any file, and comments stay. */
import type { Document } from 'yaml';
import { BatonError } from '../../errors.ts';
import type { PlanChange } from './change-schema.ts';
import type { CheckedFile } from './load.ts';
import { needsOf } from './names.ts';
import type { TaskEntry, WorkflowFile } from './schema.ts';
import { yaml } from './yaml.ts';

export interface Edited {
  readonly text: string;
  readonly added: readonly string[];
  readonly dropped: readonly string[];
  /** Tasks that are as they were but for their agent, and those but for their needs. */
  readonly routed: readonly string[];
  readonly rewired: readonly string[];
}

/**
 * @param change with ids as in the file
 * @param isOpen may this task still wait for others?
 * @throws BatonError `CHANGE_INVALID`, `TASK_NOT_FOUND`, `DUPLICATE_ID`
 */
export function edit({ text, value }: Pick<CheckedFile, 'text' | 'value'>, change: PlanChange, isOpen: (id: string) => boolean): Edited {
  const { insert = {}, add = {}, drop = [], route = {}, split = {} } = change;
  const editor = new Editor(value, yaml().parseDocument(text));
  for (const [id, parts] of Object.entries(split)) editor.split(id, parts);
  for (const id of drop) editor.drop(id);
  for (const [id, entry] of Object.entries({ ...add, ...insert })) editor.add(id, entry);
  for (const [id, entry] of Object.entries(insert)) editor.gate(id, needsOf(entry), isOpen);
  for (const [id, agent] of Object.entries(route)) editor.route(id, agent);
  return editor.edited();
}

class Editor {
  private readonly needs: Map<string, readonly string[]>;
  private readonly before: ReadonlyMap<string, readonly string[]>;
  private readonly added = new Set<string>();
  private readonly dropped = new Set<string>();
  private readonly routed = new Set<string>();
  private readonly value: WorkflowFile;
  private readonly document: Document;

  constructor(value: WorkflowFile, document: Document) {
    this.value = value;
    this.document = document;
    this.before = new Map(Object.entries(value.tasks).map(([id, entry]) => [id, needsOf(entry)]));
    this.needs = new Map(this.before);
  }

  add(id: string, entry: TaskEntry): void {
    if (this.needs.has(id) || this.dropped.has(id))
      throw new BatonError('DUPLICATE_ID', `There is a task "${id}" already.`, { hint: 'Give the new one a name of its own.' });
    this.document.setIn(['tasks', id], this.document.createNode(entry));
    this.needs.set(id, needsOf(entry));
    this.added.add(id);
  }

  /** Whoever waits for what a new task waits for, waits for the new task too. */
  gate(id: string, after: readonly string[], isOpen: (id: string) => boolean): void {
    for (const [other, needs] of this.needs)
      if (!this.added.has(other) && isOpen(other) && needs.some((need) => after.includes(need))) this.rewire(other, [...needs, id]);
  }

  drop(id: string): void {
    const instead = this.known(id);
    this.remove(id);
    this.replaceNeed(id, instead);
  }

  split(id: string, parts: Readonly<Record<string, TaskEntry>>): void {
    const before = this.known(id);
    const names = Object.keys(parts);
    if (names.length < 2)
      throw new BatonError('CHANGE_INVALID', `"${id}" is split into ${names.length === 1 ? 'one task' : 'nothing'}.`, {
        hint: 'Name at least two.',
      });
    this.remove(id);
    for (const [name, entry] of Object.entries(parts)) {
      const needs = needsOf(entry);
      this.add(name, needs.length > 0 || before.length === 0 ? entry : { ...entry, needs: [...before] });
    }
    this.replaceNeed(id, names);
  }

  route(id: string, agent: string): void {
    this.known(id);
    const entry = this.value.tasks[id];
    if (!entry || (entry.agent === undefined && entry.capability === undefined))
      throw new BatonError('CHANGE_INVALID', `"${id}" is done by no agent.`, { hint: 'Only tasks of agents can be given to another.' });
    this.document.deleteIn(['tasks', id, 'capability']);
    this.document.setIn(['tasks', id, 'agent'], agent);
    this.routed.add(id);
  }

  edited(): Edited {
    const rewired = [...this.needs].filter(([id, needs]) => this.before.has(id) && this.before.get(id) !== needs).map(([id]) => id);
    return {
      text: this.document.toString({ lineWidth: 0 }),
      added: [...this.added],
      dropped: [...this.dropped],
      routed: [...this.routed],
      rewired,
    };
  }

  private known(id: string): readonly string[] {
    const needs = this.before.has(id) && !this.dropped.has(id) ? this.needs.get(id) : undefined;
    if (needs) return needs;
    throw new BatonError('TASK_NOT_FOUND', `There is no task "${id}" in this plan.`, {
      hint: `It has ${[...this.needs.keys()].join(', ')}.`,
    });
  }

  private remove(id: string): void {
    this.document.deleteIn(['tasks', id]);
    this.needs.delete(id);
    this.dropped.add(id);
  }

  private replaceNeed(id: string, instead: readonly string[]): void {
    for (const [other, needs] of this.needs)
      if (!this.added.has(other) && needs.includes(id))
        this.rewire(
          other,
          needs.flatMap((need) => (need === id ? instead : [need])),
        );
  }

  private rewire(id: string, needs: readonly string[]): void {
    const unique = [...new Set(needs)];
    this.needs.set(id, unique);
    if (unique.length === 0) this.document.deleteIn(['tasks', id, 'needs']);
    else this.document.setIn(['tasks', id, 'needs'], this.document.createNode(unique, { flow: true }));
  }
}
