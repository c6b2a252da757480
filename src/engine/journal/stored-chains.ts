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
  const wanted = (stream: string) => only === undefined || stream === only;
  const keptOf = Map.groupBy(kept, ({ stream }) => stream);
  const broken = new Set<string>();
  for (const row of [...connection.rows('SELECT id, name, seq, position, hash FROM stream ORDER BY id')]) {
    const stream = String(row['name']);
    const heads = keptOf.get(stream) ?? [];
    keptOf.delete(stream);
    const found = wanted(stream) && inStream(connection, row, [{ stream, seq: Number(row['seq']), hash: String(row['hash']) }, ...heads]);
    if (!found) continue;
    broken.add(stream);
    yield found;
  }
  for (const [stream, heads] of keptOf) {
    const message = `${stream} is gone; it had ${heads[0]?.seq} facts when its head was kept.`;
    if (wanted(stream)) yield { stream, seq: 1, problem: 'missing', message };
  }
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
  const told = new Set<string>(broken);
  const sql = `
    SELECT fact.position, fact.stream AS id, fact.seq, previous, name, stream.position AS end
    FROM fact LEFT JOIN stream ON stream.id = fact.stream ORDER BY fact.position`;
  try {
    for (const row of connection.rows(sql)) {
      const [id, position, seq] = [Number(row['id']), Number(row['position']), Number(row['seq'])];
      const stream = String(row['name'] ?? `(stream ${id})`);
      const linked = row['end'] !== null && position <= Number(row['end']) && (last.get(id) ?? 0) === row['previous'];
      if (linked) last.set(id, position);
      if (linked || told.has(stream)) continue;
      told.add(stream);
      const message = `A fact at position ${position} says that it is fact ${seq} of ${stream}, and is not.`;
      yield { stream, seq, problem: 'reordered', message };
    }
  } catch (error) {
    // Damage that no stream leads to is no stream's; each was read whole, or has been told of.
    if (broken.size === 0) throw error;
  }
}
