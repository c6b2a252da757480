/**
 * A search server as a process: started for one call, spoken with over stdio, and ended after it with everything it
 * started itself.
 */
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Failure } from '../../../engine/kernel/plan.ts';
import { BatonError } from '../../../errors.ts';
import { failure } from '../../processes/failure.ts';
import { type Command, runProcess } from '../../processes/process.ts';
import { MCP_BYTES_MAX, type McpLine } from './mcp.ts';

/** How long a server may take to end by itself when its input has ended. */
const CLOSE_MS = 2_000;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000;

/** @param command with its walls, where it has some */
export async function openProcess(command: Omit<Command, 'talk' | 'graceMs'> & { readonly signal: AbortSignal }): Promise<McpLine> {
  const { ReadBuffer, serializeMessage } = await import('@modelcontextprotocol/client');
  const line = new ProcessLine(command, { buffer: new ReadBuffer({ maxBufferSize: MCP_BYTES_MAX }), write: serializeMessage });
  return { transport: line, broken: () => line.broken, close: () => line.close() };
}

/** Messages are lines. */
interface Lines {
  readonly buffer: { append(chunk: Buffer): void; readMessage(): JSONRPCMessage | null };
  readonly write: (message: JSONRPCMessage) => string;
}

class ProcessLine implements Transport {
  onclose?: () => void;
  onmessage?: (message: JSONRPCMessage) => void;
  broken: Failure | undefined;
  private readonly command: Parameters<typeof openProcess>[0];
  private readonly lines: Lines;
  private readonly stop = new AbortController();
  private stdin: Writable | undefined;
  private ended: Promise<void> | undefined;

  constructor(command: ProcessLine['command'], lines: Lines) {
    this.command = command;
    this.lines = lines;
  }

  /** Once; the client calls it. */
  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = runProcess({
      ...this.command,
      signal: AbortSignal.any([this.command.signal, this.stop.signal]),
      graceMs: GRACE_MS,
      talk: (stdin, stdout) => {
        this.stdin = stdin;
        this.listen(stdout);
        resolve();
      },
    }).then((end) => {
      this.broken ??= end.failure ?? failure('permanent', 'SEARCH_FAILED', 'it ended before it had answered');
      reject(new Error(this.broken.message));
      this.onclose?.();
    });
    return promise;
  }

  private listen(stdout: Readable): void {
    const { buffer } = this.lines;
    stdout.on('data', (chunk: Buffer) => {
      try {
        buffer.append(chunk);
        for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) this.onmessage?.(message);
      } catch {
        // Nothing that follows could be understood.
        this.broken ??= failure('permanent', 'SEARCH_FAILED', `it says what is no message of MCP, or one over ${MCP_BYTES_MAX} bytes`);
        this.end();
      }
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.stdin?.write(this.lines.write(message));
  }

  /** Ends its input, and it when that is not enough. May be called twice. */
  async close(): Promise<void> {
    this.stdin?.end();
    const patience = setTimeout(() => this.end(), CLOSE_MS);
    await this.ended;
    clearTimeout(patience);
  }

  private end(): void {
    this.stop.abort(new BatonError('CANCELLED', 'The search is over.'));
  }
}
