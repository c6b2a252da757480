/**
 * One call of a tool of an MCP server over stdio: the server is started for it and ended after it, with everything it
 * started itself. It is the operator's program, as an agent never names one, and what it says is data like any page.
 */
import type { Readable, Writable } from 'node:stream';
import type { Client, JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { BatonError } from '../../../errors.ts';
import { didYouMean } from '../../../near.ts';
import type { Environment } from '../../policy/environment.ts';
import { type CommandText, nameOf } from '../../processes/command-text.ts';
import { AttemptError } from '../../processes/failure.ts';
import { type Ended, runProcess } from '../../processes/process.ts';

export interface McpServer {
  readonly run: CommandText;
  readonly env: Environment;
  readonly cwd: string;
  /** What the server prints on stderr; must not throw. */
  readonly log: (chunk: string) => void;
}
export interface McpCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** For everything: start, call and answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** How long a server may take to end by itself when its input has ended. */
const CLOSE_MS = 2_000;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000;
/** Most bytes of one message. */
const MESSAGE_MAX = 4 * 1024 * 1024;

/**
 * @returns the answer, not checked
 * @throws AttemptError `SEARCH_FAILED`, `SEARCH_TIMEOUT`
 * @throws BatonError `SEARCH_TOOL` when the server has no such tool; the reason of the signal
 */
export async function callMcp(server: McpServer, { tool, arguments: args, timeoutMs, signal }: McpCall): Promise<unknown> {
  const mcp = await import('@modelcontextprotocol/client');
  const late = AbortSignal.timeout(timeoutMs);
  const ending = AbortSignal.any([signal, late]);
  const line = new ProcessLine(server, ending, mcp);
  const client = new mcp.Client({ name: 'baton', version: '1' });
  const options = { signal: ending, timeout: timeoutMs };
  try {
    await client.connect(line, options);
    await refuseUnknown(client, tool, server, options);
    return await client.callTool({ name: tool, arguments: { ...args } }, options);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw tooLate(server, timeoutMs);
    if (error instanceof BatonError) throw error;
    throw failed(server, line.over, error);
  } finally {
    await line.close();
  }
}

/** @throws BatonError `SEARCH_TOOL` */
async function refuseUnknown(
  client: Client,
  tool: string,
  { run }: McpServer,
  options: { signal: AbortSignal; timeout: number },
): Promise<void> {
  const { tools, nextCursor } = await client.listTools({}, options);
  const names = tools.map(({ name }) => name);
  if (nextCursor !== undefined || names.includes(tool)) return;
  const guess = didYouMean(tool, names);
  throw new BatonError('SEARCH_TOOL', `${nameOf(run)} has no tool "${tool}".${guess === undefined ? '' : ` Did you mean "${guess}"?`}`, {
    where: tool,
    hint: `It has ${names.join(', ') || 'none'}; name one of them in research.search of baton.yaml.`,
  });
}

/** The process of a server, as the client library talks with it: a message a line. */
class ProcessLine implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** How the process ended; missing while it runs. */
  over: Ended | undefined;
  private readonly server: McpServer;
  private readonly mcp: Pick<typeof import('@modelcontextprotocol/client'), 'ReadBuffer' | 'serializeMessage'>;
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;
  private stdin: Writable | undefined;
  private ended: Promise<void> | undefined;

  constructor(server: McpServer, signal: AbortSignal, mcp: ProcessLine['mcp']) {
    this.server = server;
    this.mcp = mcp;
    this.signal = AbortSignal.any([signal, this.stop.signal]);
  }

  async start(): Promise<void> {
    const { promise: started, resolve, reject } = Promise.withResolvers<void>();
    this.ended = runProcess({
      ...this.server,
      signal: this.signal,
      graceMs: GRACE_MS,
      log: (chunk) => this.server.log(chunk),
      talk: (stdin, stdout) => {
        this.stdin = stdin;
        this.listen(stdout);
        resolve();
      },
    }).then((end) => {
      this.over = end;
      reject(failed(this.server, end, undefined));
      this.onclose?.();
    });
    return started;
  }

  private listen(stdout: Readable): void {
    const buffer = new this.mcp.ReadBuffer({ maxBufferSize: MESSAGE_MAX });
    stdout.on('data', (chunk: Buffer) => {
      try {
        buffer.append(chunk);
        for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) this.onmessage?.(message);
      } catch (error) {
        // Too long, or no message: nothing that follows could be understood.
        this.stop.abort(failed(this.server, undefined, error));
      }
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.stdin?.write(this.mcp.serializeMessage(message));
  }

  /** Ends its input, and it when that is not enough. May be called twice. */
  async close(): Promise<void> {
    this.stdin?.end();
    const patience = setTimeout(() => this.stop.abort(new BatonError('CANCELLED', 'The call is over.')), CLOSE_MS);
    await this.ended;
    clearTimeout(patience);
  }
}

const tooLate = ({ run }: McpServer, timeoutMs: number): AttemptError =>
  new AttemptError(
    'timeout',
    'SEARCH_TIMEOUT',
    `limit research.search.mcp.timeout = ${timeoutMs} ms: ${nameOf(run)} had no answer by then.`,
    {
      details: { timeoutMs },
    },
  );

function failed({ run }: McpServer, over: Ended | undefined, cause: unknown): AttemptError {
  const why = over?.failure;
  const said = why?.message ?? (cause instanceof Error ? cause.message : 'it ended before it answered');
  return new AttemptError(why?.class ?? 'permanent', 'SEARCH_FAILED', `The search by ${nameOf(run)} failed: ${said}`, {
    hint: 'Try the command of research.search in baton.yaml by hand.',
    ...(cause === undefined ? {} : { cause }),
  });
}
