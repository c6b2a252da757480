/**
 * The host carries out what a stream's state owes: load → decide → append → perform. It knows only the `Handlers`,
 * so the whole engine runs in a simulator without a model, a network or git. Two hosts are foreseen behind this port;
 * nothing outside `host/` knows which one runs.
 */
import type {
  AskedCommand,
  GrantCommand,
  HostCommand,
  Integration,
  Outcome,
  Promotion,
  Refusal,
  Resolution,
  Restored,
} from '../kernel/commands.ts';
import type { CheckpointReason, CommandRef, Stored } from '../kernel/facts.ts';
import type { OwedOf } from '../kernel/owed.ts';
import type { Amounts, CallRule, Commit, Failure, Hash, TaskSpec, Usage } from '../kernel/plan.ts';
import type { RunState } from '../kernel/state.ts';

/** Payloads, as handlers and resolvers see them. */
export interface Blobs {
  put(payload: Uint8Array | string): Hash;
  get(hash: Hash): Uint8Array | undefined;
}

/**
 * Pure and quick: called in the turn, from state and blobs, without waiting. Must not throw for bad input: a failure
 * is a resolution too. What it throws is our bug and fails the task as `permanent`.
 */
export interface Resolver {
  resolve(state: RunState, task: string, blobs: Blobs): Resolution;
}

/** What became of a call that a person was asked about. */
export interface Answer {
  readonly allowed: boolean;
  /** Who refused it: a person, or `timeout`. */
  readonly by?: string;
}

/** What a performer of an attempt gets. */
export interface AttemptContext {
  readonly run: string;
  readonly spec: TaskSpec;
  readonly attempt: number;
  /** `run/task/attempt`: de-duplicates the consumption of a result. */
  readonly attemptKey: string;
  /** `run/task/run`: the same for every attempt; what the outside world sees. */
  readonly effectKey: string;
  /** The resolved definition. */
  readonly inputs: Hash;
  /** Aborted on cancel, time limit and shutdown. `signal.reason` is a BatonError with code CANCELLED, TIMEOUT or SHUTDOWN. */
  readonly signal: AbortSignal;
  readonly blobs: Blobs;
  /** Outputs of steps that earlier attempts of this task recorded, by step key: start after the last of them. */
  readonly recorded: ReadonlyMap<string, Hash>;
  /** What its agent is to be told of the work before (blob hashes), oldest first, and how many of these one has acknowledged. */
  readonly feedback: readonly Hash[];
  readonly acknowledged: number;
  /** Of a task that works in a tree: what this attempt starts from. */
  readonly base?: Commit;
  /** State of the run as it stands now; read only, never kept. */
  state(): RunState;
  /** The agent has shown that it goes to work with the feedback. May be repeated. @throws BatonError when the attempt is over */
  acknowledge(): Promise<void>;
  /**
   * Has a person decide about something it wants to do now, and waits for that. `about` is what is shown, and what the
   * decision is bound to. After the time of the rule the answer is no, by `timeout`.
   * @throws BatonError when the attempt is over first; after an abort, its reason
   */
  ask(about: Hash, rule: CallRule): Promise<Answer>;
  /**
   * Puts a checkpoint of the workspace on record, with the share of its quota where people should know.
   * @throws BatonError when the attempt is over
   */
  checkpoint(commit: Commit, why: CheckpointReason, files: number, quotaShare?: number): Promise<void>;
  /**
   * One recorded activity. Reserves `amounts` durably, performs, records what came back, and returns it; an already
   * recorded step returns its stored output without performing. `perform` may throw; nothing is then recorded, and the
   * reservation stays until the attempt ends or the same key is tried again.
   * @throws BatonError `BUDGET_EXCEEDED` before performing.
   */
  step(
    key: string,
    amounts: Amounts,
    perform: () => Promise<{ readonly output: Uint8Array | string; readonly usage?: Usage }>,
  ): Promise<Uint8Array>;
  /** A line or chunk of live output: shown to followers and kept in the attempt's log file; never in the journal. */
  log(chunk: string, kind?: 'stdout' | 'stderr' | 'text' | 'note'): void;
  /** Called with messages people sent to this task; return true to acknowledge. Unset: messages are refused and returned. */
  onMessage(handler: (text: string) => boolean | Promise<boolean>): void;
}

/** The machine was in the way: no verdict, and a person is asked. */
export interface Stalled {
  readonly stalled: Failure;
}
export interface Verdict {
  readonly verdict: 'pass' | 'fail' | 'error';
  readonly evidence: Hash;
  readonly score?: number;
  /** Hash of all that the gate was given, where another that is given the same may rest on this. */
  readonly given?: Hash;
  /** Evidence of an earlier green verdict that was given the same. If it stands no more, the gate is asked again. */
  readonly reuses?: Hash;
}

/** One function per kind of owed work that the outside world does. All may be repeated after a crash. */
export interface Handlers {
  /** Must not throw for failures of the world: those are outcomes. A throw is classified `permanent` with its stack. */
  attempt(owed: OwedOf<'attempt'>, context: AttemptContext): Promise<Outcome>;
  gate(
    owed: OwedOf<'gate'>,
    context: Pick<AttemptContext, 'run' | 'spec' | 'inputs' | 'signal' | 'blobs' | 'state'>,
  ): Promise<Verdict | Stalled>;
  probe(
    owed: OwedOf<'probe'>,
    context: Pick<AttemptContext, 'run' | 'spec' | 'inputs' | 'signal' | 'blobs' | 'state' | 'effectKey'>,
  ): Promise<{ readonly verdict: 'happened' | 'absent' | 'unknown'; readonly result?: Hash }>;
  /** Best effort, may be repeated. */
  notify(owed: OwedOf<'notify'>, run: string): Promise<void>;
  /** Without them a run over a repository fails when it looks for its tree. */
  readonly trees?: TreeHandlers;
  /** May an attempt by this agent start now? `false` leaves it waiting (breaker open), a text blocks the task. Asked in the turn; must not wait. */
  admit?(agent: string, spec: TaskSpec): true | false | string;
}

export interface TreeContext {
  readonly run: string;
  readonly signal: AbortSignal;
  readonly blobs: Blobs;
  state(): RunState;
}

/** What runs over a repository owe. All may be repeated after a crash; what they throw is reported as a failure of the machine. */
export interface TreeHandlers {
  snapshot(owed: OwedOf<'snapshot'>, context: TreeContext): Promise<Commit>;
  integrate(owed: OwedOf<'integrate'>, context: TreeContext): Promise<Integration>;
  restore(owed: OwedOf<'restore'>, context: TreeContext): Promise<Restored>;
  /** Never aborted: past its commit point a promotion finishes. */
  promote(owed: OwedOf<'promote'>, context: TreeContext): Promise<Promotion>;
}

export type Reply =
  | { readonly ok: true; readonly seq: number; readonly repeated?: boolean }
  | { readonly ok: false; readonly refusal: Refusal };

/** A fact as followers see it, after it is durable. */
export interface Followed {
  readonly position: number;
  readonly stored: Stored;
}
/** Live output of an attempt; not durable, not replayed. */
export interface LogChunk {
  readonly run: string;
  readonly task: string;
  readonly attempt: number;
  readonly kind: 'stdout' | 'stderr' | 'text' | 'note';
  readonly text: string;
}

export interface Host {
  /** Decides a command and answers once its facts are durable. @throws BatonError of the journal when they could not be stored. */
  submit(stream: string, command: (AskedCommand & { readonly ref?: CommandRef }) | HostCommand | GrantCommand): Promise<Reply>;
  /** A run's state as of the last durable fact, or undefined; read only. */
  state(run: string): RunState | undefined;
  /** Calls `listener` after each commit, with its facts in order; returns the function that ends it. */
  onFacts(listener: (facts: readonly Followed[]) => void): () => void;
  onLog(listener: (chunk: LogChunk) => void): () => void;
  /**
   * Loads every unfinished run and goes on with it; called once, by the owner, before anything else.
   * @param runs the unfinished ones, where the caller knows them; otherwise every stream is looked at
   */
  recover(runs?: Iterable<string>): Promise<{ readonly runs: number; readonly lost: number }>;
  /** Resolves when nothing is being performed and nothing but people, timers or slots is waited for. */
  idle(): Promise<void>;
  /** Stops taking commands, ends performers (their attempts are lost, as in a crash), and resolves when they are gone. */
  close(): Promise<void>;
}
