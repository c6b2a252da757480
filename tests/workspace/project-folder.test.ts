/** The folder of a project that lies below the top of its repository: what is claimed in it, and who may lead us elsewhere. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimsIn, plainPath } from '../../src/engine/kernel/plan.ts';
import { equip } from '../../src/work/perform/equip.ts';
import { plainFolder } from '../../src/work/perform/plain-folder.ts';
import { seal } from '../../src/work/perform/seal.ts';
import { listFolder, writeBytes } from '../../src/work/tools/files/access.ts';
import { matcher } from '../../src/work/workspace/paths.ts';

let around: string;
let top: string;
let outside: string;
beforeEach(() => {
  around = realpathSync(mkdtempSync(join(tmpdir(), 'baton-below-')));
  [top, outside] = [join(around, 'checkout'), join(around, 'outside')];
  mkdirSync(join(top, 'packages/x'), { recursive: true });
  mkdirSync(join(outside, 'x'), { recursive: true });
  writeFileSync(join(outside, 'x/secret'), 'secret\n');
});
afterEach(() => rmSync(around, { recursive: true, force: true }));

/** As whoever works there could do it. */
function leadOut(): void {
  rmSync(join(top, 'packages'), { recursive: true });
  symlinkSync(outside, join(top, 'packages'));
}

// req W9
test('claims are those of the project, whatever its folder is called', () => {
  const [claim = ''] = claimsIn({ folder: 'a{b}/[x]*?' }, { claims: ['src/**'] });
  expect(['a{b}/[x]*?/src/f', 'a{b}/[x]yz/src/f', 'ab/x/src/f', 'src/f'].map(matcher(claim))).toEqual([true, false, false, false]);
  expect(claimsIn({ folder: 'a{b}/[x]*?' }, { claims: ['f'] }).map(plainPath)).toEqual(['a{b}/[x]*?/f']);
  expect(claimsIn({}, { claims: ['src/**'] })).toEqual(['src/**']);
});

// req W6
test('it is found and made without following a link', async () => {
  expect(await plainFolder(top, undefined)).toBe(top);
  expect(await plainFolder(top, 'packages/new/er')).toBe(join(top, 'packages/new/er'));
  expect(existsSync(join(top, 'packages/new/er'))).toBe(true);
  leadOut();
  await expect(plainFolder(top, 'packages/new')).rejects.toMatchObject({
    code: 'NOT_A_FOLDER',
    message: expect.stringContaining('packages is no folder'),
  });
  expect(readdirSync(outside)).toEqual(['x']);
});

// req W6
test('tools and artifacts stay where the work began, also when a folder above it becomes a link', async () => {
  const folder = await plainFolder(top, 'packages/x');
  expect(await listFolder(folder, '.')).toEqual([]);
  leadOut();
  await expect(listFolder(folder, '.')).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  await expect(writeBytes(folder, 'mine', Buffer.from('x'))).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  const result = { status: 'done' as const, summary: '', outputs: {}, artifacts: ['secret'], evidence: [], questions: [] };
  await expect(seal(result, folder)).rejects.toMatchObject({
    code: 'BAD_ARTIFACT',
    message: expect.stringContaining('leads out of'),
  });
  expect(readdirSync(join(outside, 'x'))).toEqual(['secret']);
});

// req W6
test('dependencies are made in the folder of the project, and are copied through no link', async () => {
  const clean = join(around, 'clean');
  mkdirSync(clean);
  const options = {
    trees: { checkout: async (id: string, base: string) => ({ id, base, folder: clean }), remove: async () => {} },
    store: join(around, 'store'),
    folder: 'packages/x',
    rule: { run: 'mkdir -p deps/made && pwd > deps/made/here', provides: ['deps/made'], key: ['lock'], timeoutMs: 10_000 },
    env: { PATH: process.env['PATH'] ?? '' },
    own: async () => {},
    signal: new AbortController().signal,
  };
  await equip({ id: 'r/t', base: 'b', folder: top }, options);
  expect(readdirSync(join(top, 'packages/x/deps/made'))).toEqual(['here']);
  leadOut();
  await expect(equip({ id: 'r/t', base: 'b', folder: top }, options)).rejects.toMatchObject({ code: 'NOT_A_FOLDER' });
  expect(readdirSync(join(outside, 'x'))).toEqual(['secret']);
});
