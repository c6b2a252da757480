/** Errors on the wire: RFC 9457 problem details with the fields of a BatonError. */
import { BatonError } from '../../errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly where?: string;
  readonly retryAfterMs?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function problemOf(error: BatonError, status: number): ProblemBody {
  const { code, message, hint, where, retryAfterMs, details } = error;
  return {
    type: `urn:baton:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status,
    detail: message,
    code,
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
  };
}

/** The error a client throws for a problem it was sent. */
export function errorOf(body: Partial<ProblemBody>, status: number): BatonError {
  const { code = 'UNKNOWN_ANSWER', detail = `The server answered ${status}.`, hint, where, retryAfterMs, details } = body;
  return new BatonError(code, detail, {
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
  });
}
