/**
 * Whoever performs one owed item: an attempt, a gate, a probe. It lives in this process only; when the process dies the
 * state still owes the item, and the next owner sees to it. A performer that was told to end and does not, is given up
 * after its grace period: its result, if one ever comes, is late.
 */
import { BatonError } from '../../errors.ts';
import { callId } from '../kernel/approval.ts';
import type { HostCommand, Outcome } from '../kernel/commands.ts';
import type { CheckpointReason } from '../kernel/facts.ts';
import type { OwedOf } from '../kernel/owed.ts';
import type { Amounts, CallRule, Commit, Failure, Hash, TaskSpec, Usage } from '../kernel/plan.ts';
import type { RunState } from '../kernel/state.ts';
import { taskOf } from '../kernel/task.ts';
import type { Answer, AttemptContext, Blobs, Followed, LogChunk, Reply } from './host.ts';

/** What a performer may ask of its host. */
export interface Floor {
  readonly blobs: Blobs;
  state(run: string): RunState | undefined;
  submit(run: string, command: HostCommand): Promise<Reply>;
  onFacts(listener: (facts: readonly Followed[]) => void): () => void;
  log(chunk: LogChunk): void;
}

export class Performer implements AttemptContext {
  readonly run: string;
  readonly spec: TaskSpec;
  readonly attempt: number;
  readonly inputs: Hash;
  readonly recorded: ReadonlyMap<string, Hash>;
  readonly feedback: readonly Hash[];
  readonly acknowledged: number;
  readonly base?: Commit;
  /** Set once nobody waits for it any more. */
  over = false;
  private readonly floor: Floor;
  private asked = 0;
  private readonly waiting = new Set<(reason: unknown) => void>();
  private abort: AbortController | undefined;
  private listener: ((text: string) => boolean | Promise<boolean>) | undefined;
  private listening: (() => void) | undefined;

  constructor(floor: Floor, state: RunState, task: string, attempt: number) {
    const record = taskOf(state, task);
    this.floor = floor;
    this.run = state.id;
    this.spec = record.spec;
    this.attempt = attempt;
    this.inputs = record.inputs ?? record.spec.work;
    if (record.base !== undefined) this.base = record.base;
    const steps = Object.entries(record.steps);
    this.recorded = steps.length === 0 ? NO_STEPS : new Map(steps);
    this.acknowledged = record.acknowledged ?? 0;
    this.feedback = record.feedback.length === 0 ? NO_FEEDBACK : [...record.feedback];
  }

  get attemptKey(): string {
    return `${this.run}/${this.spec.id}/${this.attempt}`;
  }
  get effectKey(): string {
    return `${this.run}/${this.spec.id}/run`;
  }
  get blobs(): Blobs {
    return this.floor.blobs;
  }
  /** Made when first looked at: most functions never do. */
  get signal(): AbortSignal {
    this.abort ??= new AbortController();
    return this.abort.signal;
  }

  end(reason: BatonError): void {
    this.abort ??= new AbortController();
    this.abort.abort(reason);
    this.waitNoMore(reason);
  }
  /** Nobody will answer what it still asks. */
  waitNoMore(reason: BatonError): void {
    for (const reject of this.waiting) reject(reason);
  }
  get endedBy(): string | undefined {
    const reason: unknown = this.abort?.signal.reason;
    return reason instanceof BatonError ? reason.code : undefined;
  }

  state(): RunState {
    const state = this.floor.state(this.run);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `run ${this.run} is gone`);
    return state;
  }

  async step(
    key: string,
    amounts: Amounts,
    perform: () => Promise<{ readonly output: Uint8Array | string; readonly usage?: Usage }>,
  ): Promise<Uint8Array> {
    const { id } = this.spec;
    const before = taskOf(this.state(), id).steps[key];
    if (before !== undefined) return this.payload(before);
    if (Object.keys(amounts).length > 0) await this.reserve(key, amounts);
    const { output, usage } = await perform();
    const hash = this.blobs.put(output);
    const reply = await this.floor.submit(this.run, {
      type: 'step.record',
      task: id,
      attempt: this.attempt,
      step: key,
      output: hash,
      ...(usage ? { usage } : {}),
    });
    if (!reply.ok) throw new BatonError(reply.refusal.code, reply.refusal.message);
    return typeof output === 'string' ? Buffer.from(output) : output;
  }

  private async reserve(key: string, amounts: Amounts): Promise<void> {
    const { id } = this.spec;
    const reply = await this.floor.submit(this.run, { type: 'step.reserve', task: id, attempt: this.attempt, step: key, amounts });
    if (!reply.ok)
      throw new BatonError(reply.refusal.code, reply.refusal.message, reply.refusal.hint === undefined ? {} : { hint: reply.refusal.hint });
    if (taskOf(this.state(), id).reserved[key] === undefined)
      throw new BatonError('BUDGET_EXCEEDED', `The budget of run ${this.run} or task "${id}" does not allow step "${key}".`, {
        hint: 'Resume the run with a larger limit.',
      });
  }

  private payload(hash: Hash): Uint8Array {
    const payload = this.blobs.get(hash);
    if (!payload) throw new BatonError('PAYLOAD_MISSING', `The stored output ${hash.slice(0, 12)} of a step was removed.`);
    return payload;
  }

  async acknowledge(): Promise<void> {
    const count = this.feedback.length;
    if (count === 0) return;
    const reply = await this.floor.submit(this.run, { type: 'feedback.acknowledge', task: this.spec.id, attempt: this.attempt, count });
    if (!reply.ok) throw new BatonError(reply.refusal.code, reply.refusal.message);
  }

  async ask(binds: Hash, rule: CallRule): Promise<Answer> {
    const call = ++this.asked;
    const id = callId(this.spec.id, this.attempt, call);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    // Before it is asked: the answer may come with the very next commit.
    const stop = this.floor.onFacts((facts) => {
      for (const { stored } of facts) {
        if (stored.stream !== this.run || !('approval' in stored.fact) || stored.fact.approval !== id) continue;
        if (stored.fact.type === 'approval.granted') resolve({ allowed: true });
        if (stored.fact.type === 'approval.denied') resolve({ allowed: false, by: stored.fact.by });
      }
    });
    // The attempt may be over before anybody waits for it.
    promise.catch(() => {});
    this.waiting.add(reject);
    try {
      if (this.abort?.signal.aborted) throw this.abort.signal.reason;
      const reply = await this.floor.submit(this.run, { type: 'call.ask', task: this.spec.id, attempt: this.attempt, call, binds, rule });
      if (!reply.ok) throw new BatonError(reply.refusal.code, reply.refusal.message);
      return await promise;
    } finally {
      stop();
      this.waiting.delete(reject);
    }
  }

  async checkpoint(commit: Commit, why: CheckpointReason, files: number, quotaShare?: number): Promise<void> {
    const share = quotaShare === undefined ? {} : { quotaShare };
    const about = { task: this.spec.id, attempt: this.attempt, checkpoint: commit, why, files, ...share };
    const reply = await this.floor.submit(this.run, { type: 'checkpoint.take', ...about });
    if (!reply.ok) throw new BatonError(reply.refusal.code, reply.refusal.message);
  }

  log(text: string, kind: LogChunk['kind'] = 'text'): void {
    this.floor.log({ run: this.run, task: this.spec.id, attempt: this.attempt, kind, text });
  }

  onMessage(handler: (text: string) => boolean | Promise<boolean>): void {
    this.listener = handler;
    this.listening?.();
  }

  /** Hands over one message; false when it was not acknowledged, or nobody listened until `patience` was over. */
  async deliver(text: string, patience: Promise<void>): Promise<boolean> {
    if (!this.listener) await Promise.race([patience, new Promise<void>((resolve) => (this.listening = resolve))]);
    if (!this.listener || this.over) return false;
    return (await Promise.race([Promise.resolve(this.listener(text)).catch(() => false), patience.then(() => false)])) === true;
  }
}
const NO_STEPS: ReadonlyMap<string, Hash> = new Map();
const NO_FEEDBACK: readonly Hash[] = [];

/** The outcome of an attempt whose handler threw: our bug, or the adapter's, with its whole cause chain. */
export function thrown(error: unknown, blobs: Blobs): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof BatonError ? error.code : 'ADAPTER_THREW';
  const failure: Failure = {
    class: error instanceof BatonError && error.code === 'BUDGET_EXCEEDED' ? 'budget' : 'permanent',
    code,
    message,
    report: blobs.put(chain(error)),
  };
  return { ok: false, failure };
}

/** Stacks of an error and all its causes, the outermost first. */
export function chain(error: unknown): string {
  const parts: string[] = [];
  for (let each: unknown = error, depth = 0; each !== undefined && depth < 10; depth++) {
    parts.push(each instanceof Error ? (each.stack ?? each.message) : String(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return parts.join('\ncaused by: ');
}

/** What an ended attempt reports when its performer was told to end. */
export function normalise(outcome: Outcome, endedBy: string | undefined, owed: OwedOf<'attempt'>): Outcome {
  if (outcome.ok || endedBy === undefined) return outcome;
  if (endedBy === 'TIMEOUT' && outcome.failure.class !== 'timeout')
    return {
      ...outcome,
      failure: {
        ...outcome.failure,
        class: 'timeout',
        code: 'TIMEOUT',
        message: `Attempt ${owed.attempt} of "${owed.task}" ran into its time limit.`,
      },
    };
  if (endedBy === 'CANCELLED' && outcome.failure.class !== 'cancelled')
    return { ...outcome, failure: { ...outcome.failure, class: 'cancelled' } };
  return outcome;
}
