/**
 * The embedded host: one process, one journal, all streams.
 *
 * Commands that arrive during one turn of the event loop are decided together, their facts are appended in one
 * transaction, and only then is anything answered, dispatched or shown. What a turn brings about by itself belongs to
 * the same commit: expressions are resolved, claims asked for and given, free slots taken. So the end of a step and the
 * start of the next are one commit, and a chain costs one commit a step.
 *
 * A large turn is written by the journal's thread, where it has one, while the next turn is decided on the states as they
 * will be; commits stay in order. If one fails, every state that it or a later one has touched is dropped and loaded again;
 * nothing of it was visible. Results of performers are then offered again, so that what was done is not lost; people get
 * the error.
 */
import { BatonError } from '../../errors.ts';
import { foldGrants, foldRun } from '../journal/fold.ts';
import type { Append, Journal, NewFact, Snapshot } from '../journal/journal.ts';
import type { AskedCommand, Command, GrantCommand, HostCommand, Refusal, RunCommand } from '../kernel/commands.ts';
import type { CommandRef, Fact, GrantFact, RunFact } from '../kernel/facts.ts';
import { decideGrant, evolveGrant, GRANTS, type GrantState, newGrants, settleGrants } from '../kernel/grants.ts';
import { answered, decide, evolve, owedBy, settle } from '../kernel/kernel.ts';
import type { Owed, OwedChange, OwedOf } from '../kernel/owed.ts';
import type { TaskSpec } from '../kernel/plan.ts';
import { save } from '../kernel/snapshot.ts';
import { RUN_TERMINAL, type RunState } from '../kernel/state.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Followed, Handlers, Host, LogChunk, Reply, Resolver } from './host.ts';
import { type Live, newLive } from './live.ts';
import { chain } from './performer.ts';
import { Performing } from './performing.ts';
import { StartQueue, type Waiting } from './queue.ts';

export interface EmbeddedOptions {
  readonly journal: Journal;
  readonly handlers: Handlers;
  readonly resolver: Resolver;
  readonly clock?: Clock;
  /** Attempts at once over all agents. Default 64. */
  readonly slots?: number;
  /** Attempts at once by one agent, from a task that waits for it. Default: as many as there are slots. */
  readonly slotsOf?: (agent: string, spec: TaskSpec) => number;
  /** How long a performer that was told to end may take, in milliseconds. Default 10,000. */
  readonly graceMs?: number;
  /** Unfinished runs at most; more are refused. Default 10,000. */
  readonly runsMax?: number;
  /** Told of every turn that could not be stored; the host tries again. */
  readonly onProblem?: (error: BatonError) => void;
  /** Told once when this host can go on no longer (another owner has taken over, the journal is broken). */
  readonly onFatal?: (error: BatonError) => void;
}
export const SLOTS = 64;
export const RUNS_MAX = 10_000;
export const GRACE_MS = 10_000;
/** Facts after which a turn lets the event loop breathe. */
const TURN_FACTS = 2_000;
/**
 * Facts of one stream between two snapshots, at least: a run shorter than this is simply folded again. For a large run it
 * is as many for each of its tasks: a fact takes as long to fold as a task to restore (5 µs), and longer to save. With
 * one each 10,000 facts, half of what a run of 100,000 plain tasks cost were snapshots that made loading it twice as fast.
 */
const [SNAPSHOT_EVERY, SNAPSHOT_EVERY_OF_TASK] = [10_000, 3];
/** Up to so many, looking at each takes less than making a set. */
const FEW = 8;
/** How long to wait before offering results again to a journal that refused them, in milliseconds. */
const AGAIN_MS = 500;
/** How often agents that admit nobody are asked again, in milliseconds. */
const ADMIT_AGAIN_MS = 250;
/** Facts from which on a turn is written beside this thread: below, the way there and back takes longer than the commit. */
const FACTS_BESIDE = 64;
/** Commits under way at most. With two, one is written while the next is decided; more would make each smaller. */
const UNDERWAY_MAX = 2;
/** Ended runs kept in memory for readers. */
const ENDED_KEPT = 32;

interface Asked {
  readonly stream: string;
  readonly command: Command & { readonly ref?: CommandRef };
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  /** A performer's result: offered again when the journal could not take it. */
  readonly again: boolean;
}

interface Answered {
  readonly asked: Asked;
  readonly reply: Reply;
}

/** What one turn has decided, until it is durable. */
interface Commit {
  readonly group: Answered[];
  readonly parts: readonly Part[];
  /** Set when a commit before it has failed: nothing of it happened. */
  failed: boolean;
}
/** Of one stream: its facts, what to begin, and what to end. */
interface Part {
  readonly live: Live;
  readonly after: number;
  readonly facts: readonly NewFact[];
  readonly dispatch: readonly Owed[];
  readonly over: readonly Owed[];
}

export class EmbeddedHost implements Host {
  private readonly options: EmbeddedOptions;
  private readonly journal: Journal;
  private readonly clock: Clock;
  private readonly lives = new Map<string, Live>();
  private readonly starts = new StartQueue();
  private readonly used = new Map<string, number>();
  private usedAll = 0;
  private queue: Asked[] = [];
  private armed = false;
  private readonly touched = new Set<Live>();
  /** Commits that are not durable yet, the oldest first. */
  private readonly underway: Commit[] = [];
  /** Commits that have ended and are not dealt with yet, because a turn is being decided or one before is dealt with. */
  private results: { readonly commit: Commit; readonly error: unknown }[] = [];
  private busy = false;
  protected readonly factsBeside: number = FACTS_BESIDE;
  /** Owed items that the turn itself carries out. */
  private agenda: { live: Live; owed: Owed }[] = [];
  private readonly factListeners = new Set<(facts: readonly Followed[]) => void>();
  private readonly logListeners = new Set<(chunk: LogChunk) => void>();
  private readonly performing: Performing;
  private idlers: (() => void)[] = [];
  private stopped: BatonError | undefined;
  private admitAgain: (() => void) | undefined;
  private unfinished = 0;
  /** Streams of ended runs that are in memory, the oldest first. */
  private readonly ended = new Set<Live>();
  private recovering = false;
  /** Starts that wait until every run is loaded. */
  private readonly heldBack: Waiting[] = [];
  /** Streams loaded by a recovery between two turns. */
  protected readonly loadedAtOnce: number = 64;

  constructor(options: EmbeddedOptions) {
    this.options = options;
    this.journal = options.journal;
    this.clock = options.clock ?? systemClock;
    this.performing = new Performing({
      handlers: options.handlers,
      clock: this.clock,
      journal: this.journal,
      graceMs: options.graceMs ?? GRACE_MS,
      live: (stream) => this.lives.get(stream),
      state: (run) => this.latest(run),
      ask: (stream, command) => this.ask(stream, command, true),
      tell: (stream, command) => this.tellRun(stream, command),
      log: (chunk) => {
        for (const listener of this.logListeners) listener(chunk);
      },
      onFacts: (listener) => this.onFacts(listener),
      quiet: () => this.settleIdle(),
    });
  }

  submit(stream: string, command: (AskedCommand & { readonly ref?: CommandRef }) | HostCommand | GrantCommand): Promise<Reply> {
    return this.ask(stream, command, false);
  }

  private ask(stream: string, command: Command & { readonly ref?: CommandRef }, again: boolean): Promise<Reply> {
    if (this.stopped) return Promise.reject(this.stopped);
    return new Promise((resolve, reject) => {
      this.queue.push({ stream, command, resolve, reject, again });
      this.arm();
    });
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    this.clock.soon(() => this.turn());
  }

  /** As of its last durable fact. */
  state(run: string): RunState | undefined {
    this.settle();
    return this.latest(run);
  }

  /** The same without waiting for what is under way, which it may be ahead by: for performers, and for what never changes. */
  latest(run: string): RunState | undefined {
    return this.load(run)?.run;
  }

  /** What is handed out among runs, as of its last durable fact; read only. */
  grants(): GrantState {
    this.settle();
    return this.load(GRANTS)?.grants ?? newGrants();
  }

  /** The same for a run that need not be loaded first. */
  latestInMemory(run: string): RunState | undefined {
    return this.lives.get(run)?.run;
  }

  /** Waits until nothing is under way: a state in memory may be ahead of the disk by what is. */
  private settle(): void {
    if (this.underway.length > 0 && !this.busy) this.journal.settle?.();
  }

  onFacts(listener: (facts: readonly Followed[]) => void): () => void {
    this.factListeners.add(listener);
    return () => this.factListeners.delete(listener);
  }

  onLog(listener: (chunk: LogChunk) => void): () => void {
    this.logListeners.add(listener);
    return () => this.logListeners.delete(listener);
  }

  /**
   * The first runs go on while the rest are still being loaded: attempts that were lost with the owner before begin again
   * at once, since their tasks had won their slots before it died. What waited for a slot then, or comes to wait for one
   * now, waits until every run is loaded: in one that is not there yet may be something with an earlier place in the order.
   * @param runs the unfinished ones, oldest first, where somebody knows them; otherwise every stream is looked at
   */
  async recover(runs?: Iterable<string>): Promise<{ readonly runs: number; readonly lost: number }> {
    let [count, lost, loaded] = [0, 0, 0];
    const streams = [...(runs ?? [...this.journal.heads()].map((head) => head.stream))].filter((stream) => stream !== GRANTS);
    this.recovering = true;
    try {
      for (const stream of [GRANTS, ...streams]) {
        const live = this.load(stream);
        if (!live) continue;
        if (live.run && !RUN_TERMINAL.has(live.run.status)) count++;
        lost += live.slots.size;
        if (++loaded % this.loadedAtOnce === 0) await new Promise<void>((resolve) => this.clock.soon(resolve));
      }
    } finally {
      this.recovering = false;
    }
    for (const waiting of this.heldBack.splice(0)) this.starts.add(waiting);
    if (this.starts.agents().length > 0) this.arm();
    return { runs: count, lost };
  }

  idle(): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.idlers.push(resolve));
  }
  private isIdle(): boolean {
    return this.performing.count === 0 && this.queue.length === 0 && !this.armed && this.underway.length === 0;
  }

  async close(): Promise<void> {
    this.settle();
    this.stop(
      new BatonError('HOST_CLOSED', 'Baton is shutting down.', { hint: 'Try again: the next owner goes on where this one stopped.' }),
    );
    if (this.performing.count === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.at(this.clock.now() + (this.options.graceMs ?? GRACE_MS), resolve);
      this.idlers.push(() => {
        cancel();
        resolve();
      });
    });
  }

  private stop(error: BatonError): void {
    if (this.stopped) return;
    this.stopped = error;
    for (const asked of this.queue.splice(0)) asked.reject(error);
    this.admitAgain?.();
    this.performing.stop(this.lives.values());
  }

  // ---- one turn ----------------------------------------------------------------------------------------------

  private turn(): void {
    this.armed = false;
    // The end of the first one arms again.
    if (this.stopped || this.underway.length >= UNDERWAY_MAX) return;
    this.busy = true;
    const decided = this.decide();
    if (Array.isArray(decided)) {
      this.commit(decided);
      this.performLoaded();
    }
    this.busy = false;
    this.dealWithEnded();
    if (!Array.isArray(decided)) {
      // The states of this turn may be half changed. As after a failed commit, nothing of it happened.
      this.settle();
      this.abandon([{ group: decided.group, parts: [], failed: true }], decided.error);
    }
    if (this.queue.length > 0) this.arm();
    this.settleIdle();
  }

  /** @returns the group, or our bug */
  private decide(): Answered[] | { readonly group: Answered[]; readonly error: unknown } {
    const now = this.clock.now();
    const group: Answered[] = [];
    const most = this.mayHalve() ? Math.ceil(this.queue.length / 2) : this.queue.length;
    let facts = 0;
    let taken = 0;
    for (const asked of this.queue) {
      if (facts >= TURN_FACTS || taken >= most) break;
      taken++;
      try {
        const reply = this.apply(asked.stream, asked.command, now);
        group.push({ asked, reply });
        if (reply.ok) facts += 4;
        this.work(now);
      } catch (error) {
        this.queue = this.queue.slice(taken);
        asked.reject(error);
        return { group, error };
      }
    }
    this.queue = taken === this.queue.length ? [] : this.queue.slice(taken);
    this.work(now);
    this.fill(now);
    return group;
  }

  /** With half of what waits under way, the other half can be decided meanwhile; all at once would wait for the disk together. */
  private mayHalve(): boolean {
    return this.journal.appendSoon !== undefined && this.underway.length === 0 && this.queue.length >= this.factsBeside;
  }

  /** Decides one command on the live state and folds its facts in, with all that follows from the state alone. */
  private apply(stream: string, command: Command & { readonly ref?: CommandRef }, now: number): Reply {
    const live = this.load(stream) ?? this.open(stream);
    const before = answered(live.run, command.ref);
    if (typeof before === 'number') return { ok: true, seq: before, repeated: true };
    if (before) return { ok: false, refusal: before };
    if (command.type === 'run.create' && this.unfinished >= (this.options.runsMax ?? RUNS_MAX)) return { ok: false, refusal: this.full() };
    const at = Math.max(now, live.run?.at ?? live.grants?.at ?? 0);
    const decided = live.grants ? decideGrant(live.grants, command as GrantCommand) : decide(live.run, command as RunCommand, at);
    if (!Array.isArray(decided)) {
      if (!live.run && !live.grants) this.lives.delete(stream);
      return { ok: false, refusal: decided as Refusal };
    }
    const change: OwedChange = { added: [], removed: [] };
    for (const fact of decided as Fact[]) this.fold(live, fact, at, change, command.ref);
    for (let more = this.follow(live); more.length > 0; more = this.follow(live))
      for (const fact of more) this.fold(live, fact, at, change, undefined);
    this.note(live, change);
    return { ok: true, seq: live.stored + live.fresh.length };
  }

  private full(): Refusal {
    const limit = this.options.runsMax ?? RUNS_MAX;
    return {
      code: 'RUNS_EXCEEDED',
      message: `limit runsMax = ${limit}: ${this.unfinished} runs are unfinished`,
      hint: 'Try again when some have ended.',
      details: { limit, retryAfterMs: 10_000 },
    };
  }

  private fold(live: Live, fact: Fact, at: number, change: OwedChange, command: CommandRef | undefined): void {
    const wasOver = live.run === undefined || RUN_TERMINAL.has(live.run.status);
    if (live.grants) evolveGrant(live.grants, fact as GrantFact, at, change);
    else live.run = evolve(live.run, fact as RunFact, at, change, live.stream, command);
    if (live.fresh.length === 0) this.touched.add(live);
    live.fresh.push(command ? { at, fact, command } : { at, fact });
    if (live.run && RUN_TERMINAL.has(live.run.status) !== wasOver) this.tally(live, wasOver ? 1 : -1);
  }

  private tally(live: Live, unfinished: 1 | -1): void {
    this.unfinished += unfinished;
    if (unfinished > 0) this.ended.delete(live);
    else this.ended.add(live);
  }

  private follow(live: Live): readonly Fact[] {
    if (live.grants) return settleGrants(live.grants, this.journal.epoch);
    return live.run ? settle(live.run) : [];
  }

  /** Takes note of how what a stream owes has changed. */
  private note(live: Live, change: OwedChange): void {
    const { added, removed } = change;
    for (const owed of removed) this.forget(live, owed);
    const gone = removed.length > FEW ? new Set(removed.map(({ id }) => id)) : undefined;
    for (const owed of added) if (!(gone ? gone.has(owed.id) : removed.some(({ id }) => id === owed.id))) this.take(live, owed);
  }

  private forget(live: Live, owed: Owed): void {
    if (live.dispatch.length > 0) live.dispatch = live.dispatch.filter(({ id }) => id !== owed.id);
    if (owed.type === 'attempt' || owed.type === 'stop') {
      const agent = live.slots.get(owed.id);
      if (agent !== undefined) this.free(live, owed.id, agent);
    } else if (Performing.canEnd(owed)) live.over.push(owed);
  }

  protected take(live: Live, owed: Owed): void {
    switch (owed.type) {
      case 'resolve':
      case 'acquire':
      case 'release':
      case 'granted':
        this.agenda.push({ live, owed });
        break;
      case 'start':
        if (this.recovering && !lostNow(live, owed.task)) this.heldBack.push({ run: live.stream, owed });
        else this.starts.add({ run: live.stream, owed });
        break;
      case 'attempt':
        this.hold(live, owed.id, owed.agent);
        live.dispatch.push(owed);
        break;
      case 'stop':
        this.hold(live, owed.id, live.run?.tasks.get(owed.task)?.agent ?? '');
        live.dispatch.push(owed);
        break;
      default:
        live.dispatch.push(owed);
    }
  }

  private hold(live: Live, id: string, agent: string): void {
    live.slots.set(id, agent);
    this.usedAll++;
    this.used.set(agent, (this.used.get(agent) ?? 0) + 1);
  }
  private free(live: Live, id: string, agent: string): void {
    live.slots.delete(id);
    this.usedAll--;
    this.used.set(agent, (this.used.get(agent) ?? 1) - 1);
  }

  /** Carries out what the turn itself can: resolving, and messages between streams. */
  private work(now: number): void {
    // The list grows while it is read: what a step brings about belongs to the same turn.
    for (const { live, owed } of this.agenda) {
      const { run } = live;
      if (owed.type === 'resolve' && run) {
        this.apply(
          live.stream,
          { type: 'task.resolve', task: owed.task, round: owed.round, resolution: this.resolution(run, owed.task) },
          now,
        );
      } else if (owed.type === 'acquire') {
        const { request, scope, claims, key, task } = owed;
        this.apply(GRANTS, { type: 'grant.request', request, run: live.stream, task, scope, claims, key, epoch: this.journal.epoch }, now);
      } else if (owed.type === 'release') {
        this.apply(GRANTS, { type: 'grant.release', request: owed.request }, now);
        this.apply(live.stream, { type: 'grant.returned', task: owed.task }, now);
      } else if (owed.type === 'granted') {
        this.apply(owed.run, { type: 'grant.received', task: owed.task, epoch: owed.epoch }, now);
        this.apply(GRANTS, { type: 'grant.acknowledge', request: owed.request }, now);
      }
    }
    this.agenda = [];
  }

  private resolution(run: RunState, task: string) {
    try {
      return this.options.resolver.resolve(run, task, this.journal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        to: 'fail',
        failure: { class: 'permanent', code: 'RESOLVER_THREW', message, report: this.journal.put(chain(error)) },
      } as const;
    }
  }

  /** Gives free slots to who has waited longest. */
  private fill(now: number): void {
    const slots = this.options.slots ?? SLOTS;
    let refused = false;
    for (const agent of this.starts.agents()) {
      while (this.usedAll < slots) {
        const waiting = this.starts.first(agent);
        if (!waiting) break;
        const { owed, run } = waiting;
        const task = this.lives.get(run)?.run?.tasks.get(owed.task);
        // What was asked for in a commit that failed may have come back under the same id, with another place in the order.
        const owes = (each: Owed) => each.type === 'start' && each.id === owed.id && each.key === owed.key && each.index === owed.index;
        if (!task || !(task.owed.includes(owed) || task.owed.some(owes))) {
          this.starts.take(agent);
          continue;
        }
        if ((this.used.get(agent) ?? 0) >= (this.options.slotsOf?.(agent, task.spec) ?? slots)) break;
        const admitted = this.options.handlers.admit?.(agent, task.spec) ?? true;
        if (admitted === false) {
          refused = true;
          break;
        }
        this.starts.take(agent);
        if (admitted === true) this.apply(run, { type: 'task.start', task: owed.task, attempt: owed.attempt }, now);
        else this.apply(run, { type: 'task.block', task: owed.task, reason: admitted }, now);
        this.work(now);
      }
    }
    if (refused && !this.admitAgain)
      this.admitAgain = this.clock.at(now + ADMIT_AGAIN_MS, () => {
        this.admitAgain = undefined;
        this.arm();
      });
  }

  // ---- the commit --------------------------------------------------------------------------------------------

  private commit(group: Answered[]): void {
    if (this.touched.size === 0) {
      // What was answered may rest on what is under way.
      const last = this.underway.at(-1);
      if (last) last.group.push(...group);
      else for (const { asked, reply } of group) asked.resolve(reply);
      return;
    }
    const parts: Part[] = [];
    const snapshots: Snapshot[] = [];
    let facts = 0;
    for (const live of this.touched) {
      parts.push({ live, after: live.stored, facts: live.fresh, dispatch: live.dispatch, over: live.over });
      facts += live.fresh.length;
      live.stored += live.fresh.length;
      [live.fresh, live.dispatch, live.over] = [[], [], []];
      live.underway++;
      if (!live.run || live.stored - live.saved < Math.max(SNAPSHOT_EVERY, SNAPSHOT_EVERY_OF_TASK * live.run.tasks.size)) continue;
      snapshots.push({ stream: live.stream, seq: live.stored, ...save(live.run) });
      live.saved = live.stored;
    }
    this.touched.clear();
    const commit: Commit = { group, parts, failed: false };
    this.underway.push(commit);
    const appends = parts.map(({ live, after, facts }): Append => ({ stream: live.stream, after, facts }));
    const done = (error?: unknown) => {
      this.results.push({ commit, error });
      if (!this.busy) this.dealWithEnded();
    };
    const beside = this.underway.length > 1 || facts >= this.factsBeside;
    if (beside && this.journal.appendSoon?.(appends, snapshots, done)) return;
    try {
      this.store(appends, snapshots);
      done();
    } catch (error) {
      done(error);
    }
  }

  protected store(appends: readonly Append[], snapshots: readonly Snapshot[]): void {
    this.journal.append(appends, snapshots);
  }

  /** One after another: what a commit lets begin may well look at the journal, and so hear of the end of the next. */
  private dealWithEnded(): void {
    if (this.results.length === 0) return;
    this.busy = true;
    for (let next = this.results.shift(); next; next = this.results.shift()) {
      const { commit, error } = next;
      if (commit.failed) continue;
      if (error === undefined) this.committed(commit);
      else this.abandon(this.underway.splice(0), error);
    }
    this.busy = false;
    if (this.queue.length > 0) this.arm();
    this.settleIdle();
  }

  private committed(commit: Commit): void {
    this.underway.shift();
    for (const { live } of commit.parts) live.underway--;
    for (const { asked, reply } of commit.group) asked.resolve(reply);
    if (this.factListeners.size > 0) this.tell(commit);
    if (this.stopped) return;
    for (const { live, dispatch, over } of commit.parts) {
      for (const owed of over) this.performing.end(live, owed);
      for (const owed of dispatch) this.performing.dispatch(live, owed);
      if (live.run && RUN_TERMINAL.has(live.run.status)) this.evict('');
    }
  }

  /** Commits failed, or a turn did: nothing of them happened. */
  private abandon(commits: readonly Commit[], cause: unknown): void {
    const error =
      cause instanceof BatonError ? cause : new BatonError('JOURNAL_IO', 'The journal could not store the facts of this turn.', { cause });
    const ahead = new Set(this.touched);
    for (const commit of commits) {
      commit.failed = true;
      for (const { live } of commit.parts) ahead.add(live);
    }
    this.touched.clear();
    this.agenda = [];
    for (const live of ahead) this.drop(live);
    const group = commits.flatMap((commit) => commit.group);
    if (error.code === 'STALE_WRITER' || error.code === 'JOURNAL_CORRUPT') {
      for (const { asked } of group) asked.reject(error);
      this.stop(error);
      this.options.onFatal?.(error);
      return;
    }
    this.options.onProblem?.(error);
    const again: Asked[] = [];
    for (const { asked } of group)
      if (asked.again) again.push(asked);
      else asked.reject(error);
    this.clock.at(this.clock.now() + AGAIN_MS, () => {
      if (this.stopped) return;
      this.queue.unshift(...again);
      this.arm();
    });
  }

  /** Forgets a state that is ahead of the journal; its performers go on, and find it again. */
  private drop(live: Live): void {
    if (live.run && !RUN_TERMINAL.has(live.run.status)) this.unfinished--;
    this.ended.delete(live);
    for (const [id, agent] of live.slots) this.free(live, id, agent);
    for (const cancel of live.timers.values()) cancel();
    this.lives.delete(live.stream);
    this.touchedLater.delete(live);
    this.load(live.stream, live);
  }

  private open(stream: string): Live {
    const live = newLive(stream);
    this.lives.set(stream, live);
    return live;
  }

  /**
   * The live state of a stream, folded from its facts when it is not in memory; undefined when there is no such stream.
   * An attempt that runs according to the facts, but was not begun by this host, is lost: it is never dispatched again.
   * @param dropped the state that was just dropped, when this host itself performs for the stream
   */
  private load(stream: string, dropped?: Live): Live | undefined {
    const known = this.lives.get(stream);
    if (known) return known;
    const folded = stream === GRANTS ? undefined : foldRun(this.journal, stream);
    const grants = stream === GRANTS ? foldGrants(this.journal) : undefined;
    if (!folded && !grants) return undefined;
    const run = folded?.state;
    const live = this.open(stream);
    live.run = run;
    live.grants = grants;
    live.stored = run?.seq ?? grants?.seq ?? 0;
    live.saved = folded?.savedSeq ?? 0;
    if (run && RUN_TERMINAL.has(run.status)) this.ended.add(live);
    else if (run) this.unfinished++;
    const owed = run ? owedBy(run) : [...(grants?.requests.values() ?? [])].flatMap((request) => request.owed);
    for (const each of owed) {
      this.take(live, each);
      if (each.type !== 'attempt' && each.type !== 'stop') continue;
      if (dropped && each.type === 'stop') continue;
      live.dispatch = live.dispatch.filter(({ id }) => id !== each.id);
      if (!dropped) this.lose(live, each);
    }
    for (const [id, performer] of dropped?.performers ?? []) live.performers.set(id, performer);
    for (const [id, work] of dropped?.work ?? []) live.work.set(id, work);
    if (live.dispatch.length > 0 || this.agenda.length > 0) this.touchedLater.add(live);
    if (owed.length > 0) this.arm();
    else this.evict(stream);
    return live;
  }
  /** Tells the stream that nobody performs this attempt any more. */
  protected lose(live: Live, { task, attempt }: OwedOf<'attempt' | 'stop'>): void {
    this.tellRun(live.stream, { type: 'attempt.lose', task, attempt });
  }

  /** Streams loaded since the last turn whose owed work is to be dispatched though no new fact names them. */
  private readonly touchedLater = new Set<Live>();

  /** Keeps a few ended runs for readers and lets the oldest go. */
  private evict(keep: string): void {
    if (this.ended.size < ENDED_KEPT * 2) return;
    for (const live of this.ended) {
      if (this.ended.size <= ENDED_KEPT) return;
      if (live.stream === keep || !this.quiet(live)) continue;
      this.ended.delete(live);
      this.lives.delete(live.stream);
    }
  }
  private quiet(live: Live): boolean {
    return (
      live.performers.size === 0 &&
      live.underway === 0 &&
      live.fresh.length === 0 &&
      live.dispatch.length === 0 &&
      live.run !== undefined &&
      owedBy(live.run).length === 0
    );
  }

  private tell({ parts }: Commit): void {
    const { epoch } = this.journal;
    const count = parts.reduce((sum, { facts }) => sum + facts.length, 0);
    let position = this.journal.position() - count;
    const followed: Followed[] = [];
    for (const { live, after, facts } of parts)
      for (const [i, { at, fact, command }] of facts.entries()) {
        const stored = { stream: live.stream, seq: after + i + 1, at, epoch, fact, ...(command ? { command } : {}) };
        followed.push({ position: ++position, stored });
      }
    for (const listener of this.factListeners) listener(followed);
  }

  // ---- performing --------------------------------------------------------------------------------------------

  /** Begins what loaded streams owe, whose facts are durable already. */
  private performLoaded(): void {
    for (const live of this.touchedLater) {
      const { dispatch } = live;
      live.dispatch = [];
      for (const owed of dispatch) this.performing.dispatch(live, owed);
    }
    this.touchedLater.clear();
  }

  /** Offers a result until the journal takes it. Nobody waits for the answer, so there is no promise of it. */
  private tellRun(stream: string, command: HostCommand): void {
    if (this.stopped) return;
    this.queue.push({ stream, command, resolve: ignore, reject: ignore, again: true });
    this.arm();
  }

  private settleIdle(): void {
    if (!this.isIdle() && !(this.stopped && this.performing.count === 0)) return;
    for (const idler of this.idlers.splice(0)) idler();
  }
}

const ignore = (): void => {};

/** The attempt of this task that was lost with the owner before has just been told so. */
const lostNow = (live: Live, task: string): boolean => live.fresh.some(({ fact }) => fact.type === 'attempt.lost' && fact.task === task);
