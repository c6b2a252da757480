/** A request and its answer, free of any way to carry them: a socket, an address, or the same process. */
export interface Call {
  readonly method: 'GET' | 'POST';
  /** With its query, beginning with `/v1/`. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** Ends the answer of a stream, and a request that was not answered yet. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** The content type. */
  readonly type: string;
  text(): Promise<string>;
  /** As it comes. Taken at most once, and not together with `text`. */
  stream(): ReadableStream<Uint8Array>;
}

/** @throws BatonError `UNREACHABLE` when nobody answers */
export type Transport = (call: Call) => Promise<Answer>;
