// req K3, K6, K14: whatever happens to a journal, the stored one and the one in memory agree on what is there.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeHome } from '../../src/engine/journal/home.ts';
import type { Journal, NewFact } from '../../src/engine/journal/journal.ts';
import { MemoryDisk, MemoryJournal } from '../../src/engine/journal/memory.ts';
import { SqliteJournal } from '../../src/engine/journal/sqlite.ts';
import type { Hash } from '../../src/engine/kernel/plan.ts';
import { BatonError } from '../../src/errors.ts';

const STREAMS = ['r', 's', 't'];
const stream = fc.constantFrom(...STREAMS);
const index = fc.nat({ max: 30 });

/** Payloads are meant by number: `names` are counted from the last one that is there. */
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      content: fc.nat({ max: 6 }),
      large: fc.boolean(),
      names: fc.array(index, { maxLength: 2 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      to: fc.array(stream, { minLength: 1, maxLength: 3 }),
      names: fc.array(index, { maxLength: 3 }),
      text: fc.string(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stale' as const), to: stream, names: fc.array(index, { maxLength: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('save' as const),
      to: stream,
      task: fc.constantFrom('a', 'b'),
      body: fc.constantFrom('', '1', '2'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), streams: fc.array(stream, { maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const seen = (journal: Journal, hashes: Iterable<Hash>) => ({
  position: journal.position(),
  all: [...journal.readAll()].map(({ position, stored: { epoch: _, ...stored } }) => ({ position, ...stored })),
  streams: STREAMS.map((name) => [...journal.read(name)].map(({ seq, fact }) => `${seq} ${JSON.stringify(fact)}`)),
  heads: [...journal.heads()].sort((a, b) => (a.stream < b.stream ? -1 : 1)),
  snapshots: STREAMS.map((name) => journal.snapshot(name)),
  payloads: [...hashes].filter((hash) => journal.has(hash)).sort(),
  breaks: [...journal.verify()],
});

/** One journal, and what was put into it. */
class World {
  journal: Journal;
  readonly hashes = new Set<Hash>();
  /** Put since the last append: a crash may lose them, and need not. */
  private readonly fresh = new Set<Hash>();
  private readonly open: () => Journal;

  constructor(open: () => Journal) {
    this.open = open;
    this.journal = open();
  }

  run(operation: Operation): string {
    const there = [...this.hashes].filter((hash) => this.journal.has(hash));
    const pick = (names: readonly number[]) =>
      names.map((i) => there.at(-1 - (i % Math.max(1, there.length)))).filter((hash) => hash !== undefined);
    const after = (name: string) => this.journal.head(name)?.seq ?? 0;
    try {
      switch (operation.do) {
        case 'put': {
          const content = JSON.stringify({ content: operation.content, names: pick(operation.names) });
          const hash = this.journal.put(operation.large ? content.padEnd(300_000) : content);
          this.hashes.add(hash);
          this.fresh.add(hash);
          break;
        }
        case 'append': {
          const facts: NewFact[] = [{ at: 1, fact: { type: 'timer.fired', timer: operation.text } }];
          for (const result of pick(operation.names))
            facts.push({ at: 2, fact: { type: 'task.committed', task: 'a', attempt: 1, result } });
          this.journal.append([...new Set(operation.to)].map((name) => ({ stream: name, after: after(name), facts })));
          this.fresh.clear();
          break;
        }
        case 'stale': {
          const facts = pick(operation.names).map(
            (result): NewFact => ({ at: 2, fact: { type: 'task.committed', task: 'a', attempt: 1, result } }),
          );
          this.journal.append([
            { stream: operation.to, after: after(operation.to), facts },
            { stream: 'stale', after: 1, facts },
          ]);
          break;
        }
        case 'save':
          if (after(operation.to) > 0)
            this.journal.append(
              [],
              [{ stream: operation.to, seq: after(operation.to), header: 'h', records: new Map([[operation.task, operation.body]]) }],
            );
          break;
        case 'remove':
          return JSON.stringify(this.journal.remove(operation.streams));
        case 'reopen':
          for (const hash of this.fresh) this.hashes.delete(hash);
          this.journal = this.open();
          this.fresh.clear();
      }
      return 'done';
    } catch (error) {
      if (error instanceof BatonError) return error.code;
      throw error;
    }
  }
}

test('the stored journal and the one in memory agree', { timeout: 110_000 }, () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const paths = makeHome(mkdtempSync(join(tmpdir(), 'journal-model-')));
      const opened: SqliteJournal[] = [];
      const disk = new MemoryDisk();
      try {
        const memory = new World(() => new MemoryJournal(disk));
        const stored = new World(() => {
          opened.at(-1)?.connection.db.exec('PRAGMA query_only = 1');
          opened.push(new SqliteJournal(paths, { write: true }));
          return opened.at(-1) as SqliteJournal;
        });
        for (const [i, each] of operations.entries()) {
          const at = `operation ${i}, ${each.do}`;
          expect(stored.run(each), at).toEqual(memory.run(each));
          expect(seen(stored.journal, stored.hashes), at).toEqual(seen(memory.journal, memory.hashes));
        }
      } finally {
        for (const journal of opened) journal.close();
        rmSync(paths.home, { recursive: true });
      }
    }),
    { numRuns: 200 },
  );
});
