/**
 * What can be learned from the journal: outcomes of agents, and finished plans. It reads on in the journal when somebody asks,
 * so a run pays nothing for it, and keeps what it knows with its position in a small database of its own. That holds nothing
 * the journal does not: when it is deleted, it is made anew. Whoever only reads a home writes nothing here either.
 */
import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Journal } from '../engine/journal/journal.ts';
import type { Fact, FactOf } from '../engine/kernel/facts.ts';
import type { Hash } from '../engine/kernel/plan.ts';
import { type FollowJson, OutcomeFollower } from '../work/planning/outcomes/follow.ts';
import { Outcomes, type OutcomesJson } from '../work/planning/outcomes/outcomes.ts';
import { type Similar, Templates } from '../work/planning/outcomes/templates.ts';
import { PLANNER } from '../work/planning/planning-spent.ts';
import type { RunSource } from '../work/workflow/plan.ts';
import { askedIn, jsonIn } from './asked.ts';

/** Of what is kept. Another one is made anew. */
const FORMAT = 3;

interface OpenPlan {
  readonly name: string;
  readonly source: Hash;
  tasks: string[];
}
interface Kept {
  readonly format: number;
  readonly position: number;
  readonly outcomes: OutcomesJson;
  readonly open: FollowJson;
  readonly plans: readonly (readonly [run: string, plan: OpenPlan])[];
}

export interface LearningOptions {
  readonly path: string;
  readonly journal: Pick<Journal, 'readAll' | 'position' | 'get'>;
  /** False for whoever only reads: then what is new is known until the end of the process. */
  readonly write: boolean;
}

/** Opened with the first question: most of the time an engine only goes on with runs. */
export class Learning {
  private readonly options: LearningOptions;
  private opened: Reading | undefined;

  constructor(options: LearningOptions) {
    this.options = options;
  }

  /** As of the last durable fact. */
  outcomes(): Outcomes {
    return this.upToDate().known;
  }

  /** Finished plans about something alike, the most alike first. */
  similar(goal: string, limit?: number): readonly Similar[] {
    return this.upToDate().templates.similar(goal, limit);
  }

  /** Runs that were removed from the journal are offered no more. What their outcomes say of agents stays. */
  forget(runs: readonly string[]): void {
    if (existsSync(this.options.path)) this.upToDate().templates.forget(runs);
  }

  close(): void {
    this.opened?.db.close();
    this.opened = undefined;
  }

  private upToDate(): Reading {
    this.opened ??= new Reading(this.options);
    this.opened.catchUp();
    return this.opened;
  }
}

/** How far the journal has been read, and what came of it. */
class Reading {
  readonly db: DatabaseSync;
  readonly templates: Templates;
  readonly known: Outcomes;
  private readonly journal: LearningOptions['journal'];
  private readonly write: boolean;
  /** The database is another's: plans that have finished since are not found in it. */
  private readonly fixed: boolean;
  private readonly follower: OutcomeFollower;
  private readonly plans: Map<string, OpenPlan>;
  private position: number;

  constructor({ path, journal, write }: LearningOptions) {
    const { db, kept, fixed } = (write ? undefined : openToRead(path, journal)) ?? openToWrite(write ? path : ':memory:', journal);
    this.journal = journal;
    this.write = write;
    this.db = db;
    this.fixed = fixed;
    this.templates = new Templates(db);
    this.known = Outcomes.from(kept?.outcomes ?? []);
    this.follower = new OutcomeFollower(askedIn(journal), kept?.open);
    this.plans = new Map(kept?.plans);
    this.position = kept?.position ?? 0;
  }

  catchUp(): void {
    const last = this.journal.position();
    if (last === this.position) return;
    if (!this.fixed) this.db.exec('BEGIN');
    try {
      for (const { position, stored } of this.journal.readAll(this.position)) {
        const outcome = this.follower.follow(stored);
        if (outcome) this.known.add(outcome);
        this.followPlan(stored.stream, stored.fact);
        this.position = position;
      }
      this.position = last;
      if (this.write) this.keep();
      if (!this.fixed) this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  private followPlan(run: string, fact: Fact): void {
    if (fact.type === 'run.created') this.plans.set(run, { name: fact.plan.name, source: fact.plan.source, tasks: [] });
    const plan = this.plans.get(run);
    if (plan === undefined) return;
    if (fact.type === 'plan.changed') follow(plan, fact);
    else if (fact.type === 'run.ended') {
      this.plans.delete(run);
      if (fact.outcome === 'succeeded' && plan.tasks.length > 0 && !this.fixed)
        this.templates.add({ run, ...plan, text: this.textOf(plan.source) });
    }
  }

  private textOf(source: Hash): string {
    const read = jsonIn<RunSource>(this.journal, source);
    return Object.values(read?.files ?? {})
      .map(({ text }) => text)
      .join('\n');
  }

  private keep(): void {
    const kept: Kept = {
      format: FORMAT,
      position: this.position,
      outcomes: this.known.toJSON(),
      open: this.follower.toJSON(),
      plans: [...this.plans],
    };
    this.db.exec('DELETE FROM kept');
    this.db.prepare('INSERT INTO kept VALUES (?)').run(JSON.stringify(kept));
  }
}

/** Tasks as a plan names them: those of a goal or of a used file instead of the task that stands for them, and no items of lists. */
function follow(plan: OpenPlan, { add, drop = [] }: FactOf<'plan.changed'>): void {
  const gone = new Set(drop);
  for (const { id, parent, agent } of add) {
    if (parent === undefined) plan.tasks.push(id);
    else if (agent === PLANNER) gone.add(parent);
    else if (id.startsWith(`${parent}/`)) {
      gone.add(parent);
      plan.tasks.push(id);
    }
  }
  plan.tasks = plan.tasks.filter((id) => !gone.has(id));
}

interface OpenKept {
  readonly db: DatabaseSync;
  readonly kept: Kept | undefined;
  readonly fixed: boolean;
}
type Position = Pick<Journal, 'position'>;

/** What is kept, when it can be used as it is. */
function openToRead(path: string, journal: Position): OpenKept | undefined {
  if (!existsSync(path)) return undefined;
  const db = new DatabaseSync(path, { readOnly: true });
  const kept = keptIn(db, journal);
  if (kept) return { db, kept, fixed: true };
  db.close();
  return undefined;
}

function openToWrite(path: string, journal: Position): OpenKept {
  const db = opened(path);
  const kept = keptIn(db, journal);
  if (kept === undefined) db.exec('DELETE FROM finished');
  return { db, kept, fixed: false };
}

function keptIn(db: DatabaseSync, journal: Position): Kept | undefined {
  try {
    const body = db.prepare('SELECT body FROM kept').get()?.['body'];
    if (typeof body !== 'string') return undefined;
    const kept = JSON.parse(body) as Kept;
    // A position that the journal never had is one of another journal.
    return kept.format === FORMAT && kept.position <= journal.position() ? kept : undefined;
  } catch {
    // Not a database, or not ours: it is made anew.
    return undefined;
  }
}

function opened(path: string): DatabaseSync {
  const create = () => {
    const db = new DatabaseSync(path);
    db.exec(`CREATE TABLE IF NOT EXISTS kept (body TEXT NOT NULL) STRICT; ${Templates.TABLE}`);
    return db;
  };
  try {
    return create();
  } catch {
    // Broken: it holds nothing that the journal does not.
    rmSync(path, { force: true });
    return create();
  }
}
