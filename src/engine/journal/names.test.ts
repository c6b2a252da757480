// req K14: the hashes a text names are found, wherever they stand.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namesIn, namesInPayload } from './names.ts';

const digits = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const piece = fc.oneof(
  { weight: 3, arbitrary: digits(64) },
  fc.nat({ max: 130 }).chain(digits),
  fc.constantFrom('"', ' ', '_', 'g', 'G', 'é', 'sha256:', '\n', 'cafe'),
  fc.string(),
);

test('exactly the runs of 64 hex digits that are words of their own', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const expected = text.match(/\b[0-9a-f]{64}\b/g) ?? [];
      expect(namesIn(text)).toEqual(expected);
      expect(namesInPayload(text)).toEqual(expected);
      expect(namesInPayload(Buffer.from(text))).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});
