import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContainer, wrapIn } from '../../src/work/sandbox/container.ts';
import type { SandboxRequest } from '../../src/work/sandbox/sandbox.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-container-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'w/kept'), { recursive: true });
  mkdirSync(join(folder, 'with,comma'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const user = { uid: 7, gid: 8 };
const wrapped = (engine: string, more: Partial<SandboxRequest> = {}) =>
  wrapIn(engine, { command: ['make', 'test'], workspace: join(folder, 'w'), env: { A: 'very-secret' }, ...more }, { image: 'image', user });

/** A program that answers as an engine does, and writes down what it was asked. */
function engine(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho "$@" >> ${file}.log\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

// req S2
describe('a container', () => {
  it('is started without network, rights, and a root that can be written', () => {
    const { command, env } = wrapped('docker');
    const text = command.join(' ');
    for (const part of [
      'docker run --rm -i --init --pull never',
      '--network none',
      '--read-only',
      '--cap-drop ALL',
      '--security-opt no-new-privileges',
      '--user 7:8',
      '--pids-limit 512',
      `--memory ${8 * 2 ** 30} --memory-swap ${8 * 2 ** 30}`,
      `--ulimit fsize=${2 ** 30} --ulimit nofile=4096 --ulimit cpu=3600`,
      `--tmpfs /tmp:rw,size=${512 * 2 ** 20}`,
      `type=bind,src=${folder}/w,dst=/workspace`,
    ])
      expect(text).toContain(part);
    expect(command.slice(-2)).toEqual(['make', 'test']);
    expect(text).not.toContain('very-secret');
    expect(env).toMatchObject({ BATON_INSIDE_4: 'A=very-secret' });
    expect(text).toContain('--env BATON_INSIDE_4');
  });

  it('has its mounts, and the paths that are held, read-only', () => {
    const text = wrapped('docker', { mounts: [{ from: folder, to: '/m' }], readOnly: ['kept'] }).command.join(' ');
    expect(text).toContain(`type=bind,src=${folder},dst=/m,readonly`);
    expect(text).toContain(`type=bind,src=${folder}/w/kept,dst=/workspace/kept,readonly`);
  });

  it('keeps the user of a podman that is not root’s', () => {
    expect(wrapped('podman').command.join(' ')).toContain('--userns keep-id');
    expect(wrapped('docker').command.join(' ')).not.toContain('--userns');
  });

  it('takes no path that would be read as more than one', () => {
    expect(() => wrapped('docker', { mounts: [{ from: join(folder, 'with,comma'), to: '/m' }] })).toThrowError(
      expect.objectContaining({ code: 'SANDBOX_REQUEST', message: expect.stringContaining('comma') }),
    );
  });

  it('is ended and removed by its name', async () => {
    const { command, release } = wrapped(engine('removes', ''));
    await release();
    await release();
    const name = command[command.indexOf('--name') + 1];
    expect(name).toMatch(/^baton-[0-9a-f]{16}$/);
    expect(readFileSync(join(folder, 'removes.log'), 'utf8')).toBe(`rm --force ${name}\n`.repeat(2));
  });
});

// req S1
describe('its probe', () => {
  it('wants a daemon that answers, not a client that is installed', async () => {
    const silent = engine('silent', 'test "$1" = version && exit 1');
    expect(await createContainer({ engines: [silent] }).probe()).toMatchObject({ ok: false, says: `no daemon answers (${silent})` });
  });

  it('wants an image that is there, and says how it comes', async () => {
    const bare = engine('bare', 'test "$1" = version');
    expect(await createContainer({ engines: [bare], image: 'mine' }).probe()).toMatchObject({
      ok: false,
      says: `${bare} answers, and has no image mine (${bare} pull mine)`,
    });
  });

  it('believes nothing: an engine that says yes to everything has no walls', async () => {
    const yes = engine('yes', 'true');
    expect(await createContainer({ engines: [yes] }).probe()).toMatchObject({
      ok: false,
      says: expect.stringContaining('nothing runs in it'),
    });
  });
});
