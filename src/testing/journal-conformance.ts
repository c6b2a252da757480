/**
 * What every journal must do, wherever it keeps its facts. Give it a way to make places that outlive a journal; run it
 * under vitest or `node:test`. What a place can't do is skipped, with the reason in the report.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Append, type Journal, type NewFact, PAYLOAD_MAX } from '../engine/journal/journal.ts';
import type { Fact } from '../engine/kernel/facts.ts';
import { BatonError } from '../errors.ts';
import type { TestApi } from './agent-conformance.ts';

/** Where a journal keeps what must survive it: a folder, a disk in memory. */
export interface JournalPlace {
  /** Opens the journal for a new owner. The one before may be open still: its owner was killed, or is merely stalled. */
  open(): Journal;
  /** Makes the next append of facts fail as a full disk does, or says why that can't be had. */
  failNext(journal: Journal): undefined | string;
  /** Resolves when the journal takes appends that nobody waits for; left out where it never does. */
  beside?(journal: Journal): Promise<void>;
  /** Called once, at the end; journals that are open then are no longer used. */
  dispose(): void;
}

export interface JournalSubject {
  readonly name: string;
  place(): JournalPlace;
}

const AT = 1_700_000_000_000;
export const sha256 = (payload: Uint8Array | string): string => createHash('sha256').update(payload).digest('hex');
const fired = (timer: string): NewFact => ({ at: AT, fact: { type: 'timer.fired', timer } });
const committed = (result: string): NewFact => ({ at: AT, fact: { type: 'task.committed', task: 'a', attempt: 1, result } });
const append = (stream: string, after: number, ...facts: readonly NewFact[]): Append => ({ stream, after, facts });
const factsOf = (journal: Journal, stream: string, after?: number): Fact[] => [...journal.read(stream, after)].map(({ fact }) => fact);
const timers = (journal: Journal, stream: string): string[] =>
  factsOf(journal, stream).map((fact) => (fact.type === 'timer.fired' ? fact.timer : fact.type));
const text = (payload: Uint8Array | undefined): string | undefined => payload && Buffer.from(payload).toString();
const coded = (code: string) => (error: unknown) => error instanceof BatonError && error.code === code && (error.hint ?? '') !== '';

export const journalConformance = ({ describe, test }: TestApi, { name, place }: JournalSubject): void => {
  const property: Property = (what, body) =>
    test(what, async (context) => {
      const here = place();
      try {
        await body(here, (reason) => context.skip(reason));
      } finally {
        here.dispose();
      }
    });

  describe(`journal: ${name}`, () => {
    facts(property);
    writers(property);
    chains(property);
    payloads(property);
    snapshots(property);
    removal(property);
    beside(property);
  });
};

type Property = (what: string, body: (place: JournalPlace, skip: (reason: string) => void) => void | Promise<void>) => void;

function facts(property: Property): void {
  property('is empty at first', (place) => {
    const journal = place.open();
    assert.equal(journal.position(), 0);
    assert.deepEqual([...journal.readAll()], []);
    assert.deepEqual([...journal.read('r')], []);
    assert.deepEqual([...journal.heads()], []);
    assert.equal(journal.head('r'), undefined);
    assert.equal(journal.snapshot('r'), undefined);
    assert.deepEqual([...journal.verify()], []);
  });

  property('gives back what was appended, in order and as it was', (place) => {
    const journal = place.open();
    const command = { id: 'c-1', args: sha256('args') };
    journal.append([
      append(
        'r',
        0,
        { ...fired('1'), command },
        { at: AT + 1, fact: { type: 'task.skipped', task: 'ä "\n\u2028', cause: { cause: 'when' } } },
      ),
    ]);
    journal.append([append('r', 2, fired('3'))]);
    assert.deepEqual(
      [...journal.read('r')],
      [
        { stream: 'r', seq: 1, at: AT, epoch: journal.epoch, fact: { type: 'timer.fired', timer: '1' }, command },
        {
          stream: 'r',
          seq: 2,
          at: AT + 1,
          epoch: journal.epoch,
          fact: { type: 'task.skipped', task: 'ä "\n\u2028', cause: { cause: 'when' } },
        },
        { stream: 'r', seq: 3, at: AT, epoch: journal.epoch, fact: { type: 'timer.fired', timer: '3' } },
      ],
    );
    assert.deepEqual(
      [...journal.read('r', 1)].map(({ seq }) => seq),
      [2, 3],
    );
    assert.deepEqual([...journal.read('r', 3)], []);
  });

  property('numbers the facts of all streams in the order of the group', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'), fired('2')), append('s', 0, fired('3'))]);
    journal.append([append('s', 1, fired('4')), append('r', 2, fired('5')), append('s', 2, fired('6'))]);
    const all = [...journal.readAll()];
    assert.deepEqual(
      all.map(({ position }) => position),
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual(
      all.map(({ stored: { stream, seq } }) => `${stream}${seq}`),
      ['r1', 'r2', 's1', 's2', 'r3', 's3'],
    );
    assert.equal(journal.position(), 6);
    assert.deepEqual(
      [...journal.readAll(2, 3)].map(({ position }) => position),
      [3, 4, 5],
    );
    assert.deepEqual([...journal.readAll(6)], []);
    assert.deepEqual(timers(journal, 's'), ['3', '4', '6']);
  });

  property('can be read while it is read', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'), fired('2')), append('s', 0, fired('3'))]);
    const pairs = [...journal.readAll()].flatMap(({ position }) => [...journal.read('r')].map(({ seq }) => `${position}${seq}`));
    assert.deepEqual(pairs, ['11', '12', '21', '22', '31', '32']);
    for (const { seq } of journal.read('r')) if (seq === 1) break;
    journal.append([append('r', 2, fired('4'))]);
    assert.deepEqual(timers(journal, 'r'), ['1', '2', '4']);
  });

  property('a group is there for the next owner as a whole', (place) => {
    const first = place.open();
    const payload = first.put('payload');
    first.append(
      [append('r', 0, committed(payload)), append('s', 0, fired('1'))],
      [{ stream: 'r', seq: 1, header: 'h', records: new Map([['a', '1']]) }],
    );
    const heads = [...first.heads()];
    const next = place.open();
    assert.equal(next.position(), 2);
    assert.deepEqual([...next.heads()], heads);
    assert.deepEqual([...next.readAll()], [...first.readAll()]);
    assert.equal(text(next.get(payload)), 'payload');
    assert.deepEqual(next.snapshot('r')?.records, new Map([['a', '1']]));
    assert.deepEqual([...next.verify()], []);
    next.append([append('r', 1, fired('2'))]);
    assert.equal(next.position(), 3);
    assert.deepEqual(
      [...next.read('r')].map(({ epoch }) => epoch),
      [first.epoch, next.epoch],
    );
  });
}

function writers(property: Property): void {
  property('refuses a group of which one stream has moved on, and stores none of it', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'))]);
    for (const group of [
      [append('s', 0, fired('x')), append('r', 0, fired('x'))],
      [append('s', 0, fired('x')), append('r', 2, fired('x'))],
      [append('s', 1, fired('x'))],
    ])
      assert.throws(() => journal.append(group), coded('STALE_WRITER'));
    assert.equal(journal.position(), 1);
    assert.equal(journal.head('s'), undefined);
    assert.deepEqual(timers(journal, 'r'), ['1']);
    journal.append([append('r', 1, fired('2')), append('s', 0, fired('3'))]);
    assert.deepEqual(timers(journal, 'r'), ['1', '2']);
    assert.deepEqual([...journal.verify()], []);
  });

  property('an owner whose epoch is over can write nothing', (place) => {
    const first = place.open();
    first.append([append('r', 0, fired('1'))]);
    const next = place.open();
    assert.ok(next.epoch > first.epoch, `epoch ${next.epoch} after ${first.epoch}`);
    assert.throws(() => first.append([append('r', 1, fired('x'))]), coded('STALE_WRITER'));
    assert.throws(() => first.append([append('new', 0, fired('x'))]), coded('STALE_WRITER'));
    assert.throws(() => first.remove(['r']), coded('STALE_WRITER'));
    next.append([append('r', 1, fired('2'))]);
    assert.throws(() => first.append([append('r', 2, fired('x'))]), coded('STALE_WRITER'));
    assert.deepEqual(timers(next, 'r'), ['1', '2']);
    assert.deepEqual([...next.verify()], []);
  });

  property('after a failed commit nothing of the group is there, and payloads wait for the next', (place, skip) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'))]);
    const before = { position: journal.position(), heads: [...journal.heads()] };
    const payload = journal.put('result');
    const cant = place.failNext(journal);
    if (cant !== undefined) return skip(cant);
    assert.throws(() => journal.append([append('r', 1, committed(payload)), append('s', 0, fired('2'))]), coded('DISK_FULL'));
    assert.deepEqual({ position: journal.position(), heads: [...journal.heads()] }, before);
    assert.deepEqual(timers(journal, 'r'), ['1']);
    assert.deepEqual([...journal.readAll(1)], []);
    assert.equal(text(journal.get(payload)), 'result');
    journal.append([append('r', 1, committed(payload)), append('s', 0, fired('2'))]);
    assert.equal(journal.position(), 3);
    const next = place.open();
    assert.equal(text(next.get(payload)), 'result');
    assert.deepEqual([...next.verify()], []);
  });
}

function chains(property: Property): void {
  property('each fact moves the head of its stream, and of no other', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1')), append('s', 0, fired('1'))]);
    const [r, s] = [journal.head('r'), journal.head('s')];
    assert.match(r?.hash ?? '', /^[0-9a-f]{64}$/);
    assert.notEqual(r?.hash, s?.hash);
    journal.append([append('r', 1, fired('1'))]);
    assert.equal(journal.head('r')?.seq, 2);
    assert.notEqual(journal.head('r')?.hash, r?.hash);
    assert.deepEqual(journal.head('s'), s);
    assert.deepEqual(new Set([...journal.heads()].map(({ stream, seq }) => `${stream}${seq}`)), new Set(['r2', 's1']));
  });

  property('a head that was kept elsewhere proves what has to be there', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'), fired('2')), append('s', 0, fired('1'))]);
    const kept = [...journal.heads()];
    journal.append([append('r', 2, fired('3'))]);
    assert.deepEqual([...journal.verify(undefined, kept)], []);
    const problem = (stream: string, seq: number, hash: string, only?: string) =>
      [...journal.verify(only, [{ stream, seq, hash }])].map((found) => `${found.stream} ${found.seq} ${found.problem}`);
    assert.deepEqual(problem('r', 2, sha256('another')), ['r 2 changed']);
    assert.deepEqual(problem('r', 5, sha256('later')), ['r 4 missing']);
    assert.deepEqual(problem('gone', 5, sha256('gone')), ['gone 1 missing']);
    assert.deepEqual(problem('r', 2, sha256('another'), 's'), []);
  });
}

function payloads(property: Property): void {
  property('payloads of every size come back byte for byte', (place) => {
    const journal = place.open();
    const sizes = [0, 1, 63, 64, 65, 1_000, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024];
    const stored = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) % 256));
    const hashes = stored.map((payload) => journal.put(payload));
    assert.deepEqual(hashes, stored.map(sha256));
    const check = (reader: Journal) =>
      hashes.forEach((hash, i) => {
        assert.ok(reader.has(hash), `has ${sizes[i]} bytes`);
        assert.equal(sha256(reader.get(hash) ?? 'nothing'), hash, `${sizes[i]} bytes`);
      });
    check(journal);
    journal.append([append('r', 0, ...hashes.map(committed))]);
    check(journal);
    check(place.open());
    assert.equal(journal.get(sha256('never put')), undefined);
    assert.ok(!journal.has(sha256('never put')));
  });

  property('a text is the payload of its bytes, and the same payload is stored once', (place) => {
    const journal = place.open();
    const hash = journal.put('ä');
    assert.equal(hash, sha256('ä'));
    journal.append([append('r', 0, committed(hash))]);
    assert.equal(journal.put(Buffer.from('ä')), hash);
    journal.append([append('r', 1, committed(hash))]);
    assert.deepEqual(journal.remove(['r']), { facts: 2, blobs: 1, bytes: 2 });
  });

  property('is not moved by what happens to the bytes afterwards', (place) => {
    const journal = place.open();
    const bytes = Buffer.from('before');
    const hash = journal.put(bytes);
    bytes.write('AFTER!');
    assert.equal(text(journal.get(hash)), 'before');
    journal.append([append('r', 0, committed(hash))]);
    assert.equal(text(place.open().get(hash)), 'before');
  });

  property('a payload over the limit is refused at once, with the limit and its size', (place) => {
    const journal = place.open();
    const tooLarge = (error: unknown) =>
      coded('PAYLOAD_TOO_LARGE')(error) &&
      error instanceof BatonError &&
      [error.details?.['limit'], error.details?.['size']].every((n) => typeof n === 'number' && error.message.includes(String(n)));
    assert.throws(() => journal.put(new Uint8Array(PAYLOAD_MAX + 1)), tooLarge);
    assert.throws(() => journal.put('x'.repeat(PAYLOAD_MAX + 1)), tooLarge);
  });
}

function snapshots(property: Property): void {
  property('a snapshot is saved with its group, record by record', (place) => {
    const journal = place.open();
    journal.append(
      [append('r', 0, fired('1'))],
      [
        {
          stream: 'r',
          seq: 1,
          header: 'one',
          records: new Map([
            ['a', '1'],
            ['b', '2'],
            ['c', '3'],
          ]),
        },
      ],
    );
    journal.append(
      [append('r', 1, fired('2'))],
      [
        {
          stream: 'r',
          seq: 2,
          header: 'two',
          records: new Map([
            ['b', '22'],
            ['c', ''],
          ]),
        },
      ],
    );
    const saved = place.open().snapshot('r');
    assert.deepEqual({ stream: saved?.stream, seq: saved?.seq, header: saved?.header }, { stream: 'r', seq: 2, header: 'two' });
    assert.deepEqual(
      new Map([...(saved?.records ?? [])].sort()),
      new Map([
        ['a', '1'],
        ['b', '22'],
      ]),
    );
  });

  property('a snapshot of a failed group is not there', (place, skip) => {
    const journal = place.open();
    const cant = place.failNext(journal);
    if (cant !== undefined) return skip(cant);
    assert.throws(() => journal.append([append('r', 0, fired('1'))], [{ stream: 'r', seq: 1, header: 'h', records: new Map() }]));
    assert.equal(journal.snapshot('r'), undefined);
  });
}

function removal(property: Property): void {
  property('removes streams with their snapshots, and leaves the others whole', (place) => {
    const journal = place.open();
    for (let i = 0; i < 5; i++) journal.append(['r', 's', 't'].map((stream) => append(stream, i, fired(`${stream}${i}`))));
    journal.append([append('r', 5, fired('r5'))], [{ stream: 'r', seq: 6, header: 'h', records: new Map([['a', '1']]) }]);
    assert.equal(journal.remove(['r', 't', 'never']).facts, 11);
    assert.deepEqual(timers(journal, 'r'), []);
    assert.equal(journal.head('r'), undefined);
    assert.equal(journal.snapshot('r'), undefined);
    assert.deepEqual(
      [...journal.heads()].map(({ stream }) => stream),
      ['s'],
    );
    assert.deepEqual(
      [...journal.readAll()].map(({ stored }) => stored.stream),
      ['s', 's', 's', 's', 's'],
    );
    assert.deepEqual([...journal.verify()], []);
    journal.append([append('s', 5, fired('s5'))]);
    assert.deepEqual([...place.open().verify()], []);
  });

  property('a stream that begins anew has nothing of the one that was removed', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('old'))], [{ stream: 'r', seq: 1, header: 'h', records: new Map([['a', '1']]) }]);
    journal.remove(['r']);
    journal.append([append('r', 0, fired('new'))]);
    assert.equal(journal.snapshot('r'), undefined);
    assert.deepEqual(timers(journal, 'r'), ['new']);
    journal.append([], [{ stream: 'r', seq: 1, header: 'h', records: new Map() }]);
    assert.deepEqual(journal.snapshot('r')?.records, new Map());
  });

  property('never uses a position again', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, fired('1'), fired('2'))]);
    journal.remove(['r']);
    assert.equal(journal.position(), 2);
    const next = place.open();
    next.append([append('r', 0, fired('3'))]);
    assert.deepEqual(
      [...next.readAll()].map(({ position, stored }) => `${position} ${stored.seq}`),
      ['3 1'],
    );
    assert.deepEqual([...next.verify()], []);
  });

  property('removes the payloads that only removed streams named', (place) => {
    const journal = place.open();
    const [own, shared, large] = [journal.put('own'), journal.put('shared'), journal.put(new Uint8Array(300_000).fill(7))];
    journal.append([append('r', 0, committed(own), committed(shared), committed(large)), append('s', 0, committed(shared))]);
    assert.deepEqual(journal.remove(['r']), { facts: 3, blobs: 2, bytes: 300_003 });
    assert.ok(!journal.has(own) && !journal.has(large));
    assert.equal(journal.get(large), undefined);
    assert.equal(text(journal.get(shared)), 'shared');
    assert.deepEqual(journal.remove(['s']), { facts: 1, blobs: 1, bytes: 6 });
    const again = journal.put('own');
    journal.append([append('r', 0, committed(again))]);
    assert.equal(text(place.open().get(again)), 'own');
  });

  property('a refused group keeps no payload', (place) => {
    const journal = place.open();
    const payload = journal.put('payload');
    journal.append([append('r', 0, committed(payload))]);
    assert.throws(() => journal.append([append('s', 0, committed(payload)), append('r', 0, fired('x'))]), coded('STALE_WRITER'));
    journal.append([append('t', 0, fired('1'))]);
    assert.equal(journal.remove(['r']).blobs, 1);
  });

  property('keeps what a kept payload names, however deep', (place) => {
    const journal = place.open();
    const leaf = journal.put('leaf');
    const middle = journal.put(JSON.stringify({ leaf }));
    const root = journal.put(`middle: ${middle}.`);
    journal.append([append('r', 0, committed(root), committed(leaf))]);
    journal.append([append('s', 0, committed(root))]);
    journal.remove(['r']);
    assert.deepEqual(
      [leaf, middle, root].map((hash) => journal.has(hash)),
      [true, true, true],
    );
    assert.equal(journal.remove(['s']).blobs, 3);
    assert.deepEqual(
      [leaf, middle, root].map((hash) => journal.has(hash)),
      [false, false, false],
    );
  });

  property('keeps what somebody has put and is about to name', (place) => {
    const journal = place.open();
    journal.append([append('r', 0, committed(journal.put('same')))]);
    const [same, held] = [journal.put('same'), journal.put('held')];
    const holder = journal.put(JSON.stringify({ part: journal.put('part'), held }));
    journal.append([append('s', 0, fired('1'))]);
    journal.remove(['r']);
    journal.append([append('s', 1, committed(same), committed(holder))]);
    const next = place.open();
    for (const [hash, content] of [
      [same, 'same'],
      [held, 'held'],
      [sha256('part'), 'part'],
    ] as const)
      assert.equal(text(next.get(hash)), content);
    next.remove(['s']);
    assert.deepEqual(
      [same, held, holder, sha256('part')].map((hash) => next.has(hash)),
      [false, false, false, false],
    );
  });

  property('keeps what is named by something that somebody is about to name', (place) => {
    const journal = place.open();
    const leaf = journal.put('leaf');
    const middle = journal.put(JSON.stringify({ leaf }));
    journal.append([append('r', 0, committed(middle))]);
    const holder = journal.put(JSON.stringify({ middle }));
    journal.remove(['r']);
    journal.append([append('s', 0, committed(holder))]);
    const next = place.open();
    assert.deepEqual(
      [leaf, middle, holder].map((hash) => next.has(hash)),
      [true, true, true],
    );
    assert.equal(next.remove(['s']).blobs, 3);
  });

  property('keeps what two have put, though one of them has named it', (place) => {
    const journal = place.open();
    const [result] = [journal.put('{}'), journal.put('{}')];
    journal.append([append('r', 0, committed(result))]);
    journal.remove(['r']);
    journal.append([append('s', 0, committed(result))]);
    assert.equal(text(place.open().get(result)), '{}');
  });

  property('removes, with the next cleaning, what an earlier owner put and nobody named', (place) => {
    const first = place.open();
    const lost = first.put('output of a lost attempt');
    first.append([append('r', 0, fired('1'))]);
    first.remove([]);
    assert.ok(first.has(lost));
    const next = place.open();
    assert.equal(next.remove([]).blobs, 1);
    assert.ok(!next.has(lost));
  });

  property('a removed payload breaks no chain', (place) => {
    const journal = place.open();
    const payload = journal.put('secret');
    journal.append([append('r', 0, committed(payload)), append('s', 0, fired('1'))]);
    const kept = [...journal.heads()].filter(({ stream }) => stream === 's');
    journal.remove(['r']);
    assert.equal(journal.get(payload), undefined);
    assert.deepEqual([...journal.verify(undefined, kept)], []);
  });
}

/** Appends that nobody waits for, while the next is decided. */
function beside(property: Property): void {
  type Soon = (group: readonly Append[]) => { readonly done: Promise<unknown> };
  const soon = (what: string, body: (journal: Journal, soon: Soon, told: string[], place: JournalPlace) => Promise<void>): void =>
    property(what, async (place, skip) => {
      const journal = place.open();
      if (!place.beside) return skip('it writes in this thread only');
      await place.beside(journal);
      const told: string[] = [];
      await body(
        journal,
        (group) => {
          const done = new Promise<unknown>((resolve) => {
            const taken = journal.appendSoon?.(group, [], (error) => {
              told.push(`${group.map(({ stream, after }) => `${stream}@${after}`)} ${error instanceof BatonError ? error.code : 'stored'}`);
              resolve(error);
            });
            assert.equal(taken, true);
          });
          return { done };
        },
        told,
        place,
      );
    });

  soon('stores what was asked for one after another, and tells in that order', async (journal, later, told) => {
    later([append('r', 0, fired('1')), append('s', 0, fired('a'))]);
    later([append('r', 1, fired('2'))]);
    assert.deepEqual(told, []);
    await later([append('s', 1, fired('b'), fired('c'))]).done;
    assert.deepEqual(told, ['r@0,s@0 stored', 'r@1 stored', 's@1 stored']);
    assert.deepEqual(
      [timers(journal, 'r'), timers(journal, 's')],
      [
        ['1', '2'],
        ['a', 'b', 'c'],
      ],
    );
    assert.equal(journal.position(), 5);
    assert.deepEqual([...journal.verify()], []);
  });

  soon('fails all that was asked for behind one that failed, and goes on after that', async (journal, later, told) => {
    later([append('r', 0, fired('1'))]);
    later([append('r', 7, fired('wrong'))]);
    later([append('s', 0, fired('a'))]);
    await later([append('r', 1, fired('2'))]).done;
    assert.deepEqual(told, ['r@0 stored', 'r@7 STALE_WRITER', 's@0 STALE_WRITER', 'r@1 STALE_WRITER']);
    assert.deepEqual([timers(journal, 'r'), timers(journal, 's')], [['1'], []]);
    await later([append('r', 1, fired('again'))]).done;
    assert.deepEqual(timers(journal, 'r'), ['1', 'again']);
  });

  soon('keeps the payloads of what was asked for, and those of what failed for the next', async (journal, later) => {
    const [kept, failed] = ['kept '.repeat(100), 'of one that failed '.repeat(100)];
    const first = journal.put(kept);
    later([append('r', 0, committed(first))]);
    const second = journal.put(failed);
    assert.deepEqual([text(journal.get(first)), text(journal.get(second)), journal.has(first)], [kept, failed, true]);
    await later([append('r', 9, committed(second))]).done;
    assert.equal(text(journal.get(second)), failed);
    journal.append([append('r', 1, committed(second))]);
    assert.deepEqual([text(journal.get(first)), text(journal.get(second))], [kept, failed]);
    journal.remove(['r']);
    assert.deepEqual([journal.has(first), journal.has(second)], [false, false]);
  });

  soon('waits for what is under way before it writes or is closed', async (journal, later, told, place) => {
    later([append('r', 0, fired('1'))]);
    journal.append([append('r', 1, fired('2'))]);
    assert.deepEqual(told, ['r@0 stored']);
    later([append('r', 2, fired('3'))]);
    journal.settle?.();
    assert.deepEqual(timers(journal, 'r'), ['1', '2', '3']);
    later([append('r', 3, fired('4'))]);
    journal.close();
    assert.deepEqual(timers(place.open(), 'r'), ['1', '2', '3', '4']);
    assert.deepEqual(told, ['r@0 stored', 'r@2 stored', 'r@3 stored']);
  });

  soon('refuses what a former owner has under way', async (_, later, __, place) => {
    const next = place.open();
    assert.ok(coded('STALE_WRITER')(await later([append('r', 0, fired('1'))]).done));
    assert.deepEqual(timers(next, 'r'), []);
  });
}
