import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slugify, truncate, wrap } from '../src/index.js';

test('slugify drops accents and joins words', () => assert.equal(slugify('  Crème brûlée, à la carte! '), 'creme-brulee-a-la-carte'));
test('truncate cuts at a word', () => assert.equal(truncate('hand work to many agents', 14), 'hand work to…'));
test('truncate counts characters, not code units', () => assert.equal(truncate('👩‍🚀'.repeat(2), 99), '👩‍🚀👩‍🚀'));
test('wrap keeps long words whole', () => assert.equal(wrap('a reproducible b', 6), 'a\nreproducible\nb'));
