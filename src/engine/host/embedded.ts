/**
 * The embedded host: one process, one journal, all streams.
 *
 * Commands that arrive during one turn of the event loop are decided together, their facts are appended in one
 * transaction, and only then is anything answered, dispatched or shown. What a turn brings about by itself belongs to
 * the same commit: expressions are resolved, claims asked for and given, free slots taken. So the end of a step and the
 * start of the next are one commit, and a chain costs one commit a step.
 *
 * If the commit fails, every state of the group is dropped and loaded again; nothing of it was visible. Results of
 * performers are then offered again, so that what was done is not lost; people get the error.
 */
import { BatonError } from '../../errors.ts';
import { foldRun } from '../journal/fold.ts';
import type { Append, Journal, Snapshot } from '../journal/journal.ts';
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
import { chain, type Performer } from './performer.ts';
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
      state: (run) => this.state(run),
      ask: (stream, command) => this.ask(stream, command, true),
      tell: (stream, command) => this.tellRun(stream, command),
      log: (chunk) => {
        for (const listener of this.logListeners) listener(chunk);
      },
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

  state(run: string): RunState | undefined {
    return this.load(run)?.run;
  }

  /** The same for a run that need not be loaded first. */
  stateInMemory(run: string): RunState | undefined {
    return this.lives.get(run)?.run;
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
    return this.performing.count === 0 && this.queue.length === 0 && !this.armed;
  }

  async close(): Promise<void> {
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
    if (this.stopped) return;
    const now = this.clock.now();
    const group: { asked: Asked; reply: Reply }[] = [];
    let facts = 0;
    let taken = 0;
    for (const asked of this.queue) {
      if (facts >= TURN_FACTS) break;
      taken++;
      try {
        const reply = this.apply(asked.stream, asked.command, now);
        group.push({ asked, reply });
        if (reply.ok) facts += 4;
        this.work(now);
      } catch (error) {
        // Our bug: the states of this turn may be half changed. As after a failed commit, nothing of it happened.
        this.queue = this.queue.slice(taken);
        asked.reject(error);
        this.abandon(group, error);
        return;
      }
    }
    this.queue = taken === this.queue.length ? [] : this.queue.slice(taken);
    this.work(now);
    this.fill(now);
    const followed = this.commit(group);
    if (followed) {
      for (const { asked, reply } of group) asked.resolve(reply);
      this.tell(followed);
      this.perform();
    }
    if (this.queue.length > 0) this.arm();
    this.settleIdle();
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
    switch (owed.type) {
      case 'attempt':
      case 'stop': {
        const agent = live.slots.get(owed.id);
        if (agent !== undefined) this.free(live, owed.id, agent);
        break;
      }
      case 'timer':
        live.timers.get(owed.id)?.();
        live.timers.delete(owed.id);
        break;
      // An attempt that is over has reported already, or is being stopped; gates and probes nobody waits for end now.
      case 'gate':
      case 'probe':
        live.performers.get(owed.id)?.end(new BatonError('CANCELLED', 'Nobody waits for this any more.'));
        break;
      case 'integrate':
      case 'snapshot':
      case 'restore':
        live.work.get(owed.id)?.abort(new BatonError('CANCELLED', 'Nobody waits for this any more.'));
        break;
      default:
    }
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

  private commit(group: readonly { asked: Asked; reply: Reply }[]): Followed[] | undefined {
    if (this.touched.size === 0) return [];
    const appends: Append[] = [];
    const snapshots: Snapshot[] = [];
    for (const live of this.touched) {
      appends.push({ stream: live.stream, after: live.stored, facts: live.fresh });
      const seq = live.stored + live.fresh.length;
      if (live.run && seq - live.saved >= Math.max(SNAPSHOT_EVERY, SNAPSHOT_EVERY_OF_TASK * live.run.tasks.size))
        snapshots.push({ stream: live.stream, seq, ...save(live.run) });
    }
    const { epoch } = this.journal;
    const position = this.factListeners.size > 0 ? this.journal.position() : 0;
    try {
      this.store(appends, snapshots);
    } catch (error) {
      this.abandon(group, error);
      return undefined;
    }
    const followed: Followed[] = [];
    for (const { stream } of snapshots) {
      const live = this.lives.get(stream);
      if (live) live.saved = live.stored + live.fresh.length;
    }
    for (const live of this.touched) {
      if (this.factListeners.size > 0)
        for (const [i, { at, fact, command }] of live.fresh.entries()) {
          const stored = { stream: live.stream, seq: live.stored + i + 1, at, epoch, fact, ...(command ? { command } : {}) };
          followed.push({ position: position + followed.length + 1, stored });
        }
      live.stored += live.fresh.length;
      live.fresh = [];
    }
    return followed;
  }

  protected store(appends: readonly Append[], snapshots: readonly Snapshot[]): void {
    this.journal.append(appends, snapshots);
  }

  /** A commit failed: nothing of the group happened. */
  private abandon(group: readonly { asked: Asked; reply: Reply }[], cause: unknown): void {
    const error =
      cause instanceof BatonError ? cause : new BatonError('JOURNAL_IO', 'The journal could not store the facts of this turn.', { cause });
    for (const live of this.touched) this.drop(live);
    this.touched.clear();
    this.agenda = [];
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
    this.load(live.stream, live.performers);
  }

  private open(stream: string): Live {
    const live = newLive(stream);
    this.lives.set(stream, live);
    return live;
  }

  /**
   * The live state of a stream, folded from its facts when it is not in memory; undefined when there is no such stream.
   * An attempt that runs according to the facts, but was not begun by this host, is lost: it is never dispatched again.
   * @param performers of the state that was just dropped, when this host itself performs for the stream
   */
  private load(stream: string, performers?: ReadonlyMap<string, Performer>): Live | undefined {
    const known = this.lives.get(stream);
    if (known) return known;
    const folded = stream === GRANTS ? undefined : foldRun(this.journal, stream);
    const grants = stream === GRANTS ? this.foldGrants() : undefined;
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
      if (performers && each.type === 'stop') continue;
      live.dispatch = live.dispatch.filter(({ id }) => id !== each.id);
      if (!performers) this.lose(live, each);
    }
    for (const [id, performer] of performers ?? []) live.performers.set(id, performer);
    if (live.dispatch.length > 0 || this.agenda.length > 0) this.touchedLater.add(live);
    if (owed.length > 0) this.arm();
    else this.evict(stream);
    return live;
  }
  /** Tells the stream that nobody performs this attempt any more. */
  protected lose(live: Live, { task, attempt }: OwedOf<'attempt' | 'stop'>): void {
    this.tellRun(live.stream, { type: 'attempt.lose', task, attempt });
  }

  private foldGrants(): GrantState {
    const grants = newGrants();
    const ignored: OwedChange = { added: [], removed: [] };
    for (const { fact, at } of this.journal.read(GRANTS)) evolveGrant(grants, fact as GrantFact, at, ignored);
    return grants;
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
      live.fresh.length === 0 &&
      live.dispatch.length === 0 &&
      live.run !== undefined &&
      owedBy(live.run).length === 0
    );
  }

  private tell(followed: readonly Followed[]): void {
    if (followed.length > 0) for (const listener of this.factListeners) listener(followed);
  }

  // ---- performing --------------------------------------------------------------------------------------------

  private perform(): void {
    for (const set of [this.touched, this.touchedLater]) {
      for (const live of set) {
        const { dispatch } = live;
        live.dispatch = [];
        for (const owed of dispatch) this.performing.dispatch(live, owed);
        if (live.run && RUN_TERMINAL.has(live.run.status)) this.evict('');
      }
      set.clear();
    }
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
