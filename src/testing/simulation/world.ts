/**
 * One seeded world: the real embedded host over a journal in memory, with everything around it made of chance. Nothing
 * happens but by an action that the seed chose: a turn of the event loop, an answer of a performer, a person, the clock,
 * a crash. So a failure is a seed that anyone can play again.
 */
import { MemoryDisk, MemoryJournal } from '../../engine/journal/memory.ts';
import { RUN_TERMINAL } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { Agents } from './agents.ts';
import { Checker, Violation } from './checker.ts';
import type { Coverage } from './coverage.ts';
import { Crowd } from './crowd.ts';
import { type Planted, SabotagedHost } from './faults.ts';
import { HostClock } from './host-clock.ts';
import { Random } from './random.ts';
import { scriptedResolver } from './resolver.ts';
import type { Flight, Surroundings } from './surroundings.ts';

const FACTS_MIN = 200;
const ACTIONS_MAX = 20_000;

export interface WorldResult {
  readonly facts: number;
  readonly crashes: number;
  readonly runs: number;
}

export class World implements Surroundings {
  readonly random: Random;
  readonly coverage: Coverage;
  time = 1_000_000;
  readonly fault: Planted | undefined;
  private readonly disk = new MemoryDisk();
  readonly checker: Checker;
  journal: MemoryJournal;
  private clock: HostClock;
  host: SabotagedHost;
  private stalled: HostClock[] = [];
  flights: Flight[] = [];
  private readonly agents = new Agents(this);
  private readonly crowd = new Crowd(this);
  private readonly trace: ((line: string) => void) | undefined;
  private readonly payloads = new Set<string>();
  private crashes = 0;
  closing = false;
  private failure: unknown;
  /** Calls that model steps really made, by run. */
  readonly used = new Map<string, number>();

  constructor(seed: number, coverage: Coverage, options: { readonly fault?: Planted; readonly trace?: (line: string) => void } = {}) {
    this.random = new Random(seed);
    this.coverage = coverage;
    this.fault = options.fault;
    this.trace = options.trace;
    this.checker = new Checker(this.disk, coverage);
    [this.journal, this.clock, this.host] = this.begin();
  }

  put(payload: string): string {
    this.payloads.add(payload);
    return this.journal.put(payload);
  }
  putAgain(): void {
    for (const payload of this.payloads) this.journal.put(payload);
  }
  tell(line: string): void {
    this.trace?.(line);
  }
  fail(error: unknown): void {
    this.failure ??= error;
  }

  private begin(): [MemoryJournal, HostClock, SabotagedHost] {
    const journal = new MemoryJournal(this.disk);
    const clock = new HostClock(this);
    const host = new SabotagedHost(
      {
        journal: hooked(journal, this),
        clock,
        resolver: scriptedResolver,
        handlers: this.agents.handlers(() => host),
        slots: 1 + this.random.below(6),
        slotsOf: (agent) => (agent === 'a' ? 2 : 6),
        graceMs: 3_000,
        runsMax: 50,
        onProblem: (error) => {
          if (!(error instanceof BatonError) || error.code === 'JOURNAL_IO') this.failure ??= error.cause ?? error;
        },
      },
      this.fault,
    );
    return [journal, clock, host];
  }

  /** Plays the world to its end. @throws Violation */
  async play(): Promise<WorldResult> {
    await this.crowd.newRun();
    let actions = 0;
    while ((this.checker.facts < FACTS_MIN || this.crashes === 0) && actions++ < ACTIONS_MAX) await this.act();
    this.closing = true;
    for (let i = 0; !this.isOver(); i++) {
      if (i > ACTIONS_MAX) throw new Violation(`never ends: ${this.stuck()}`);
      await this.close();
    }
    for (const run of this.checker.runs.keys()) this.checker.equals(run, this.host.state(run));
    if (this.checker.grants.requests.size > 0)
      throw new Violation(`grants are kept: ${[...this.checker.grants.requests.keys()].join(', ')}`);
    for (const [run, state] of this.checker.runs) {
      for (const message of state.messages.values())
        if (message.status === 'waiting') throw new Violation(`${run}: message ${message.id} is lost`);
      const [real, counted] = [this.used.get(run) ?? 0, this.recordedCalls(run)];
      if (counted > real) throw new Violation(`${run}: ${counted} calls are recorded, ${real} were made`);
    }
    return { facts: this.checker.facts, crashes: this.crashes, runs: this.crowd.runs };
  }

  private recordedCalls(run: string): number {
    let calls = 0;
    for (const { fact } of this.journal.read(run)) if (fact.type === 'step.recorded') calls += fact.usage?.calls ?? 0;
    return calls;
  }

  private isOver(): boolean {
    return (
      [...this.checker.runs.values()].every((state) => RUN_TERMINAL.has(state.status)) &&
      !this.mayGoOn &&
      this.checker.grants.requests.size === 0
    );
  }

  private stuck(): string {
    return [...this.checker.runs.values()]
      .filter((state) => !RUN_TERMINAL.has(state.status))
      .map(
        (state) =>
          `${state.id} ${state.status}: ${[...state.tasks.values()]
            .filter((task) => task.endedAt === undefined)
            .map((task) => `${task.spec.id} ${task.status}`)
            .join(', ')}`,
      )
      .join('; ');
  }

  // ---- actions -----------------------------------------------------------------------------------------------

  private async act(): Promise<void> {
    const { random } = this;
    const dice = random.next();
    if (dice < 0.45 && this.mayGoOn) this.goOn();
    else if (dice < 0.7 && this.flights.length > 0) this.proceed();
    else if (dice < 0.78) this.pass(random.chance(0.1) ? random.below(100_000) : random.below(1_500));
    else if (dice < 0.84) await this.crowd.person(false);
    else if (dice < 0.9) await this.crowd.command();
    else if (dice < 0.92) await this.crowd.newRun();
    else if (dice < 0.94) this.disturb();
    else if (dice < 0.965) await this.crash(random.pick(['crash between steps', 'crash after commit', 'crash before commit'] as const));
    else this.agents.misreport();
    await this.quiet();
  }

  /** Nothing disturbs any more, and people answer everything. */
  private async close(): Promise<void> {
    if (this.mayGoOn) this.goOn();
    else if (this.flights.length > 0) this.proceed();
    else {
      await this.crowd.person(true);
      this.pass(5_000);
    }
    await this.quiet();
  }

  private turn(): void {
    const turn = this.clock.turns.shift();
    this.journal.slow = this.random.chance(0.6);
    turn?.();
    if (this.journal.pending > 0) this.coverage.add('fault commit under way');
  }

  /** The next turn, or the next commit of those that are under way. */
  private goOn(): void {
    const { pending } = this.journal;
    if (this.clock.turns.length > 0 && !(pending > 0 && this.random.chance(0.5))) this.turn();
    else {
      if (pending > 1 && this.journal.failNext > 0) this.coverage.add('fault failed commit with another behind it');
      this.journal.writeNext();
    }
  }
  private get mayGoOn(): boolean {
    return this.clock.turns.length > 0 || this.journal.pending > 0;
  }

  /** Lets promises that are ready run, then judges what was stored. */
  private async quiet(): Promise<void> {
    for (let i = 0; i < 8; i++) await null;
    if (this.failure !== undefined) throw this.failure;
    this.checker.follow();
  }

  private pass(ms: number): void {
    const back = !this.closing && this.random.chance(0.03);
    if (back) this.coverage.add('fault clock jump');
    this.time += back ? -this.random.below(10_000) : ms;
    const due = this.clock.timers.filter((timer) => timer.at <= this.time);
    this.clock.timers = this.clock.timers.filter((timer) => timer.at > this.time);
    for (const timer of due.sort((a, b) => a.at - b.at)) timer.fire();
  }

  private proceed(): void {
    const alive = this.flights.filter((flight) => flight.host === this.host && !flight.deaf);
    const zombies = this.flights.filter((flight) => flight.host !== this.host || flight.deaf);
    const zombie = zombies.length > 0 && (alive.length === 0 || this.random.chance(0.1));
    const flight = this.random.pick(zombie ? zombies : alive);
    if (zombie) this.coverage.add(flight.host === this.host ? 'fault deaf performer' : 'fault zombie performer');
    this.flights = this.flights.filter((each) => each !== flight);
    flight.go();
  }

  private disturb(): void {
    const what = this.random.pick(['failed commit', 'slow commit', 'stalled owner wakes'] as const);
    if (what === 'failed commit') this.journal.failNext = 1;
    else if (what === 'slow commit') this.time += this.random.below(20_000);
    else {
      const clock = this.stalled.shift();
      if (!clock) return;
      // It goes on as if nothing had happened; its epoch is over.
      for (let i = 0; i < 20 && clock.turns.length > 0; i++) clock.turns.shift()?.();
    }
    this.coverage.add(`fault ${what}`);
  }

  /** Set while a crash is to happen inside the next commit. */
  crashing: 'before' | 'after' | undefined;

  private async crash(how: 'crash between steps' | 'crash after commit' | 'crash before commit'): Promise<void> {
    if (how !== 'crash between steps') {
      this.crashing = how === 'crash after commit' ? 'after' : 'before';
      const rows = this.disk.rows.length;
      if (this.clock.turns.length > 0) this.turn();
      const inside = this.crashing === undefined || (how === 'crash after commit' && this.disk.rows.length > rows);
      this.crashing = undefined;
      if (inside) this.coverage.add(`fault ${how}`);
    } else this.coverage.add(`fault ${how}`);
    this.tell(`crash (${how})`);
    this.crashes++;
    const { pending } = this.journal;
    if (pending > 0) {
      this.coverage.add('fault crash with commits under way');
      this.journal.crash(this.random.below(pending + 1));
    }
    this.journal.slow = false;
    if (this.random.chance(0.3)) this.stalled.push(this.clock);
    if (this.random.chance(0.5)) this.flights = this.flights.filter((flight) => flight.host !== this.host);
    this.checker.follow();
    // Between steps the state in memory is what was stored; inside a commit it may be ahead, and nobody sees it again.
    if (how === 'crash between steps' && pending === 0)
      for (const run of this.checker.runs.keys()) this.checker.equals(run, this.host.state(run));
    this.failure = undefined;
    [this.journal, this.clock, this.host] = this.begin();
    this.checker.recovering = true;
    const recovering = this.host.recover();
    for (let i = 0; i < 50; i++) {
      if (this.mayGoOn && this.random.chance(0.7)) this.goOn();
      for (let j = 0; j < 8; j++) await null;
      if (!this.random.chance(0.005)) continue;
      this.coverage.add('fault crash in recovery');
      recovering.catch(() => {});
      return this.crash('crash between steps');
    }
    while (this.mayGoOn) {
      this.goOn();
      for (let j = 0; j < 8; j++) await null;
    }
    await recovering;
    this.checker.recovering = false;
  }
}

/** The journal with crashes inside its commits. */
function hooked(journal: MemoryJournal, world: World): MemoryJournal {
  return new Proxy(journal, {
    get(target, name) {
      if (name !== 'append') {
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return (...args: Parameters<MemoryJournal['append']>) => {
        const how = world.crashing;
        world.crashing = undefined;
        if (how === 'before') throw new BatonError('DISK_FULL', 'the power went (simulated)');
        target.append(...args);
        if (how === 'after') throw new BatonError('DISK_FULL', 'the power went (simulated)');
      };
    },
  });
}
