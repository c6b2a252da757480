/**
 * Carries out what the world has to do: attempts, gates, probes, timers, messages. Everything here dies with the process;
 * the state still owes it, and the next owner begins it again or finds it lost. A performer's result is offered to its
 * stream until the journal takes it.
 */
import { BatonError } from '../../errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { HostCommand, Outcome } from '../kernel/commands.ts';
import type { Owed, OwedOf } from '../kernel/owed.ts';
import type { RunState } from '../kernel/state.ts';
import type { Clock } from './clock.ts';
import type { Handlers, Host, LogChunk, Reply, Stalled, Verdict } from './host.ts';
import type { Live } from './live.ts';
import { chain, type Floor, normalise, Performer, thrown } from './performer.ts';
import { type TreeOwed, treeCommand } from './tree-work.ts';

/** How long a message waits for its attempt to listen and acknowledge, in milliseconds. */
const MESSAGE_MS = 10_000;
/** How long to wait before a timer that came early, because the clock went back, is asked again, in milliseconds. */
const TIMER_AGAIN_MS = 500;

/** What performing needs of its host. */
export interface Stage {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'put' | 'get'>;
  /** How long a performer that was told to end may take, in milliseconds. */
  readonly graceMs: number;
  live(stream: string): Live | undefined;
  state(run: string): RunState | undefined;
  /** Offers a command until the journal takes it; rejects when the host has stopped. */
  ask(stream: string, command: HostCommand): Promise<Reply>;
  /** The same where nobody waits for the answer. */
  tell(stream: string, command: HostCommand): void;
  log(chunk: LogChunk): void;
  onFacts: Host['onFacts'];
  /** A performer has ended after the host was stopped. */
  quiet(): void;
}

export class Performing {
  /** Performers at work. */
  count = 0;
  private stopped = false;
  private readonly stage: Stage;
  private readonly floor: Floor;

  constructor(stage: Stage) {
    this.stage = stage;
    this.floor = {
      blobs: { put: (payload) => stage.journal.put(payload), get: (hash) => stage.journal.get(hash) },
      state: (run) => stage.state(run),
      submit: (run, command) => stage.ask(run, command),
      onFacts: (listener) => stage.onFacts(listener),
      log: (chunk) => stage.log(chunk),
    };
  }

  /** Tells every performer to end; what they bring is not reported any more. */
  stop(lives: Iterable<Live>): void {
    this.stopped = true;
    for (const live of lives) {
      for (const cancel of live.timers.values()) cancel();
      for (const performer of live.performers.values()) performer.end(new BatonError('SHUTDOWN', 'Baton is shutting down.'));
      for (const work of live.work.values()) work.abort(new BatonError('SHUTDOWN', 'Baton is shutting down.'));
    }
  }

  /** Begins what is owed; its facts are durable. */
  dispatch(live: Live, owed: Owed): void {
    switch (owed.type) {
      case 'attempt':
        if (!live.performers.has(owed.id)) this.attempt(live, owed);
        break;
      case 'stop':
        this.stopAttempt(live, owed);
        break;
      case 'gate':
        this.side(live, owed, (performer) => this.stage.handlers.gate(owed, performer).then((end): HostCommand => gateCommand(owed, end)));
        break;
      case 'probe':
        this.side(live, owed, (performer) =>
          this.stage.handlers
            .probe(owed, performer)
            .then((end): HostCommand => ({ type: 'probe.end', task: owed.task, attempt: owed.attempt, ...end })),
        );
        break;
      case 'snapshot':
      case 'integrate':
      case 'restore':
      case 'promote':
        this.tree(live, owed);
        break;
      case 'deliver':
        this.deliver(live, owed);
        break;
      case 'timer':
        this.setTimer(live, owed, owed.at);
        break;
      case 'notify':
        this.stage.handlers.notify(owed, live.stream).catch(() => {});
        break;
      default:
        throw new Error(`${owed.type} is carried out in the turn`);
    }
  }

  /** Is there anything to end when it is owed no more? An attempt is ended by its `stop`. */
  static canEnd({ type }: Owed): boolean {
    return type === 'timer' || type === 'gate' || type === 'probe' || type === 'integrate' || type === 'snapshot' || type === 'restore';
  }

  /** Ends what is owed no more; the facts that say so are durable. What has reported already is over. */
  end(live: Live, { type, id }: Owed): void {
    if (type === 'timer') {
      live.timers.get(id)?.();
      live.timers.delete(id);
      return;
    }
    const unwanted = new BatonError('CANCELLED', 'Nobody waits for this any more.');
    live.performers.get(id)?.end(unwanted);
    live.work.get(id)?.abort(unwanted);
  }

  private setTimer(live: Live, owed: OwedOf<'timer'>, at: number): void {
    const fire = () =>
      this.stage.ask(live.stream, { type: 'timer.fire', timer: owed.timer }).then(
        (reply) => {
          // The clock went back since the timer was set: it is owed still.
          if (!reply.ok && live.timers.has(owed.id)) this.setTimer(live, owed, Math.max(owed.at, this.stage.clock.now() + TIMER_AGAIN_MS));
        },
        () => {},
      );
    live.timers.set(owed.id, this.stage.clock.at(at, fire));
  }

  private attempt(live: Live, owed: OwedOf<'attempt'>): void {
    if (!live.run) return;
    const performer = new Performer(this.floor, live.run, owed.task, owed.attempt);
    live.performers.set(owed.id, performer);
    this.count++;
    const began = this.stage.clock.now();
    const limit = performer.spec.timeoutMs;
    const noLimit =
      limit === undefined
        ? undefined
        : this.stage.clock.at(began + limit, () => {
            performer.end(new BatonError('TIMEOUT', `The time limit of ${limit} ms is over.`));
            this.giveUpLater(live.stream, owed, performer, began);
          });
    let work: Promise<Outcome>;
    try {
      work = this.stage.handlers.attempt(owed, performer);
    } catch (error) {
      work = Promise.reject(error);
    }
    work.then(
      (outcome) => this.attemptEnded(live.stream, owed, performer, outcome, began, noLimit),
      (error) => this.attemptEnded(live.stream, owed, performer, thrown(error, this.stage.journal), began, noLimit),
    );
  }

  private attemptEnded(
    stream: string,
    owed: OwedOf<'attempt'>,
    performer: Performer,
    outcome: Outcome,
    began: number,
    cancel?: () => void,
  ): void {
    cancel?.();
    if (!performer.over) this.count--;
    performer.over = true;
    performer.waitNoMore(new BatonError('ATTEMPT_OVER', `Attempt ${owed.attempt} of "${owed.task}" is over.`));
    this.stage.live(stream)?.performers.delete(owed.id);
    // A shutdown is like a crash: the attempt is lost, and the next owner decides what that means.
    if (this.stopped) {
      this.stage.quiet();
      return;
    }
    const ended = normalise(outcome, performer.endedBy, owed);
    this.tellRun(stream, {
      type: 'attempt.end',
      task: owed.task,
      attempt: owed.attempt,
      outcome: { ...ended, ms: Math.max(0, this.stage.clock.now() - began) },
    });
  }

  /** A performer that does not end when told to is given up after its grace period; what it brings later is late. */
  private giveUpLater(stream: string, owed: OwedOf<'attempt' | 'stop'>, performer: Performer, began: number): void {
    this.stage.clock.at(this.stage.clock.now() + this.stage.graceMs, () => {
      if (performer.over || this.stopped) return;
      performer.over = true;
      this.count--;
      this.stage.live(stream)?.performers.delete(performerId(owed));
      const outcome: Outcome = {
        ok: false,
        failure: {
          class: performer.endedBy === 'TIMEOUT' ? 'timeout' : 'cancelled',
          code: 'DID_NOT_END',
          message: `Attempt ${owed.attempt} of "${owed.task}" did not end when told to.`,
        },
        ms: Math.max(0, this.stage.clock.now() - began),
      };
      this.tellRun(stream, { type: 'attempt.end', task: owed.task, attempt: owed.attempt, outcome });
    });
  }

  private stopAttempt(live: Live, owed: OwedOf<'stop'>): void {
    const performer = live.performers.get(performerId(owed));
    if (performer) {
      performer.end(new BatonError('CANCELLED', 'The run was cancelled.'));
      this.giveUpLater(live.stream, owed, performer, this.stage.clock.now());
    } else this.tellRun(live.stream, { type: 'attempt.lose', task: owed.task, attempt: owed.attempt });
  }

  /** A gate or probe: always safe to repeat, so one that throws is tried again. */
  private side(live: Live, owed: OwedOf<'gate' | 'probe'>, run: (performer: Performer) => Promise<HostCommand>): void {
    if (!live.run || live.performers.has(owed.id)) return;
    const performer = new Performer(this.floor, live.run, owed.task, owed.attempt);
    live.performers.set(owed.id, performer);
    this.count++;
    const over = () => {
      this.count--;
      this.stage.live(live.stream)?.performers.delete(owed.id);
    };
    run(performer).then(
      (command) => {
        over();
        if (this.stopped) return this.stage.quiet();
        if (command.type === 'gate.end' && command.reuses !== undefined) return this.reuse(live.stream, owed, command);
        this.tellRun(live.stream, command);
      },
      (error: unknown) => {
        over();
        if (this.stopped) return this.stage.quiet();
        if (owed.type === 'probe')
          return this.tellRun(live.stream, { type: 'probe.end', task: owed.task, attempt: owed.attempt, verdict: 'unknown' });
        const evidence = this.stage.journal.put(JSON.stringify({ error: chain(error) }));
        this.tellRun(live.stream, {
          type: 'gate.end',
          task: owed.task,
          attempt: owed.attempt,
          gate: owed.gate,
          verdict: 'error',
          evidence,
        });
      },
    );
  }

  /** Evidence that was to be used again may have been contradicted meanwhile: then the gate is run after all. */
  private reuse(stream: string, owed: Owed, command: HostCommand): void {
    this.count++;
    this.stage.ask(stream, command).then(
      (reply) => {
        this.count--;
        const live = this.stage.live(stream);
        if (!reply.ok && reply.refusal.code === 'EVIDENCE_STALE' && live && !this.stopped) this.dispatch(live, owed);
        else this.stage.quiet();
      },
      () => {
        this.count--;
        this.stage.quiet();
      },
    );
  }

  private tree(live: Live, owed: TreeOwed): void {
    if (live.work.has(owed.id)) return;
    const controller = new AbortController();
    live.work.set(owed.id, controller);
    this.count++;
    const context = {
      run: live.stream,
      signal: controller.signal,
      blobs: this.floor.blobs,
      state: () => {
        const state = this.stage.state(live.stream);
        if (!state) throw new BatonError('RUN_NOT_FOUND', `run ${live.stream} is gone`);
        return state;
      },
    };
    void treeCommand(this.stage.handlers.trees, owed, context).then((command) => {
      this.count--;
      this.stage.live(live.stream)?.work.delete(owed.id);
      if (!this.stopped) this.tellRun(live.stream, command);
      else this.stage.quiet();
    });
  }

  private deliver(live: Live, owed: OwedOf<'deliver'>): void {
    const performer = live.performers.get(`attempt:${owed.task}:${owed.attempt}`);
    if (!performer) return;
    const text = Buffer.from(this.stage.journal.get(owed.body) ?? '').toString();
    const patience = new Promise<void>((resolve) => this.stage.clock.at(this.stage.clock.now() + MESSAGE_MS, resolve));
    performer.deliver(text, patience).then((acknowledged) => {
      if (!this.stopped)
        this.tellRun(live.stream, {
          type: 'message.end',
          message: owed.message,
          attempt: owed.attempt,
          acknowledged,
          ...(acknowledged ? {} : { reason: 'not acknowledged' }),
        });
    });
  }

  private tellRun(stream: string, command: HostCommand): void {
    this.stage.tell(stream, command);
  }
}

const gateCommand = ({ task, attempt, gate }: OwedOf<'gate'>, end: Verdict | Stalled): HostCommand =>
  'stalled' in end ? { type: 'gate.stall', task, attempt, gate, failure: end.stalled } : { type: 'gate.end', task, attempt, gate, ...end };

const performerId = (owed: OwedOf<'attempt' | 'stop'>): string => `attempt:${owed.task}:${owed.attempt}`;
