/**
 * Keeps secrets out of whatever leaves an attempt: output, logs, errors, handoffs. A secret is recognised as it is, as
 * JSON or a URL writes it, in base64 at any alignment, and line by line where it has several.
 *
 * A filter, not a guarantee: a program that is given a secret can always disguise it.
 */
export interface Redactor {
  text(text: string): string;
  /** A JSON value with every string in it redacted, keys included. */
  value<T>(json: T): T;
  /** For bytes that come in pieces: a secret split between two of them is still found. */
  stream(): RedactingStream;
}

export interface RedactingStream {
  /** What may be shown already; holds back an ending that could be the beginning of a secret. */
  write(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Shorter values can't be told from ordinary text, so they are refused as secrets. */
export const SECRET_LENGTH_MIN = 6;
const LINE_LENGTH_MIN = 8;
const BASE64_LENGTH_MIN = 12;

export const createRedactor = (secrets: ReadonlyMap<string, string>): Redactor => {
  if (secrets.size === 0) return NOTHING_SECRET;
  const names = new Map<string, string>();
  for (const [name, value] of secrets) for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name);
  const text = new Needles(names);
  const bytes = new Needles(new Map([...names].map(([form, name]) => [Buffer.from(form).toString('latin1'), name])));
  return {
    text: (input) => text.replace(input),
    value: (json) => redactValue(json, text) as typeof json,
    stream: () => new HoldingStream(bytes),
  };
};

const NOTHING_SECRET: Redactor = {
  text: (text) => text,
  value: (json) => json,
  stream: () => ({ write: (chunk) => chunk, end: () => Buffer.alloc(0) }),
};

const formsOf = (value: string): Set<string> => {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]);
  for (const line of value.split(/\r?\n/)) if (line.length >= LINE_LENGTH_MIN) forms.add(line);
  const bytes = Buffer.from(value);
  if (bytes.length >= BASE64_LENGTH_MIN) {
    for (const skipped of [0, 1, 2]) {
      const whole = bytes.subarray(skipped, skipped + Math.floor((bytes.length - skipped) / 3) * 3);
      forms.add(whole.toString('base64')).add(whole.toString('base64url'));
    }
  }
  return forms;
};

const redactValue = (json: unknown, needles: Needles): unknown => {
  if (typeof json === 'string') return needles.replace(json);
  if (Array.isArray(json)) return json.map((item) => redactValue(item, needles));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [needles.replace(key), redactValue(item, needles)]));
};

/** Texts to look for, longest first, with the name each stands for. */
class Needles {
  private readonly names: ReadonlyMap<string, string>;
  private readonly pattern: RegExp;
  private readonly lengthMax: number;

  constructor(names: ReadonlyMap<string, string>) {
    const forms = [...names.keys()].sort((a, b) => b.length - a.length);
    this.names = names;
    this.lengthMax = forms[0]?.length ?? 0;
    this.pattern = new RegExp(forms.map((form) => form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
  }

  replace(text: string): string {
    return text.replace(this.pattern, (found) => this.label(found));
  }

  /** Replaces what is certain; `rest` may still become a secret once more text follows. */
  split(text: string): { readonly done: string; readonly rest: string } {
    let done = '';
    let from = 0;
    for (const match of text.matchAll(this.pattern)) {
      if (this.mayGrow(text.slice(match.index))) return { done: done + text.slice(from, match.index), rest: text.slice(match.index) };
      done += text.slice(from, match.index) + this.label(match[0]);
      from = match.index + match[0].length;
    }
    let held = Math.min(this.lengthMax - 1, text.length - from);
    while (held > 0 && !this.mayGrow(text.slice(text.length - held))) held -= 1;
    return { done: done + text.slice(from, text.length - held), rest: text.slice(text.length - held) };
  }

  private label(found: string): string {
    return `[secret ${this.names.get(found) ?? ''}]`;
  }

  private mayGrow(ending: string): boolean {
    if (ending.length >= this.lengthMax) return false;
    for (const form of this.names.keys()) if (form.length > ending.length && form.startsWith(ending)) return true;
    return false;
  }
}

class HoldingStream implements RedactingStream {
  private held = '';
  private readonly needles: Needles;

  constructor(needles: Needles) {
    this.needles = needles;
  }

  write(chunk: Buffer): Buffer {
    const { done, rest } = this.needles.split(this.held + chunk.toString('latin1'));
    this.held = rest;
    return Buffer.from(done, 'latin1');
  }

  end(): Buffer {
    const last = this.needles.replace(this.held);
    this.held = '';
    return Buffer.from(last, 'latin1');
  }
}
