/**
 * How a fact becomes bytes, and the chain that ties the rows of a stream together: each hash covers the one before, the
 * number of the row's last fact and its text; the first covers the stream's name. So an edit, a gap or an exchange is found
 * where it is. What the chain can't show is that its end was cut off, or that all of it was written anew: for that, keep a
 * head somewhere else (`baton audit head`).
 *
 * Two facts are encoded for every step of every run. Text is put together by hand around one `JSON.stringify`, and hashed
 * in one call: that is twice as fast as a hash object, which cost more than the insert.
 */
import { hash } from 'node:crypto';
import { BatonError } from '../../errors.ts';
import { type CommandRef, FACTS, type Fact, type Stored } from '../kernel/facts.ts';
import type { Hash } from '../kernel/plan.ts';
import { upcast } from '../kernel/upcast.ts';
import type { NewFact } from './journal.ts';

interface Body {
  readonly at?: number;
  readonly epoch?: number;
  /** Version of the fact's shape; 1 where it is missing. */
  readonly v?: number;
  readonly command?: CommandRef;
  readonly fact: { readonly type: string } & Readonly<Record<string, unknown>>;
}

export const encode = (stored: NewFact, epoch: number): string => `{"at":${stored.at},"epoch":${epoch},${rest(stored)}`;

/** One that follows another in the same row, which was written in the same epoch. */
export const encodeNext = (stored: NewFact, atBefore: number): string =>
  stored.at === atBefore ? `{${rest(stored)}` : `{"at":${stored.at},${rest(stored)}`;

function rest({ fact, command }: NewFact): string {
  const version: number = FACTS[fact.type].version;
  const more = (version === 1 ? '' : `"v":${version},`) + (command === undefined ? '' : `"command":${JSON.stringify(command)},`);
  return `${more}"fact":${JSON.stringify(fact)}}`;
}

/**
 * @param first of the row, for one that follows it
 * @throws BatonError `JOURNAL_NEWER` for a kind or version this release does not know, `JOURNAL_CORRUPT` for what is no fact.
 */
export function decode(stream: string, seq: number, text: string, first?: Stored): Stored {
  const body = parse(stream, seq, text);
  const fact: Fact | undefined = upcast(body.fact.type, body.v ?? 1, body.fact);
  if (!fact)
    throw new BatonError(
      'JOURNAL_NEWER',
      `Fact ${seq} of ${stream} is a "${body.fact.type}", version ${body.v ?? 1}, which this release does not know.`,
      {
        where: `${stream}#${seq}`,
        hint: 'Use the release that wrote it, or a later one.',
      },
    );
  const { at = first?.at ?? 0, epoch = first?.epoch ?? 0, command } = body;
  return command ? { stream, seq, at, epoch, fact, command } : { stream, seq, at, epoch, fact };
}

function parse(stream: string, seq: number, text: string): Body {
  let cause: unknown;
  try {
    const body = JSON.parse(text) as Partial<Body> | null;
    if (typeof body?.fact?.type === 'string') return body as Body;
  } catch (error) {
    cause = error;
  }
  throw new BatonError('JOURNAL_CORRUPT', `Fact ${seq} of ${stream} can't be read.`, {
    where: `${stream}#${seq}`,
    hint: 'Run `baton audit verify`.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export const genesis = (stream: string): Hash => hash('sha256', `baton stream ${stream}`);
export const link = (before: Hash, seq: number, text: string): Hash => hash('sha256', `${before}${seq}${text}`);
export const hashOf = (payload: Uint8Array | string): Hash => hash('sha256', payload);
