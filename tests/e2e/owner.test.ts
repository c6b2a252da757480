import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ASKS, alive, HELD, type Place, place, QUICK, tree, until } from './support/baton.ts';

let at: Place;
afterEach(() => at.close());

const detached = async (file: string): Promise<string> => (await at.json<{ run: string }>('run', file, '--detach'))[0]?.run ?? '';
const ownerOf = () => until(() => at.owner()?.socket !== undefined && at.owner());
const READERS = [
  ['status'],
  ['list'],
  ['show', 'last'],
  ['show', 'last', 'one'],
  ['logs', 'last'],
  ['inbox'],
  ['agents'],
  ['agents', '--replay'],
  ['doctor'],
  ['plan', 'quick.yaml'],
  ['audit', 'verify'],
  ['audit', 'head'],
  ['clean'],
  ['follow', 'last'],
  ['complete', '--', 'show', ''],
];

// req F5
describe('commands that only read write nothing', () => {
  test('where nothing was ever run', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    const before = tree(at.folder);
    for (const command of READERS) await at.baton(...command);
    expect(tree(at.folder)).toEqual(before);
  });

  test('after an owner that left, and after one that was killed', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    at.write('held.yaml', HELD);
    await at.baton('run', 'quick.yaml');
    const run = await detached('held.yaml');
    await until(async () => (await at.baton('logs', run)).out.includes('started'));
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      if (signal === 'SIGTERM') await at.baton('pause', run);
      await at.end(signal);
      const before = tree(at.folder);
      for (const command of READERS) expect((await at.baton(...command)).err, command.join(' ')).not.toContain('Error');
      expect(tree(at.folder), signal).toEqual(before);
    }
  });
});

describe('the owner', () => {
  // req K7, F5
  test('of many commands at once exactly one starts it, and one command id is one run', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    const ran = await Promise.all(
      Array.from({ length: 8 }, () => at.baton('run', 'quick.yaml', '--detach', '--json', '--command-id', 'same')),
    );
    expect(ran.map(({ code, err }) => [code, err])).toEqual(ran.map(() => [0, '']));
    expect(new Set(ran.map(({ out }) => out)).size).toBe(1);
    expect(await at.json('list')).toHaveLength(1);
    const log = readFileSync(join(at.home, 'owner.log'), 'utf8');
    expect(log.match(/owns the home/g)).toHaveLength(1);
    at.write('other.yaml', ASKS);
    expect((await at.baton('run', 'other.yaml', '--command-id', 'same')).err).toContain('IDEMPOTENCY_MISMATCH');
  });

  test('leaves when idle, also while a person is waited for, and not while something runs', async () => {
    at = place({ BATON_IDLE_MS: '300' });
    at.write('asks.yaml', ASKS);
    at.write('held.yaml', HELD);
    const run = await detached('held.yaml');
    const { pid, socket = '' } = await ownerOf();
    expect([(statSync(socket).mode & 0o777).toString(8), (statSync(dirname(socket)).mode & 0o777).toString(8)]).toEqual(['600', '700']);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(alive(pid)).toBe(true);
    at.write('gate', '');
    await until(() => !alive(pid));
    expect([existsSync(socket), at.owner()]).toEqual([false, undefined]);
    expect((await at.baton('show', run)).out).toContain('succeeded');
    expect((await at.baton('run', 'asks.yaml')).code).toBe(3);
    await until(() => at.owner() === undefined);
    // The next command starts another, which goes on where the run waits.
    expect((await at.baton('approve', 'last')).code).toBe(0);
    expect((await at.baton('follow', 'last')).code).toBe(0);
  });

  // req K4, K5
  test('killed in the middle, `baton resume` carries on every unfinished run and waits for them', async () => {
    at = place();
    at.write('held.yaml', HELD);
    at.write('asks.yaml', ASKS);
    const [first, second] = [await detached('held.yaml'), await detached('held.yaml')];
    await until(async () => (await at.json<{ counts: { running?: number } }>('list')).every(({ counts }) => counts.running === 1));
    await at.end('SIGKILL');
    expect((await at.baton('status')).out).toMatch(/Nobody carries 2 unfinished runs on[\s\S]*baton resume/);
    at.write('gate', '');
    const resumed = await at.baton('resume');
    expect([resumed.code, resumed.out]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`${first}.*succeeded[\\s\\S]*${second}.*succeeded|${second}.*succeeded[\\s\\S]*${first}.*succeeded`),
      ),
    ]);
    expect((await at.baton('resume')).out).toBe('There is nothing to resume.\n');
    await at.baton('run', 'asks.yaml');
    await at.end('SIGKILL');
    expect((await at.baton('resume')).code).toBe(3);
  });

  // req K4
  test('killed while it is watched: whoever watches starts the next one and sees the end', async () => {
    at = place();
    at.write('held.yaml', HELD);
    const watching = at.start('run', 'held.yaml');
    await until(() => /one +started/.test(watching.out()));
    await at.end('SIGKILL');
    await until(() => at.owner()?.socket !== undefined && alive(at.owner()?.pid ?? 0));
    at.write('gate', '');
    const { code, out } = await watching.done;
    expect([code, out]).toEqual([0, expect.stringMatching(/lost; trying again[\s\S]*succeeded/)]);
    expect(out.match(/two +started/g)).toHaveLength(1);
  });

  // req V1, F6
  test('two clients follow one run to its end, and both see all of it', async () => {
    at = place();
    at.write('held.yaml', HELD);
    const run = await detached('held.yaml');
    const [a, b] = [at.start('follow', run, '--json'), at.start('follow', run, '--json')];
    await until(() => a.out().includes('started') && b.out().includes('started'));
    at.write('gate', '');
    const both = await Promise.all([a.done, b.done]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both[0].out).toBe(both[1].out);
    expect(
      both[0].out
        .trimEnd()
        .split('\n')
        .filter((line) => line.includes('"type":"fact"')),
    ).toHaveLength(Number((await at.json<{ seq: number }>('list'))[0]?.seq));
  });

  test('SIGINT without a terminal leaves the run in the background; the owner outlives its starter', async () => {
    at = place();
    at.write('held.yaml', HELD);
    const watching = at.start('run', 'held.yaml');
    await until(() => /one +started/.test(watching.out()));
    watching.child.kill('SIGINT');
    const { code, err } = await watching.done;
    expect([code, err]).toEqual([130, expect.stringContaining('baton follow')]);
    at.write('gate', '');
    expect((await at.baton('follow')).code).toBe(0);
  });

  test('told to end, it closes cleanly; stopped, it is said to be silent, and reading goes on without it', async () => {
    at = place();
    at.write('asks.yaml', ASKS);
    await at.baton('run', 'asks.yaml');
    const { pid } = await ownerOf();
    process.kill(pid, 'SIGSTOP');
    const [read, wrote] = await Promise.all([at.baton('list'), at.baton('approve', 'last')]);
    expect([read.code, read.out]).toEqual([0, expect.stringContaining('waiting')]);
    expect([wrote.code, wrote.err]).toEqual([1, expect.stringContaining('OWNER_SILENT')]);
    process.kill(pid, 'SIGCONT');
    await at.end('SIGTERM');
    expect(at.owner()).toBeUndefined();
    expect(readFileSync(join(at.home, 'owner.log'), 'utf8')).toMatch(/"why":"SIGTERM"[^\n]*\n$/);
  });

  test('with another environment than the command is replaced when it has nothing to do, and only then', async () => {
    at = place();
    at.write('held.yaml', HELD);
    at.write(
      'secret.yaml',
      `version: 1\nname: secret\nsecrets: [DOOR]\ntasks: { one: { run: 'echo "has \${#D} letters"', env: { D: "\${{ secrets.DOOR }}" } } }\n`,
    );
    expect((await at.baton('run', 'secret.yaml')).out).toContain('DOOR');
    const first = (await ownerOf()).pid;
    at.env['DOOR'] = 'sesame';
    expect((await at.baton('run', 'secret.yaml')).code).toBe(0);
    expect((await at.baton('logs', 'last', 'one')).out).toBe('has 6 letters\n');
    const second = (await ownerOf()).pid;
    await detached('held.yaml');
    at.env['DOOR'] = 'other';
    await detached('held.yaml');
    expect([first === second, (await ownerOf()).pid]).toEqual([false, second]);
    expect(readFileSync(join(at.home, 'owner.env'), 'utf8')).not.toContain('other');
  });

  // req K15
  test('that can not start says why, and nothing hangs', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    await at.end();
    writeFileSync(join(at.home, 'journal.db'), 'this is no database, and never was one'.repeat(100));
    const broken = await at.baton('run', 'quick.yaml');
    expect([broken.code, broken.err]).toEqual([1, expect.stringMatching(/OWNER_FAILED[\s\S]*JOURNAL_NOT_A_DATABASE[\s\S]*journal\.db/)]);
    expect((await at.baton('list')).err).toContain('JOURNAL_NOT_A_DATABASE');
    rmSync(at.home, { recursive: true });
    writeFileSync(at.home, 'a file where the home should be');
    expect((await at.baton('run', 'quick.yaml')).err).toContain('HOME_NOT_WRITABLE');
  });

  // req K17
  test('its log has run, task, attempt and agent on every line about them, and at the end what it took', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    const lines = readFileSync(join(at.home, 'owner.log'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const about = lines.filter(({ task }) => task !== undefined);
    expect(about.length).toBeGreaterThan(3);
    for (const line of about)
      expect(line).toMatchObject({ run: expect.any(String), attempt: 1, agent: 'command', time: expect.stringMatching(/Z$/) });
    expect(lines.find(({ msg }) => msg === 'task.committed')).toMatchObject({
      status: 'committed',
      ms: expect.any(Number),
      tokens: 0,
      costUsd: 0,
    });
    expect(lines.find(({ msg }) => msg === 'run.ended')).toMatchObject({ status: 'succeeded', ms: expect.any(Number) });
  });
});

describe('--foreground', () => {
  test('runs without a background process and without a socket, and gives the home back', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    at.write('asks.yaml', ASKS);
    const ran = at.start('run', 'quick.yaml', '--foreground');
    expect((await ran.done).code).toBe(0);
    expect([at.owner(), existsSync(join(at.folder, 'runtime', 'baton')), existsSync(join(at.home, 'owner.log'))]).toEqual([
      undefined,
      false,
      false,
    ]);
    expect((await at.baton('run', 'asks.yaml', '--foreground')).code).toBe(3);
    expect((await at.baton('approve', 'last')).code).toBe(0);
  });

  test('is refused while another process owns the home; SIGINT ends it, and resume goes on', async () => {
    at = place();
    at.write('held.yaml', HELD);
    const first = at.start('run', 'held.yaml', '--foreground');
    await until(() => /one +started/.test(first.out()));
    expect((await at.baton('run', 'held.yaml', '--foreground')).err).toContain('HOME_OWNED');
    first.child.kill('SIGINT');
    const { code, err } = await first.done;
    expect([code, err]).toEqual([130, expect.stringContaining('baton resume')]);
    expect(at.owner()).toBeUndefined();
    at.write('gate', '');
    expect((await at.baton('resume', '--foreground')).code).toBe(0);
  });
});

// req V1
test.skipIf(process.getuid?.() !== 0)('another user of the machine can not open the socket', async () => {
  at = place();
  // Only what Baton itself makes keeps others out.
  for (const folder of [at.folder, join(at.folder, 'runtime')]) chmodSync(folder, 0o755);
  at.write('held.yaml', HELD);
  await detached('held.yaml');
  const { socket = '' } = await ownerOf();
  const probe = `require('node:net').connect(process.argv[1]).on('connect',()=>{console.log('in');process.exit()}).on('error',e=>{console.log(e.code);process.exit()})`;
  const tried = (...who: string[]) =>
    spawnSync('setpriv', [...who, process.execPath, '-e', probe, socket], { encoding: 'utf8', cwd: '/' }).stdout.trim();
  expect(tried('--reuid=65534', '--regid=65534', '--clear-groups')).toBe('EACCES');
  expect(tried('--reuid=0')).toBe('in');
});
