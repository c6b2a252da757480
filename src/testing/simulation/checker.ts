/**
 * Follows the facts as they are stored, beside the host, and judges them: against a state of its own folded from the
 * stored bytes, against what performers really did, and against the rules that make Baton what it is.
 */
import { isDeepStrictEqual } from 'node:util';
import type { MemoryDisk } from '../../engine/journal/memory.ts';
import { decodeRow } from '../../engine/journal/rows.ts';
import { MEASURES } from '../../engine/kernel/budget.ts';
import type { FactOf, GrantFact, RunFact } from '../../engine/kernel/facts.ts';
import { evolveGrant, GRANTS, globsMeet, meets, newGrants } from '../../engine/kernel/grants.ts';
import { violation } from '../../engine/kernel/invariants.ts';
import { evolve } from '../../engine/kernel/kernel.ts';
import type { OwedChange, OwedOf } from '../../engine/kernel/owed.ts';
import type { Amounts } from '../../engine/kernel/plan.ts';
import { restore, save } from '../../engine/kernel/snapshot.ts';
import { type RunState, type TaskRecord, TERMINAL, type TreeState, touch } from '../../engine/kernel/state.ts';
import type { Coverage } from './coverage.ts';

export class Violation extends Error {}

export class Checker {
  readonly runs = new Map<string, RunState>();
  readonly grants = newGrants();
  private readonly disk: MemoryDisk;
  private readonly coverage: Coverage;
  private readonly statuses = new Map<string, string>();
  /** Why a further attempt is allowed, by `run/task`. */
  private readonly allowed = new Map<string, string>();
  private readonly performed = new Set<string>();
  /** The epoch in which each attempt began. */
  private readonly began = new Map<string, number>();
  private readonly heads = new Map<string, Set<string>>();
  /** Pairs of tasks that a person lets overlap, in both orders. */
  private readonly shared = new Set<string>();
  /** What each run's gates found last, by what they were given: the evidence, or that it was red. */
  private readonly found = new Map<string, string>();
  /** The epoch in which each attempt was lost. */
  private readonly lost = new Map<string, number>();
  /** An owner has come and has not loaded every run yet. */
  recovering = false;
  /** Rows that were looked at, and the facts in them. */
  private seen = 0;
  private judged = 0;

  constructor(disk: MemoryDisk, coverage: Coverage) {
    this.disk = disk;
    this.coverage = coverage;
  }

  get facts(): number {
    return this.judged;
  }

  /** Looks at everything stored since the last call. @throws Violation */
  follow(): void {
    if (this.seen === this.disk.rows.length) return;
    const touched = new Set<string>();
    const waiting = this.waiting();
    const started: OwedOf<'start'>[] = [];
    const rows = this.disk.rows.slice(this.seen);
    this.seen = this.disk.rows.length;
    for (const { stream, seq, at, epoch, fact, command } of rows.flatMap((row) => decodeRow(row.stream, row.seq, row.text))) {
      this.judged++;
      this.coverage.add(`fact ${fact.type}`);
      const change: OwedChange = { added: [], removed: [] };
      try {
        if (stream === GRANTS) this.grant(fact as GrantFact, at, change);
        else {
          this.before(stream, fact as RunFact, epoch);
          if (fact.type === 'attempt.lost') this.lost.set(`${stream}/${fact.task}/${fact.attempt}`, epoch);
          // While runs are still being loaded, what had its slot when the last owner died has it again.
          const again = fact.type === 'task.started' && this.lost.get(`${stream}/${fact.task}/${fact.attempt - 1}`) === epoch;
          if (fact.type === 'task.started' && !(this.recovering && again)) started.push(...(waiting.get(`${stream}/${fact.task}`) ?? []));
          this.runs.set(stream, evolve(this.runs.get(stream), fact as RunFact, at, change, stream, command));
          this.after(stream, fact as RunFact);
          touched.add(stream);
        }
      } catch (error) {
        if (error instanceof Violation) throw error;
        throw new Violation(`${stream}#${seq} ${fact.type}: ${error instanceof Error ? error.message : error}`);
      }
    }
    this.inOrder(waiting, started);
    for (const run of touched) for (const task of this.runs.get(run)?.tasks.values() ?? []) this.alone(this.runs.get(run), task);
    for (const run of touched) {
      const state = this.runs.get(run);
      const broken = state && violation(state);
      if (broken) throw new Violation(`${run}#${state.seq}: ${broken}`);
    }
  }

  /** Tasks that wait for a slot. */
  private waiting(): Map<string, OwedOf<'start'>[]> {
    const found = new Map<string, OwedOf<'start'>[]>();
    for (const { id, tasks } of this.runs.values())
      for (const [task, { owed }] of tasks) if (owed[0]?.type === 'start') found.set(`${id}/${task}`, [owed[0]]);
    return found;
  }

  /** Of those who waited for one agent, nobody with a later key was served while an earlier one waits on. */
  private inOrder(before: ReadonlyMap<string, readonly OwedOf<'start'>[]>, started: readonly OwedOf<'start'>[]): void {
    if (started.length === 0) return;
    const after = this.waiting();
    for (const [task, [owed]] of before) {
      if (!owed || after.get(task)?.[0]?.id !== owed.id) continue;
      const later = started.find(
        (each) => each.agent === owed.agent && (each.key > owed.key || (each.key === owed.key && each.index > owed.index)),
      );
      if (later) throw new Violation(`${task} waits for ${owed.agent} and was overtaken by ${later.task}, which asked later`);
    }
  }

  private before(run: string, fact: RunFact, epoch: number): void {
    const state = this.runs.get(run);
    if (fact.type === 'attempt.lost') {
      const alive = this.began.get(`${run}/${fact.task}/${fact.attempt}`) === epoch;
      // One that was told to stop may have ended just then, and nobody is there to stop.
      if (alive && !state?.tasks.get(fact.task)?.stopping)
        throw new Violation(`${run}/${fact.task}/${fact.attempt} is lost and its owner lives`);
    }
    if (state?.tree) this.tree(run, state, state.tree, fact);
    if (fact.type === 'gate.judged') this.evidence(run, fact);
    if (fact.type === 'task.started') {
      const task = state?.tasks.get(fact.task);
      if (!state || !task) return;
      const where = `${run}/${fact.task}/${fact.attempt}`;
      this.began.set(where, epoch);
      for (const need of task.spec.needs)
        if (!TERMINAL.has(state.tasks.get(need)?.status ?? 'pending')) throw new Violation(`${where} starts before ${need} is over`);
      if (state.status === 'cancelling' && !task.always) throw new Violation(`${where} starts in a cancelled run`);
      if (state.status === 'paused') throw new Violation(`${where} starts in a paused run`);
      if (fact.attempt > 1) {
        const why = this.allowed.get(`${run}/${fact.task}`);
        if (why === undefined) throw new Violation(`${where} starts and nothing allows another attempt`);
        if (!task.spec.idempotent && !SAFE.has(why)) throw new Violation(`${where} is not idempotent and is repeated because of ${why}`);
        this.allowed.delete(`${run}/${fact.task}`);
      }
    }
    if ((fact.type === 'task.committed' || fact.type === 'attempt.succeeded') && state) this.resultOf(run, fact);
  }

  /** A verdict for which nothing was run rests on one that was, was green, and was given the same. */
  private evidence(run: string, { task, given, reuses, verdict, evidence }: FactOf<'gate.judged'>): void {
    const key = `${run} ${given}`;
    if (reuses === undefined) {
      if (given !== undefined && verdict !== 'error') this.found.set(key, verdict === 'pass' ? evidence : 'red');
      return;
    }
    this.coverage.add('verdict reused');
    if (verdict !== 'pass' || given === undefined || this.found.get(key) !== reuses)
      throw new Violation(`${run}/${task}: a gate rests on ${reuses}, and "${given}" was last ${this.found.get(key)}`);
  }

  /** A result must be what an attempt of that number brought. */
  private resultOf(
    run: string,
    fact: { readonly type: string; readonly task: string; readonly attempt: number; readonly result: string },
  ): void {
    const payload = this.disk.blobs.get(fact.result);
    if (!payload) throw new Violation(`${run}/${fact.task}: the result of ${fact.type} is not stored`);
    const { key } = JSON.parse(Buffer.from(payload).toString()) as { key?: string };
    if (key !== undefined && key !== `${run}/${fact.task}/${fact.attempt}`)
      throw new Violation(`${run}/${fact.task}/${fact.attempt} has the result of ${key}`);
  }

  /** The integration tree grows by one merge after the other; only what it was at some time goes to the user. */
  private tree(run: string, state: RunState, tree: TreeState, fact: RunFact): void {
    const heads = this.heads.get(run) ?? new Set<string>();
    this.heads.set(run, heads);
    if (tree.head !== undefined) heads.add(tree.head);
    const task = 'task' in fact && fact.task !== undefined ? state.tasks.get(fact.task) : undefined;
    if (fact.type === 'task.started' && task?.spec.tree && (fact.base === undefined || !heads.has(fact.base)))
      throw new Violation(`${run}/${fact.task} starts from ${fact.base}, which the integration tree never was`);
    if (fact.type === 'task.committed' && task?.change !== undefined && fact.tree !== task.merged?.tree)
      throw new Violation(`${run}/${fact.task} is committed as ${fact.tree}, and was merged as ${task.merged?.tree}`);
    if (fact.type === 'task.committed' && fact.tree !== undefined) {
      if (task?.merged?.onto !== tree.head) throw new Violation(`${run}/${fact.task} is committed onto an older tree than ${tree.head}`);
      const green = (task?.spec.gates ?? []).every((_, gate) => task?.verdicts[gate]?.verdict === 'pass');
      if (!green) throw new Violation(`${run}/${fact.task} is committed and its gates did not see that`);
    }
    if (fact.type !== 'promotion.started') return;
    if (tree.promotion && tree.promotion.status !== 'asked') throw new Violation(`${run} promotes twice at once`);
    if (!heads.has(fact.tree)) throw new Violation(`${run} promotes ${fact.tree}, which its integration tree never was`);
  }

  private after(run: string, fact: RunFact): void {
    const state = this.runs.get(run);
    if (!state) return;
    const key = 'task' in fact ? `${run}/${fact.task}` : '';
    if (fact.type === 'attempt.failed' && fact.retryAt !== undefined)
      this.allowed.set(key, fact.failure.dispatched === false ? 'nothing was dispatched' : `failure ${fact.failure.class}`);
    if (fact.type === 'attempt.lost' && fact.again)
      this.allowed.set(key, state.tasks.get(fact.task)?.spec.onLost === 'retry' ? 'onLost: retry' : 'a crash');
    if (fact.type === 'task.decided' && fact.decision === 'retry') this.allowed.set(key, 'a decision');
    if (fact.type === 'probe.judged' && fact.verdict === 'absent') this.allowed.set(key, 'its probe');
    if (fact.type === 'task.reworked') this.allowed.set(key, 'rework');
    if ('failure' in fact) this.coverage.add(`failure ${fact.failure.class}`);
    if (fact.type === 'step.reserved') this.withinBudget(run, state, fact.amounts);
    for (const id of state.dirty) {
      const task = state.tasks.get(id);
      if (task) task.dirty = false;
      const now = task?.status;
      const name = `${run}/${id}`;
      const then = this.statuses.get(name) ?? 'pending';
      if (now === undefined || now === then) continue;
      this.statuses.set(name, now);
      // A task without open needs is ready in the fact that makes it.
      if (then === 'pending' && now !== 'ready' && now !== 'skipped' && now !== 'cancelled') continue;
      this.coverage.add(`transition ${then} → ${now}`);
    }
    state.dirty = [];
  }

  private withinBudget(run: string, { limits, spent, reserved }: RunState, amounts: Amounts): void {
    for (const measure of MEASURES) {
      const [used, limit] = [spent[measure] + reserved[measure], limits[measure]];
      if (limit !== undefined && (amounts[measure] ?? 0) > 0 && used > limit)
        throw new Violation(`${run} has spent or set aside ${used} ${measure} of ${limit}`);
    }
  }

  /** Nobody who claims the same path is at work beside it. Streams are stored one after the other, so this holds of whole groups. */
  private alone(state: RunState | undefined, { spec, attempt, status }: TaskRecord): void {
    if (!state || !spec.claims?.length || attempt === 0 || TERMINAL.has(status)) return;
    for (const other of this.runs.values())
      for (const task of other.tasks.values()) {
        const busy = task.spec.claims?.length && task.attempt > 0 && !TERMINAL.has(task.status);
        if (this.shared.has(`${state.id}/${spec.id} ${other.id}/${task.spec.id}`)) continue;
        if (!busy || (task.spec === spec && other === state) || (other.plan.scope ?? '') !== (state.plan.scope ?? '')) continue;
        if (task.spec.claims?.some((one) => spec.claims?.some((two) => globsMeet(one, two))))
          throw new Violation(`${state.id}/${spec.id} starts beside ${other.id}/${task.spec.id}, and both claim a path`);
      }
  }

  private grant(fact: GrantFact, at: number, change: OwedChange): void {
    evolveGrant(this.grants, fact, at, change);
    if (fact.type === 'grant.shared') this.share(fact.request, fact.other);
    if (fact.type !== 'grant.given') return;
    const given = this.grants.requests.get(fact.request);
    if (!given) return;
    for (const other of this.grants.requests.values()) {
      if (other === given || !meets(given, other) || this.shared.has(`${given.id} ${other.id}`)) continue;
      if (other.status !== 'waiting') throw new Violation(`${given.id} and ${other.id} hold one path at once`);
      const earlier = other.key < given.key || (other.key === given.key && other.arrival < given.arrival);
      if (earlier) throw new Violation(`${given.id} was given before ${other.id}, which asked first`);
    }
  }

  /** Only for two that would wait for each other. */
  private share(one: string, two: string): void {
    const [a, b] = [this.grants.requests.get(one), this.grants.requests.get(two)];
    if (!a || !b || a === b || !meets(a, b) || (a.status !== 'waiting' && b.status !== 'waiting'))
      throw new Violation(`${one} and ${two} were let overlap, and nobody of them waits for the other`);
    this.shared.add(`${one} ${two}`).add(`${two} ${one}`);
  }

  /** An attempt really begins. */
  begins(run: string, task: string, attempt: number): void {
    this.follow();
    const key = `${run}/${task}/${attempt}`;
    const record = this.runs.get(run)?.tasks.get(task);
    if (this.performed.has(key)) throw new Violation(`${key} is performed twice`);
    this.performed.add(key);
    if (record?.status !== 'running' || record.attempt !== attempt)
      throw new Violation(`${key} is performed and the journal says ${record?.status}, attempt ${record?.attempt}`);
  }

  /** Replay equals live, also by way of a snapshot. */
  equals(run: string, live: RunState | undefined): void {
    const state = this.runs.get(run);
    if (!state || !live) throw new Violation(`${run}: no state to compare`);
    const [replayed, alive, restored] = [whole(state), whole(live), whole(restore(whole(state)))];
    if (!isDeepStrictEqual(replayed, alive))
      throw new Violation(`${run}: replay differs from the live state: ${difference(replayed, alive)}`);
    if (!isDeepStrictEqual(replayed, restored))
      throw new Violation(`${run}: a restored snapshot differs: ${difference(replayed, restored)}`);
  }
}

/** What may let a task that is not idempotent run again. */
const SAFE: ReadonlySet<string> = new Set(['nothing was dispatched', 'onLost: retry', 'a decision', 'its probe', 'rework']);

/** All of a state, saved; what was dirty is so again. */
function whole(state: RunState): ReturnType<typeof save> {
  const dirty = [...state.dirty];
  for (const task of state.tasks.values()) touch(state, task);
  const saved = save(state);
  for (const id of dirty) {
    const task = state.tasks.get(id);
    if (task) touch(state, task);
    else state.dirty.push(id);
  }
  return {
    header: saved.header,
    records: new Map([...saved.records].filter(([, record]) => record !== '').sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Where two saved states differ first. */
function difference(a: ReturnType<typeof save>, b: ReturnType<typeof save>): string {
  const texts = [[a.header, b.header], ...[...a.records].map(([id, record]) => [record, b.records.get(id) ?? ''])];
  for (const [one = '', other = ''] of texts) {
    if (one === other) continue;
    const at = [...one].findIndex((letter, i) => letter !== other[i]);
    return `…${one.slice(Math.max(0, at - 40), at + 60)} | …${other.slice(Math.max(0, at - 40), at + 60)}`;
  }
  return 'the order of tasks';
}
