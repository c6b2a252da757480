// req W5: over random trees and random edits, what comes out is the three-way merge, or nothing has happened.
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { type Files, inOrder, read, removeStarted, start, write } from './support/promotion-rig.ts';

afterEach(removeStarted);

const RUNS = 30;
/** Few names, so that files and folders of one name meet. */
const PATHS = ['a', 'a/b', 'a/b/c', 'd/e', 'd/é f', 'g'];

interface One {
  readonly text: number;
  readonly runs: boolean;
}
type Tree = Readonly<Record<string, One | undefined>>;

const one = fc.record({ text: fc.nat(3), runs: fc.boolean() });
const tree = fc.dictionary(fc.constantFrom(...PATHS), one, { maxKeys: 5 }).map(possible);
/** What happens to each path: nothing, mostly. */
const edits = fc.dictionary(
  fc.constantFrom(...PATHS),
  fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: one }),
  { maxKeys: 3 },
);

const clash = (path: string, other: string): boolean => other.startsWith(`${path}/`);

/** Without what can't be beside the rest: a file in the place of a folder. */
function possible(files: Tree): Tree {
  const paths = Object.keys(files).filter((path) => files[path] !== undefined);
  return Object.fromEntries(paths.filter((path) => !paths.some((other) => clash(path, other))).map((path) => [path, files[path]]));
}

/** No two paths have the same content, and no content is like another: nothing looks renamed. */
const filesOf = (files: Tree): Files =>
  Object.fromEntries(
    Object.entries(files)
      .filter((entry): entry is [string, One] => entry[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, { text, runs }]) => {
        const content = `${path} `.repeat(3 + text).concat(String(text).repeat(40));
        return [path, runs ? { run: content } : content];
      }),
  );

/** Path by path; undefined where the two don't go together. */
function merged(base: Tree, user: Tree, run: Tree): Tree | undefined {
  const all: Record<string, One> = {};
  for (const path of PATHS) {
    const [b, u, r] = [base[path], user[path], run[path]].map((each) => JSON.stringify(each));
    if (u === r || r === b) set(path, user[path]);
    else if (u === b) set(path, run[path]);
    else {
      const [was, mine, theirs] = [base[path], user[path], run[path]];
      if (!was || !mine || !theirs) return undefined;
      const text = three(was.text, mine.text, theirs.text);
      const runs = three(was.runs, mine.runs, theirs.runs);
      if (text === undefined || runs === undefined) return undefined;
      set(path, { text, runs });
    }
  }
  return Object.keys(all).some((path) => Object.keys(all).some((other) => clash(path, other))) ? undefined : all;

  function set(path: string, file: One | undefined): void {
    if (file) all[path] = file;
  }
}
const three = <T>(was: T, mine: T, theirs: T): T | undefined =>
  mine === theirs || theirs === was ? mine : mine === was ? theirs : undefined;

const same = (files: Files): string => JSON.stringify(inOrder(files));

test('the three-way merge, or nothing', { timeout: 120_000 }, async () => {
  const met = { merged: 0, conflict: 0 };
  await fc.assert(
    fc.asyncProperty(tree, edits, edits, fc.boolean(), async (base, byUser, byRun, staged) => {
      const [user, run] = [possible({ ...base, ...byUser }), possible({ ...base, ...byRun })];
      const at = await start(filesOf(base));
      try {
        const candidate = await at.candidate(changesTo(base, run));
        write(at.project, changesTo(base, user));
        if (staged) at.git('add', '-A');
        const untouched = at.untouched();
        expect(same(read(at.project))).toBe(same(filesOf(user)));
        const done = await at.promote(candidate);
        const expected = merged(base, user, run);
        met[expected ? 'merged' : 'conflict']++;
        expect(done).toMatchObject(expected ? { ok: true, kept: [] } : { ok: false, code: 'PROMOTION_CONFLICT' });
        expect(same(read(at.project))).toBe(same(filesOf(expected ?? user)));
        expect(at.untouched()).toEqual(untouched);
        if (!done.ok) return;
        expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true, kept: [] });
        expect(same(read(at.project))).toBe(same(filesOf(user)));
      } finally {
        removeStarted();
      }
    }),
    { numRuns: RUNS },
  );
  expect(met.merged).toBeGreaterThan(RUNS / 4);
});

/** As `write` takes it: what is gone is undefined. */
const changesTo = (base: Tree, now: Tree): Files => ({
  ...Object.fromEntries(Object.keys(base).map((path) => [path, undefined])),
  ...filesOf(now),
});
