import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slug } from '../src/slug.js';

test('a title becomes an address', () => assert.equal(slug('Déjà vu'), 'deja-vu'));
test('anything between words is one dash', () => assert.equal(slug('Time & text: a story'), 'time-text-a-story'));
