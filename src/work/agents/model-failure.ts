/**
 * What a failed request to a model means: by status code, error type and system error. Requests are never repeated
 * here; the class tells the kernel whether another attempt may help.
 */

import { defined } from '../../defined.ts';
import type { Failure, FailureClass } from '../../engine/kernel/plan.ts';
import { AttemptError, causesOf, failure, failureOf } from '../processes/failure.ts';
import { modelsOf } from './prices.ts';
import type { OpenedModel } from './providers.ts';
import { suggestion } from './suggestion.ts';

export type Asked = Pick<OpenedModel, 'name' | 'modelId' | 'priceList' | 'keyName'>;

/** An error of the same class, for `step` to throw. */
export const modelError = async (error: unknown, asked: Asked, nowMs: number): Promise<AttemptError> => {
  const { class: failureClass, code, message, retryAfterMs } = await modelFailure(error, asked, nowMs);
  return new AttemptError(failureClass, code, message, defined({ cause: error, retryAfterMs }));
};

export const modelFailure = async (error: unknown, asked: Asked, nowMs: number): Promise<Failure> => {
  const chain = causesOf(error);
  const own = chain.find((link) => link instanceof AttemptError);
  if (own !== undefined) return failureOf(own);
  const status = chain.map(statusOf).find((found) => found !== undefined && found >= 400);
  if (status !== undefined) return failureOfStatus(status, chain, asked, nowMs);
  const other = failureOf(error);
  // What is left came over a working connection: a reply cut short, or not in the provider's format.
  if (other.code !== 'EXCEPTION') return other;
  const said = error instanceof Error ? error.message : String(error);
  return failure('transient', 'MALFORMED_REPLY', `${asked.name} did not finish its reply, or sent one that can't be read: ${said}`);
};

const failureOfStatus = async (status: number, chain: readonly unknown[], asked: Asked, nowMs: number): Promise<Failure> => {
  const [failureClass, code, advice] = await meaningOf(status, chain, asked);
  const said = chain[0] instanceof Error ? chain[0].message : '';
  const retryAfterMs = failureClass === 'permanent' ? undefined : retryAfterOf(chain, nowMs);
  return failure(failureClass, code, `${asked.name} answered ${status}: ${said}${advice === '' ? '' : `. ${advice}`}`, { retryAfterMs });
};

const meaningOf = async (status: number, chain: readonly unknown[], asked: Asked): Promise<readonly [FailureClass, string, string]> => {
  if (chain.some((link) => providerCodeOf(link) === 'insufficient_quota') || status === 402) {
    return ['permanent', 'QUOTA_EXHAUSTED', 'Add credit at the provider, or use another model'];
  }
  if (status === 429) return ['throttled', 'HTTP_429', ''];
  if (status === 401 || status === 403) {
    const key = asked.keyName === undefined ? 'Name a key with apiKeyEnv' : `Check the key in ${asked.keyName}`;
    return ['permanent', 'AUTH', `${key}, and that it may use this model`];
  }
  if (status === 404) {
    const guess = suggestion(asked.modelId, await modelsOf(asked.priceList));
    return ['permanent', 'MODEL_NOT_FOUND', `Check the model's name and the URL. ${guess}`.trim()];
  }
  if (status >= 500 || status === 408 || status === 409 || status === 425) return ['transient', `HTTP_${status}`, ''];
  return ['permanent', `HTTP_${status}`, ''];
};

const statusOf = (link: unknown): number | undefined =>
  link instanceof Error && 'statusCode' in link && typeof link.statusCode === 'number' ? link.statusCode : undefined;

const providerCodeOf = (link: unknown): unknown => {
  const data: unknown = link instanceof Error && 'data' in link ? link.data : undefined;
  return isRecord(data) && isRecord(data['error']) ? data['error']['code'] : undefined;
};
const headersOf = (link: unknown): Record<string, string> | undefined =>
  link instanceof Error && 'responseHeaders' in link && isRecord(link.responseHeaders)
    ? (link.responseHeaders as Record<string, string>)
    : undefined;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** `retry-after-ms`, or `Retry-After` as seconds or a date; a date is read by the clock of the server that wrote it. */
const retryAfterOf = (chain: readonly unknown[], nowMs: number): number | undefined => {
  const header = (name: string): string | undefined =>
    chain.map((link) => headersOf(link)?.[name]).find((value) => typeof value === 'string');
  const milliseconds = Number.parseFloat(header('retry-after-ms') ?? '');
  if (milliseconds >= 0) return Math.ceil(milliseconds);
  const after = header('retry-after');
  if (after === undefined) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(after)) return Math.ceil(Number(after) * 1000);
  const at = Date.parse(after);
  const serverNow = Date.parse(header('date') ?? '');
  return Number.isNaN(at) ? undefined : Math.max(0, at - (Number.isNaN(serverNow) ? nowMs : serverNow));
};
