// What is bubblewrap's own; what every sandbox must hold is in tests/conformance/sandbox.test.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, linkSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SandboxPlace } from '../../src/testing/sandbox-place.ts';
import { createBubblewrap } from '../../src/work/sandbox/bubblewrap.ts';
import { prlimitArguments } from '../../src/work/sandbox/limits.ts';
import { relayed } from '../../src/work/sandbox/relayed.ts';
import { SANDBOX_LIMITS, type SandboxRequest, type Wrapped } from '../../src/work/sandbox/sandbox.ts';

const sandbox = createBubblewrap();
const { owner } = sandbox;
let place: SandboxPlace;
beforeEach(() => {
  place = new SandboxPlace(sandbox);
});
afterEach(() => place.dispose());

const wrap = (script: string, more: Partial<SandboxRequest> = {}): Promise<Wrapped> =>
  sandbox.wrap({ command: ['/bin/bash', '-c', script], workspace: place.workspace, env: {}, ...more });
const start = ({ command: [program, ...args], env, uid, gid }: Wrapped) =>
  spawn(program, args, { env, cwd: '/', ...(uid === undefined ? {} : { uid, gid: gid ?? uid }) });

// req S3
describe.runIf(owner)('as root', () => {
  it('the walls themselves are made by somebody else', async () => {
    const child = start(await wrap('read _'));
    const uids = () => /^Uid:\s+(.*)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]?.split('\t');
    await expect.poll(uids).toEqual(Array(4).fill(String(owner?.uid)));
    child.stdin.end();
    await once(child, 'close');
  });

  it('another user can be named', () => {
    expect(createBubblewrap({ uid: 4711 }).owner).toEqual({ uid: 4711, gid: 4711 });
  });

  it('a folder that this user may not enter is named, with the remedy', async () => {
    const closed = place.make('closed');
    const workspace = place.make('closed/in/workspace');
    symlinkSync(workspace, join(place.folder, 'short'));
    chmodSync(closed, 0o700);
    await expect(wrap('true', { workspace })).resolves.toBeDefined();
    chownSync(closed, 0, 0);
    for (const path of [workspace, join(place.folder, 'short')])
      await expect(wrap('true', { workspace: path })).rejects.toMatchObject({
        code: 'SANDBOX_UNREACHABLE',
        where: closed,
        message: expect.stringContaining(`uid ${owner?.uid} may not enter ${closed}`),
        hint: expect.stringContaining(`chmod o+x ${closed}`),
      });
  });

  it('so is a workspace that is not theirs, and a mount they may not read', async () => {
    chownSync(place.workspace, 0, 0);
    await expect(wrap('true')).rejects.toMatchObject({ code: 'SANDBOX_UNREACHABLE', hint: expect.stringContaining('chown -R') });
    place.give(place.workspace);
    const secret = join(place.folder, 'secret');
    writeFileSync(secret, '');
    chmodSync(secret, 0o600);
    await expect(wrap('true', { mounts: [{ from: secret, to: '/secret' }] })).rejects.toMatchObject({
      code: 'SANDBOX_UNREACHABLE',
      where: secret,
    });
  });

  it('a relay is run by a Node that this user may start, else there is none', () => {
    const relay = [{ port: 4100, socket: '/s' }];
    const closed = join(place.folder, 'node');
    writeFileSync(closed, '');
    chmodSync(closed, 0o700);
    const found = relayed(relay, owner, [closed, '/usr/bin/env']).mounts.map(({ from }) => from);
    expect(found).toEqual(['/usr/bin/env', '/s']);
    expect(() => relayed(relay, owner, [closed])).toThrowError(
      expect.objectContaining({ code: 'SANDBOX_UNREACHABLE', hint: expect.stringContaining('Install Node for all users') }),
    );
  });
});

// req S2
describe('what is spawned', () => {
  it('takes everything with it when it is killed', async () => {
    const beat = join(place.workspace, 'beat');
    const child = start(await wrap("setsid bash -c '(for i in {1..300}; do echo x >> beat; sleep 0.02; done) &' & sleep 9"));
    await expect.poll(() => existsSync(beat) && statSync(beat).size, { timeout: 10_000 }).toBeGreaterThan(4);
    child.kill('SIGKILL');
    await once(child, 'close');
    const { size } = statSync(beat);
    await sleep(200);
    expect(statSync(beat).size).toBe(size);
  });

  it('shows of /etc what programs need, and of the folders of users nothing', async () => {
    const { stdout } = await place.sh('ls -A /etc /root /home /var /run /sys /boot /opt 2> /dev/null');
    expect(stdout).toContain('passwd');
    for (const closed of ['shadow', 'sudoers', 'ssh\n', 'hostname', 'resolv.conf', 'lib\n', 'kernel']) expect(stdout).not.toContain(closed);
  });

  it('has nothing of the command’s environment that could mean something to it', async () => {
    const { env, command } = await wrap('true', {
      env: { LD_PRELOAD: '/workspace/evil.so', BASH_ENV: '/workspace/evil', TOKEN: 'very-secret' },
    });
    expect(Object.keys(env).filter((name) => !/^BATON_INSIDE_\d+$/.test(name))).toEqual([]);
    expect(Object.values(env)).toContain('TOKEN=very-secret');
    expect(command.join('\n')).not.toMatch(/very-secret|\.so$/);
  });

  it.each([
    ['another file', (file: string) => writeFileSync(file, 'other')],
    ['a link to a file beside it', (file: string) => symlinkSync('other', file)],
    ['a link to a file of the system', (file: string) => symlinkSync('/usr/bin/env', file)],
  ])('does not start the command when a held path was exchanged for %s before it was mounted', async (_, exchange) => {
    for (const path of ['kept', 'a/kept']) {
      place.make('workspace/a');
      const file = join(place.workspace, path);
      for (const beside of [file, join(file, '../other')]) writeFileSync(beside, 'kept');
      const wrapped = await wrap('echo STARTED', { readOnly: [path] });
      // Its number is not to be given to the next file.
      linkSync(file, join(place.folder, path.replace('/', '-')));
      rmSync(file);
      exchange(file);
      const child = start(wrapped);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = await once(child, 'close');
      expect(output, path).not.toContain('STARTED');
      expect(code, output).not.toBe(0);
      rmSync(file);
    }
  });
});

describe('limits', () => {
  const own = (soft: string, hard: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft}                 ${hard}               files     \nMax processes             unlimited            unlimited            processes \n`;

  it('are the ones asked for, with a moment between the signal that says why and the end', () => {
    expect(prlimitArguments(SANDBOX_LIMITS, own('1024', '524288'))).toEqual([
      '--nproc=512',
      `--data=${8 * 2 ** 30}`,
      '--cpu=3600:3605',
      `--fsize=${2 ** 30}`,
      '--nofile=4096',
      '--core=0',
      '--',
    ]);
  });

  it('are no more than this process may have itself', () => {
    expect(prlimitArguments(SANDBOX_LIMITS, own('256', '1024'))).toContain('--nofile=1024');
  });
});

it('the relay is plain JavaScript, for Nodes that know no types', () => {
  const text = readFileSync(new URL('../../src/work/sandbox/relay.ts', import.meta.url), 'utf8');
  expect(stripTypeScriptTypes(text)).toBe(text);
});
