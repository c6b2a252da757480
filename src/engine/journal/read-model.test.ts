// req K3, F5, K15: rows of lists follow the facts, are never ahead of them, and can be made again at any time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunCommand } from '../kernel/commands.ts';
import type { RunFact } from '../kernel/facts.ts';
import { GRANTS } from '../kernel/grants.ts';
import { decide, evolve, settle } from '../kernel/kernel.ts';
import type { TaskSpec } from '../kernel/plan.ts';
import type { RunState } from '../kernel/state.ts';
import { viewOf } from '../kernel/view.ts';
import { foldRun } from './fold.ts';
import { homePaths, makeHome } from './home.ts';
import { ReadModel } from './read-model.ts';
import { openReadOnly, SqliteJournal } from './sqlite.ts';

let home: string;
let journal: SqliteJournal;
const states = new Map<string, RunState>();
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'journal-views-'));
  journal = new SqliteJournal(makeHome(home), { write: true });
  states.clear();
});
afterEach(() => {
  journal.close();
  rmSync(home, { recursive: true });
});

const by = { id: 'ann', roles: [] };
const task = (id: string, more: Partial<TaskSpec> = {}): TaskSpec => ({ id, kind: 'work', needs: [], work: 'w', agent: 'a', ...more });

/** Decides a command and stores what it means, as a host does; gives what followers see. */
function run(stream: string, command: RunCommand, at = 1_000) {
  let state = states.get(stream);
  const after = state?.seq ?? 0;
  const decided = decide(state, command, at);
  if (!Array.isArray(decided)) throw new Error(JSON.stringify(decided));
  const facts: RunFact[] = [];
  const change = { added: [], removed: [] };
  for (let more: readonly RunFact[] = decided as RunFact[]; more.length > 0; more = settle(state as RunState))
    for (const fact of more) {
      state = evolve(state, fact, at, change, stream);
      facts.push(fact);
    }
  states.set(stream, state as RunState);
  const before = journal.position();
  journal.append([{ stream, after, facts: facts.map((fact) => ({ at, fact })) }]);
  return [...journal.readAll(before)];
}
const create = (stream: string, at: number, tasks: readonly TaskSpec[] = [task('a')]) =>
  run(stream, { type: 'run.create', plan: { name: stream, source: 's', tasks, limits: { tasks: 100, depth: 4 } }, by }, at);
function finish(stream: string, id = 'a') {
  const started = run(stream, { type: 'task.start', task: id, attempt: 1 });
  const usage = { inputTokens: 30, outputTokens: 12, costUsd: 0.5 };
  return [...started, ...run(stream, { type: 'attempt.end', task: id, attempt: 1, outcome: { ok: true, result: 'r', usage, ms: 5 } })];
}
const rows = () => [...journal.connection.rows('SELECT * FROM run_view ORDER BY run')];
const ids = (views: readonly { readonly run: string }[]) => views.map(({ run: id }) => id);

test('a view says what has become of a run', () => {
  create('r', 1_000, [task('a'), task('ask', { kind: 'question', needs: ['a'] })]);
  finish('r');
  const view = new ReadModel(journal).view('r');
  expect(view).toMatchObject({ run: 'r', name: 'r', status: 'waiting', by: 'ann', submittedAt: 1_000, tasks: 2, tokens: 42, costUsd: 0.5 });
  expect(view?.counts).toEqual({ committed: 1, running: 1 });
  expect(view?.attention).toEqual([expect.objectContaining({ kind: 'question', task: 'ask' })]);
  expect(view?.seq).toBe(journal.head('r')?.seq);
});

test('rows are written when they are flushed, and read the same before and after', () => {
  const views = new ReadModel(journal);
  views.follow(create('r', 1_000));
  views.follow(create('s', 2_000));
  expect(rows()).toEqual([]);
  const before = views.list();
  expect(ids(before)).toEqual(['s', 'r']);
  expect(views.flush()).toBe(false);
  expect(rows()).toHaveLength(2);
  expect(views.list()).toEqual(before);
  views.follow(finish('r'));
  expect(views.view('r')?.status).toBe('succeeded');
  expect(ids(views.list({ open: true }))).toEqual(['s']);
  expect(ids(views.list({ limit: 1 }))).toEqual(['s']);
});

test('unfinished runs come in the order of submission, with those whose end is not in a row yet', () => {
  const views = new ReadModel(journal);
  for (const [i, id] of ['c', 'a', 'b'].entries()) views.follow(create(id, 3_000 - i));
  expect(views.unfinished()).toEqual(['c', 'a', 'b']);
  views.flush();
  views.follow(finish('a'));
  journal.append([{ stream: GRANTS, after: 0, facts: [{ at: 1, fact: { type: 'grant.released', request: 'x' } }] }]);
  create('d', 1);
  for (const found of [views, new ReadModel(journal)]) expect(found.unfinished()).toEqual(['c', 'a', 'b', 'd']);
  views.flush();
  expect(new ReadModel(journal).unfinished()).toEqual(['c', 'b', 'd']);
});

test('asks to be flushed after ten thousand facts', () => {
  const views = new ReadModel(journal);
  const facts = Array.from({ length: 9_999 }, (_, i) => ({ position: i + 1, stored: { stream: 'r' } }));
  expect(views.follow(facts)).toBe(false);
  expect(views.follow([{ position: 10_000, stored: { stream: 'r' } }])).toBe(true);
  views.flush();
  expect(views.follow([{ position: 10_001, stored: { stream: 'r' } }])).toBe(false);
});

test('what was not flushed before a crash is found by the next owner, and by a reader that writes nothing', () => {
  const views = new ReadModel(journal);
  views.follow(create('r', 1_000));
  views.flush();
  create('s', 2_000);
  finish('r');
  journal.append([{ stream: GRANTS, after: 0, facts: [{ at: 1, fact: { type: 'grant.released', request: 'x' } }] }]);
  const written = rows();
  const reader = openReadOnly(homePaths(home));
  if (!reader) throw new Error('no journal');
  for (const found of [new ReadModel(reader), new ReadModel(journal)]) {
    expect(found.list().map(({ run: id, status }) => `${id} ${status}`)).toEqual(['s running', 'r succeeded']);
    expect(rows()).toEqual(written);
  }
  reader.close();
  const next = new ReadModel(journal);
  next.flush();
  expect(rows()).toHaveLength(2);
  expect(next.flush()).toBe(false);
});

test('every row can be made again, and is the same', () => {
  const views = new ReadModel(journal, (id) => states.get(id));
  for (let i = 0; i < 7; i++) {
    views.follow(create(`r${i}`, 1_000 + i, [task('a'), task('b', { needs: ['a'] })]));
    if (i % 2 === 0) views.follow(finish(`r${i}`));
    if (i % 3 === 0) views.flush();
  }
  views.flush();
  const [written, listed] = [rows(), views.list()];
  expect(listed).toEqual(listed.map(({ run: id }) => viewOf(foldRun(journal, id)?.state as RunState)));
  views.rebuild();
  expect(rows()).toEqual(written);
  expect(views.list()).toEqual(listed);
});

test('many runs are written in portions, and the position moves up to the first fact that a row lacks', () => {
  const views = new ReadModel(journal);
  for (let i = 0; i < 501; i++) views.follow(create(`r${i}`, i));
  const position = () => journal.connection.get('SELECT position FROM view_position')?.['position'];
  const lacking = journal.position() - (journal.head('r500')?.seq ?? 0) + 1;
  expect(views.flush()).toBe(true);
  expect(rows()).toHaveLength(500);
  expect(position()).toBe(lacking - 1);
  views.follow(finish('r0'));
  expect(ids(new ReadModel(journal).list({ limit: 1_000 }))).toHaveLength(501);
  expect(views.list({ limit: 1_000 })).toHaveLength(501);
  expect(views.flush()).toBe(false);
  expect(rows()).toHaveLength(501);
  expect(position()).toBe(journal.position());
});

test('a former owner writes no rows', () => {
  const problems: unknown[] = [];
  const views = new ReadModel(journal, undefined, (error) => problems.push(error));
  views.follow(create('r', 1_000));
  const next = new SqliteJournal(homePaths(home), { write: true });
  expect(views.flush()).toBe(false);
  expect(problems).toEqual([expect.objectContaining({ code: 'STALE_WRITER' })]);
  expect(() => views.rebuild()).toThrow(expect.objectContaining({ code: 'STALE_WRITER' }));
  expect(rows()).toEqual([]);
  next.close();
});

test('a removed run is in no list', () => {
  const views = new ReadModel(journal);
  views.follow(create('r', 1_000));
  views.follow(create('s', 2_000));
  views.flush();
  journal.remove(['r']);
  expect(ids(views.list())).toEqual(['s']);
  expect(views.view('r')).toBeUndefined();
});
