import type { LogChunk } from '../../engine/host/host.ts';
import type { RedactingStream } from '../policy/redact.ts';
import type { Secrets } from '../policy/secrets.ts';

type Kind = LogChunk['kind'];

/** Live output of one attempt, without secrets, also where one is split between two chunks. */
export class RedactedLog {
  private readonly streams = new Map<Kind, RedactingStream>();
  private readonly secrets: Pick<Secrets, 'redactor'>;
  private readonly out: (chunk: string, kind: Kind) => void;

  constructor(secrets: Pick<Secrets, 'redactor'>, out: (chunk: string, kind: Kind) => void) {
    this.secrets = secrets;
    this.out = out;
  }

  write(chunk: string, kind: Kind): void {
    // Made with the first chunk, when the keys that this attempt uses are known.
    const stream = this.streams.get(kind) ?? this.secrets.redactor().stream();
    this.streams.set(kind, stream);
    this.show(stream.write(Buffer.from(chunk)), kind);
  }

  end(): void {
    for (const [kind, stream] of this.streams) this.show(stream.end(), kind);
    this.streams.clear();
  }

  private show(text: Buffer, kind: Kind): void {
    if (text.length > 0) this.out(text.toString('utf8'), kind);
  }
}
