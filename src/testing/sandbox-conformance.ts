/**
 * What every sandbox must hold, by really trying it. Run it under vitest or `node:test`, on a machine where the sandbox's
 * own probe says that it works. Needs bash and coreutils inside.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatonError } from '../errors.ts';
import { CANARIES, CANARY_LIMITS, type Canary, leaksIn, plant, scriptOf } from '../work/sandbox/canaries.ts';
import type { Sandbox, SandboxLimits, SandboxRequest } from '../work/sandbox/sandbox.ts';
import type { TestApi } from './agent-conformance.ts';
import { SandboxPlace } from './sandbox-place.ts';

export interface SandboxSubject {
  readonly name: string;
  readonly sandbox: Sandbox;
  /** Where folders can be made that everybody may enter. Default: the temporary folder. */
  readonly within?: string;
}

const MIB = 2 ** 20;

export const sandboxConformance = ({ describe, test }: TestApi, { name, sandbox, within }: SandboxSubject): void => {
  const inside = (what: string, body: (place: SandboxPlace) => Promise<void>): void =>
    test(what, async () => {
      const place = new SandboxPlace(sandbox, within);
      try {
        await body(place);
      } finally {
        place.dispose();
      }
    });

  describe(`sandbox: ${name}`, () => {
    walls(inside, sandbox);
    limits(inside);
    place(inside);
    readOnly(inside);
    processes(inside);
    relays(inside);
    requests(inside);
  });
};

type Inside = (what: string, body: (place: SandboxPlace) => Promise<void>) => void;

function walls(inside: Inside, sandbox: Sandbox): void {
  inside('its probe finds no leak', async () => {
    const { ok, says, leaks } = await sandbox.probe();
    assert.deepEqual({ ok, leaks }, { ok: true, leaks: [] }, says);
  });

  for (const canary of Object.keys(CANARIES) as Canary[])
    inside(`no ${canary}`, async (place) => {
      const planted = await plant();
      try {
        process.env['BATON_CANARY'] = planted.token;
        const { code, stdout, stderr } = await place.sh(`${scriptOf(planted, [canary])}\nexit 0`, { limits: CANARY_LIMITS });
        assert.equal(code, 0, stderr);
        assert.deepEqual(leaksIn(stdout), []);
        assert.equal(planted.reached(), false, 'the port outside was reached');
      } finally {
        delete process.env['BATON_CANARY'];
        await planted.remove();
      }
    });

  inside('what one leaves in its own places is not there for another', async (place) => {
    const { code } = await place.sh('echo x | tee /tmp/left /dev/shm/left ~/left');
    assert.equal(code, 0);
    const { stdout } = await place.sh('ls -A /tmp /dev/shm ~ | grep -c left');
    assert.equal(stdout.trim(), '0');
  });

  inside('a link in the workspace leads nowhere outside', async (place) => {
    writeFileSync(join(place.folder, 'secret'), 'secret');
    symlinkSync(place.folder, join(place.workspace, 'out'));
    const { stdout } = await place.sh('cat out/secret; ln -s ../secret up; cat up; echo x > out/written');
    assert.equal(stdout, '');
    assert.equal(existsSync(join(place.folder, 'written')), false);
  });
}

function limits(inside: Inside): void {
  const holds = (name: keyof SandboxLimits, value: number, script: string): void =>
    inside(`limits.${name} holds`, async (place) => {
      const { stdout, code } = await place.sh(`${script} && echo EXCEEDED`, { limits: { [name]: value } });
      assert.doesNotMatch(stdout, /EXCEEDED/);
      assert.notEqual(code, 0);
    });
  holds('processes', 8, "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done'");
  holds('memoryBytes', 128 * MIB, `x=$(head -c ${300 * MIB} /dev/zero | tr '\\0' x); test "$x"`);
  holds('cpuSeconds', 1, 'while :; do :; done');
  holds('fileBytes', MIB, `head -c ${2 * MIB} /dev/zero > file`);
  holds('openFiles', 16, 'for i in {3..30}; do eval "exec $i< /dev/null" || exit 1; done');
  holds('temporaryBytes', MIB, `{ for f in /tmp /dev/shm ~; do head -c ${2 * MIB} /dev/zero > $f/full && break; done; }`);

  inside('within its limits work goes on', async (place) => {
    const script = `head -c ${MIB} /dev/zero > file && cp file /tmp && for i in 1 2 3; do sleep 0 & done; wait; echo done`;
    assert.equal((await place.sh(script)).stdout, 'done\n');
  });
}

function place(inside: Inside): void {
  inside('the environment is the one that was given, and on no command line', async (place) => {
    const env = { PLAIN: 'a b', QUOTES: `'"\`$(id)\\`, LINES: 'one\ntwo', EMPTY: '', 'odd.name': 'odd', NÄME: 'ümlaut' };
    const { stdout } = await place.sh('env -0', { env });
    const seen = new Map(
      stdout.split('\0').map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    for (const [name, value] of Object.entries(env)) assert.equal(seen.get(name), value, name);
    const added = [...seen.keys()].filter(
      (name) => !(name in env) && !['PATH', 'HOME', 'TMPDIR', 'LANG', 'PWD', 'SHLVL', '_', ''].includes(name),
    );
    assert.deepEqual(added, []);
    const { command } = await place.sandbox.wrap({ command: ['true'], workspace: place.workspace, env: { TOKEN: 'very-secret' } });
    assert.doesNotMatch(command.join(' '), /very-secret/);
  });

  inside('it begins in the workspace, or where it was asked to', async (place) => {
    place.make('workspace/sub');
    assert.equal((await place.sh('pwd; echo $PWD; cd && pwd')).stdout, '/workspace\n/workspace\n/home\n');
    assert.equal((await place.sh('pwd', { cwd: '/workspace/sub' })).stdout, '/workspace/sub\n');
  });

  inside('what is written in the workspace is there afterwards, and theirs', async (place) => {
    await place.sh('mkdir -p a && echo text > a/b && chmod +x a/b');
    const file = join(place.workspace, 'a/b');
    assert.equal(readFileSync(file, 'utf8'), 'text\n');
    assert.equal(statSync(file).uid, place.sandbox.owner?.uid ?? process.getuid?.());
  });

  inside('whoever is inside has a name', async (place) => {
    assert.match((await place.sh('id -un')).stdout, /^[a-z]\w*\n$/);
  });

  inside('mounts can be read, and written where that was asked for', async (place) => {
    const [shown, open] = [place.make('shown'), place.make('open')];
    writeFileSync(join(shown, 'f'), 'shown\n');
    const { stdout } = await place.sh('cat /m/f; echo x > /m/g || echo refused; echo x > /n/h && echo written', {
      mounts: [
        { from: shown, to: '/m' },
        { from: open, to: '/n', write: true },
      ],
    });
    assert.equal(stdout, 'shown\nrefused\nwritten\n');
    assert.ok(existsSync(join(open, 'h')));
  });
}

function readOnly(inside: Inside): void {
  inside('paths that are held can’t be written, removed, renamed or replaced', async (place) => {
    const kept = { 'top.txt': 'top', 'folder/in.txt': 'in', 'deep/er/file.txt': 'deep' };
    for (const [path, text] of Object.entries(kept)) {
      place.make(join('workspace', path, '..'));
      writeFileSync(join(place.workspace, path), text);
      place.give(join(place.workspace, path));
    }
    const tries = [
      'echo x > top.txt; rm -f top.txt; mv top.txt away; ln -sf /etc/passwd top.txt',
      'echo x > folder/in.txt; rm -rf folder; mv folder away; touch folder/new',
      'echo x > deep/er/file.txt; mv deep/er deep/away; mv deep away; mkdir -p deep/er && echo x > deep/er/file.txt',
      'echo x > beside.txt; echo x > deep/beside.txt',
    ];
    await place.sh(tries.join('\n'), { readOnly: ['top.txt', 'folder', 'folder/in.txt', 'deep/er/file.txt', 'not/there'] });
    for (const [path, text] of Object.entries(kept)) assert.equal(readFileSync(join(place.workspace, path), 'utf8'), text, path);
    assert.equal(existsSync(join(place.workspace, 'folder/new')), false);
    for (const path of ['beside.txt', 'deep/beside.txt']) assert.ok(existsSync(join(place.workspace, path)), path);
  });

  inside('a link among them is refused', async (place) => {
    mkdirSync(join(place.folder, 'elsewhere'));
    symlinkSync(join(place.folder, 'elsewhere'), join(place.workspace, 'link'));
    for (const path of ['link', 'link/in']) await assert.rejects(place.sh('true', { readOnly: [path] }), coded('SANDBOX_REQUEST'));
  });
}

/** Leaves its group, its session and its parent, and writes for some seconds. */
const HIDDEN = "setsid bash -c '(for i in {1..300}; do echo x >> beat; sleep 0.02; done) &' &";

function processes(inside: Inside): void {
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

function relays(inside: Inside): void {
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

function requests(inside: Inside): void {
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
    'a relay without memory': () => ({ relays: [{ port: 4100, socket: '/s' }], limits: { memoryBytes: MIB } }),
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

const coded = (code: string) => (error: unknown) => error instanceof BatonError && error.code === code && (error.hint ?? '') !== '';
