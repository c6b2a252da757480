/** Drives a `journal-writer.ts`, and remembers what it said was durable. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChainHead } from '../../src/engine/journal/journal.ts';

export interface Said {
  readonly epoch?: number;
  readonly position?: number;
  readonly heads?: readonly ChainHead[];
  readonly payloads?: readonly string[];
  readonly code?: string;
  readonly message?: string;
  readonly ended?: boolean;
  readonly details?: { readonly pid?: number };
}

const writer = fileURLToPath(new URL('journal-writer.ts', import.meta.url));

export class WriterProcess {
  readonly child: ChildProcess;
  readonly said: Said[] = [];
  readonly closed: Promise<unknown>;
  private waiting: (() => void)[] = [];

  constructor(home: string, how: 'owner' | 'bare' = 'owner', label = '', groups = Number.POSITIVE_INFINITY) {
    this.child = spawn(process.execPath, [writer, home, how, label, String(groups)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.closed = once(this.child, 'close');
    if (!this.child.stdout) throw new Error('no output');
    createInterface(this.child.stdout).on('line', (line) => {
      // The last line of a process that was killed may be cut off; what it says was durable all the same.
      if (line.endsWith('}')) this.said.push(JSON.parse(line) as Said);
      this.wake();
    });
    void this.closed.then(() => this.wake());
  }

  private wake(): void {
    for (const check of this.waiting) check();
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves when it has said something that fits, or is gone. */
  until(fits: (said: Said) => boolean): Promise<Said | undefined> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.said.find(fits);
        if (!found && this.child.exitCode === null && this.child.signalCode === null) return;
        this.waiting = this.waiting.filter((each) => each !== check);
        resolve(found);
      };
      this.waiting.push(check);
      check();
    });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.closed;
  }
}
