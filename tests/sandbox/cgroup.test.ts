import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findScopes } from '../../src/work/sandbox/cgroup.ts';
import { SANDBOX_LIMITS } from '../../src/work/sandbox/sandbox.ts';

/** An ordinary folder that looks like cgroup v2, with this process in `/user.slice/own`. */
let root: string;
const beside = () => join(root, 'user.slice');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'baton-cgroup-'));
  mkdirSync(join(beside(), 'own'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const remove = (folder: string) => rmSync(folder, { recursive: true });
const own = '12:memory:/elsewhere\n0::/user.slice/own\n';

// req S2
describe('a control group', () => {
  it('is made beside our own with the limits of all processes together, entered first, and removed', async () => {
    const scopes = await findScopes({ root, own, remove });
    expect(readdirSync(beside())).toEqual(['own']);
    const scope = scopes?.open(SANDBOX_LIMITS);
    const [name = ''] = readdirSync(beside()).filter((each) => each !== 'own');
    const read = (file: string) => readFileSync(join(beside(), name, file), 'utf8').trim();
    expect(['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max'].map(read)).toEqual([String(8 * 2 ** 30), '0', '1', '515']);
    const [program = '', ...args] = scope?.enter ?? [];
    const who = execFileSync(program, [...args, '/bin/sh', '-c', 'echo $$'], { encoding: 'utf8' });
    expect(read('cgroup.procs')).toBe(who.trim());
    await scope?.release();
    await scope?.release();
    expect(readdirSync(beside())).toEqual(['own']);
  });

  it('is waited for until the last of it is gone', async () => {
    let busy = 3;
    const late = (folder: string) => {
      if (--busy > 0) throw new Error('EBUSY');
      remove(folder);
    };
    expect(await findScopes({ root, own, remove: late })).toBeDefined();
    expect(busy).toBe(0);
    expect(readdirSync(beside())).toEqual(['own']);
  });

  it.each([
    ['this process is in none of version 2', '12:memory:/elsewhere\n'],
    ['this process is in the topmost one', '0::/\n'],
    ['the folder is not there', '0::/nowhere/own\n'],
  ])('is not used where %s', async (_, text) => {
    expect(await findScopes({ root, own: text, remove })).toBeUndefined();
  });

  it('is not used where none can be made', async () => {
    expect(await findScopes({ root: '/proc', own: '0::/self/own\n' })).toBeUndefined();
  });
});
