import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import type { History } from '../../src/work/tools/tool.ts';
import { call, placeIn } from './support/place.ts';

const id = (digit: string): string => digit.repeat(40);
const [BASE, NOW, OLD] = [id('b'), id('c'), id('a')];
const entry = (commit: string, message: string, parents: readonly string[] = []) => ({
  commit,
  parents,
  author: 'Ada',
  date: '2026-11-20T12:00:00Z',
  message,
});
const asked: unknown[] = [];
const history: History = {
  base: BASE,
  now: async () => NOW,
  async changes(from, to) {
    asked.push(['changes', from, to]);
    return [
      { path: 'a.ts', kind: 'modified', mode: '100644', size: 3 },
      { path: 'b.ts', kind: 'added', mode: '100644', size: 1 },
    ];
  },
  async patch(from, to, paths) {
    asked.push(['patch', from, to, paths]);
    return from === to ? '' : `diff --git a/a.ts b/a.ts\n`;
  },
  async log(from, max) {
    if (from === id('0')) throw new BatonError('UNKNOWN_COMMIT', `There is no commit ${from}.`);
    return [entry(BASE, 'The second\n\nIn detail.', [OLD]), entry(OLD, 'The first')].slice(from === OLD ? 1 : 0).slice(0, max);
  },
  file: async (_commit, path) => ({ 'a.ts': Buffer.from('text'), image: Buffer.from([0]), latin: Buffer.from([0xfc]) })[path],
};
const place = placeIn({ history, files: { '.git/config': '[core]\n\tfsmonitor = touch /tmp/owned\n' } });

// req A3
describe('git tools', () => {
  test('tell what is changed', async () => {
    expect(await call(place, 'git.status')).toMatchObject({
      text: 'modified  a.ts\nadded     b.ts',
      data: { base: BASE, leftOut: 0, changes: [{ path: 'a.ts' }, { path: 'b.ts' }] },
    });
    expect(asked.at(-1)).toEqual(['changes', BASE, NOW]);
  });

  test('show differences, of the workspace or between any commits', async () => {
    expect((await call(place, 'git.diff')).data).toEqual({ patch: 'diff --git a/a.ts b/a.ts\n', leftOut: 0 });
    expect(asked.at(-1)).toEqual(['patch', BASE, NOW, undefined]);
    expect((await call(place, 'git.diff', { from: OLD, to: OLD, paths: ['src'] })).text).toBe('There is no difference.');
    expect(asked.at(-1)).toEqual(['patch', OLD, OLD, ['src']]);
  });

  test('list commits, and show one, or a file of it', async () => {
    expect((await call(place, 'git.log', { max: 1 })).text).toBe(
      `${BASE}  2026-11-20T12:00:00Z  Ada\n    The second\n    \n    In detail.`,
    );
    expect((await call(place, 'git.show')).data).toMatchObject({ commit: BASE, patch: 'diff --git a/a.ts b/a.ts\n' });
    expect(asked.at(-1)).toEqual(['patch', OLD, BASE, undefined]);
    expect((await call(place, 'git.show', { commit: OLD })).text).toContain('nothing before it');
    expect((await call(place, 'git.show', { commit: OLD, path: 'a.ts' })).text).toBe('text');
    expect((await call(place, 'git.show', { path: 'latin' })).data['utf8']).toBe(false);
    expect((await call(place, 'git.show', { path: 'image' })).failure).toMatchObject({ code: 'BINARY_FILE' });
    expect((await call(place, 'git.show', { path: 'gone' })).failure).toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect((await call(place, 'git.log', { from: id('0') })).failure).toMatchObject({ code: 'UNKNOWN_COMMIT' });
  });

  test.each(['HEAD', '--upload-pack=touch x', 'main', 'b'.repeat(39), '@{u}', ':/text'])(
    'take no other name of a commit: %j',
    async (commit) => {
      for (const [name, input] of [
        ['git.show', { commit }],
        ['git.log', { from: commit }],
        ['git.diff', { to: commit }],
      ] as const)
        expect((await call(place, name, input)).failure).toMatchObject({
          code: 'TOOL_INPUT',
          message: expect.stringContaining('whole id of a commit'),
        });
    },
  );

  test('run nothing, and need a repository', async () => {
    expect(place.executed).toEqual([]);
    for (const name of ['git.status', 'git.diff', 'git.log', 'git.show'])
      expect((await call(placeIn(), name)).failure).toMatchObject({ code: 'NO_REPOSITORY' });
  });
});
