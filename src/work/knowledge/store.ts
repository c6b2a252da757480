/**
 * Knowledge in one SQLite file of a home. Several projects of a home share the file and never an entry; several processes
 * may write it. It is opened when somebody first asks, since most runs never do.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { BatonError } from '../../errors.ts';
import { AttemptError } from '../processes/failure.ts';
import { knowledgeProblem, openDatabase, transaction } from './database.ts';
import {
  type Entry,
  type Found,
  KNOWLEDGE_LIMITS,
  type Knowledge,
  type KnowledgeLimits,
  type NewEntry,
  type Provenance,
  type Writer,
} from './knowledge.ts';

export interface StoreOptions {
  /** Absolute path of the file; its folder is there. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** False for whoever only reads: then nothing is made, and no entry changes. Default true. */
  readonly write?: boolean;
  readonly limits?: Partial<KnowledgeLimits>;
}

/** Words of a query beyond these find nothing more. */
const WORDS_MAX = 32;
/** Words around what was found. */
const SNIPPET_WORDS = 40;
/** Characters of the beginning of a text. */
const BEGINNING_MAX = 200;
/** How much more a word weighs in the title and in the tags than in the text. */
const WEIGHTS = '4.0, 2.0, 1.0';

type Row = Readonly<Record<string, SQLOutputValue>>;

export class KnowledgeStore {
  private readonly path: string;
  private readonly now: () => number;
  private readonly write: boolean;
  private readonly limits: KnowledgeLimits;
  private db: DatabaseSync | undefined;

  constructor({ path, now, write = true, limits }: StoreOptions) {
    this.path = path;
    this.now = now;
    this.write = write;
    this.limits = { ...KNOWLEDGE_LIMITS, ...limits };
  }

  /** @param scope the project; entries of others are neither found nor taken away */
  of(scope: string, by: Writer): Knowledge {
    return {
      put: (entry) => this.use((db) => this.put(db, scope, by, entry)),
      search: (query, max) => this.use((db) => search(db, scope, query, max)),
      list: (max) => this.use((db) => list(db, scope, max)),
      get: (id) => this.use((db) => get(db, scope, id)),
      forget: (id) => this.use((db) => forget(db, scope, by, id)),
    };
  }

  close(): void {
    this.db?.close();
    this.db = undefined;
  }

  private use<T>(work: (db: DatabaseSync) => T): T {
    this.db ??= openDatabase(this.path, { write: this.write });
    try {
      return work(this.db);
    } catch (error) {
      throw knowledgeProblem(error, this.path);
    }
  }

  private put(
    db: DatabaseSync,
    scope: string,
    by: Writer,
    { text, title = '', tags = [], source }: NewEntry,
  ): ReturnType<Knowledge['put']> {
    const { textBytes, entries } = this.limits;
    const size = Buffer.byteLength(text);
    if (size > textBytes)
      throw new BatonError('KNOWLEDGE_TOO_LARGE', `limit KNOWLEDGE_LIMITS.textBytes = ${textBytes} bytes: this text has ${size}.`, {
        hint: 'Keep what matters of it, and name where the rest is as its source.',
        details: { textBytes, size },
      });
    const sorted = [...new Set(tags)].sort();
    const id = idOf([scope, writerKey(by), title, text, sorted, source ?? null]);
    return transaction(db, () => {
      if (db.prepare('SELECT 1 FROM entry WHERE id = ?').get(id)) return { id, isNew: false };
      const count = Number(db.prepare('SELECT count(*) AS count FROM entry WHERE scope = ?').get(scope)?.['count']);
      if (count >= entries)
        throw new BatonError('KNOWLEDGE_FULL', `limit KNOWLEDGE_LIMITS.entries = ${entries}: this project has ${count} entries.`, {
          hint: 'Take away what is of no use any more with `knowledge.forget`.',
          details: { entries, count },
        });
      const own = 'person' in by ? [by.person, null, null, null, null] : [null, by.run, by.task, by.attempt, by.agent ?? null];
      db.prepare(
        `INSERT INTO entry (id, scope, title, tags, text, person, run, task, attempt, agent, source, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(id, scope, title, sorted.join(' '), text, ...own, source ?? null, this.now());
      return { id, isNew: true };
    });
  }
}

/** Attempts of a task are the same writer. */
const writerKey = (by: Writer): readonly string[] => ('person' in by ? ['person', by.person] : ['task', by.run, by.task]);

const idOf = (content: readonly unknown[]): string => `k${createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 24)}`;

function search(db: DatabaseSync, scope: string, query: string, max: number): readonly Found[] {
  const words = query.match(/[\p{L}\p{M}\p{N}]+/gu)?.slice(0, WORDS_MAX) ?? [];
  if (words.length === 0)
    throw new BatonError('KNOWLEDGE_QUERY', `There is no word in ${JSON.stringify(query.slice(0, 100))} to look for.`, {
      hint: 'Give the words that the entry would have.',
    });
  const rows = db
    .prepare(
      `SELECT entry.*, snippet(words, 2, '', '', ' … ', ${SNIPPET_WORDS}) AS snippet
       FROM words JOIN entry ON entry.row = words.rowid
       WHERE words MATCH ? AND entry.scope = ?
       ORDER BY bm25(words, ${WEIGHTS}), entry.at DESC, entry.row DESC LIMIT ?`,
    )
    // In quotes, so that AND, NEAR and the like are words too.
    .all(words.map((word) => `"${word}"`).join(' OR '), scope, max);
  return rows.map((row) => ({ ...about(row), snippet: String(row['snippet']) }));
}

function list(db: DatabaseSync, scope: string, max: number): readonly Found[] {
  const rows = db
    .prepare(`SELECT *, substr(text, 1, ${BEGINNING_MAX}) AS snippet FROM entry WHERE scope = ? ORDER BY at DESC, row DESC LIMIT ?`)
    .all(scope, max);
  return rows.map((row) => ({ ...about(row), snippet: String(row['snippet']) }));
}

function get(db: DatabaseSync, scope: string, id: string): Entry | undefined {
  const row = db.prepare('SELECT * FROM entry WHERE id = ? AND scope = ?').get(id, scope);
  return row && { ...about(row), text: String(row['text']) };
}

function forget(db: DatabaseSync, scope: string, by: Writer, id: string): boolean {
  return transaction(db, () => {
    if (!('person' in by) && get(db, scope, id)?.from.trusted)
      throw new AttemptError('policy', 'KNOWLEDGE_TRUSTED', `${id} was put by a person, and only a person may take it away.`, {
        where: id,
      });
    return db.prepare('DELETE FROM entry WHERE id = ? AND scope = ?').run(id, scope).changes > 0;
  });
}

const about = (row: Row): Omit<Entry, 'text'> => ({
  id: String(row['id']),
  title: String(row['title']),
  tags: row['tags'] === '' ? [] : String(row['tags']).split(' '),
  from: provenanceOf(row),
});

const provenanceOf = ({ person, run, task, attempt, agent, source, at }: Row): Provenance => ({
  by:
    typeof person === 'string'
      ? { person }
      : { run: String(run), task: String(task), attempt: Number(attempt), ...(typeof agent === 'string' ? { agent } : {}) },
  ...(typeof source === 'string' ? { source } : {}),
  at: new Date(Number(at)).toISOString(),
  trusted: typeof person === 'string',
});
