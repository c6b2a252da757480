/**
 * Follows a run (or all runs) from a position on. When the connection breaks, it comes back with the position of the
 * last event it gave out, so its reader sees every fact once and in order.
 */
import { BatonError } from '../../errors.ts';
import type { Transport } from '../api/call.ts';
import { type Position, positionText, type StreamEvent } from '../api/events.ts';
import { checked } from './checked.ts';
import { sseFrames } from './sse.ts';

export interface FollowOptions {
  /** Without one: facts of all runs, whose positions count over the whole journal. */
  readonly run?: string;
  /** Default: from the beginning. */
  readonly from?: Position;
  /** Live output of attempts as well. Only of one run. */
  readonly output?: boolean;
  readonly signal?: AbortSignal;
  /** Called before it connects again; may wait, start a server, or throw to give up. Default: waits a little, five times. */
  readonly onBroken?: (problem: unknown, times: number) => Promise<void>;
}

export async function* follow(transport: Transport, options: FollowOptions): AsyncGenerator<StreamEvent> {
  const { run, output = false, signal, onBroken = patience } = options;
  let position: Position = options.from ?? { facts: 0, ...(output ? { output: 0 } : {}) };
  const path = `${run === undefined ? '/v1/events' : `/v1/runs/${encodeURIComponent(run)}/events`}${output ? '?output=true' : ''}`;
  for (let times = 0; !signal?.aborted; ) {
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': positionText(position) };
      const answer = await checked(await transport({ method: 'GET', path, headers, ...(signal ? { signal } : {}) }));
      for await (const frame of sseFrames(answer.stream(), signal)) {
        if (frame.event !== 'facts' && frame.event !== 'output') continue;
        const event = JSON.parse(frame.data) as StreamEvent;
        position = event.position;
        times = 0;
        yield event;
      }
      throw new BatonError('STREAM_ENDED', 'The server ended the stream.');
    } catch (error) {
      if (signal?.aborted) return;
      if (error instanceof BatonError && error.code !== 'STREAM_ENDED' && error.code !== 'UNREACHABLE') throw error;
      await onBroken(error, ++times);
    }
  }
}

const PATIENCE = 5;
async function patience(problem: unknown, times: number): Promise<void> {
  if (times > PATIENCE) throw problem;
  await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** times));
}
