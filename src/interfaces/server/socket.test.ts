import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { socketAddress } from './socket.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-socket-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const home = () => {
  mkdirSync(join(folder, 'home'), { recursive: true });
  return join(folder, 'home');
};

// req V1
test('lies in the runtime folder of the user, which nobody else can enter, at the same place each time', () => {
  const address = socketAddress(home(), { XDG_RUNTIME_DIR: folder });
  expect(dirname(address)).toBe(join(folder, 'baton'));
  expect((statSync(dirname(address)).mode & 0o777).toString(8)).toBe('700');
  expect(socketAddress(home(), { XDG_RUNTIME_DIR: folder })).toBe(address);
  symlinkSync(home(), join(folder, 'link'));
  expect(socketAddress(join(folder, 'link'), { XDG_RUNTIME_DIR: folder })).toBe(address);
});

// req V1
test('is never put where others may reach it, or where it is too long', () => {
  mkdirSync(join(folder, 'open', 'baton'), { recursive: true });
  chmodSync(join(folder, 'open', 'baton'), 0o755);
  symlinkSync(home(), join(folder, 'baton'));
  const long = join(folder, 'x'.repeat(100));
  mkdirSync(long);
  for (const runtime of [join(folder, 'open'), folder, long, 'relative', join(folder, 'missing')]) {
    const address = socketAddress(home(), { XDG_RUNTIME_DIR: runtime });
    expect(address, runtime).not.toContain(folder);
    expect((statSync(dirname(address)).mode & 0o077) === 0 && Buffer.byteLength(address) <= 103).toBe(true);
  }
});
