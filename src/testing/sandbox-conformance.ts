/**
 * What every sandbox must hold, by really trying it. Run it under vitest or `node:test`, on a machine where the sandbox's
 * own probe says that it works. Needs bash and coreutils inside.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CANARIES, CANARY_LIMITS, type Canary, leaksIn, plant, scriptOf } from '../work/sandbox/canaries.ts';
import type { Sandbox, SandboxLimits } from '../work/sandbox/sandbox.ts';
import type { TestApi } from './agent-conformance.ts';
import { SandboxPlace } from './sandbox-place.ts';
import { coded, type Inside, processes, relays, requests } from './sandbox-running.ts';

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

  inside('what this process has open is not open for them', async (place) => {
    assert.equal((await place.sh('for i in {3..20}; do (true <&$i) 2> /dev/null && echo $i; done')).stdout, '');
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
    const elsewhere = await place.run(['/usr/bin/env'], { env: { PWD: '/elsewhere', OLDPWD: '/elsewhere' } });
    assert.doesNotMatch(elsewhere.stdout, /elsewhere/);
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
