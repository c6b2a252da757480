/** Takes an answer apart as it passes: the events of a stream, or the one value of a plain answer. */
import type { Tally } from './wires.ts';

/** Reads along with an answer whose bytes go on to somebody else. */
export class Pieces {
  private readonly decoder = new TextDecoder();
  private readonly tally: Tally;
  private readonly streamed: boolean;
  private rest = '';

  constructor(tally: Tally, contentType: string) {
    this.tally = tally;
    this.streamed = /event-stream/i.test(contentType);
  }

  push(chunk: Uint8Array): void {
    this.rest += this.decoder.decode(chunk, { stream: true });
    if (!this.streamed) return;
    const lines = this.rest.split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  end(): void {
    if (this.streamed) this.line(this.rest);
    else {
      const value = parsed(this.rest);
      for (const each of Array.isArray(value) ? value : [value]) this.tally.read(each);
    }
  }

  private line(line: string): void {
    if (!line.startsWith('data:')) return;
    const text = line.slice('data:'.length).trim();
    if (text === '[DONE]') this.tally.ended = true;
    else this.tally.read(parsed(text));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
