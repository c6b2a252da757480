/**
 * Verifies the stored chains. Each stream is followed by its links first, so that damage to one part of the file is told
 * of the streams it hit, and of no other. Then all facts are looked over once in the order of the journal: one that no
 * stream leads to was put there by hand.
 */
import type { Connection, Row } from './connection.ts';
import type { ChainBreak, ChainHead } from './journal.ts';
import { type ChainRow, chainBreak } from './verify.ts';
import { factsBack } from './walk.ts';

export function* chainBreaks(connection: Connection, only: string | undefined, kept: readonly ChainHead[]): Generator<ChainBreak> {
  const broken = new Set<string>();
  const gone = new Map(kept.filter(({ stream }) => only === undefined || stream === only).map((head) => [head.stream, head]));
  for (const row of [...connection.rows('SELECT id, name, seq, position, hash FROM stream ORDER BY id')]) {
    const name = String(row['name']);
    gone.delete(name);
    if (only !== undefined && only !== name) continue;
    const own = { stream: name, seq: Number(row['seq']), hash: String(row['hash']) };
    const found = inStream(connection, row, [own, ...kept.filter(({ stream }) => stream === name)]);
    if (!found) continue;
    broken.add(name);
    yield found;
  }
  for (const { stream, seq } of gone.values())
    yield { stream, seq, problem: 'missing', message: `${stream} is gone; it had ${seq} facts when its head was kept.` };
  if (only === undefined) yield* strangers(connection, broken);
}

function inStream(connection: Connection, stream: Row, kept: readonly ChainHead[]): ChainBreak | undefined {
  const name = String(stream['name']);
  let last = 0;
  const noting = function* (rows: Iterable<Row>): Generator<ChainRow> {
    for (const row of rows) {
      last = Number(row['seq']);
      yield { seq: last, text: String(row['text']), hash: String(row['hash']) };
    }
  };
  try {
    if (!chainBreak(name, noting(factsBack(connection, Number(stream['position']))), kept)) return undefined;
    // The links lead up to a gap only. Where exactly the chain breaks is seen by looking at everything.
    const all = connection.rows('SELECT seq, text, hash FROM fact WHERE stream = ? ORDER BY position', Number(stream['id']));
    return (
      chainBreak(name, noting(all), kept) ?? {
        stream: name,
        seq: 1,
        problem: 'changed',
        message: `The facts of ${name} are not linked as they were stored.`,
      }
    );
  } catch (error) {
    return { stream: name, seq: last + 1, problem: 'unreadable', message: error instanceof Error ? error.message : String(error) };
  }
}

function* strangers(connection: Connection, broken: ReadonlySet<string>): Generator<ChainBreak> {
  const last = new Map<number, number>();
  const told = new Set<number>();
  const sql =
    'SELECT fact.position, fact.stream AS id, fact.seq, previous, name FROM fact LEFT JOIN stream ON stream.id = fact.stream ORDER BY fact.position';
  try {
    for (const row of connection.rows(sql)) {
      const id = Number(row['id']);
      const name = String(row['name'] ?? `(stream ${id})`);
      if (row['name'] !== null && (last.get(id) ?? 0) === row['previous']) last.set(id, Number(row['position']));
      else if (!told.has(id) && !broken.has(name)) {
        told.add(id);
        const seq = Number(row['seq']);
        yield {
          stream: name,
          seq,
          problem: 'reordered',
          message: `A fact at position ${row['position']} says that it is fact ${seq} of ${name}, and is not.`,
        };
      }
    }
  } catch (error) {
    // Damage that no stream leads to is no stream's; each was read whole, or has been told of.
    if (broken.size === 0) throw error;
  }
}
