/**
 * What a process wrote to one stream, in bounded memory: the end of it for people, the whole of it for the blob store.
 */
export const TAIL_MAX = 64 * 1024;

export interface Output {
  /** The whole, or its last 64 KiB. */
  readonly text: string;
  /** Bytes of the whole. */
  readonly size: number;
  /** The whole where `text` is only its end. */
  readonly whole?: Uint8Array;
}

export class Capture {
  size = 0;
  private readonly chunks: Buffer[] = [];
  private readonly sizeMax: number;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /** False once there is more than may be kept; nothing is kept from then on. */
  add(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    this.size += chunk.length;
    if (this.size > this.sizeMax) return false;
    this.chunks.push(chunk);
    return true;
  }

  output(): Output {
    const whole = this.chunks.length === 1 && this.chunks[0] !== undefined ? this.chunks[0] : Buffer.concat(this.chunks);
    if (whole.length <= TAIL_MAX) return { text: whole.toString('utf8'), size: this.size };
    return { text: tailOf(whole), size: this.size, whole };
  }
}

/** The end of a text, not starting in the middle of a character. */
const tailOf = (bytes: Buffer): string => {
  let from = bytes.length - TAIL_MAX;
  while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.toString('utf8', from);
};

/** The last lines of an output, for a message. */
export const lastLines = (text: string, linesMax = 12, charactersMax = 1200): string =>
  text.trimEnd().split('\n').slice(-linesMax).join('\n').slice(-charactersMax);
