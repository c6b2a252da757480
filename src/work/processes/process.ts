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
import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { defined } from '../../defined.ts';
import type { Failure } from '../../engine/kernel/plan.ts';
import { type CommandText, programOf } from './command-text.ts';
import { guard, unguard } from './guardian.ts';
import { ATTEMPT_VARIABLE, endAttempt, signalGroup } from './leftovers.ts';
import type { Output } from './output.ts';
import { type OutputHandling, OutputPipe } from './output-pipe.ts';
import { failureOfEnd, failureOfStart, type Stop } from './process-failure.ts';

export interface Command extends OutputHandling {
  readonly run: CommandText;
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** File to read from. Without it there is nothing to read. A file and no pipe: Node's pipes are sockets, which bash takes for a remote login, and which `/dev/stdin` can't open. */
  readonly stdinFile?: string;
  /** Talks with it while it runs: its stdout comes here and is not kept. Called once it has started; must not throw. */
  readonly talk?: (stdin: Writable, stdout: Readable) => void;
  /** What is started in its place: the same command inside the walls of a sandbox, which has `cwd` and `env` in it. */
  readonly walls?: Walls;
  readonly timeoutMs?: number;
  /** Between SIGTERM and SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
}

/** Killing its process kills everything inside. */
export interface Walls {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Gives back what the walls took, once the process is gone. */
  release(): Promise<void>;
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
const LINGER_MS = 250;
const NOTHING: Output = { text: '', size: 0 };

export const runProcess = async (command: Command): Promise<Ended> => {
  const { signal, walls } = command;
  try {
    if (signal?.aborted) return notStarted(failureOfEnd(command.run, { stop: signal, dispatched: false }));
    return await new Running(command).ended;
  } catch (error) {
    return notStarted(await failureOfStart(command.run, command.cwd, error));
  } finally {
    await walls?.release();
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
  /** Missing when somebody talks with it. */
  private readonly stdout: OutputPipe | undefined;
  private readonly stderr: OutputPipe;
  private readonly timers: NodeJS.Timeout[] = [];
  private stopped: Stop | undefined;

  constructor(command: Command) {
    this.command = command;
    this.child = start(command);
    const tooMuch = (): void => this.stop('output');
    this.stdout = command.talk === undefined ? new OutputPipe('stdout', this.child.stdout, command, tooMuch) : undefined;
    this.stderr = new OutputPipe('stderr', this.child.stderr, command, tooMuch);
    this.ended = this.follow();
  }

  private follow(): Promise<Ended> {
    const { child, command } = this;
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    const { signal } = command;
    const onAbort = (): void => signal && this.stop(signal);
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.on('exit', () => this.endRest());
    child.on('close', (exitCode, endedBy) => {
      for (const timer of this.timers) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (child.pid === undefined) return;
      this.finish(child.pid, exitCode, endedBy).then(resolve, reject);
    });
    if (child.pid !== undefined) {
      guard(child.pid);
      this.talk();
      signal?.addEventListener('abort', onAbort, { once: true });
      if (command.timeoutMs !== undefined) this.after(command.timeoutMs, () => this.stop('timeout'));
    }
    return promise;
  }

  private talk(): void {
    const { stdin, stdout } = this.child;
    if (stdin === null) return;
    // Who is gone doesn't listen; that it is gone shows by its end.
    stdin.on('error', () => undefined);
    stdout.on('error', () => undefined);
    this.command.talk?.(stdin, stdout);
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
    const stdout = this.stdout?.output() ?? NOTHING;
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

const start = ({ run, cwd, env, stdinFile, talk, walls }: Command): ChildProcessByStdio<Writable | null, Readable, Readable> => {
  const [program, args] = walls === undefined ? programOf(run) : [walls.command[0], walls.command.slice(1)];
  const options: SpawnOptions =
    walls === undefined
      ? { cwd, env, detached: true }
      : { cwd: '/', env: walls.env, detached: true, ...defined({ uid: walls.uid, gid: walls.gid }) };
  if (talk !== undefined) return spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  if (stdinFile === undefined) return spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdin = openSync(stdinFile, 'r');
  try {
    return spawn(program, args, { ...options, stdio: [stdin, 'pipe', 'pipe'] }) as ChildProcessByStdio<null, Readable, Readable>;
  } finally {
    closeSync(stdin);
  }
};
