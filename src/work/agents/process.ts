/**
 * Runs one command in a process group of its own, and leaves nothing of it behind.
 *
 *   started ──exit──► the group's rest gets LINGER_MS to finish writing, is then ended
 *      │
 *      └─ abort, time limit or too much output ──► SIGTERM to the group ──grace──► SIGKILL to the group,
 *                                                  then whoever carries this attempt's key elsewhere
 *
 * Never rejects: whatever happens is in the result. `node:child_process` directly, because execa costs 0.7 ms more a start.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Failure } from '../../engine/kernel/plan.ts';
import type { Redactor } from '../policy/redact.ts';
import { type CommandText, programOf } from './command-text.ts';
import { guard, unguard } from './guardian.ts';
import { ATTEMPT_VARIABLE, endAttempt, signalGroup } from './leftovers.ts';
import { Capture, type Output } from './output.ts';
import { failureOfEnd, failureOfStart, type Stop } from './process-failure.ts';

export interface Command {
  readonly run: CommandText;
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Without it there is nothing to read. */
  readonly stdin?: string;
  readonly timeoutMs?: number;
  /** Between SIGTERM and SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  /** Most bytes of one output stream. Default 32 MiB. */
  readonly outputMax?: number;
  readonly signal?: AbortSignal;
  readonly redactor?: Redactor;
  /** Output as it comes, already redacted. May be called until the result is there; must not throw. */
  readonly log?: (chunk: string, kind: 'stdout' | 'stderr') => void;
}

export interface Ended {
  /** Missing when it did not start or was ended by a signal. */
  readonly exitCode?: number;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly ms: number;
  /** Missing after exit code 0. */
  readonly failure?: Failure;
}

export const GRACE_MS = 5000;
export const OUTPUT_MAX = 32 * 1024 * 1024;
const LINGER_MS = 250;
const NOTHING: Output = { text: '', size: 0 };

export const runProcess = async (command: Command): Promise<Ended> => {
  const { signal } = command;
  if (signal?.aborted) return notStarted(failureOfEnd(command.run, { stop: signal, dispatched: false }));
  try {
    return await new Running(command).ended;
  } catch (error) {
    return notStarted(await failureOfStart(command.run, command.cwd, error));
  }
};

const notStarted = (failure: Failure | undefined): Ended => ({
  stdout: NOTHING,
  stderr: NOTHING,
  ms: 0,
  ...(failure === undefined ? {} : { failure }),
});

class Running {
  readonly ended: Promise<Ended>;
  private readonly command: Command;
  private readonly child: ChildProcessByStdio<Writable | null, Readable, Readable>;
  private readonly startedAt = performance.now();
  private readonly stdout: OutputPipe;
  private readonly stderr: OutputPipe;
  private readonly timers: NodeJS.Timeout[] = [];
  private stopped: Stop | undefined;

  constructor(command: Command) {
    this.command = command;
    const [program, args] = programOf(command.run);
    const spawning = { cwd: command.cwd, env: command.env, detached: true };
    this.child =
      command.stdin === undefined
        ? spawn(program, args, { ...spawning, stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn(program, args, { ...spawning, stdio: ['pipe', 'pipe', 'pipe'] });
    const tooMuch = (): void => this.stop('output');
    this.stdout = new OutputPipe('stdout', this.child.stdout, command, tooMuch);
    this.stderr = new OutputPipe('stderr', this.child.stderr, command, tooMuch);
    this.ended = this.follow();
  }

  private follow(): Promise<Ended> {
    const { child, command } = this;
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    const onAbort = (): void => this.stop(command.signal ?? 'timeout');
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.on('exit', () => this.endRest());
    child.on('close', (exitCode, endedBy) => {
      for (const timer of this.timers) clearTimeout(timer);
      command.signal?.removeEventListener('abort', onAbort);
      if (child.pid === undefined) return;
      this.finish(child.pid, exitCode, endedBy).then(resolve, reject);
    });
    if (child.pid !== undefined) {
      guard(child.pid);
      command.signal?.addEventListener('abort', onAbort, { once: true });
      if (command.timeoutMs !== undefined) this.after(command.timeoutMs, () => this.stop('timeout'));
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(command.stdin);
    }
    return promise;
  }

  /** Asks the group to end, and makes it after the grace period. */
  private stop(why: Stop): void {
    if (this.stopped !== undefined) return;
    this.stopped = why;
    this.signal('SIGTERM');
    this.after(this.command.graceMs ?? GRACE_MS, () => this.force());
  }

  private force(): void {
    this.signal('SIGKILL');
    // Somebody who left the group may still hold the pipes: the result doesn't wait for them.
    this.after(LINGER_MS, () => {
      this.child.stdout.destroy();
      this.child.stderr.destroy();
    });
  }

  /** The command has exited; what it left in its group may finish writing, but not stay. */
  private endRest(): void {
    if (!this.signal(0)) return;
    this.after(LINGER_MS, () => {
      this.signal('SIGTERM');
      this.after(this.stopped === undefined ? LINGER_MS : 0, () => this.force());
    });
  }

  private async finish(pid: number, exitCode: number | null, endedBy: NodeJS.Signals | null): Promise<Ended> {
    this.signal('SIGKILL');
    unguard(pid);
    const attempt = this.command.env[ATTEMPT_VARIABLE];
    if (this.stopped !== undefined && attempt !== undefined) await endAttempt(attempt);
    const stdout = this.stdout.output();
    const stderr = this.stderr.output();
    const failure = failureOfEnd(this.command.run, {
      ...(this.stopped === undefined ? {} : { stop: this.stopped }),
      ...(this.command.timeoutMs === undefined ? {} : { timeoutMs: this.command.timeoutMs }),
      exitCode,
      endedBy,
      stderr: stderr.text,
    });
    return {
      ...(exitCode === null ? {} : { exitCode }),
      stdout,
      stderr,
      ms: Math.round(performance.now() - this.startedAt),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  private signal(signal: NodeJS.Signals | 0): boolean {
    return this.child.pid !== undefined && signalGroup(this.child.pid, signal);
  }

  private after(ms: number, act: () => void): void {
    this.timers.push(setTimeout(act, ms));
  }
}

/** One stream of a process: redacted, kept, and handed on as text. */
class OutputPipe {
  private readonly capture: Capture;
  private readonly redacting;
  private readonly decoder = new StringDecoder('utf8');
  private readonly kind: 'stdout' | 'stderr';
  private readonly log: Command['log'];
  private readonly tooMuch: () => void;

  constructor(kind: 'stdout' | 'stderr', stream: Readable, command: Command, tooMuch: () => void) {
    this.kind = kind;
    this.capture = new Capture(command.outputMax ?? OUTPUT_MAX);
    this.redacting = command.redactor?.stream();
    this.log = command.log;
    this.tooMuch = tooMuch;
    stream.on('data', (chunk: Buffer) => this.take(this.redacting?.write(chunk) ?? chunk));
    stream.on('error', () => undefined);
  }

  private take(chunk: Buffer): void {
    if (!this.capture.add(chunk)) {
      this.tooMuch();
      return;
    }
    const text = this.log === undefined ? '' : this.decoder.write(chunk);
    if (text !== '') this.log?.(text, this.kind);
  }

  output(): Output {
    if (this.redacting !== undefined) this.take(this.redacting.end());
    const rest = this.decoder.end();
    if (rest !== '') this.log?.(rest, this.kind);
    return this.capture.output();
  }
}
