/**
 * Finished plans by what they were about: a full-text index that offers the most similar ones as templates. It holds only what
 * the journal has, and is made anew from it.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Hash } from '../../../engine/kernel/plan.ts';

export interface FinishedPlan {
  readonly run: string;
  readonly name: string;
  /** Of the checked source that the run was made from. */
  readonly source: Hash;
  readonly tasks: readonly string[];
  /** What the plan says, in its own words. */
  readonly text: string;
}
export interface Similar extends Pick<FinishedPlan, 'run' | 'name' | 'source' | 'tasks'> {
  /** Higher is more alike; comparable within one search. */
  readonly score: number;
}

const FOUND_MAX = 5;
/** Words of a goal that are looked for; those of a long one repeat each other. */
const WORDS_MAX = 40;
const TEXT_MAX = 20_000;

export class Templates {
  private readonly db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  static readonly TABLE =
    `CREATE VIRTUAL TABLE IF NOT EXISTS finished USING fts5(run UNINDEXED, source UNINDEXED, name, tasks, text, tokenize = 'porter unicode61')`;

  add({ run, name, source, tasks, text }: FinishedPlan): void {
    this.forget([run]);
    this.db.prepare('INSERT INTO finished VALUES (?, ?, ?, ?, ?)').run(run, source, name, tasks.join(' '), text.slice(0, TEXT_MAX));
  }

  forget(runs: readonly string[]): void {
    const drop = this.db.prepare('DELETE FROM finished WHERE run = ?');
    for (const run of runs) drop.run(run);
  }

  /** The most alike first; a plan that shares no word is not among them. */
  similar(goal: string, limit = FOUND_MAX): readonly Similar[] {
    // Each word as a text of its own: nothing of a goal is taken for the language of searches.
    const words = [...new Set(goal.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [])].slice(0, WORDS_MAX);
    if (words.length === 0) return [];
    const found = this.db
      .prepare(
        'SELECT run, source, name, tasks, -bm25(finished, 0, 0, 4, 2, 1) AS score FROM finished WHERE finished MATCH ? ORDER BY score DESC, run LIMIT ?',
      )
      .all(words.map((word) => `"${word}"`).join(' OR '), limit);
    return found.map((row) => ({
      run: String(row['run']),
      name: String(row['name']),
      source: String(row['source']),
      tasks: String(row['tasks']).split(' '),
      score: Number(row['score']),
    }));
  }
}
