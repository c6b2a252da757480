/** What every error of Baton carries, so that a person, a script and a log can act on it without parsing the text. */
export interface ErrorFields {
  /** What to try, in one sentence. */
  readonly hint?: string;
  /** The file, run, task or value the error is about. */
  readonly where?: string;
  /** Set when the same request can succeed later: how long to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Further machine-readable facts, such as the limit and the value that exceeded it. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error of the world (bad input, full disk, refused request). Assertions about our own code use plain `Error`. */
export class BatonError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: string, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'BatonError';
    this.code = code;
    this.hint = fields.hint;
    this.where = fields.where;
    this.retryAfterMs = fields.retryAfterMs;
    this.details = fields.details;
  }
}
