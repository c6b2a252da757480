/**
 * How the facts of one stream are found. They lie in the order in which they were stored, between those of other streams,
 * and each knows the position of the one before. There is no index by stream: with one, every commit wrote to as many
 * pages as streams were busy, and a fact of 200 busy runs cost 6.3 µs where it now costs 2.8.
 */
import type { Connection, Row } from './connection.ts';

// Positions only go down, so that a damaged link can't make a circle.
const FACTS_BACK = `
  WITH RECURSIVE back (position, previous, seq) AS (
    SELECT position, previous, seq FROM fact WHERE position = ?
    UNION ALL
    SELECT fact.position, fact.previous, fact.seq FROM back CROSS JOIN fact
    WHERE fact.position = back.previous AND back.previous < back.position AND back.seq > ?
  )
  SELECT position, seq, text, hash FROM fact WHERE position IN (SELECT position FROM back) ORDER BY position`;

/** The facts of the stream whose last one is at `last`, oldest first, from the one numbered `first` on. */
export const factsBack = (connection: Connection, last: number, first = 1): Generator<Row> => connection.rows(FACTS_BACK, last, first);
