/**
 * The other end of `writer-thread.ts`: appends are sent, written there one after another, and told of here in the same order.
 * After one that failed, those that were sent behind it fail as well, since they were decided on what it was to store.
 *
 * `wait` and `settle` block this thread until all that was sent is on the disk; nothing else writes meanwhile.
 */
import { extname } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { BatonError } from '../../errors.ts';
import type { Written } from './fact-rows.ts';
import type { ViewRows } from './view-rows.ts';

/** What is sent: something to write, or that it is over. */
export type Sent = 'close' | SentRows;
export interface SentRows {
  readonly id: number;
  /** Counts failures: what was sent before the other side heard of the last one is not written. */
  readonly generation: number;
  /** An append, with whether somebody else has written since the last; or rows of lists. */
  readonly what: { readonly written: Packed; readonly anew: boolean } | { readonly views: ViewRows };
}

/** An append as it crosses threads: a text for all its lines is copied in a fifth of the time that takes each by itself. */
export interface Packed extends Omit<Written, 'streams'> {
  readonly streams: readonly string[];
  readonly after: readonly number[];
  readonly counts: readonly number[];
  /** Lines, of which none holds a line break. */
  readonly text: string;
}

export interface Answer {
  readonly id: number;
  readonly failed?: Failed;
}
/** A BatonError as it crosses threads. */
export type Failed = Pick<BatonError, 'code' | 'message' | 'hint' | 'where' | 'retryAfterMs' | 'details'> & { readonly cause: unknown };

export interface WriterSetting {
  readonly path: string;
  readonly epoch: number;
  readonly port: MessagePort;
  /** One number: how many messages have been dealt with; `ENDED` when it deals with none any more. */
  readonly counter: Int32Array<SharedArrayBuffer>;
}

export const ENDED = -1;

type Done = (error?: unknown) => void;
interface Waiting {
  readonly done: Done;
  /** Nothing rests on it. */
  readonly alone: boolean;
}

/** How long an append may take that this thread is blocked for, in milliseconds. */
const WAIT_MS = 60_000;
/** Without work for so long it ends, in milliseconds. */
const IDLE_MS = 5_000;

export class Writer {
  private readonly path: string;
  private readonly epoch: number;
  private worker: Worker | undefined;
  private port: MessagePort | undefined;
  private counter = newCounter();
  private ready = false;
  private broken = false;
  private ids = 0;
  private sent = 0;
  private generation = 0;
  private readonly waiting = new Map<number, Waiting>();
  private idle: NodeJS.Timeout | undefined;

  constructor(path: string, epoch: number) {
    this.path = path;
    this.epoch = epoch;
  }

  /** What nobody has been told of. */
  get pending(): number {
    return this.waiting.size;
  }

  /** True when it can take an append now; otherwise it starts, and can soon. */
  get isReady(): boolean {
    if (!this.worker && !this.broken) this.start();
    return this.ready;
  }

  /** @param done told once, never before this returns */
  append(written: Written, anew: boolean, done: Done): void {
    this.send({ written: pack(written), anew }, done);
  }

  /** The same for rows of lists: when they can't be written, what comes behind them is. */
  saveViews(views: ViewRows, done: Done): void {
    this.send({ views }, done);
  }

  private send(what: SentRows['what'], done: Done): void {
    const id = ++this.ids;
    this.waiting.set(id, { done, alone: 'views' in what });
    this.sent++;
    clearTimeout(this.idle);
    this.port?.ref();
    this.port?.postMessage({ id, generation: this.generation, what } satisfies SentRows);
  }

  /** Blocks until all that was sent is dealt with; nobody is told. @throws BatonError `JOURNAL_BUSY` */
  private wait(): void {
    if (this.waiting.size > 0) this.dealtWith();
  }

  private dealtWith(): void {
    for (let at = Atomics.load(this.counter, 0); at !== this.sent && at !== ENDED; at = Atomics.load(this.counter, 0))
      if (Atomics.wait(this.counter, 0, at, WAIT_MS) === 'timed-out')
        throw new BatonError('JOURNAL_BUSY', `${this.path}: an append has taken more than ${WAIT_MS} ms.`, {
          where: this.path,
          hint: 'Look at the disk and the system log.',
        });
  }

  /** The same, and everybody is told. */
  settle(): void {
    this.wait();
    for (let next = this.port && receiveMessageOnPort(this.port); next; next = this.port && receiveMessageOnPort(this.port))
      this.answered(next.message as Answer);
    if (this.waiting.size > 0 && this.worker) this.lost(this.worker, undefined);
  }

  /** Blocks until the thread has nothing open any more. */
  close(): void {
    this.settle();
    this.end();
    this.dealtWith();
  }

  private start(): void {
    const { port1, port2 } = new MessageChannel();
    const counter = newCounter();
    const setting: WriterSetting = { path: this.path, epoch: this.epoch, port: port2, counter };
    const worker = new Worker(new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: setting,
      transferList: [port2],
    });
    worker.unref();
    [this.worker, this.port, this.counter, this.sent] = [worker, port1, counter, 0];
    worker.once('message', () => {
      if (this.worker === worker) this.ready = true;
    });
    // One that can't start, or dies: what it was to store is not stored, and this thread writes as before.
    worker.once('error', (error) => this.lost(worker, error));
    worker.once('exit', () => this.lost(worker, undefined));
    port1.on('message', (answer: Answer) => this.answered(answer));
    port1.unref();
  }

  private answered({ id, failed }: Answer): void {
    const first = this.waiting.get(id);
    this.waiting.delete(id);
    const error = failed && errorOf(failed);
    if (error && first && !first.alone) this.fail(error, first);
    else first?.done(error);
    if (this.waiting.size > 0) return;
    this.port?.unref();
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  /** Tells the one that failed, then all behind it. */
  private fail(error: unknown, first: Waiting): void {
    this.generation++;
    const behind = [...this.waiting.values()];
    this.waiting.clear();
    for (const { done } of [first, ...behind]) done(error);
  }

  private lost(worker: Worker, cause: unknown): void {
    if (this.worker !== worker) return;
    this.broken = true;
    [this.worker, this.port, this.ready] = [undefined, undefined, false];
    const all = [...this.waiting.values()];
    this.waiting.clear();
    const error = new BatonError('JOURNAL_IO', `${this.path}: the thread that writes has ended.`, { where: this.path, cause });
    for (const { done } of all) done(error);
  }

  private end(): void {
    clearTimeout(this.idle);
    const { port } = this;
    [this.worker, this.port, this.ready] = [undefined, undefined, false];
    if (!port) return;
    this.sent++;
    port.postMessage('close' satisfies Sent);
  }
}

function pack({ streams, payloads, snapshots }: Written): Packed {
  return {
    streams: streams.map(({ stream }) => stream),
    after: streams.map(({ after }) => after),
    counts: streams.map(({ lines }) => lines.length),
    text: streams.flatMap(({ lines }) => lines).join('\n'),
    payloads,
    snapshots,
  };
}

export function unpack({ streams, after, counts, text, payloads, snapshots }: Packed): Written {
  const lines = text.split('\n');
  let from = 0;
  return {
    streams: streams.map((stream, i) => {
      const upTo = from + (counts[i] ?? 0);
      const own = { stream, after: after[i] ?? 0, lines: lines.slice(from, upTo) };
      from = upTo;
      return own;
    }),
    payloads,
    snapshots,
  };
}

const newCounter = () => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

function errorOf({ code, message, hint, where, retryAfterMs, details, cause }: Failed): BatonError {
  return new BatonError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
    ...(cause === undefined ? {} : { cause }),
  });
}
