import { expect, test } from 'vitest';
import { wantsColour } from './style.ts';
import { dollars, pair, duration as typedDuration, wholeNumber } from './typed.ts';
import { cut, pad, printable, widthOf } from './width.ts';
import { ago, bytes, count, duration, elapsed, money, readDuration, spending } from './words.ts';

test('amounts', () => {
  expect([0, 999, 1_500, 61_000, 3_600_000].map(duration)).toEqual(['0 ms', '999 ms', '1.5 s', '1m01s', '1h00m']);
  expect([0, 61_000, 3_661_000].map(elapsed)).toEqual(['0:00', '1:01', '1:01:01']);
  expect([999, 1_234, 12_345, 2_500_000].map(count)).toEqual(['999', '1.2k', '12k', '2.5M']);
  expect([0, 0.0012, 1.5].map(money)).toEqual(['$0', '$0.0012', '$1.50']);
  expect([spending({}), spending({ tokens: 5 }), spending({ tokens: 5, costUsd: 1 })]).toEqual(['', '5 tokens', '5 tokens, $1.00']);
  expect([10, 2_048, 5_242_880].map(bytes)).toEqual(['10 bytes', '2.0 KiB', '5.0 MiB']);
  expect([ago(0, 5_000), ago(0, 600_000), ago(0, 7_200_000), ago(0, 10 ** 12)]).toEqual(['5 s ago', '10 min ago', '2 h ago', '1970-01-01']);
});

test('what is typed', () => {
  expect(['90s', '20m', '1.5h', '7d', '250', '250ms', '', 'x', '-1s'].map(readDuration)).toEqual([
    90_000,
    1_200_000,
    5_400_000,
    604_800_000,
    250,
    250,
    undefined,
    undefined,
    undefined,
  ]);
  expect(pair('b=2=3', pair('a=1', undefined))).toEqual({ a: '1', b: '2=3' });
  expect([wholeNumber('2_000'), dollars('$2.50'), typedDuration('2h')]).toEqual([2000, 2.5, 7_200_000]);
  for (const wrong of [
    () => pair('=1', undefined),
    () => pair('a', undefined),
    () => wholeNumber('1.5'),
    () => wholeNumber(''),
    () => dollars('x'),
    () => typedDuration('soon'),
  ])
    expect(wrong).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('widths on a terminal', () => {
  expect(['abc', '日本', '👍', 'e\u0301', '\u200b'].map(widthOf)).toEqual([3, 4, 2, 1, 0]);
  expect([cut('abcdef', 4), cut('日本語', 5), cut('abc', 3), cut('abc', 0)]).toEqual(['abc…', '日本…', 'abc', '']);
  expect(pad('日', 4)).toBe('日  ');
  expect(printable('a\x1b[31mb\x1b[0m\x07\tc\x1b]8;;http://x\x1b\\d')).toBe('ab\tcd');
});

test('colour: flags, NO_COLOR, FORCE_COLOR, the stream, in this order', () => {
  const terminal = true;
  expect([wantsColour({}, { terminal }), wantsColour({}, { terminal: false })]).toEqual([true, false]);
  expect([wantsColour({ NO_COLOR: '1' }, { terminal }), wantsColour({ NO_COLOR: '' }, { terminal })]).toEqual([false, true]);
  expect([wantsColour({ FORCE_COLOR: '1' }, { terminal: false }), wantsColour({ FORCE_COLOR: '0' }, { terminal })]).toEqual([true, false]);
  expect(wantsColour({ NO_COLOR: '1', FORCE_COLOR: '1' }, { terminal })).toBe(false);
  expect([wantsColour({ FORCE_COLOR: '1' }, { flag: false, terminal }), wantsColour({}, { flag: true, terminal: false })]).toEqual([
    false,
    true,
  ]);
  expect(wantsColour({ TERM: 'dumb' }, { terminal })).toBe(false);
});
