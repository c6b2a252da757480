/** The part of the suite of sandboxes about what runs inside: its end, its way out, and what may not be asked for. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatonError } from '../errors.ts';
import type { SandboxRequest } from '../work/sandbox/sandbox.ts';
import { SandboxPlace } from './sandbox-place.ts';

export type Inside = (what: string, body: (place: SandboxPlace) => Promise<void>) => void;

/** Leaves its group, its session and its parent, and writes for some seconds. */
const HIDDEN = "setsid bash -c '(for i in {1..300}; do echo x >> beat; sleep 0.02; done) &' &";

export function processes(inside: Inside): void {
  inside('the end of the command is the end', async (place) => {
    assert.equal((await place.sh('exit 0')).code, 0);
    assert.equal((await place.sh('exit 7')).code, 7);
    assert.equal((await place.sh('kill -KILL $$')).code, 128 + 9);
    const { code, stderr } = await place.run(['no-such-program']);
    assert.equal(code, 127);
    assert.match(stderr, /no-such-program/);
  });

  inside('its input, output and errors are its own', async (place) => {
    const input = 'line\n'.repeat(100_000);
    const { stdout, stderr } = await place.sh('cat; echo error >&2', { input });
    assert.equal(stdout, input);
    assert.equal(stderr, 'error\n');
  });

  inside('nothing is left of it when it is killed, wherever it hid', async (place) => {
    const beat = join(place.workspace, 'beat');
    const beats = () => (existsSync(beat) ? statSync(beat).size : 0);
    const { code } = await place.sh(`${HIDDEN} trap '' TERM; sleep 9 & wait; sleep 9`, {
      async meanwhile(child) {
        while (beats() < 4) await sleep(20);
        child.kill('SIGKILL');
      },
    });
    assert.equal(code, null);
    const last = beats();
    await sleep(400);
    assert.equal(beats(), last, 'it went on');
  });

  inside('nothing is left of it when it ends by itself', async (place) => {
    const { stdout } = await place.sh(`${HIDDEN} until test -s beat; do :; done; echo ended`);
    assert.equal(stdout, 'ended\n');
    const last = statSync(join(place.workspace, 'beat')).size;
    await sleep(400);
    assert.equal(statSync(join(place.workspace, 'beat')).size, last, 'it went on');
  });

  inside('two at once know nothing of each other', async (place) => {
    const other = new SandboxPlace(place.sandbox, join(place.folder, '..'));
    try {
      const count = "sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5 & done; wait; echo all'";
      const both = await Promise.all([place, other].map((each) => each.sh(count, { limits: { processes: 16 } })));
      assert.deepEqual(
        both.map(({ stdout }) => stdout),
        ['all\n', 'all\n'],
      );
    } finally {
      other.dispose();
    }
  });
}

export function relays(inside: Inside): void {
  const served = async (place: SandboxPlace) => {
    const socket = join(place.folder, 's');
    const server = createServer({ allowHalfOpen: true }, (near) => near.on('error', () => undefined).pipe(near));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    place.give(socket);
    return { socket, close: () => new Promise((resolve) => server.close(resolve)) };
  };

  inside('a relay leads to its socket, and a port without one nowhere', async (place) => {
    const { socket, close } = await served(place);
    const ask = (port: number) => `exec 3<>/dev/tcp/127.0.0.1/${port}; echo hello >&3; read -r line <&3; echo $line; exec 3>&-`;
    const open = await place.sh(ask(4100), { relays: [{ port: 4100, socket }] });
    assert.deepEqual(open, { code: 0, stdout: 'hello\n', stderr: '' });
    const shut = await place.sh(ask(4101), { relays: [{ port: 4100, socket }] });
    assert.notEqual(shut.stdout, 'hello\n');
    await close();
  });

  inside('behind a relay everything is as without one', async (place) => {
    const { socket, close } = await served(place);
    const behind = { relays: [{ port: 4100, socket }] };
    assert.deepEqual(
      await place.sh('cat; echo $GIVEN; pwd; exit 7', { ...behind, input: 'input\n', env: { GIVEN: 'yes', NODE_OPTIONS: '--no-such' } }),
      {
        code: 7,
        stdout: 'input\nyes\n/workspace\n',
        stderr: '',
      },
    );
    assert.equal((await place.sh('kill -TERM $$', behind)).code, 128 + 15);
    assert.equal((await place.run(['no-such-program'], behind)).code, 127);
    await close();
  });
}

export function requests(inside: Inside): void {
  const bad: Readonly<Record<string, (place: SandboxPlace) => Partial<SandboxRequest>>> = {
    'a relative workspace': () => ({ workspace: 'here' }),
    'a mount with a detour': ({ folder }) => ({ mounts: [{ from: `${folder}/../..` }] }),
    'the whole file system': () => ({ mounts: [{ from: '/', to: '/host' }] }),
    'the whole of /etc': () => ({ mounts: [{ from: '/etc/' }] }),
    'a mount in the workspace': ({ folder }) => ({ mounts: [{ from: folder, to: '/workspace/in' }] }),
    'a mount out of the workspace': ({ workspace }) => ({ mounts: [{ from: `${workspace}/in`, to: '/in' }] }),
    'a path outside the workspace': () => ({ readOnly: ['../secret'] }),
    'U+0000 in the environment': () => ({ env: { A: 'a\0b' } }),
    'a limit of nothing': () => ({ limits: { processes: 0 } }),
    'a port for root': () => ({ relays: [{ port: 80, socket: '/s' }] }),
    'two relays on one port': () => ({
      relays: [
        { port: 4100, socket: '/s' },
        { port: 4100, socket: '/t' },
      ],
    }),
    'a relay without memory': () => ({ relays: [{ port: 4100, socket: '/s' }], limits: { memoryBytes: 2 ** 20 } }),
  };
  for (const [what, request] of Object.entries(bad))
    inside(`${what} is refused`, async (place) => {
      await assert.rejects(place.sh('true', request(place)), coded('SANDBOX_REQUEST'));
    });

  inside('a limit that makes no sense is named, with what it would be', async (place) => {
    await assert.rejects(place.sh('true', { limits: { openFiles: 0.5 } }), /limits\.openFiles of 0\.5.*default 4096/);
  });

  inside('what is not there to be mounted is named', async (place) => {
    await assert.rejects(place.sh('true', { mounts: [{ from: join(place.folder, 'gone') }] }), coded('SANDBOX_UNREACHABLE'));
  });
}

export const coded = (code: string) => (error: unknown) => error instanceof BatonError && error.code === code && (error.hint ?? '') !== '';
