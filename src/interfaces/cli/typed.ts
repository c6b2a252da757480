/** Values as they are typed. */
import { BatonError } from '../../errors.ts';
import { readDuration } from './words.ts';

const usage = (message: string, hint: string): BatonError => new BatonError('USAGE', message, { hint });

/** `--input key=value`, any number of times. */
export function pair(typed: string, before: unknown): Readonly<Record<string, string>> {
  const at = typed.indexOf('=');
  if (at < 1) throw usage(`"${typed}" is not key=value.`, 'Write it like --input since=HEAD~20');
  return { ...(before as Record<string, string> | undefined), [typed.slice(0, at)]: typed.slice(at + 1) };
}

export const texts = (typed: string, before: unknown): readonly string[] => [...((before as readonly string[] | undefined) ?? []), typed];

export function duration(typed: string): number {
  const ms = readDuration(typed);
  if (ms !== undefined) return ms;
  throw usage(`"${typed}" is no duration.`, 'Write it like 90s, 20m, 2h or 7d.');
}

export function wholeNumber(typed: string): number {
  const value = Number(typed.replaceAll('_', ''));
  if (Number.isSafeInteger(value) && value >= 0 && typed !== '') return value;
  throw usage(`"${typed}" is not a whole number.`, 'Write it like 20.');
}

export function dollars(typed: string): number {
  const value = Number(typed.replace(/^\$/, ''));
  if (Number.isFinite(value) && value >= 0 && typed !== '') return value;
  throw usage(`"${typed}" is not an amount of dollars.`, 'Write it like 2.50.');
}

export interface LimitOptions {
  readonly cost?: number;
  readonly tokens?: number;
  readonly wallTime?: number;
}

/** Limits as the API has them; undefined when none was typed. */
export function limitsOf({ cost, tokens, wallTime }: LimitOptions) {
  if (cost === undefined && tokens === undefined && wallTime === undefined) return undefined;
  return {
    ...(cost === undefined ? {} : { costUsd: cost }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(wallTime === undefined ? {} : { wallTimeMs: wallTime }),
  };
}
