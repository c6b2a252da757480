/**
 * One seeded world: the real embedded host over a journal in memory, with everything around it made of chance. Nothing
 * happens but by an action that the seed chose: a turn of the event loop, an answer of a performer, a person, the clock,
 * a crash. So a failure is a seed that anyone can play again.
 */

import type { Clock } from '../../engine/host/clock.ts';
import type { AttemptContext, Handlers } from '../../engine/host/host.ts';
import { MemoryDisk, MemoryJournal } from '../../engine/journal/memory.ts';
import type { AskedCommand, HostCommand, Outcome } from '../../engine/kernel/commands.ts';
import type { CommandRef } from '../../engine/kernel/facts.ts';
import { reworkMax } from '../../engine/kernel/gate.ts';
import { FAILURE_CLASSES, type Failure, type Principal } from '../../engine/kernel/plan.ts';
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import { BatonError } from '../../errors.ts';
import { Checker, Violation } from './checker.ts';
import type { Coverage } from './coverage.ts';
import { type Planted, SabotagedHost } from './faults.ts';
import { randomPlan, randomTask, type Script } from './plans.ts';
import { Random } from './random.ts';
import { scriptedResolver } from './resolver.ts';

const ME: Principal = { id: 'me', roles: ['admin'] };
const PEOPLE: readonly Principal[] = [
  { id: 'ann', roles: ['approver', 'admin'] },
  { id: 'bob', roles: ['approver', 'admin'] },
  { id: 'cyd', roles: [] },
  { id: 'dan', roles: ['approver', 'admin'] },
];
const FACTS_MIN = 200;
const ACTIONS_MAX = 20_000;

/** The clock of one host; a host that is gone no longer gets turns. */
class HostClock implements Clock {
  readonly turns: (() => void)[] = [];
  timers: { readonly at: number; readonly fire: () => void }[] = [];
  private readonly world: World;
  constructor(world: World) {
    this.world = world;
  }
  now(): number {
    return this.world.time;
  }
  at(at: number, fire: () => void): () => void {
    const timer = { at, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }
  soon(turn: () => void): void {
    this.turns.push(turn);
  }
  id(): string {
    return `id-${this.world.random.below(2 ** 31)}`;
  }
}

/** Something under way that waits for the world's leave to go on. */
interface Flight {
  readonly what: 'attempt' | 'gate' | 'probe';
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly host: SabotagedHost;
  readonly go: () => void;
  readonly deaf: boolean;
}

export interface WorldResult {
  readonly facts: number;
  readonly crashes: number;
  readonly runs: number;
}

export class World {
  readonly random: Random;
  readonly coverage: Coverage;
  time = 1_000_000;
  private readonly fault: Planted | undefined;
  private readonly disk = new MemoryDisk();
  private readonly checker: Checker;
  private journal: MemoryJournal;
  private clock: HostClock;
  private host: SabotagedHost;
  private stalled: HostClock[] = [];
  private flights: Flight[] = [];
  private readonly said: { readonly run: string; readonly command: HostCommand }[] = [];
  private readonly asked: { readonly run: string; readonly command: AskedCommand & { readonly ref?: CommandRef } }[] = [];
  private readonly trace: ((line: string) => void) | undefined;
  private readonly payloads = new Set<string>();
  private crashes = 0;
  private runs = 0;
  private commands = 0;
  private closing = false;
  private failure: unknown;
  /** Calls that model steps really made, by run. */
  private readonly used = new Map<string, number>();

  constructor(seed: number, coverage: Coverage, options: { readonly fault?: Planted; readonly trace?: (line: string) => void } = {}) {
    this.random = new Random(seed);
    this.coverage = coverage;
    this.fault = options.fault;
    this.trace = options.trace;
    this.checker = new Checker(this.disk, coverage);
    [this.journal, this.clock, this.host] = this.begin();
  }

  /** What a client puts it has, and puts again when it repeats itself. */
  private put(payload: string): string {
    this.payloads.add(payload);
    return this.journal.put(payload);
  }

  private begin(): [MemoryJournal, HostClock, SabotagedHost] {
    const journal = new MemoryJournal(this.disk);
    const clock = new HostClock(this);
    const host = new SabotagedHost(
      {
        journal: hooked(journal, this),
        clock,
        resolver: scriptedResolver,
        handlers: this.handlers(() => host),
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
    await this.newRun();
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
    return { facts: this.checker.facts, crashes: this.crashes, runs: this.runs };
  }

  private recordedCalls(run: string): number {
    let calls = 0;
    for (const { fact } of this.journal.read(run)) if (fact.type === 'step.recorded') calls += fact.usage?.calls ?? 0;
    return calls;
  }

  private isOver(): boolean {
    return (
      [...this.checker.runs.values()].every((state) => RUN_TERMINAL.has(state.status)) &&
      this.clock.turns.length === 0 &&
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
    if (dice < 0.45 && this.clock.turns.length > 0) this.turn();
    else if (dice < 0.7 && this.flights.length > 0) this.proceed();
    else if (dice < 0.78) this.pass(random.chance(0.1) ? random.below(100_000) : random.below(1_500));
    else if (dice < 0.84) await this.person(false);
    else if (dice < 0.9) await this.command();
    else if (dice < 0.92) await this.newRun();
    else if (dice < 0.94) this.disturb();
    else if (dice < 0.965) await this.crash(random.pick(['crash between steps', 'crash after commit', 'crash before commit'] as const));
    else this.misreport();
    await this.quiet();
  }

  /** Nothing disturbs any more, and people answer everything. */
  private async close(): Promise<void> {
    if (this.clock.turns.length > 0) this.turn();
    else if (this.flights.length > 0) this.proceed();
    else {
      await this.person(true);
      this.pass(5_000);
    }
    await this.quiet();
  }

  private turn(): void {
    const turn = this.clock.turns.shift();
    turn?.();
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
    this.trace?.(`crash (${how})`);
    this.crashes++;
    if (this.random.chance(0.3)) this.stalled.push(this.clock);
    if (this.random.chance(0.5)) this.flights = this.flights.filter((flight) => flight.host !== this.host);
    this.failure = undefined;
    this.checker.follow();
    for (const state of this.checker.runs.values()) this.checker.equals(state.id, state);
    [this.journal, this.clock, this.host] = this.begin();
    const recovering = this.host.recover();
    for (let i = 0; i < 50; i++) {
      if (this.clock.turns.length > 0 && this.random.chance(0.7)) this.turn();
      for (let j = 0; j < 8; j++) await null;
    }
    while (this.clock.turns.length > 0) {
      this.turn();
      for (let j = 0; j < 8; j++) await null;
    }
    await recovering;
  }

  // ---- performers --------------------------------------------------------------------------------------------

  private handlers(host: () => SabotagedHost): Handlers {
    const wait = (what: Flight['what'], run: string, task: string, attempt: number, deaf = false) =>
      new Promise<void>((go) => this.flights.push({ what, run, task, attempt, host: host(), go, deaf }));
    return {
      attempt: async (owed, context) => {
        try {
          this.checker.begins(context.run, owed.task, owed.attempt);
        } catch (error) {
          this.failure ??= error;
        }
        this.trace?.(`performs ${context.attemptKey}`);
        const deaf = this.random.chance(0.03);
        if (!deaf)
          context.signal.addEventListener('abort', () =>
            this.flights
              .filter((each) => each.run === context.run && each.task === owed.task && each.attempt === owed.attempt)
              .forEach((each) => {
                each.go();
              }),
          );
        if (this.random.chance(0.5)) context.onMessage(() => this.random.chance(0.7));
        const script = JSON.parse(Buffer.from(context.blobs.get(context.inputs) ?? '{}').toString()) as Script;
        for (let step = 1; step <= (script.steps ?? 0); step++) {
          await wait('attempt', context.run, owed.task, owed.attempt);
          const problem = await this.step(context, `ask-${step}`);
          if (problem) return { ok: false, failure: problem };
        }
        await wait('attempt', context.run, owed.task, owed.attempt, deaf);
        return this.outcome(context);
      },
      gate: async (owed, context) => {
        await wait('gate', context.run, owed.task, owed.attempt);
        const record = context.state().tasks.get(owed.task);
        const last = this.closing || (record && record.reworks >= reworkMax(record));
        const verdict = this.random.chance(last ? 0.8 : 0.6) ? 'pass' : this.random.chance(0.85) ? 'fail' : 'error';
        return {
          verdict,
          evidence: context.blobs.put(`{"gate":${owed.gate},"n":${this.random.below(1e9)}}`),
          ...(this.random.chance(0.3) ? { score: this.random.next() } : {}),
        };
      },
      probe: async (owed, context) => {
        await wait('probe', context.run, owed.task, owed.attempt);
        const verdict = this.random.pick(['happened', 'absent', 'unknown'] as const);
        return verdict === 'happened' ? { verdict, result: context.blobs.put('{"probe":true}') } : { verdict };
      },
      notify: async () => {},
      admit: (agent) =>
        this.closing ? true : this.random.chance(0.02) ? false : this.random.chance(0.01) && agent === 'b' ? 'nobody is there' : true,
    };
  }

  private async step(context: AttemptContext, key: string): Promise<Failure | undefined> {
    const calls = 1;
    try {
      await context.step(key, { calls, tokens: 50 + this.random.below(100) }, async () => {
        this.used.set(context.run, (this.used.get(context.run) ?? 0) + calls);
        return { output: `${key} of ${context.attemptKey}`, usage: { inputTokens: 20, outputTokens: this.random.below(60), calls } };
      });
      if (this.fault === 'settled-twice') {
        const output = context.blobs.put('again');
        await this.host
          .submit(context.run, {
            type: 'step.record',
            task: context.spec.id,
            attempt: context.attempt,
            step: `${key}-again`,
            output,
            usage: { calls },
          })
          .catch(() => {});
      }
      return undefined;
    } catch (error) {
      const code = error instanceof BatonError ? error.code : 'STEP';
      return { class: code === 'BUDGET_EXCEEDED' ? 'budget' : 'permanent', code, message: 'the step was refused' };
    }
  }

  private outcome(context: AttemptContext): Outcome {
    const { random } = this;
    const usage = random.chance(0.2) ? { usage: { inputTokens: 5, outputTokens: 5 } } : {};
    if (random.chance(this.closing ? 0.9 : 0.62))
      return { ok: true, result: context.blobs.put(JSON.stringify({ key: context.attemptKey })), ...usage };
    const passing = random.chance(0.6);
    const kind = passing
      ? random.pick(['transient', 'throttled', 'timeout'] as const)
      : random.pick(
          FAILURE_CLASSES.filter((each) => !['lost', 'gate-failed', 'budget', 'transient', 'throttled', 'timeout'].includes(each)),
        );
    return {
      ok: false,
      failure: {
        class: kind,
        code: 'SIMULATED',
        message: 'chance',
        ...(kind === 'throttled' && random.chance(0.5) ? { retryAfterMs: random.below(5_000) } : {}),
        ...(random.chance(0.25) ? { dispatched: false } : {}),
      },
      ...usage,
    };
  }

  /** Results that come late, twice, or in another order than they were made. */
  private misreport(): void {
    const lost = [...this.checker.runs.values()].flatMap((state) =>
      [...state.tasks.values()].flatMap((task) => task.lost.map((attempt) => ({ state, task, attempt }))),
    );
    if (lost.length > 0 && this.random.chance(0.6)) {
      const { state, task, attempt } = this.random.pick(lost);
      const result = this.put(JSON.stringify({ key: `${state.id}/${task.spec.id}/${attempt}` }));
      const into = this.fault === 'late-accepted' ? task.attempt : attempt;
      this.coverage.add('fault late result');
      this.report(state.id, { type: 'attempt.end', task: task.spec.id, attempt: into, outcome: { ok: true, result } });
    } else if (this.said.length > 0) {
      const { run, command } = this.random.pick(this.said);
      for (const payload of this.payloads) this.journal.put(payload);
      this.coverage.add('fault repeated result');
      this.host.submit(run, command).catch(() => {});
    }
  }

  private report(run: string, command: HostCommand): void {
    this.said.push({ run, command });
    this.host.submit(run, command).catch(() => {});
  }

  // ---- people ------------------------------------------------------------------------------------------------

  private async ask(run: string, command: AskedCommand): Promise<void> {
    const ref = { id: `c${this.commands++}`, args: JSON.stringify(command) };
    this.asked.push({ run, command: { ...command, ref } });
    this.trace?.(`asks ${run} ${command.type}`);
    this.host.submit(run, { ...command, ref }).catch(() => {});
  }

  private async newRun(): Promise<void> {
    if (this.runs >= 12) return;
    const run = `r${this.runs++}`;
    await this.ask(run, {
      type: 'run.create',
      plan: randomPlan(this.random, (payload) => this.put(payload)),
      by: this.random.chance(0.7) ? ME : this.random.pick(PEOPLE),
    });
  }

  private async person(thorough: boolean): Promise<void> {
    const { random } = this;
    for (const state of this.checker.runs.values()) {
      if (RUN_TERMINAL.has(state.status) || (!thorough && random.chance(0.5))) continue;
      for (const approval of state.approvals.values()) {
        if (approval.status !== 'open') continue;
        for (const by of thorough ? [...PEOPLE, ME] : [random.pick(PEOPLE)]) {
          if (!by) continue;
          const stale = !thorough && random.chance(0.1);
          if (stale) this.coverage.add('fault stale approval');
          const decision = random.chance(0.75) || thorough ? 'approve' : 'reject';
          const result = approval.subject === 'task' || random.chance(0.5) ? { result: this.put('{"decision":true}') } : {};
          await this.ask(state.id, {
            type: 'approval.decide',
            by,
            approval: approval.id,
            binds: stale ? 'something else' : approval.binds,
            decision,
            ...result,
          });
        }
      }
      for (const task of state.tasks.values()) {
        if (task.status === 'undecided' && !task.probing) {
          const decision = random.pick(['retry', 'committed', 'fail'] as const);
          await this.ask(state.id, {
            type: 'task.decide',
            by: ME,
            task: task.spec.id,
            decision,
            ...(decision === 'committed' ? { result: this.put('{"decided":true}') } : {}),
          });
        } else if (task.status === 'running' && task.spec.kind === 'question')
          await this.ask(state.id, { type: 'question.answer', by: ME, task: task.spec.id, result: this.put('{"answer":true}') });
        else if (task.status === 'blocked') await this.ask(state.id, { type: 'run.retry', by: ME, task: task.spec.id });
      }
      if (state.status === 'paused' && (thorough || random.chance(0.5)))
        await this.ask(state.id, {
          type: 'run.resume',
          by: ME,
          limits: { ...raised(state), ...(state.limits.wallTimeMs === undefined ? {} : { wallTimeMs: state.limits.wallTimeMs * 100 }) },
        });
    }
  }

  private async command(): Promise<void> {
    const { random } = this;
    const all = [...this.checker.runs.values()];
    if (all.length === 0) return;
    const state = random.pick(all);
    const tasks = [...state.tasks.values()];
    const dice = random.next();
    if (dice < 0.12) await this.ask(state.id, { type: 'run.pause', by: ME });
    else if (dice < 0.3) await this.ask(state.id, { type: 'run.resume', by: ME, ...(random.chance(0.3) ? { limits: raised(state) } : {}) });
    else if (dice < 0.38) await this.ask(state.id, { type: 'run.cancel', by: ME });
    else if (dice < 0.5)
      await this.ask(state.id, {
        type: 'run.retry',
        by: ME,
        ...(random.chance(0.5) && tasks.length > 0 ? { task: random.pick(tasks).spec.id } : {}),
      });
    else if (dice < 0.65 && tasks.length > 0)
      await this.ask(state.id, { type: 'message.send', by: ME, task: random.pick(tasks).spec.id, body: this.put('please hurry') });
    else if (dice < 0.8) await this.change(state);
    else if (this.asked.length > 0) {
      const { run, command } = random.pick(this.asked);
      for (const payload of this.payloads) this.journal.put(payload);
      const mismatch = random.chance(0.3);
      this.coverage.add(mismatch ? 'fault mismatched command' : 'fault repeated command');
      const ref = mismatch && command.ref ? { ref: { ...command.ref, args: 'other' } } : {};
      this.host.submit(run, { ...command, ...ref }).catch(() => {});
    }
  }

  private async change(state: RunState): Promise<void> {
    const { random } = this;
    const base = random.chance(0.8) ? state.version : state.version - 1;
    if (base !== state.version) this.coverage.add('fault stale plan change');
    const tasks = [...state.tasks.values()].filter((task) => task.spec.parent === undefined);
    const id = `x${this.commands}`;
    const needs = tasks.filter(() => random.chance(0.3)).map((task) => task.spec.id);
    const add = [randomTask(random, (payload) => this.put(payload), id, needs, 1)];
    const idle = tasks.filter((task) => task.status === 'pending');
    const rewire = idle.length > 0 && random.chance(0.5) ? { rewire: { [random.pick(idle).spec.id]: [id] } } : {};
    const drop = idle.length > 0 && random.chance(0.3) ? { drop: [random.pick(idle).spec.id] } : {};
    await this.ask(state.id, { type: 'plan.change', by: ME, base, add, ...rewire, ...drop });
  }
}

const raised = (state: RunState) => ({
  ...(state.limits.calls === undefined ? {} : { calls: state.limits.calls + 20 }),
  ...(state.limits.tokens === undefined ? {} : { tokens: state.limits.tokens + 5_000 }),
});

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
