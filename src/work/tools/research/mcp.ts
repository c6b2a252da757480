/**
 * One call of a tool of the search server: connect, see whether it has the tool, call it, leave. What it says, also about
 * its errors, is data like any page.
 */
import type { Client, Transport } from '@modelcontextprotocol/client';
import type { Failure } from '../../../engine/kernel/plan.ts';
import { BatonError } from '../../../errors.ts';
import { didYouMean } from '../../../near.ts';
import { AttemptError, failureOf } from '../../processes/failure.ts';
import { excerpt } from '../untrusted.ts';

/** The way to a server. */
export interface McpLine {
  readonly transport: Transport;
  /** Why nobody answers any more, where the line knows that better than whoever talks over it. */
  broken(): Failure | undefined;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}
export interface McpCall {
  /** As an error names it. */
  readonly server: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** For everything: start, call and answer. */
  readonly timeoutMs: number;
  /** Takes secrets out of what the server says. */
  readonly redact: <T>(json: T) => T;
  readonly signal: AbortSignal;
}

/** Most bytes of what a server says in one call. */
export const MCP_BYTES_MAX = 4 * 1024 * 1024;

/**
 * @param open makes the line; it ends with the signal
 * @returns the answer, not checked
 * @throws AttemptError `SEARCH_FAILED`, `SEARCH_TIMEOUT`
 * @throws BatonError `SEARCH_TOOL` when the server has no such tool; the reason of the signal
 */
export async function callMcp(open: (signal: AbortSignal) => Promise<McpLine>, call: McpCall): Promise<unknown> {
  const { Client } = await import('@modelcontextprotocol/client');
  const late = AbortSignal.timeout(call.timeoutMs);
  const signal = AbortSignal.any([call.signal, late]);
  const client = new Client({ name: 'baton', version: '1' });
  const options = { signal, timeout: call.timeoutMs };
  let line: McpLine | undefined;
  try {
    line = await open(signal);
    await client.connect(line.transport, options);
    await refuseUnknown(client, call, options);
    return call.redact(await client.callTool({ name: call.tool, arguments: { ...call.arguments } }, options));
  } catch (error) {
    call.signal.throwIfAborted();
    if (late.aborted) throw tooLate(call);
    const broken = line?.broken();
    if (broken === undefined && error instanceof BatonError) throw error;
    throw failed(call, broken ?? failureOf(error), error);
  } finally {
    await line?.close();
  }
}

/** @throws BatonError `SEARCH_TOOL` */
async function refuseUnknown(
  client: Client,
  { server, tool }: McpCall,
  options: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<void> {
  const { tools } = await client.listTools({}, options);
  const names = tools.map(({ name }) => name);
  if (names.includes(tool)) return;
  const guess = didYouMean(tool, names);
  const has = names.length === 0 ? 'It has none.' : `It has ${excerpt(names.join(', '))}.`;
  throw new BatonError('SEARCH_TOOL', `The search server ${server} has no tool "${tool}". ${has}`, {
    where: tool,
    hint: `${guess === undefined ? '' : `Did you mean ${excerpt(guess)}? `}Correct \`research.search.tool\` in baton.yaml.`,
  });
}

const tooLate = ({ server, timeoutMs }: McpCall): AttemptError =>
  new AttemptError(
    'timeout',
    'SEARCH_TIMEOUT',
    `limit research.search.timeout = ${timeoutMs} ms: the search server ${server} had not answered by then.`,
    {
      details: { timeoutMs },
    },
  );

const failed = ({ server, redact }: McpCall, why: Failure, cause: unknown): AttemptError =>
  new AttemptError(why.class, 'SEARCH_FAILED', `The search server ${server} failed: ${excerpt(redact(why.message))}`, {
    hint: 'It is named by `research.search` in baton.yaml.',
    cause,
  });
