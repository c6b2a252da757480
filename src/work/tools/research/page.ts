/** What of a fetched page is text, by its content type: a page of HTML as the Markdown of what it says, other text as it is. */
import { BatonError } from '../../../errors.ts';
import { isBinary } from '../files/content.ts';
import { readableText } from './readable.ts';
import type { Fetched } from './request.ts';

export interface Page {
  /** Empty where it says none. */
  readonly title: string;
  readonly text: string;
  /** Without its parameters. */
  readonly contentType: string;
}

const HTML: ReadonlySet<string> = new Set(['text/html', 'application/xhtml+xml']);
const TEXT: ReadonlySet<string> = new Set(['text/plain', 'text/markdown', 'text/x-markdown', 'application/json', 'text/json']);

/** @throws BatonError `FETCH_TYPE`, or as `readableText`; the reason of the signal */
export async function readPage({ url, contentType, body }: Fetched, signal: AbortSignal): Promise<Page> {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  const plain = type.trim();
  if (HTML.has(plain)) {
    const html = decoded(body, charsetIn(contentType) ?? charsetIn(body.toString('latin1', 0, META_BYTES)));
    return { ...(await readableText(html, url.href, signal)), contentType: plain };
  }
  if (!(TEXT.has(plain) || /^application\/[\w.-]+\+json$/.test(plain)) || isBinary(body)) throw notRead(url, plain);
  return { title: '', text: decoded(body, charsetIn(contentType)), contentType: plain };
}

/** A page of HTML may say its charset in here. */
const META_BYTES = 2048;

const charsetIn = (text: string): string | undefined => /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text)?.[1];

function decoded(body: Buffer, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // A name that nobody knows.
    return new TextDecoder().decode(body);
  }
}

const notRead = ({ href }: URL, type: string): BatonError =>
  new BatonError(
    'FETCH_TYPE',
    `${href} is ${type === '' ? 'of no content type' : `"${type.slice(0, 80)}"`}, and that is not read as text.`,
    {
      where: href,
      hint: `Read are ${[...HTML, ...TEXT].join(', ')}, and kinds of JSON.`,
    },
  );
