// req F1
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical, split, template } from './template.ts';

test('a text is cut at its expressions, quotes and braces inside them aside', () => {
  expect(split('a ${{ x }} b').pieces).toEqual(['a ', { expr: 'x', at: 6 }, ' b']);
  expect(split("${{ {'a': {'b': '}}'}}['a'] }}!").pieces).toEqual([{ expr: "{'a': {'b': '}}'}}['a']", at: 4 }, '!']);
  expect(split('${{ "it\\"s }}" }}').pieces).toEqual([{ expr: '"it\\"s }}"', at: 4 }]);
  expect(split('$ {{ x }} $${{y}}').pieces).toEqual(['$ {{ x }} $', { expr: 'y', at: 14 }]);
  expect(split('a ${{ x').unclosed).toBe(2);
});

test('the pieces of a text, put together again, are the text', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('${{', '}}', ' x ', '"', "'", '{', '}', '\\', 'text', '\n'), { maxLength: 20 }), (parts) => {
      const text = parts.join('');
      const { pieces } = split(text);
      let at = 0;
      for (const piece of pieces) {
        if (typeof piece === 'string') {
          expect(text.startsWith(piece, at)).toBe(true);
          at += piece.length;
        } else {
          expect(text.startsWith('${{', at)).toBe(true);
          expect(text.slice(piece.at, piece.at + piece.expr.length)).toBe(piece.expr);
          at = text.indexOf('}}', piece.at + piece.expr.length) + 2;
        }
      }
      expect(at).toBe(text.length);
    }),
  );
});

test('secrets become references, and a text without expressions stays a text', () => {
  expect(template('plain $TEXT {{ x }}')).toBe('plain $TEXT {{ x }}');
  expect(template('Bearer ${{ secrets.TOKEN }}')).toEqual({ parts: ['Bearer ', { secret: 'TOKEN' }] });
});

test('equal values have equal texts', () => {
  expect(canonical({ b: 1, a: { d: [1, { z: 0, y: 0 }], c: null } })).toBe('{"a":{"c":null,"d":[1,{"y":0,"z":0}]},"b":1}');
});
