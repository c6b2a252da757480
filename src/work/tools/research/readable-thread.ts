/** The thread of `readable.ts`: finds what a page says, and writes it as Markdown. Nothing in the page is run or fetched. */
import { parentPort, workerData } from 'node:worker_threads';
import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import TurndownService from 'turndown';

export interface Asked {
  readonly html: string;
  /** Where it was found; its links are made whole from there. */
  readonly url: string;
}
export interface Readable {
  /** Empty where the page says none. */
  readonly title: string;
  /** Markdown. */
  readonly text: string;
}

/** Never a part of what a page says. */
const NOT_SAID = 'script, style, noscript, template, iframe, object, embed, svg, canvas, title, [hidden], [aria-hidden="true"]';

const { html, url }: Asked = workerData;
const { document } = parse(html);
const title = document.querySelector('title')?.textContent?.trim() ?? '';
const base = URL.parse(document.querySelector('base')?.getAttribute('href') ?? '', url)?.href ?? url;
for (const link of document.querySelectorAll('a[href]')) {
  const to = URL.parse(link.getAttribute('href') ?? '', base);
  if (to?.protocol === 'http:' || to?.protocol === 'https:') link.setAttribute('href', to.href);
  else link.removeAttribute('href');
}
for (const each of document.querySelectorAll(NOT_SAID)) each.remove();
// What is no article, such as a list of links, is taken whole; `parse` takes the document apart.
const body = document.body.cloneNode(true);
const article = new Readability<TurndownService.Node>(document, { serializer: (node) => node }).parse();

const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' });
turndown.addRule('cell', { filter: ['th', 'td'], replacement: (content) => ` ${content.trim().replace(/\s*\n\s*/g, ' ')} |` });
turndown.addRule('row', { filter: 'tr', replacement: (content) => `\n|${content}` });
// Whoever shows the text would otherwise fetch what the page names.
turndown.addRule('image', {
  filter: 'img',
  replacement: (_content, node) => ('getAttribute' in node ? (node.getAttribute('alt') ?? '') : ''),
});
const markdown = turndown.turndown(article?.content ?? body);

const readable: Readable = { title: article?.title?.trim() || title, text: markdown };
parentPort?.postMessage(readable);

/** The tags of `html`, `head` and `body` may be left out, which this parser does not know. */
function parse(text: string): ReturnType<typeof parseHTML> {
  const parsed = parseHTML(text);
  return parsed.document.querySelector('html > body') ? parsed : parseHTML(`<html><head></head><body>${text}</body></html>`);
}
