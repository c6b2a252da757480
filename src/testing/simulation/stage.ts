/** Where runs are played: the host, a diary of each run, chance, and the group of commands that is not durable yet. */
import type { AskedCommand, HostCommand } from '../../engine/kernel/commands.ts';
import { owedBy } from '../../engine/kernel/kernel.ts';
import type { Owed } from '../../engine/kernel/owed.ts';
import { type Approval, RUN_TERMINAL, type RunState, type TaskRecord, TERMINAL } from '../../engine/kernel/state.ts';
import type { Ending } from '../model.ts';
import type { Diary } from './diary.ts';
import { Fate } from './fate.ts';
import { Broken, PlainHost } from './plain-host.ts';
import { Random } from './random.ts';

export interface StageOptions {
  readonly trace?: (line: string) => void;
}
export type Said = AskedCommand & { readonly ref: { readonly id: string; readonly args: string } };

export class Stage {
  readonly host = new PlainHost();
  readonly diaries = new Map<string, Diary>();
  readonly random: Random;
  readonly fate: Fate;
  /** Every command of a person that was answered. */
  readonly said: { readonly run: string; readonly command: Said }[] = [];
  /** Every report that was taken. */
  readonly reported: { readonly run: string; readonly command: HostCommand }[] = [];
  /** Nothing disturbs any more, and people answer. */
  closing = false;
  /** Runs that got a new segment in this group: what the next is made of is known when it is durable. */
  readonly reopened = new Set<string>();
  private readonly trace: ((line: string) => void) | undefined;
  private notes: (() => void)[] = [];
  private ids = 0;

  constructor(seed: number, { trace }: StageOptions) {
    this.random = new Random(seed);
    this.fate = new Fate(seed);
    this.trace = trace;
  }

  newId(): string {
    return `${this.ids++}`;
  }
  tell(line: string): void {
    this.trace?.(line);
  }
  /** Does `then` once the group is durable. */
  after(then: () => void): void {
    this.notes.push(then);
  }

  /** @returns whether it was decided; `then` is done once that is durable */
  report(run: string, command: HostCommand, then?: () => void): boolean {
    return this.give(run, command, () => {
      this.reported.push({ run, command });
      then?.();
    });
  }
  ask(run: string, command: AskedCommand, then?: () => void): boolean {
    const said: Said = { ...command, ref: { id: `command ${this.newId()}`, args: JSON.stringify(command) } };
    return this.give(run, said, () => {
      this.said.push({ run, command: said });
      then?.();
    });
  }
  private give(run: string, command: HostCommand | Said, then: (() => void) | undefined): boolean {
    const reply = this.host.apply(run, command);
    this.trace?.(`${run} ${JSON.stringify(command)} ${typeof reply === 'string' ? reply : reply.code}`);
    if (reply === 'done' && then) this.after(then);
    return reply === 'done';
  }

  /** Stores the group, or loses it. Whatever has ended then is held against the model. */
  commit(): void {
    if (this.host.commit(!this.closing && this.random.chance(0.04))) for (const note of this.notes) note();
    else this.tell('the commit fails');
    this.notes = [];
    this.reopened.clear();
    for (const [run, diary] of this.diaries) this.check(run, diary);
  }

  private check(run: string, diary: Diary): void {
    const state = this.host.runs.get(run);
    if (!state) throw new Broken(`${run} is gone`);
    const { ledger } = diary;
    for (const measure of ['calls', 'tokens'] as const)
      if (state.spent[measure] !== ledger.spent[measure] || state.reserved[measure] !== ledger.reserved(measure))
        throw new Broken(
          `${run}: ${state.spent[measure]} ${measure} are spent and ${state.reserved[measure]} set aside; really ${ledger.spent[measure]} and ${ledger.reserved(measure)}`,
        );
    if (diary.judged || !RUN_TERMINAL.has(state.status)) return;
    diary.judged = true;
    const { tasks, run: ending, broken } = diary.verdict();
    if (broken !== undefined) throw new Broken(`${run}: ${broken}`);
    for (const [id, ended] of tasks) {
      const task = state.tasks.get(id);
      if (!task || endingOf(task) !== ended)
        throw new Broken(`${run}/${id}: ${task ? endingOf(task) : 'not there'}; by the model ${ended}`);
    }
    for (const { spec, replacedBy } of state.tasks.values())
      if (!tasks.has(spec.id) && replacedBy === undefined && spec.parent === undefined)
        throw new Broken(`${run}/${spec.id}: the model knows none`);
    if (state.status !== ending) throw new Broken(`${run}: ${state.status}; by the model ${ending}`);
  }

  /** Runs as they are, with what people know of them. */
  open(ended = false): { readonly state: RunState; readonly diary: Diary }[] {
    return [...this.diaries].flatMap(([run, diary]) => {
      const state = this.host.runs.get(run);
      return state && (ended || !RUN_TERMINAL.has(state.status)) ? [{ state, diary }] : [];
    });
  }
  owed(): { readonly state: RunState; readonly diary: Diary; readonly owed: Owed }[] {
    return this.open(true).flatMap(({ state, diary }) => owedBy(state).map((owed) => ({ state, diary, owed })));
  }
  stuck(): string {
    const tasks = ({ tasks }: RunState) =>
      [...tasks.values()].filter(({ status }) => !TERMINAL.has(status)).map((each) => `${each.spec.id} ${each.status}`);
    return this.open()
      .map(({ state }) => `${state.id} ${state.status}: ${tasks(state).join(', ')}`)
      .join('; ');
  }
}

export const endingOf = ({ status, cause }: TaskRecord): Ending => (cause?.cause === 'need' ? 'barred' : (status as Ending));
export const overNow = (state: RunState): Set<string> =>
  new Set([...state.tasks.values()].filter(({ status }) => TERMINAL.has(status)).map(({ spec }) => spec.id));

/** What the diary calls an approval. */
export function about(state: RunState, { subject, task }: Approval): string {
  if (subject === 'plan' || task === undefined) return 'plan';
  return subject === 'result' ? `result ${task} ${state.tasks.get(task)?.attempt}` : `${subject} ${task}`;
}
