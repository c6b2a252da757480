/** Errors to answers: a status by code, and the body of the API. */
import { REFUSALS, type Refusal, type RefusalCode } from '../../engine/kernel/commands.ts';
import { BatonError } from '../../errors.ts';
import { PROBLEM_TYPE, problemOf } from '../api/problem.ts';

/** Refusals that are not a conflict (409) with how things stand. */
const REFUSED: Partial<Record<RefusalCode, number>> = {
  IDEMPOTENCY_MISMATCH: 422,
  RUN_NOT_FOUND: 404,
  TASK_NOT_FOUND: 404,
  APPROVAL_NOT_FOUND: 404,
  APPROVAL_FORBIDDEN: 403,
  RUNS_EXCEEDED: 429,
  RESULT_MISSING: 422,
  PLAN_INVALID: 422,
  CYCLE: 422,
  UNKNOWN_DEPENDENCY: 422,
  DUPLICATE_ID: 422,
  TASKS_EXCEEDED: 422,
  DEPTH_EXCEEDED: 422,
};

const STATUS: Readonly<Record<string, number>> = {
  KNOWLEDGE_UNKNOWN: 404,
  NOT_FOUND: 404,
  FILE_NOT_FOUND: 404,
  AMBIGUOUS_RUN: 409,
  OVERLAP_STALE: 409,
  READ_ONLY: 409,
  FOREIGN_ORIGIN: 403,
  BODY_TOO_LARGE: 413,
  PAYLOAD_TOO_LARGE: 413,
  COMMAND_ID_MISSING: 400,
  BAD_REQUEST: 400,
  WORKFLOW_INVALID: 422,
  INVALID_INPUTS: 422,
  INVALID_ANSWER: 422,
  HOST_CLOSED: 503,
  STALE_WRITER: 503,
  DISK_FULL: 507,
};

export function statusOf(code: string): number {
  const known = STATUS[code] ?? REFUSED[code as RefusalCode];
  if (known !== undefined) return known;
  if (code in REFUSALS) return 409;
  return code.startsWith('JOURNAL_') ? 503 : 422;
}

/** An error of the world is told as it is; anything else is our bug, whose stack belongs to the log. */
export function problemResponse(error: unknown, onBug: (error: unknown) => void): Response {
  let known: BatonError;
  if (error instanceof BatonError) known = error;
  else {
    onBug(error);
    known = new BatonError('INTERNAL', 'Baton made a mistake.', { hint: 'The log of the owner has the whole error; please report it.' });
  }
  const status = known === error ? statusOf(known.code) : 500;
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
  if (known.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(known.retryAfterMs / 1000));
  return new Response(JSON.stringify(problemOf(known, status)), { status, headers });
}

export const refused = ({ code, message, hint, details }: Refusal): BatonError =>
  new BatonError(code, sentence(message), { ...(hint === undefined ? {} : { hint }), ...(details ? { details } : {}) });

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
