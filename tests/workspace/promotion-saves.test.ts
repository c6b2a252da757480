// req W5, W6: the user goes on working while a promotion comes in. Whatever they save stays, whenever they save it.
import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Promoted } from '../../src/work/workspace/workspace.ts';
import { type Files, inOrder, type Rig, read, removeStarted, start, write } from './support/promotion-rig.ts';

afterEach(removeStarted);

const BEGIN: Files = { 'a.txt': 'a\n', 'dir/b.txt': 'b\n', 'gone.txt': 'gone\n' };
const BY_RUN: Files = { 'a.txt': 'A\n', 'dir/b.txt': 'B\n', 'gone.txt': undefined, 'dir/new.txt': 'new\n' };

/** Promotes while `act` happens at the `nth` step of a name; `act` is done once. */
async function meanwhile(at: Rig, name: string, act: () => void, nth = 1): Promise<Promoted> {
  let met = 0;
  const step = (each: string) => {
    if (each === name && ++met === nth) act();
  };
  const tree = await at.candidate(BY_RUN);
  const done = await at.with({ step }).promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {} });
  expect(met).toBeGreaterThanOrEqual(nth);
  return done;
}
const AFTER: Files = { 'a.txt': 'A\n', 'dir/b.txt': 'B\n', 'dir/new.txt': 'new\n' };

test('saved after the snapshot, a file is merged as it is then', async () => {
  const at = await start(BEGIN);
  const done = await meanwhile(at, 'commits kept', () =>
    write(at.project, { 'mine.txt': 'mine\n', 'dir/b.txt': 'b\n', 'gone.txt': undefined }),
  );
  expect(done).toMatchObject({ ok: true, kept: [] });
  expect(done.ok && done.files.map(({ path }) => path)).toEqual(['a.txt', 'dir/b.txt', 'dir/new.txt']);
  expect(read(at.project)).toEqual({ ...AFTER, 'mine.txt': 'mine\n' });
});

test('saved after the snapshot against what the run did, it is a conflict', async () => {
  const at = await start(BEGIN);
  const done = await meanwhile(at, 'commits kept', () => write(at.project, { 'a.txt': 'mine\n' }));
  expect(done).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT', paths: ['a.txt'] });
  expect(read(at.project)).toEqual({ ...BEGIN, 'a.txt': 'mine\n' });
});

test('files that are saved all the time are waited for a few times, not for ever', async () => {
  const at = await start({ ...BEGIN, 'a.txt': '1\n2\n3\n4\n' });
  let saves = 0;
  const step = (each: string) => {
    if (each === 'commits kept') write(at.project, { 'a.txt': `${10 + ++saves}\n2\n3\n4\n` });
  };
  const tree = await at.candidate({ 'a.txt': '1\n2\n3\nfour\n' });
  const done = at.with({ step }).promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {} });
  await expect(done).rejects.toMatchObject({ code: 'PROMOTION_RESTLESS', details: { limit: 5, paths: ['a.txt'] } });
  expect(saves).toBe(5);
  expect(read(at.project)).toEqual({ ...BEGIN, 'a.txt': `${10 + saves}\n2\n3\n4\n` });
});

const SAVES: Readonly<Record<string, (path: string) => void>> = {
  'in place': (path) => writeFileSync(path, 'mine\n'),
  'by another file of that name': (path) => {
    writeFileSync(`${path}~`, 'mine\n');
    renameSync(`${path}~`, path);
  },
};
for (const [how, save] of Object.entries(SAVES)) {
  test(`saved ${how} before its turn`, async () => {
    const at = await start(BEGIN);
    const done = await meanwhile(at, 'journal.json durable', () => {
      for (const path of ['a.txt', 'gone.txt', 'dir/new.txt']) save(join(at.project, path));
    });
    expect(done).toMatchObject({ ok: true, kept: ['a.txt', 'dir/new.txt', 'gone.txt'] });
    expect(read(at.project)).toEqual({ 'a.txt': 'mine\n', 'dir/b.txt': 'B\n', 'dir/new.txt': 'mine\n', 'gone.txt': 'mine\n' });
  });

  test(`saved ${how} between the last look and the move`, async () => {
    for (const [nth, path] of ['gone.txt', 'a.txt'].entries()) {
      const at = await start(BEGIN);
      const done = await meanwhile(at, 'looked at', () => save(join(at.project, path)), nth + 1);
      expect(done).toMatchObject({ ok: true, kept: [path] });
      expect(read(at.project)).toEqual(inOrder({ ...AFTER, [path]: 'mine\n' }));
    }
  });

  test(`saved ${how} where the old file was just moved away`, async () => {
    const at = await start(BEGIN);
    const done = await meanwhile(at, 'moved aside', () => save(join(at.project, 'a.txt')), 2);
    expect(done).toMatchObject({ ok: true, kept: ['a.txt'] });
    expect(read(at.project)).toEqual({ ...AFTER, 'a.txt': 'mine\n' });
  });

  test(`saved ${how} right after the new file came is an edit of the new file`, async () => {
    const at = await start(BEGIN);
    const done = await meanwhile(at, 'staged name gone', () => save(join(at.project, 'a.txt')));
    expect(done).toMatchObject({ ok: true });
    expect(read(at.project)).toEqual({ ...AFTER, 'a.txt': 'mine\n' });
    expect(await at.promotions.undo('p-1', at.project)).toMatchObject({ ok: true, kept: ['a.txt'] });
    expect(read(at.project)).toEqual({ ...BEGIN, 'a.txt': 'mine\n' });
  });
}

test('what a program writes into the old file that it has open is not lost', async () => {
  const at = await start(BEGIN);
  const open = [openSync(join(at.project, 'a.txt'), 'a'), openSync(join(at.project, 'gone.txt'), 'a')];
  const done = await meanwhile(at, 'folders synced', () => {
    for (const file of open) writeSync(file, 'late\n');
  });
  for (const file of open) closeSync(file);
  expect(done).toMatchObject({ ok: true, kept: ['a.txt', 'gone.txt'] });
  expect(read(at.project)).toEqual({ ...AFTER, 'a.txt': 'a\nlate\n', 'gone.txt': 'gone\nlate\n' });
});

test('with late writes into the old file and a save of the new one, the save stays', async () => {
  for (const [name, save] of Object.entries(SAVES)) {
    const at = await start(BEGIN);
    const file = openSync(join(at.project, 'a.txt'), 'a');
    const tree = await at.candidate(BY_RUN);
    const step = (each: string) => {
      if (each === 'folders synced') writeSync(file, 'late\n');
      if (each === 'looked at again') save(join(at.project, 'a.txt'));
    };
    const done = await at.with({ step }).promote({ id: 'p-1', project: at.project, base: at.base, tree, rules: {} });
    closeSync(file);
    expect({ name, ...done }).toMatchObject({ name, ok: true, kept: ['a.txt'] });
    expect(read(at.project)).toEqual({ ...AFTER, 'a.txt': 'mine\n' });
  }
});

test('a folder that becomes a link leads nowhere', async () => {
  for (const name of ['journal.json durable', 'moved aside', 'named']) {
    const at = await start(BEGIN);
    const outside = join(at.folder, 'outside');
    write(outside, { 'b.txt': 'outside\n' });
    const done = await meanwhile(at, name, () => {
      renameSync(join(at.project, 'dir'), join(at.project, 'dir-moved'));
      symlinkSync(outside, join(at.project, 'dir'));
    });
    expect(done).toMatchObject({ ok: true, kept: ['dir/b.txt', 'dir/new.txt'] });
    expect(read(outside)).toEqual({ 'b.txt': 'outside\n' });
    expect(read(at.project)).toEqual({ 'a.txt': 'A\n', 'dir-moved/b.txt': 'b\n', dir: { link: outside } });
  }
});

test('a folder that is renamed while a file of it is exchanged takes the new file with it', async () => {
  const at = await start(BEGIN);
  const done = await meanwhile(at, 'moved aside', () => renameSync(join(at.project, 'dir'), join(at.project, 'dir-moved')), 3);
  expect(done).toMatchObject({ ok: true, kept: [] });
  expect(read(at.project)).toEqual({ 'a.txt': 'A\n', 'dir-moved/b.txt': 'B\n', 'dir/new.txt': 'new\n' });
});

test('a folder that was a link before is a conflict', async () => {
  const at = await start(BEGIN);
  const outside = join(at.folder, 'outside');
  write(outside, { 'b.txt': 'outside\n' });
  rmSync(join(at.project, 'dir'), { recursive: true });
  symlinkSync(outside, join(at.project, 'dir'));
  expect(await at.promote(await at.candidate(BY_RUN))).toMatchObject({ ok: false, code: 'PROMOTION_CONFLICT' });
  expect(read(outside)).toEqual({ 'b.txt': 'outside\n' });
});

test('a file with a second name elsewhere is replaced, never written through', async () => {
  const at = await start(BEGIN);
  const second = join(at.folder, 'second.txt');
  linkSync(join(at.project, 'a.txt'), second);
  expect(await meanwhile(at, 'verified', () => {})).toMatchObject({ ok: true, kept: [] });
  expect(readFileSync(second, 'utf8')).toBe('a\n');
  expect(read(at.project)).toEqual(AFTER);
});

test('a folder made where a file is to come stays, and so does what is in it', async () => {
  const at = await start(BEGIN);
  const done = await meanwhile(at, 'journal.json durable', () => {
    mkdirSync(join(at.project, 'dir/new.txt'));
    rmSync(join(at.project, 'a.txt'));
    write(at.project, { 'a.txt/in.txt': 'mine\n' });
  });
  expect(done).toMatchObject({ ok: true, kept: ['a.txt', 'dir/new.txt'] });
  expect(read(at.project)).toEqual({ 'a.txt/in.txt': 'mine\n', 'dir/b.txt': 'B\n' });
});

test('a promotion that can’t go on is taken back, and says why', async () => {
  const at = await start(BEGIN);
  const files = read(at.project);
  for (const nth of [1, 2, 3]) {
    const full = () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    await expect(meanwhile(at, 'named', full, nth)).rejects.toMatchObject({ code: 'DISK_FULL', where: at.project });
    expect(read(at.project)).toEqual(files);
    expect(at.ownFiles().filter((path) => !/lock\.db$|promotions\/[0-9a-f]{16}$/.test(path))).toEqual([]);
    expect(at.keptCommits()).toEqual([]);
  }
  appendFileSync(join(at.project, 'a.txt'), '');
  expect(await meanwhile(at, 'verified', () => {})).toMatchObject({ ok: true, kept: [] });
  expect(existsSync(join(at.project, 'gone.txt'))).toBe(false);
});
