import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration } from '../src/duration.js';

test('one part', () => assert.equal(duration('45s'), 45));
test('all parts count', () => assert.equal(duration('1h30m'), 5400));
