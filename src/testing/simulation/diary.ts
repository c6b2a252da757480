/** What the world and its people know of one run, written down once it is durable. Nothing of it is read from the journal. */
import type { Amounts, Plan, Principal, TaskSpec, Usage } from '../../engine/kernel/plan.ts';
import { type Ending, type Happening, judge, type Moment, type Verdict, type Voice } from '../model.ts';
import { Broken } from './plain-host.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Diary {
  readonly author: Principal;
  readonly made: Plan;
  plan: readonly TaskSpec[];
  segment = 1;
  /** How tasks of earlier segments ended. */
  earlier: ReadonlyMap<string, Ending> = new Map();
  readonly happenings = new Map<string, Mutable<Happening>[]>();
  readonly resolved = new Map<string, 'skip' | 'fail'>();
  readonly voices = new Map<string, Voice[]>();
  moments: Moment[] = [];
  /** What each task brought last, whoever said so. */
  readonly results = new Map<string, string>();
  /** Steps of each task that were recorded and that nobody refused since. */
  readonly steps = new Map<string, readonly string[]>();
  begun = 0;
  overBefore: ReadonlySet<string> | undefined;
  /** The present segment was held against the model. */
  judged = false;
  readonly ledger: Ledger;

  constructor(plan: Plan, author: Principal) {
    this.made = plan;
    this.plan = plan.tasks;
    this.author = author;
    this.ledger = new Ledger(plan.limits);
  }

  begin(task: string, at: number): void {
    this.begun++;
    this.note('begins', task);
    const before = this.happenings.get(task) ?? [];
    // What was recorded belongs to the answer that was sent back.
    if (before.at(-1)?.end === 'brings') this.steps.delete(task);
    this.happenings.set(task, [...before, { end: 'lost', began: at, ended: at, gates: [] }]);
  }
  attempt(task: string, number: number): Mutable<Happening> {
    const found = this.happenings.get(task)?.[number - 1];
    if (!found) throw new Broken(`attempt ${number} of "${task}" never began`);
    return found;
  }
  end(task: string, number: number, end: Happening['end'], at: number): void {
    Object.assign(this.attempt(task, number), { end, ended: at });
  }
  hear(about: string, voice: Voice): void {
    this.voices.set(about, [...(this.voices.get(about) ?? []), voice]);
  }
  note(what: Moment['what'], task = ''): void {
    this.moments.push({ what, task });
  }
  cancel(over: ReadonlySet<string>): void {
    this.overBefore = over;
    this.note('cancel');
  }
  /** A new segment begins. */
  reopen(plan: readonly TaskSpec[], earlier: ReadonlyMap<string, Ending>): void {
    this.segment++;
    this.plan = plan;
    this.earlier = earlier;
    this.overBefore = undefined;
    this.judged = false;
    this.moments = [];
  }
  verdict(): Verdict {
    const { plan, author, happenings, resolved, voices, earlier, moments, overBefore } = this;
    const { approval } = this.made;
    return judge({
      plan,
      author,
      happenings,
      resolved,
      voices,
      earlier,
      moments,
      ...(approval ? { planRule: approval } : {}),
      ...(overBefore ? { overBefore } : {}),
    });
  }
}

/** The books of a run, kept by whoever really spends: what is set aside, and what is gone. */
export class Ledger {
  limits: Amounts;
  spent = { calls: 0, tokens: 0 };
  private readonly open = new Map<string, Map<string, { calls: number; tokens: number }>>();
  constructor(limits: Amounts) {
    this.limits = limits;
  }

  /** @returns what is wrong with setting this aside */
  reserve(task: string, step: string, amounts: { calls: number; tokens: number }): string | undefined {
    const steps = this.open.get(task) ?? new Map();
    this.open.set(task, steps.set(step, amounts));
    for (const measure of ['calls', 'tokens'] as const) {
      const [used, limit] = [this.spent[measure] + this.reserved(measure), this.limits[measure]];
      if (limit !== undefined && used > limit) return `${used} ${measure} of ${limit} are spent or set aside`;
    }
    return undefined;
  }
  record(task: string, step: string, usage: Usage): void {
    this.open.get(task)?.delete(step);
    this.spend(usage);
  }
  spend(usage: Usage): void {
    this.spent.calls += usage.calls ?? 0;
    this.spent.tokens += (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
  }
  /** An attempt is over. What it had set aside is gone when the calls may have been served all the same. */
  close(task: string, served: boolean): void {
    for (const { calls, tokens } of this.open.get(task)?.values() ?? []) if (served) this.spend({ calls, inputTokens: tokens });
    this.open.delete(task);
  }
  reserved(measure: 'calls' | 'tokens'): number {
    let sum = 0;
    for (const steps of this.open.values()) for (const amounts of steps.values()) sum += amounts[measure];
    return sum;
  }
}
