/** One run, as the library shows it. */
import type { OpenHome } from './compose/engine.ts';
import type { AskedCommand } from './engine/kernel/commands.ts';
import type { CommandRef, Stored } from './engine/kernel/facts.ts';
import type { Limits, Principal } from './engine/kernel/plan.ts';
import { latestOf, RUN_TERMINAL, type RunState } from './engine/kernel/state.ts';
import { BatonError } from './errors.ts';
import type { HandoffContent } from './work/planning/definition.ts';
import type { PlanChange } from './work/workflow/change-schema.ts';

export type { BatonFunction, FunctionCall } from './work/perform/function-task.ts';

/** Thrown by `finished` and `result` when a run did not succeed. */
export class RunFailed extends BatonError {}

export class Run {
  readonly id: string;
  private readonly opened: OpenHome;
  private readonly by: Principal;

  constructor(opened: OpenHome, id: string, by: Principal) {
    this.opened = opened;
    this.id = id;
    this.by = by;
  }

  /** As of the last durable fact. Read only. @throws BatonError `RUN_NOT_FOUND` */
  get state(): RunState {
    const state = this.opened.host.state(this.id);
    if (!state) throw new BatonError('RUN_NOT_FOUND', `There is no run ${this.id}.`, { where: this.id });
    return state;
  }

  /** Facts after `after`, stored ones first and then as they happen, until the run is over. */
  async *follow(after = 0): AsyncGenerator<Stored> {
    const waiting: Stored[] = [];
    let wake: (() => void) | undefined;
    const stop = this.opened.watch.on(this.id, (stored) => {
      waiting.push(stored);
      wake?.();
    });
    let seq = after;
    try {
      for (const stored of this.opened.owner.journal.read(this.id, after)) {
        seq = stored.seq;
        yield stored;
      }
      for (;;) {
        for (let stored = waiting.shift(); stored; stored = waiting.shift()) {
          if (stored.seq <= seq) continue;
          seq = stored.seq;
          yield stored;
        }
        if (seq >= this.state.seq && RUN_TERMINAL.has(this.state.status)) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (waiting.length > 0) resolve();
        });
      }
    } finally {
      stop();
    }
  }

  /** Resolves when the run succeeded. @throws RunFailed naming the tasks that failed, or that it was cancelled */
  async finished(): Promise<RunState> {
    const state = await this.ended();
    if (state.status === 'succeeded') return state;
    const failed = [...state.tasks.values()].filter((task) => task.failure && task.status === 'failed');
    const why = failed.map((task) => `"${task.spec.id}": ${task.failure?.code} ${task.failure?.message}`).join('; ');
    throw new RunFailed(
      state.status === 'cancelled' ? 'RUN_CANCELLED' : 'RUN_FAILED',
      `Run ${this.id} was ${state.status}${why === '' ? '' : `: ${why}`}`,
      {
        where: this.id,
      },
    );
  }

  /**
   * Changes the plan while it is carried out, all of it or nothing; where settings ask for an approval of that, once it is given.
   * @throws BatonError `CHANGE_INVALID`, `TASK_NOT_FOUND`, `WORKFLOW_INVALID` for the plan as it would be, or the refusal of the
   *   kernel (`PLAN_INVALID` for a task that has begun, `PLAN_STALE`, `TASKS_EXCEEDED`)
   */
  async change(change: PlanChange): Promise<void> {
    const { state } = this;
    const base = state.version;
    await this.command({ ...(await this.opened.services.workflows.change(state, change)), by: this.by, base });
  }

  /** The state at the end. Taken when the fact comes: a host lets ended runs go, and folding one again costs all its facts. */
  private ended(): Promise<RunState> {
    const { state } = this;
    if (RUN_TERMINAL.has(state.status)) return Promise.resolve(state);
    return new Promise((resolve) => {
      const stop = this.opened.watch.on(this.id, ({ fact }) => {
        if (fact.type !== 'run.ended') return;
        stop();
        resolve(this.state);
      });
    });
  }

  /** What a task handed over, once the run succeeded. @throws RunFailed, BatonError `TASK_NOT_FOUND` */
  async result(task: string): Promise<HandoffContent['outputs']> {
    const state = await this.finished();
    const record = state.tasks.get(latestOf(state, task));
    if (!record) throw new BatonError('TASK_NOT_FOUND', `Run ${this.id} has no task "${task}".`, { where: task });
    const payload = record.result === undefined ? undefined : this.opened.owner.journal.get(record.result);
    const content = payload ? (JSON.parse(Buffer.from(payload).toString('utf8')) as HandoffContent) : undefined;
    return content?.items ? { items: content.items } : (content?.outputs ?? {});
  }

  /** Decides an open approval, by the task it is about (or `plan`). @throws BatonError with the kernel's refusal */
  async decide(subject: string, decision: 'approve' | 'reject', note?: string): Promise<void> {
    const { state } = this;
    const id = latestOf(state, subject);
    const approval = [...state.approvals.values()].find((each) => each.status === 'open' && (each.task === id || each.id === subject));
    if (!approval) throw new BatonError('APPROVAL_NOT_FOUND', `Nothing waits for a decision about "${subject}".`, { where: subject });
    const { engine } = this.opened.services;
    const result =
      approval.subject === 'task'
        ? { result: engine.decided(this.id, id, decision, this.by, note) }
        : approval.subject === 'result' && decision === 'reject' && note !== undefined
          ? { result: engine.feedback(note) }
          : {};
    await this.command({
      type: 'approval.decide',
      by: this.by,
      approval: approval.id,
      binds: approval.binds,
      decision,
      ...(note === undefined ? {} : { note }),
      ...result,
    });
  }

  /** Answers a task of an agent that is a person. @throws BatonError `INVALID_ANSWER`, or the kernel's refusal */
  async answer(task: string, answer: unknown): Promise<void> {
    const result = this.opened.services.engine.answered(this.id, task, answer, this.by);
    await this.command({ type: 'question.answer', by: this.by, task, result });
  }

  /** Says what became of an attempt that was lost. */
  async decideLost(task: string, decision: 'retry' | 'committed' | 'fail', outputs: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const result = decision === 'committed' ? { result: this.opened.services.engine.happened(this.id, task, outputs, this.by) } : {};
    await this.command({ type: 'task.decide', by: this.by, task, decision, ...result });
  }

  async send(task: string, text: string): Promise<void> {
    await this.command({ type: 'message.send', by: this.by, task, body: this.opened.owner.journal.put(text) });
  }
  async pause(): Promise<void> {
    await this.command({ type: 'run.pause', by: this.by });
  }
  async resume(limits?: Partial<Limits>): Promise<void> {
    await this.command({ type: 'run.resume', by: this.by, ...(limits ? { limits } : {}) });
  }
  async cancel(reason?: string): Promise<void> {
    await this.command({ type: 'run.cancel', by: this.by, ...(reason === undefined ? {} : { reason }) });
  }
  async retry(task?: string): Promise<void> {
    await this.command({ type: 'run.retry', by: this.by, ...(task === undefined ? {} : { task }) });
  }

  /** Any command of people, for what has no method of its own. @throws BatonError with the code of the refusal */
  async command(command: AskedCommand & { readonly ref?: CommandRef }): Promise<void> {
    const reply = await this.opened.host.submit(this.id, command);
    if (reply.ok) return;
    const { code, message, hint, details } = reply.refusal;
    throw new BatonError(code, message, { where: this.id, ...(hint === undefined ? {} : { hint }), ...(details ? { details } : {}) });
  }
}
