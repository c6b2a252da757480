/** A search server that is there already, by streamable HTTP. The operator named it, so it may be on this machine too. */
import type { Failure } from '../../../engine/kernel/plan.ts';
import { failure } from '../../processes/failure.ts';
import { MCP_BYTES_MAX, type McpLine } from './mcp.ts';
import { classOfStatus } from './request.ts';

/** How long a server may take to forget a session. */
const CLOSE_MS = 2_000;
const NO_RETRIES = { maxRetries: 0, initialReconnectionDelay: 0, maxReconnectionDelay: 0, reconnectionDelayGrowFactor: 1 };

/** @param bearer sent with every request; no redirect to another origin is followed */
export async function openUrl(url: string, bearer: string | undefined): Promise<McpLine> {
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  let broken: Failure | undefined;
  let bytes = 0;
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } },
    reconnectionOptions: NO_RETRIES,
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (init?.method === 'POST' && response.status >= 400) broken ??= badStatus(response.status);
      return new Response(response.body?.pipeThrough(counted()), response);
    },
  });

  const counted = (): TransformStream<Uint8Array, Uint8Array> =>
    new TransformStream({
      async transform(chunk, controller) {
        bytes += chunk.length;
        if (bytes <= MCP_BYTES_MAX) return controller.enqueue(chunk);
        broken ??= failure('permanent', 'SEARCH_FAILED', `limit MCP_BYTES_MAX = ${MCP_BYTES_MAX} bytes: it says more`);
        controller.terminate();
        // Whoever waits for an answer is told that there will be none.
        await transport.close();
      },
    });

  return {
    transport,
    broken: () => broken,
    async close() {
      const patience = setTimeout(() => void transport.close(), CLOSE_MS);
      // A session that it keeps all the same is its own affair.
      await transport.terminateSession().catch(() => undefined);
      clearTimeout(patience);
      await transport.close();
    },
  };
}

const badStatus = (status: number): Failure => failure(classOfStatus(status), 'SEARCH_FAILED', `it answered with status ${status}`);
