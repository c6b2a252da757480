import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { RedactingStream, Redactor } from '../policy/redact.ts';
import { Capture, type Output } from './output.ts';

/** Most bytes that Baton keeps of one output, reply or handoff: 32 MiB. */
export const OUTPUT_MAX = 32 * 1024 * 1024;

export interface OutputHandling {
  /** Most bytes of one output stream. Default 32 MiB. */
  readonly outputMax?: number;
  readonly redactor?: Redactor;
  /** Output as it comes, already redacted. May be called until the result is there; must not throw. */
  readonly log?: (chunk: string, kind: 'stdout' | 'stderr') => void;
}

/** One stream of a process: redacted, kept, and handed on as text. */
export class OutputPipe {
  private readonly capture: Capture;
  private readonly redacting: RedactingStream | undefined;
  private readonly decoder = new StringDecoder('utf8');
  private readonly kind: 'stdout' | 'stderr';
  private readonly log: OutputHandling['log'];
  private readonly tooMuch: () => void;

  constructor(kind: 'stdout' | 'stderr', stream: Readable, handling: OutputHandling, tooMuch: () => void) {
    this.kind = kind;
    this.capture = new Capture(handling.outputMax ?? OUTPUT_MAX);
    this.redacting = handling.redactor?.stream();
    this.log = handling.log;
    this.tooMuch = tooMuch;
    stream.on('data', (chunk: Buffer) => this.take(this.redacting?.write(chunk) ?? chunk));
    stream.on('error', () => undefined);
  }

  private take(chunk: Buffer): void {
    if (!this.capture.add(chunk)) {
      this.tooMuch();
      return;
    }
    const text = this.log === undefined ? '' : this.decoder.write(chunk);
    if (text !== '') this.log?.(text, this.kind);
  }

  output(): Output {
    if (this.redacting !== undefined) this.take(this.redacting.end());
    const rest = this.decoder.end();
    if (rest !== '') this.log?.(rest, this.kind);
    return this.capture.output();
  }
}
