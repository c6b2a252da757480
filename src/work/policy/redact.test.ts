import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor } from './redact.ts';

const TOKEN = 'npm_9f"8e7\\d6c5b4a3';
const redactor = createRedactor(
  new Map([
    ['TOKEN', TOKEN],
    ['PAGE', 'first-line-of-key\nsecond-line-of-key\n'],
  ]),
);

/** What comes out when the text arrives cut at these places. */
const streamed = (text: string, cuts: readonly number[], using = redactor): string => {
  const bytes = Buffer.from(text);
  const stream = using.stream();
  const out: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    out.push(stream.write(bytes.subarray(from, Math.max(from, cut))));
    from = Math.max(from, cut);
  }
  return Buffer.concat([...out, stream.write(bytes.subarray(from)), stream.end()]).toString();
};

// req D5
describe('a redactor', () => {
  test('hides a secret in every form a program is likely to print it in', () => {
    const base64 = Buffer.from(`user:${TOKEN}\n`).toString('base64');
    for (const form of [TOKEN, JSON.stringify({ TOKEN }), encodeURIComponent(TOKEN), base64, Buffer.from(TOKEN).toString('base64url')]) {
      expect(redactor.text(`before ${form} after`)).toMatch(/^before .*\[secret TOKEN\].* after$/);
      expect(redactor.text(form)).not.toContain(form.slice(3, -3));
    }
  });

  test('hides the lines of a secret that has several', () => {
    expect(redactor.text('> second-line-of-key')).toBe('> [secret PAGE]');
  });

  test('goes through the values and keys of JSON', () => {
    expect(redactor.value({ a: [`x${TOKEN}`], [TOKEN]: 1, n: null })).toEqual({ a: ['x[secret TOKEN]'], '[secret TOKEN]': 1, n: null });
  });

  test('finds in a stream, wherever it is cut, what it finds in the whole', () => {
    const piece = fc.oneof(fc.constantFrom(TOKEN, 'npm_', TOKEN.slice(0, 9), 'second-line-of-key', 'ü', '\n'), fc.string());
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat(120)), (pieces, cuts) => {
        const text = pieces.join('');
        expect(streamed(text, cuts)).toBe(redactor.text(Buffer.from(text).toString()));
      }),
    );
  });

  test('prefers the longer of two secrets that begin alike, however they arrive', () => {
    const two = createRedactor(
      new Map([
        ['SHORT', 'abcdef'],
        ['LONG', 'abcdef-ghijkl'],
      ]),
    );
    expect(streamed('abcdef-ghijkl abcdef', [6], two)).toBe('[secret LONG] [secret SHORT]');
  });

  test('shows at once what can not become a secret', () => {
    const stream = redactor.stream();
    expect(stream.write(Buffer.from('progress 10% np')).toString()).toBe('progress 10% ');
    expect(stream.write(Buffer.from('x')).toString()).toBe('npx');
  });
});
