/**
 * A process that appends groups to the journal of the home it is given, for ever or a number of them, and says after
 * each what is durable now. With `owner` it is an owner like any other; with `bare` it opens the journal without the lock.
 */
import { writeSync } from 'node:fs';
import { makeHome } from '../../src/engine/journal/home.ts';
import type { Append, NewFact } from '../../src/engine/journal/journal.ts';
import { acquireOwner } from '../../src/engine/journal/owner.ts';
import { SqliteJournal } from '../../src/engine/journal/sqlite.ts';

const [home = '', how = 'owner', label = '', groups = 'Infinity'] = process.argv.slice(2);
const STREAMS = 12;
/** Every so often a payload that is a file, and one group that fills many pages. */
const [LARGE_EVERY, LONG_EVERY] = [20, 33];

const say = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);
try {
  const journal = how === 'owner' ? acquireOwner(home).journal : new SqliteJournal(makeHome(home), { write: true });
  say({ epoch: journal.epoch });
  for (let group = 1; group <= Number(groups); group++) {
    const appends: Append[] = [];
    const payloads: string[] = [];
    for (let i = 0; i < 1 + (group % 4); i++) {
      const stream = `run-${(group * 7 + i * 5) % STREAMS}`;
      if (appends.some((each) => each.stream === stream)) continue;
      const content = JSON.stringify({ label, group, i });
      const result = journal.put(group % LARGE_EVERY === 0 ? content.padEnd(300_000) : content);
      payloads.push(result);
      const facts: NewFact[] = [{ at: group, fact: { type: 'task.committed', task: 'a', attempt: group, result } }];
      for (let n = 0; group % LONG_EVERY === 0 && n < 2_000; n++) facts.push({ at: group, fact: { type: 'timer.fired', timer: `t${n}` } });
      appends.push({ stream, after: journal.head(stream)?.seq ?? 0, facts });
    }
    journal.append(appends, [{ stream: appends[0]?.stream ?? '', seq: group, header: String(group), records: new Map() }]);
    say({ position: journal.position(), heads: appends.map(({ stream }) => journal.head(stream)), payloads });
    // Stopped in the middle of a commit it would hold the lock of the database itself, which is another test.
    if (how === 'bare') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  if (label === 'carry over') journal.connection.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  if (how === 'owner') {
    say({ position: journal.position(), ended: true });
    setInterval(() => {}, 60_000);
  }
} catch (error) {
  const { code, message, details } = error as { code?: string; message?: string; details?: unknown };
  say({ code, message, details });
  process.exitCode = 1;
}
