/** Finds a character of a YAML text's value in the file: the two differ by quotes, escapes, indentation and folding. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** Answers for one text; asked in order of the offsets, it goes over the text only once. */
export class ScalarPositions {
  private readonly raw: string;
  private readonly style: ScalarStyle;
  private readonly value: string;
  private readonly indent: number;
  /** Where the search stands: an offset in the value, and the one in `raw` that belongs to it. */
  private v = 0;
  private r = 0;

  /** @param raw the scalar as the file has it */
  constructor(raw: string, style: ScalarStyle, value: string) {
    this.raw = raw;
    this.style = style;
    this.value = value;
    this.indent = style === 'literal' || style === 'folded' ? indentOf(raw, value) : Number.POSITIVE_INFINITY;
    this.restart();
  }

  /** @returns offset in `raw` of the character at `offset` in the value */
  rawOffset(offset: number): number {
    if (offset < this.v) this.restart();
    while (this.v < offset && this.r < this.raw.length && this.step());
    let r = this.r;
    const { raw, value, indent } = this;
    while (r < raw.length && raw[r] !== value[offset] && isSpace(raw[r])) r = raw[r] === '\n' ? skipIndent(raw, r + 1, indent) : r + 1;
    return Math.min(r, Math.max(0, raw.length - 1));
  }

  private restart(): void {
    this.v = 0;
    const block = this.style === 'literal' || this.style === 'folded';
    this.r = this.style === 'plain' ? 0 : block ? skipIndent(this.raw, this.raw.indexOf('\n') + 1, this.indent) : 1;
  }

  /** @returns false where value and raw text can't be brought together */
  private step(): boolean {
    const { raw, style, r } = this;
    const letter = raw[r];
    const wanted = this.value[this.v];
    if (style === 'double' && letter === '\\') {
      const { length, gives } = escapeAt(raw, r);
      this.r = gives === 0 ? skipIndent(raw, r + length, this.indent) : r + length;
      this.v += gives;
    } else if (style === 'single' && raw.startsWith("''", r)) {
      this.r += 2;
      this.v += 1;
    } else if (letter === '\n') {
      if (wanted === '\n' || wanted === ' ') this.v += 1;
      this.r = skipIndent(raw, r + 1, this.indent);
    } else if (letter === wanted) {
      this.r += 1;
      this.v += 1;
    } else if (isSpace(letter)) this.r += 1;
    else return false;
    return true;
  }
}

const isSpace = (letter: string | undefined): boolean => letter === ' ' || letter === '\t' || letter === '\n' || letter === '\r';

function skipIndent(raw: string, from: number, indent: number): number {
  let at = from;
  while (at < raw.length && at - from < indent && (raw[at] === ' ' || raw[at] === '\t')) at++;
  return at;
}

/** Spaces before each line of a block; what its value keeps of them belongs to the text. */
function indentOf(raw: string, value: string): number {
  const spaces = (text: string): number => /^\n*( *)[^\n ]/.exec(text.replace(/^[ \r]*$/gm, ''))?.[1]?.length ?? 0;
  return Math.max(0, spaces(raw.slice(raw.indexOf('\n') + 1)) - spaces(value));
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** How long an escape of a double-quoted text is, and how many characters it gives; none at the end of a line. */
function escapeAt(raw: string, at: number): { readonly length: number; readonly gives: number } {
  const kind = raw[at + 1] ?? '';
  if (kind === '\n') return { length: 2, gives: 0 };
  if (kind === '\r') return { length: 3, gives: 0 };
  const digits = HEX_DIGITS[kind] ?? 0;
  return { length: 2 + digits, gives: kind === 'U' && Number.parseInt(raw.slice(at + 2, at + 10), 16) > 0xffff ? 2 : 1 };
}
