/**
 * As much of XML as reports of tests are made of: elements, attributes, text, CDATA. Takes one pass, never throws, and
 * knows no declarations: an entity that is not one of the five of XML, or a character by number, stays as it is.
 */
export type XmlEvent =
  | { readonly type: 'open'; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly type: 'close'; readonly name: string }
  | { readonly type: 'text'; readonly text: string };

export function* xmlEvents(xml: string): Generator<XmlEvent> {
  for (let at = 0; at < xml.length; ) {
    const tag = xml.indexOf('<', at);
    const textEnd = tag < 0 ? xml.length : tag;
    if (textEnd > at) yield { type: 'text', text: unescaped(xml.slice(at, textEnd)) };
    if (tag < 0) return;
    const special = SPECIAL.find(([begin]) => xml.startsWith(begin, tag));
    if (special !== undefined) {
      const [begin, end, isText] = special;
      const ends = xml.indexOf(end, tag + begin.length);
      const contentEnd = ends < 0 ? xml.length : ends;
      if (isText) yield { type: 'text', text: xml.slice(tag + begin.length, contentEnd) };
      at = contentEnd + end.length;
      continue;
    }
    const end = tagEnd(xml, tag + 1);
    yield* tagEvents(xml.slice(tag + 1, end));
    at = end + 1;
  }
}

const SPECIAL: readonly (readonly [begin: string, end: string, isText: boolean])[] = [
  ['<!--', '-->', false],
  ['<![CDATA[', ']]>', true],
  ['<?', '?>', false],
  ['<!', '>', false],
];

/** Where a tag ends: at the first `>` outside of quotes. */
const tagEnd = (xml: string, from: number): number => {
  let quote = '';
  for (let at = from; at < xml.length; at += 1) {
    const character = xml[at] ?? '';
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at;
  }
  return xml.length;
};

function* tagEvents(tag: string): Generator<XmlEvent> {
  if (tag.startsWith('/')) {
    yield { type: 'close', name: tag.slice(1).trim() };
    return;
  }
  const name = /^[^\s/]*/.exec(tag)?.[0] ?? '';
  yield { type: 'open', name, attributes: attributesIn(tag.slice(name.length)) };
  if (tag.endsWith('/')) yield { type: 'close', name };
}

const attributesIn = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(/([^\s=/"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g))
    found.set(name, unescaped(double ?? single ?? ''));
  return found;
};

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(?:([a-z]{2,4})|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g, (whole, name?: string, decimal?: string, hex?: string) => {
        if (name !== undefined) return NAMED[name] ?? whole;
        const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
        return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      })
    : text;
