/**
 * From an error to a `Failure`: by its type and codes, never by words in a message. Adapters throw nothing for failures
 * of the world, so this is where every exception of an attempt ends.
 */

import { defined } from '../../defined.ts';
import type { Failure, FailureClass } from '../../engine/kernel/plan.ts';
import { BatonError, type ErrorFields } from '../../errors.ts';

export interface AttemptErrorFields extends ErrorFields {
  /** False only when it is proved that nothing reached the outside world. */
  readonly dispatched?: boolean;
  /** The task waits for a person as it is. */
  readonly holds?: boolean;
}

/** Thrown to end an attempt with a failure of a known class; functions of a program may throw it too. */
export class AttemptError extends BatonError {
  readonly failureClass: FailureClass;
  readonly dispatched: boolean | undefined;
  readonly holds: boolean | undefined;

  constructor(failureClass: FailureClass, code: string, message: string, fields: AttemptErrorFields = {}) {
    super(code, message, fields);
    this.name = 'AttemptError';
    this.failureClass = failureClass;
    this.dispatched = fields.dispatched;
    this.holds = fields.holds;
  }
}

/** A failure without the optional fields that are unknown. */
export const failure = (
  failureClass: FailureClass,
  code: string,
  message: string,
  more: {
    readonly retryAfterMs?: number | undefined;
    readonly dispatched?: boolean | undefined;
    readonly holds?: boolean | undefined;
  } = {},
): Failure =>
  defined({
    class: failureClass,
    code,
    message: shorten(message),
    retryAfterMs: more.retryAfterMs,
    dispatched: more.dispatched,
    holds: more.holds,
  });

/** Codes of `signal.reason` and of services, and what each means for the attempt. */
const CLASS_OF_CODE: Readonly<Record<string, FailureClass>> = {
  CANCELLED: 'cancelled',
  SHUTDOWN: 'cancelled',
  TIMEOUT: 'timeout',
  BUDGET_EXCEEDED: 'budget',
  ATTEMPT_OVER: 'cancelled',
};

/** System errors of a connection that a later try may not meet. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** The connection stood, and nothing came over it. */
const SILENCE_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

export const failureOf = (error: unknown): Failure => {
  const chain = causesOf(error);
  for (const link of chain) {
    if (link instanceof AttemptError) return failure(link.failureClass, link.code, withHint(link), link);
    if (link instanceof BatonError) return failure(CLASS_OF_CODE[link.code] ?? 'permanent', link.code, withHint(link), link);
  }
  for (const code of chain.map(codeOf)) {
    if (code !== undefined && NETWORK_CODES.has(code)) return failure('transient', code, chain.map(messageOf).join(': '));
    if (code !== undefined && SILENCE_CODES.has(code)) return failure('timeout', code, chain.map(messageOf).join(': '));
  }
  if (chain.some((link) => nameOf(link) === 'TimeoutError')) return failure('timeout', 'TIMEOUT', messageOf(error));
  if (chain.some((link) => nameOf(link) === 'AbortError')) return failure('cancelled', 'CANCELLED', messageOf(error));
  return failure('permanent', 'EXCEPTION', `${nameOf(error)}: ${messageOf(error)}`);
};

/** How an attempt ends whose signal was aborted, by the signal's reason. */
export const failureOfAbort = (signal: AbortSignal): Failure => {
  const found = failureOf(signal.reason);
  return found.class === 'permanent' ? failure('cancelled', 'CANCELLED', found.message) : found;
};

/** Stack and cause chain, for the report that a failure refers to. */
export const reportOf = (error: unknown): string =>
  causesOf(error)
    .map((link) => (link instanceof Error ? (link.stack ?? messageOf(link)) : messageOf(link)))
    .join('\ncaused by: ');

const CAUSES_MAX = 10;

/** The error and its causes, outermost first. */
export const causesOf = (error: unknown): readonly unknown[] => {
  const chain: unknown[] = [];
  for (let link = error; link !== undefined && link !== null && chain.length < CAUSES_MAX; ) {
    chain.push(link);
    link = link instanceof Error ? link.cause : undefined;
  }
  return chain;
};

const codeOf = (link: unknown): string | undefined =>
  link instanceof Error && 'code' in link && typeof link.code === 'string' ? link.code : undefined;
const nameOf = (link: unknown): string => (link instanceof Error ? link.name : typeof link);
const messageOf = (link: unknown): string => (link instanceof Error ? link.message : String(link));
const withHint = (error: BatonError): string => (error.hint === undefined ? error.message : `${error.message} ${error.hint}`);

const MESSAGE_MAX = 2048;
/** A message is stored in a fact; what doesn't fit there is in the report. */
const shorten = (text: string): string => (text.length <= MESSAGE_MAX ? text : `${text.slice(0, MESSAGE_MAX - 1)}…`);
