/**
 * Live output of attempts: one file of JSON lines per run, outside the journal. The end of a line in bytes is its
 * position, so a reader that comes back misses nothing. Output is no fact: what a crash cuts off is gone, and a full
 * disk loses output, never work.
 */
import { appendFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogChunk } from '../../engine/host/host.ts';
import type { Output } from '../api/events.ts';
import type { Page } from './pages.ts';

/** Most output kept of one run, in bytes; what comes after is dropped, and the file says so. */
export const OUTPUT_MAX = 256 * 1024 * 1024;
const PAGE = 256 * 1024;

export interface OutputLine {
  /** Position after this line. */
  readonly end: number;
  readonly output: Output;
}

interface Writing {
  pending: string[];
  /** Settles when everything given before has been written, or lost. */
  done: Promise<void>;
  size: number | undefined;
}

export class OutputLog {
  private readonly folder: string;
  private readonly max: number;
  private readonly writing = new Map<string, Writing>();
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(folder: string, max = OUTPUT_MAX) {
    this.folder = folder;
    this.max = max;
  }

  write({ run, task, attempt, kind, text }: LogChunk, at: number): void {
    const line: Output = { at, task, attempt, kind, text };
    const writing = this.writing.get(run) ?? { pending: [], done: Promise.resolve(), size: undefined };
    this.writing.set(run, writing);
    writing.pending.push(`${JSON.stringify(line)}\n`);
    if (writing.pending.length === 1) writing.done = writing.done.then(() => this.flush(run, writing));
  }

  private async flush(run: string, writing: Writing): Promise<void> {
    // Chunks of one turn of the event loop are written together.
    await new Promise(setImmediate);
    const text = writing.pending.splice(0).join('');
    try {
      if (writing.size === undefined) writing.size = await this.prepare(run);
      if (writing.size > this.max) return;
      writing.size += Buffer.byteLength(text);
      await appendFile(this.file(run), writing.size > this.max ? dropped(text) : text, { mode: 0o600 });
    } catch {
      writing.size = undefined;
    }
    for (const listener of this.listeners.get(run) ?? []) listener();
  }

  /** Size of the file; a line that a crash cut in two is ended, so that the next one is whole. */
  private async prepare(run: string): Promise<number> {
    await mkdir(join(this.folder, encodeURIComponent(run)), { recursive: true, mode: 0o700 });
    await using file = await open(this.file(run), 'a+', 0o600);
    const { size } = await file.stat();
    if (size === 0) return 0;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === NEWLINE) return size;
    await file.appendFile('\n');
    return size + 1;
  }

  /** Calls `listener` when there may be more to read; returns the function that ends it. */
  onOutput(run: string, listener: () => void): () => void {
    const listeners = this.listeners.get(run) ?? new Set();
    this.listeners.set(run, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.listeners.delete(run);
    };
  }

  /** Resolves when all output given so far can be read. */
  async settled(run: string): Promise<void> {
    await this.writing.get(run)?.done;
  }

  /** Forgets what it knows of runs that are over. */
  forget(run: string): void {
    this.writing.delete(run);
  }

  /** Lines after a position, a page at most; none when the file ends there, or is not there. */
  async read(run: string, after: number): Promise<Page<OutputLine>> {
    try {
      await using file = await open(this.file(run), 'r');
      for (let size = PAGE; ; size *= 4) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(size), 0, size, after);
        const items = linesOf(buffer.subarray(0, bytesRead), after);
        const whole = bytesRead < size;
        // A line longer than the page is read with a larger one.
        if (items.length > 0 || whole) return { items, whole };
      }
    } catch {
      return { items: [], whole: true };
    }
  }

  /** All lines of a run, page by page. */
  async *all(run: string): AsyncGenerator<Output> {
    await this.settled(run);
    for (let after = 0; ; ) {
      const { items } = await this.read(run, after);
      const last = items.at(-1);
      if (!last) return;
      for (const { output } of items) yield output;
      after = last.end;
    }
  }

  private file(run: string): string {
    return join(this.folder, encodeURIComponent(run), 'output.ndjson');
  }
}

const NEWLINE = 10;

function linesOf(bytes: Buffer, start: number): OutputLine[] {
  const lines: OutputLine[] = [];
  for (let from = 0, to = bytes.indexOf(NEWLINE); to >= 0; from = to + 1, to = bytes.indexOf(NEWLINE, from)) {
    const output = outputOf(bytes.toString('utf8', from, to));
    if (output) lines.push({ end: start + to + 1, output });
  }
  return lines;
}

function outputOf(text: string): Output | undefined {
  try {
    return JSON.parse(text) as Output;
  } catch {
    // The end of a line that a crash cut off.
    return undefined;
  }
}

const dropped = (text: string): string => {
  const first = JSON.parse(text.slice(0, text.indexOf('\n'))) as Output;
  return `${JSON.stringify({ ...first, kind: 'note', text: 'Further output of this run is not kept: it is too much.\n' } satisfies Output)}\n`;
};
