// req K8, K9: facts come back as they were; what a later release wrote is refused, not guessed at.
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FACTS, type Fact } from '../kernel/facts.ts';
import { decode, encode, genesis, link } from './codec.ts';

const fact: Fact = { type: 'timer.fired', timer: 'retry:a' };
const coded = (code: string) => expect.objectContaining({ code, where: 's#3', hint: expect.any(String) });

test('a fact is the same after it was stored, whatever its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), fc.nat(), fc.option(fc.string()), (timer, at, epoch, id) => {
      const command = id === null ? {} : { command: { id, args: 'a' } };
      const text = encode({ at, fact: { type: 'timer.fired', timer }, ...command }, epoch);
      const stored = decode('s', 1, text);
      expect(stored).toEqual({
        stream: 's',
        seq: 1,
        at,
        epoch,
        fact: { type: 'timer.fired', timer },
        ...command,
      });
      expect(encode(stored, epoch)).toBe(text);
    }),
  );
});

test('the text is compact, and names a version only from the second on', () => {
  expect(encode({ at: 5, fact }, 2)).toBe('{"at":5,"epoch":2,"fact":{"type":"timer.fired","timer":"retry:a"}}');
});

test('a kind, or a version of a kind, of a later release is refused', () => {
  const version = FACTS['timer.fired'].version + 1;
  for (const text of [
    '{"at":1,"epoch":1,"fact":{"type":"task.teleported"}}',
    `{"at":1,"epoch":1,"v":${version},"fact":{"type":"timer.fired","timer":"x"}}`,
  ])
    expect(() => decode('s', 3, text)).toThrow(coded('JOURNAL_NEWER'));
});

test('what is no fact is damage', () => {
  for (const text of ['', '{"at":1', 'null', '[]', '{"at":1,"epoch":1}', '{"at":1,"epoch":1,"fact":5}'])
    expect(() => decode('s', 3, text)).toThrow(coded('JOURNAL_CORRUPT'));
});

test('a link covers what came before, the number and the text, and its beginning the name of the stream', () => {
  const links = [link(genesis('s'), 1, 'a'), link(genesis('t'), 1, 'a'), link(genesis('s'), 2, 'a'), link(genesis('s'), 1, 'b')];
  expect(new Set(links).size).toBe(links.length);
  expect(links[0]).toBe(hash('sha256', `${genesis('s')}1a`));
});
