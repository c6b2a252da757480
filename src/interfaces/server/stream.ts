/**
 * Server-sent events of a run, or of all. A stream is a reader of the journal and of the output file that is woken when
 * there may be more, so what it sends never depends on when it came.
 */

import type { Stored } from '../../engine/kernel/facts.ts';
import { GRANTS } from '../../engine/kernel/grants.ts';
import { type Position, positionText, type StreamEvent } from '../api/events.ts';
import { merge } from './merge.ts';
import type { OutputLog } from './output-log.ts';
import { take } from './pages.ts';
import type { Given } from './route.ts';
import type { Services } from './services.ts';

/** Facts in one event at most. */
const PAGE = 500;
/** How often a silent stream says that it is alive, in milliseconds. */
const ALIVE_MS = 15_000;
const NO_OUTPUT = { items: [], whole: true };

interface Next {
  readonly events: readonly StreamEvent[];
  readonly position: Position;
}
/** What follows a position, without waiting for more; no events when there is nothing. */
type Read = (from: Position) => Promise<Next>;
/** Calls back when there may be more; returns the function that ends it. */
type Listen = (wake: () => void) => () => void;

export function runStream(services: Services, outputs: OutputLog, run: string, from: Position): Given {
  const read: Read = async (position) => {
    const stored = take(services.journal.read(run, position.facts), PAGE + 1);
    const whole = stored.length <= PAGE;
    if (!whole) stored.pop();
    // Facts first: whatever was printed before them is in the file then.
    await outputs.settled(run);
    const lines = position.output === undefined ? NO_OUTPUT : await outputs.read(run, position.output);
    const events = merge(position, { items: stored, whole }, lines);
    return { events, position: events.at(-1)?.position ?? position };
  };
  const listen: Listen = (wake) => {
    const ends = [
      outputs.onOutput(run, wake),
      services.engine?.host.onFacts((facts) => facts.some(({ stored }) => stored.stream === run) && wake()),
    ];
    return () => {
      for (const end of ends) end?.();
    };
  };
  return respond(services, read, listen, from);
}

export function allStream(services: Services, from: Position): Given {
  const read: Read = async ({ facts }) => {
    const page = take(services.journal.readAll(facts, PAGE), PAGE);
    const position = { facts: page.at(-1)?.position ?? facts };
    const shown: Stored[] = page.map(({ stored }) => stored).filter(({ stream }) => stream !== GRANTS);
    return { position, events: page.length === 0 ? [] : [{ type: 'facts', position, facts: shown, more: page.length === PAGE }] };
  };
  return respond(services, read, (wake) => services.engine?.host.onFacts(wake) ?? (() => {}), from);
}

function respond({ engine }: Services, read: Read, listen: Listen, from: Position): Given {
  let position = from;
  let woken: () => void = () => {};
  let more = false;
  let gone = false;
  const wake = () => {
    more = true;
    woken();
  };
  const end = listen(wake);
  const silence = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ALIVE_MS);
      woken = () => {
        clearTimeout(timer);
        resolve();
      };
      if (more || gone) woken();
    });
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        more = false;
        const page = await read(position);
        position = page.position;
        if (page.events.length > 0) return controller.enqueue(bytes(page.events.map(frame).join('')));
        // Nobody writes to a home that is only read: what there was is all.
        if (!engine) return controller.close();
        await silence();
        if (!gone) controller.enqueue(bytes(more ? '' : ':\n\n'));
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    cancel() {
      gone = true;
      end();
      woken();
    },
  });
  return { type: 'text/event-stream', stream };
}

const frame = (event: StreamEvent): string =>
  `id: ${positionText(event.position)}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
