/**
 * The plainest host there can be: load, decide, evolve, settle, append. It keeps no list of what is owed but asks the
 * state each time, commits when it is told to, and forgets everything when it is told to crash. The kernel is tried on
 * it without the real host's optimisations.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Command, GrantCommand, Refusal, RunCommand } from '../../engine/kernel/commands.ts';
import type { CommandRef, Fact, GrantFact, RunFact } from '../../engine/kernel/facts.ts';
import { decideGrant, evolveGrant, GRANTS, type GrantState, newGrants, settleGrants } from '../../engine/kernel/grants.ts';
import { violation } from '../../engine/kernel/invariants.ts';
import { answered, decide, evolve, owedBy, settle } from '../../engine/kernel/kernel.ts';
import type { Owed, OwedChange } from '../../engine/kernel/owed.ts';
import { restore, save } from '../../engine/kernel/snapshot.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import { transitions } from '../../engine/kernel/task.ts';

export class Broken extends Error {}
interface Row {
  readonly at: number;
  readonly fact: Fact;
  readonly command?: CommandRef;
}

export class PlainHost {
  now = 1_000_000;
  epoch = 1;
  facts = 0;
  runs = new Map<string, RunState>();
  grants: GrantState = newGrants();
  /** What each stream owes, kept by the changes that `evolve` tells of. */
  private owing = new Map<string, Map<string, Owed>>();
  private readonly stored = new Map<string, string[]>();
  /** Snapshots as a store would keep them: each save brings only what changed. */
  private readonly saved = new Map<string, { seq: number; header: string; records: Map<string, string> }>();
  private fresh: { stream: string; text: string }[] = [];
  private readonly seen: (name: string) => void;

  constructor(seen: (name: string) => void = () => {}) {
    this.seen = seen;
  }

  /** Decides a command and folds its facts in; nothing of it counts before `commit`. */
  apply(stream: string, command: Command & { readonly ref?: CommandRef }): Refusal | 'done' | 'repeated' {
    const run = this.runs.get(stream);
    const before = answered(run, command.ref);
    if (typeof before === 'number') return 'repeated';
    if (before) return before;
    const at = Math.max(this.now, run?.at ?? 0);
    // Now and then, because it costs as much as all the rest.
    const whole = run && this.facts % 8 === 0 ? JSON.stringify(run, maps) : undefined;
    const decided = stream === GRANTS ? decideGrant(this.grants, command as GrantCommand) : decide(run, command as RunCommand, at);
    if (whole !== undefined && JSON.stringify(run, maps) !== whole)
      throw new Broken(`${command.type} changed the state before it was decided`);
    if (!Array.isArray(decided)) return decided as Refusal;
    const change: OwedChange = { added: [], removed: [] };
    for (const fact of decided as readonly Fact[]) this.fold(stream, fact, at, change, command.ref);
    for (let more = this.follow(stream); more.length > 0; more = this.follow(stream))
      for (const fact of more) this.fold(stream, fact, at, change, undefined);
    const owing = this.owing.get(stream) ?? new Map<string, Owed>();
    this.owing.set(stream, owing);
    const removed = new Set(change.removed.map((owed) => owed.id));
    for (const id of removed) owing.delete(id);
    for (const owed of change.added) if (!removed.has(owed.id)) owing.set(owed.id, owed);
    return 'done';
  }

  private follow(stream: string): readonly Fact[] {
    if (stream === GRANTS) return settleGrants(this.grants, this.epoch);
    const run = this.runs.get(stream);
    return run ? settle(run) : [];
  }

  private fold(stream: string, fact: Fact, at: number, change: OwedChange, command: CommandRef | undefined): void {
    this.facts++;
    this.seen(`fact ${fact.type}`);
    if ('failure' in fact) this.seen(`failure ${fact.failure.class}`);
    const row: Row = command ? { at, fact, command } : { at, fact };
    const text = JSON.stringify(row);
    this.fresh.push({ stream, text });
    // What was stored is what counts, not the object the decision made.
    this.foldRow(stream, JSON.parse(text) as Row, change);
  }

  private foldRow(stream: string, { at, fact, command }: Row, change: OwedChange): void {
    if (stream === GRANTS) {
      evolveGrant(this.grants, fact as GrantFact, at, change);
      return;
    }
    const run = this.runs.get(stream);
    const before = new Map([...(run?.tasks ?? [])].map(([id, task]) => [id, task.status]));
    const state = evolve(run, fact as RunFact, at, change, stream, command);
    this.runs.set(stream, state);
    for (const [id, { status }] of state.tasks) {
      const from = before.get(id) ?? 'pending';
      if (from === status) continue;
      // A task is made and woken by one fact; a rewired one waits again.
      if (!transitions[from].includes(status) && !(fact.type === 'plan.changed' && status === 'pending'))
        throw new Broken(`${stream}/${id} went from ${from} to ${status} by ${fact.type}`);
      this.seen(`transition ${from} → ${status}`);
    }
  }

  /** @returns whether the group was stored; when not, nothing of it happened */
  commit(fails = false): boolean {
    for (const stream of new Set(this.fresh.map((each) => each.stream))) {
      const run = this.runs.get(stream);
      if (!run) continue;
      const broken = violation(run);
      if (broken) throw new Broken(`${stream}: ${broken}`);
      const [said, told] = [owedBy(run), this.owing.get(stream) ?? new Map<string, Owed>()];
      if (said.length !== told.size || !said.every((owed) => isDeepStrictEqual(told.get(owed.id), owed)))
        throw new Broken(`${stream} owes ${said.map((owed) => owed.id)}; the host was told ${[...told.keys()]}`);
    }
    if (fails) {
      for (const stream of new Set(this.fresh.map((each) => each.stream))) this.load(stream);
    } else
      for (const { stream, text } of this.fresh) {
        const rows = this.stored.get(stream) ?? [];
        this.stored.set(stream, rows);
        rows.push(text);
      }
    this.fresh = [];
    if (!fails && this.facts % 3 === 0) for (const run of this.runs.values()) this.snapshot(run);
    return !fails;
  }

  private snapshot(run: RunState): void {
    const { header, records } = save(run);
    const all = this.saved.get(run.id)?.records ?? new Map<string, string>();
    for (const [id, record] of records) record === '' ? all.delete(id) : all.set(id, record);
    this.saved.set(run.id, { seq: run.seq, header, records: all });
  }

  private load(stream: string): void {
    if (stream === GRANTS) this.grants = newGrants();
    else this.runs.delete(stream);
    const change: OwedChange = { added: [], removed: [] };
    for (const text of this.stored.get(stream) ?? []) this.foldRow(stream, JSON.parse(text) as Row, change);
    const run = this.runs.get(stream);
    if (run) this.owing.set(stream, new Map(owedBy(run).map((owed) => [owed.id, owed])));
    else this.owing.delete(stream);
  }

  /** Everything in memory is gone and loaded again; it must be what it was. */
  crash(): void {
    this.commit(true);
    const [runs, grants] = [this.runs, this.grants];
    this.runs = new Map();
    this.epoch++;
    for (const stream of this.stored.keys()) this.load(stream);
    const plain = (state: unknown) => JSON.parse(JSON.stringify(state, maps)) as unknown;
    if (!isDeepStrictEqual(plain(grants), plain(this.grants))) throw new Broken('grants: replay differs from the live state');
    for (const [id, run] of runs) {
      const again = this.runs.get(id);
      if (!again || !isDeepStrictEqual(lasting(again), lasting(run))) throw new Broken(`${id}: replay differs from the live state`);
      this.compareSnapshot(run);
    }
  }

  /** The last snapshot with the facts after it is the state. */
  private compareSnapshot(run: RunState): void {
    const saved = this.saved.get(run.id);
    if (!saved) return;
    const change: OwedChange = { added: [], removed: [] };
    let state = restore(saved);
    for (const text of this.stored.get(run.id)?.slice(saved.seq) ?? []) {
      const { at, fact, command } = JSON.parse(text) as Row;
      state = evolve(state, fact as RunFact, at, change, run.id, command);
    }
    if (!isDeepStrictEqual(lasting(state), lasting(run)))
      throw new Broken(`${run.id}: a restored snapshot of fact ${saved.seq} differs from the state`);
  }
}

/** A state without what the next snapshot has to save, which depends on the last one. */
const lasting = (state: RunState) => ({
  ...state,
  dirty: undefined,
  tasks: [...state.tasks.values()].map((task) => ({ ...task, dirty: undefined })),
  order: [...state.tasks.keys()],
});

const maps = (_key: string, value: unknown): unknown => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value);
