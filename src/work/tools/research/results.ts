/**
 * What a search server found, as a list. Servers agree on no form: some give structured content, some links, some JSON in a
 * text, some lines with `Title:` and `URL:`. Each is looked for in this order; what is none of them is no list, and stays the
 * text it is.
 */
import { z } from 'zod';

export interface SearchResult {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

/** The parts of an answer of `tools/call` that can hold results. */
export const searchAnswer = z.object({
  content: z
    .array(
      z.looseObject({
        type: z.string(),
        text: z.string().optional(),
        uri: z.string().optional(),
        name: z.string().optional(),
        title: z.string().optional(),
        description: z.string().optional(),
      }),
    )
    .default([]),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
  isError: z.boolean().optional(),
});
export type SearchAnswer = z.output<typeof searchAnswer>;

const TITLE_MAX = 300;
const SNIPPET_MAX = 2000;
const URL_MAX = 2048;
/** How deep a list may lie in structured content. */
const DEPTH_MAX = 4;

/** Nothing where the answer holds no list. */
export function resultsOf({ content, structuredContent }: SearchAnswer, max: number): readonly SearchResult[] {
  const links = content.flatMap(({ type, uri, title, name, description }) =>
    type === 'resource_link' ? [{ url: uri, title: title ?? name, description }] : [],
  );
  const texts = content.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : []));
  const ways: readonly (() => readonly SearchResult[])[] = [
    () => listIn(structuredContent, 0),
    () => listIn(links, 0),
    () => listIn(texts.map(jsonOf), 0),
    () => texts.flatMap(labelled),
  ];
  for (const way of ways) {
    const found = way();
    if (found.length > 0) return found.slice(0, max);
  }
  return [];
}

export const textOf = ({ content }: SearchAnswer): string => content.flatMap(({ text }) => (text === undefined ? [] : [text])).join('\n\n');

/** The first list on the way down whose members have addresses. */
function listIn(value: unknown, depth: number): readonly SearchResult[] {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return [];
  if (Array.isArray(value)) {
    const found = value.flatMap(oneOf);
    if (found.length > 0) return found;
  }
  for (const each of Object.values(value)) {
    const found = listIn(each, depth + 1);
    if (found.length > 0) return found;
  }
  return [];
}

const text = z.string().nullish().catch(undefined);
const member = z.object({
  ...{ url: text, link: text, href: text, uri: text, title: text, name: text },
  ...{ snippet: text, description: text, content: text, text, summary: text },
});

function oneOf(value: unknown): readonly SearchResult[] {
  const { data } = member.safeParse(value);
  if (data === undefined) return [];
  const { url, link, href, uri, title, name, snippet, description, content, text: body, summary } = data;
  return result(url ?? link ?? href ?? uri ?? '', title ?? name ?? '', snippet ?? description ?? content ?? body ?? summary ?? '');
}

/** Only pages of the web are results. */
function result(address: string, title: string, snippet: string): readonly SearchResult[] {
  const url = URL.parse(address.trim());
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.href.length > URL_MAX) return [];
  return [{ title: cut(title.trim(), TITLE_MAX), url: url.href, snippet: cut(snippet.trim(), SNIPPET_MAX) }];
}

const cut = (whole: string, max: number): string => (whole.length <= max ? whole : `${whole.slice(0, max - 1).toWellFormed()}…`);

function jsonOf(whole: string): unknown {
  try {
    return JSON.parse(whole);
  } catch {
    return undefined;
  }
}

/** `Title: …`, `URL: …` and the like, in blocks. A block begins with each title, or each address where there are none. */
function labelled(whole: string): readonly SearchResult[] {
  const blocks: { title?: string; url?: string; rest: string[] }[] = [];
  for (const line of whole.split('\n')) {
    const [, label = '', said = ''] =
      /^[\s>*-]*(?:\d+[.)]\s*)?\**(title|url|link|description|snippet|content|summary)\**:\**\s*(.*)$/i.exec(line) ?? [];
    const last = blocks.at(-1);
    switch (label.toLowerCase()) {
      case 'title':
        if (last === undefined || last.title !== undefined || last.url !== undefined) blocks.push({ title: said, rest: [] });
        else last.title = said;
        break;
      case 'url':
      case 'link':
        if (last === undefined || last.url !== undefined) blocks.push({ url: said, rest: [] });
        else last.url = said;
        break;
      default:
        last?.rest.push(label === '' ? line : said);
    }
  }
  return blocks.flatMap(({ title = '', url = '', rest }) => result(url, title, rest.join('\n')));
}
