/**
 * The tables behind lists and inboxes: a follower of the facts, written in its own transactions, coalesced, and made
 * anew at any time. Its position is stored with its rows; what the journal has beyond that is folded in memory, so a
 * reader is never behind, and one without the owner's rights writes nothing.
 */
import { GRANTS } from '../kernel/grants.ts';
import { RUN_TERMINAL, type RunState } from '../kernel/state.ts';
import { type RunView, viewOf } from '../kernel/view.ts';
import { foldRun } from './fold.ts';
import type { SqliteJournal } from './sqlite.ts';
import type { ViewRow } from './view-rows.ts';

/** How often the rows should be written while facts come in, in milliseconds. */
export const VIEWS_EVERY_MS = 50;
/** After this many facts they should be written at once. */
const FACTS_MAX = 10_000;
/** Runs written in one transaction at most, so that the event loop breathes. */
const FLUSH_RUNS = 500;

export interface ListQuery {
  /** Default 100. */
  readonly limit?: number;
  /** Only runs that are not over. */
  readonly open?: boolean;
}

export class ReadModel {
  private readonly journal: SqliteJournal;
  private readonly stateOf: (run: string) => RunState | undefined;
  /** Runs whose rows are behind, each since the position of the first fact that its row lacks; longest behind first. */
  private readonly behind = new Map<string, number>();
  private position: number;
  private facts = 0;
  /** The same of rows that are being written. */
  private writing: ReadonlyMap<string, number> = new Map();
  private failed = false;
  private readonly onProblem: (error: unknown) => void;
  /** Views of runs that have ended since: their state may be gone from memory when the rows are written. */
  private readonly ended = new Map<string, RunView>();

  /**
   * @param stateOf the live state where the host has one; otherwise the run is folded
   * @param onProblem told when rows could not be written: lists are made from the journal until they are
   */
  constructor(
    journal: SqliteJournal,
    stateOf: (run: string) => RunState | undefined = () => undefined,
    onProblem: (error: unknown) => void = () => {},
  ) {
    this.journal = journal;
    this.stateOf = stateOf;
    this.onProblem = onProblem;
    this.position = Number(journal.connection.get('SELECT position FROM view_position')?.['position'] ?? 0);
    this.catchUp();
  }

  /** Takes note of everything stored since the rows were written. */
  private catchUp(): void {
    const last = this.journal.position();
    if (last === this.position) return;
    const sql = 'SELECT name FROM stream WHERE position > ?';
    for (const row of this.journal.connection.rows(sql, this.position)) this.touch(String(row['name']), this.position + 1);
    this.position = last;
  }

  /** Takes note of facts that are durable, in order; writes nothing. @returns whether it is time to `flush` */
  follow(facts: Iterable<{ readonly position: number; readonly stored: { readonly stream: string } }>): boolean {
    for (const { position, stored } of facts) {
      this.touch(stored.stream, position);
      this.position = Math.max(this.position, position);
      this.facts++;
    }
    return this.facts >= FACTS_MAX;
  }

  /** Takes the last view of a run that has ended. */
  keep(view: RunView): void {
    this.ended.set(view.run, view);
  }

  private touch(stream: string, position: number): void {
    this.ended.delete(stream);
    if (stream !== GRANTS && !this.behind.has(stream)) this.behind.set(stream, position);
  }

  /**
   * Writes what is behind, or lets the journal write it behind the facts that are under way; returns whether it is worth
   * calling again for what is left. Only the owner calls it.
   */
  flush(): boolean {
    this.facts = 0;
    if (this.behind.size === 0 || this.writing.size > 0) return this.behind.size > 0;
    const behind = [...this.behind];
    this.writing = new Map(behind.slice(0, FLUSH_RUNS));
    const runs = [...this.writing.keys()];
    // Up to the first fact that a row still lacks. So it moves on too while more runs are busy than one transaction takes:
    // when it waited for a moment in which nothing was behind, a crash after a busy day had all of that day folded again.
    const position = (behind[runs.length]?.[1] ?? this.position + 1) - 1;
    for (const run of runs) this.behind.delete(run);
    const rows = runs.flatMap((run): ViewRow[] => {
      const view = this.viewNow(run);
      return view ? [[run, view.submittedAt, RUN_TERMINAL.has(view.status) ? 0 : 1, JSON.stringify(view)]] : [];
    });
    this.failed = false;
    this.journal.saveViews({ rows, position }, (error) => this.written(error));
    return this.behind.size > 0 && !this.failed;
  }

  /** Writes all of it, as far as it can be written. */
  flushAll(): void {
    this.journal.settle();
    while (this.flush());
  }

  private written(error: unknown): void {
    const { writing } = this;
    this.failed = error !== undefined;
    this.writing = new Map();
    if (error === undefined) {
      for (const run of writing.keys()) if (!this.behind.has(run)) this.ended.delete(run);
      return;
    }
    const since = [...this.behind];
    this.behind.clear();
    for (const [run, position] of [...writing, ...since]) if (!this.behind.has(run)) this.behind.set(run, position);
    this.onProblem(error);
  }

  /** Forgets every row and folds all runs again. */
  rebuild(): void {
    this.journal.forgetViews();
    this.behind.clear();
    this.position = 0;
    this.catchUp();
    this.flushAll();
  }

  /** Newest first. */
  list({ limit = 100, open = false }: ListQuery = {}): RunView[] {
    this.journal.settle();
    const sql = `SELECT run, body FROM run_view ${open ? 'WHERE open = 1' : ''} ORDER BY submitted DESC LIMIT ?`;
    const found = new Map<string, RunView>();
    for (const row of this.journal.connection.rows(sql, Math.min(limit + this.behind.size + this.writing.size, Number.MAX_SAFE_INTEGER)))
      found.set(String(row['run']), JSON.parse(String(row['body'])) as RunView);
    for (const run of [...this.writing.keys(), ...this.behind.keys()]) {
      const view = this.viewNow(run);
      if (view) found.set(run, view);
    }
    const views = [...found.values()].filter((view) => !open || !RUN_TERMINAL.has(view.status));
    return views.sort((a, b) => b.submittedAt - a.submittedAt).slice(0, limit);
  }

  /**
   * Ids of all runs that are not over, in the order of submission, for the owner who has just come. Some may be over all the
   * same, of those whose rows are behind: only a fold would tell, and whoever goes on with them folds each anyway.
   */
  unfinished(): string[] {
    const sql = `
      SELECT id, name FROM run_view JOIN stream ON name = run WHERE open = 1
      UNION SELECT id, name FROM stream WHERE name <> ? AND position > (SELECT position FROM view_position) ORDER BY id`;
    return [...this.journal.connection.rows(sql, GRANTS)].map((row) => String(row['name']));
  }

  view(run: string): RunView | undefined {
    this.journal.settle();
    return this.viewNow(run);
  }

  private viewNow(run: string): RunView | undefined {
    const kept = this.ended.get(run);
    if (kept) return kept;
    const state = this.stateOf(run) ?? foldRun(this.journal, run)?.state;
    return state && viewOf(state);
  }
}
