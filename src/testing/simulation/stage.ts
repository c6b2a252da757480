/** Where runs are played: the host, a diary of each run, chance, and the group of commands that is not durable yet. */
import type { AskedCommand, HostCommand } from '../../engine/kernel/commands.ts';
import { owedBy } from '../../engine/kernel/kernel.ts';
import type { Owed } from '../../engine/kernel/owed.ts';
import { type Approval, RUN_TERMINAL, type RunState, TERMINAL } from '../../engine/kernel/state.ts';
import { wrongWith } from './audit.ts';
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
  /** Pairs of tasks, as `a b`, that a person lets overlap, in both orders. */
  readonly shared = new Set<string>();
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

  /** The time that a run's next fact gets: a stream's never goes back, whatever the clock does. */
  timeOf(state: RunState): number {
    return Math.max(this.host.now, state.at);
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
    for (const { state, diary } of this.open(true)) {
      const wrong = wrongWith(state, diary);
      if (wrong !== undefined) throw new Broken(`${state.id}: ${wrong}`);
    }
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

export const overNow = (state: RunState): Set<string> =>
  new Set([...state.tasks.values()].filter(({ status }) => TERMINAL.has(status)).map(({ spec }) => spec.id));

/** What the diary calls an approval. */
export function about(state: RunState, { subject, task }: Approval): string {
  if (subject === 'plan' || task === undefined) return 'plan';
  return subject === 'result' ? `result ${task} ${state.tasks.get(task)?.attempt}` : `${subject} ${task}`;
}
