import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { inheritedEnvironment } from '../../src/work/policy/environment.ts';
import { createRedactor } from '../../src/work/policy/redact.ts';
import { endLeftovers } from '../../src/work/processes/leftovers.ts';
import { type Command, runProcess } from '../../src/work/processes/process.ts';

const cwd = mkdtempSync(join(tmpdir(), 'baton-process-'));
const env = inheritedEnvironment(process.env);
const run = (run: Command['run'], more: Partial<Command> = {}) => runProcess({ run, cwd, env, ...more });

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
};
const gone = async (pid: number, withinMs = 3000): Promise<boolean> => {
  for (let waited = 0; waited < withinMs; waited += 20) {
    if (!alive(pid)) return true;
    await sleep(20);
  }
  return false;
};

describe('a command', () => {
  test('as a string is run by a strict shell, as an array without one', async () => {
    expect((await run('echo $((1 + 1))')).stdout.text).toBe('2\n');
    expect((await run('false | true; echo not reached')).failure?.code).toBe('EXIT_CODE');
    expect((await run(['echo', '$HOME', '*'])).stdout.text).toBe('$HOME *\n');
  });

  test('keeps its output to the byte', async () => {
    expect((await run("printf ' a\\n\\nb '")).stdout).toEqual({ text: ' a\n\nb ', size: 6 });
  });

  test('sees the environment it was given and no other', async () => {
    process.env['BATON_TEST_KEY'] = 'sk-secret';
    const { stdout } = await run(['env'], { env: { ...inheritedEnvironment(process.env), MINE: '1' } });
    expect(stdout.text).toContain('MINE=1');
    expect(stdout.text).not.toContain('sk-secret');
  });

  test('reads the file it is given, or nothing', async () => {
    const stdinFile = join(cwd, 'input');
    writeFileSync(stdinFile, 'hello');
    expect((await run('cat /dev/stdin', { stdinFile })).stdout.text).toBe('hello');
    expect((await run('true', { stdinFile })).stderr.text).toBe('');
    expect((await run('cat')).stdout.text).toBe('');
    expect((await run('cat', { stdinFile: join(cwd, 'missing') })).failure).toMatchObject({ dispatched: false });
  });
});

// req K10
describe('how a command fails', () => {
  test('a code other than 0 is permanent, with the end of what it said', async () => {
    const { failure, exitCode } = await run('echo first; echo why >&2; exit 3');
    expect({ failure, exitCode }).toEqual({
      failure: { class: 'permanent', code: 'EXIT_CODE', message: '`echo first; echo why >&2; exit 3` exited with code 3.\nwhy' },
      exitCode: 3,
    });
  });

  test('code 75 asks to try again', async () => {
    expect((await run('exit 75')).failure).toMatchObject({ class: 'transient', code: 'EXIT_CODE' });
  });

  test('what can not be started proves that nothing was dispatched', async () => {
    expect((await run(['no-such-program'])).failure).toMatchObject({ class: 'permanent', code: 'COMMAND_NOT_FOUND', dispatched: false });
    expect((await run(['/etc/passwd'])).failure).toMatchObject({ class: 'permanent', code: 'COMMAND_NOT_EXECUTABLE', dispatched: false });
    expect((await run('true', { cwd: join(cwd, 'missing') })).failure).toMatchObject({ code: 'FOLDER_MISSING', dispatched: false });
    expect((await run('true', { env: { ...env, BODY: 'x'.repeat(1 << 18) } })).failure).toMatchObject({
      code: 'ENVIRONMENT_TOO_LARGE',
      dispatched: false,
    });
    expect((await run('true', { env: { ...env, BODY: 'a\0b' } })).failure).toMatchObject({
      code: 'COMMAND_NOT_STARTED',
      dispatched: false,
    });
    const late = AbortSignal.abort(new BatonError('CANCELLED', 'The run was cancelled.'));
    expect((await run('touch started', { signal: late })).failure).toMatchObject({ class: 'cancelled', dispatched: false });
  });

  test('ended by somebody else is worth another try', async () => {
    expect((await run('kill -9 $$')).failure).toMatchObject({ class: 'transient', code: 'ENDED_BY_SIGNAL' });
  });

  test('over its time limit', async () => {
    const { failure, ms } = await run('sleep 30', { timeoutMs: 200 });
    expect(failure).toMatchObject({ class: 'timeout', code: 'TIMEOUT' });
    expect(ms).toBeLessThan(5000);
  });

  test('printing more than may be kept', async () => {
    const { failure, stdout } = await run('yes', { outputMax: 1 << 20, graceMs: 500 });
    expect(failure).toMatchObject({ class: 'permanent', code: 'PAYLOAD_TOO_LARGE' });
    expect(stdout.whole?.length).toBeLessThanOrEqual(1 << 20);
  });
});

describe('output', () => {
  test('of more than 64 KiB is an end and a whole, cut between characters', async () => {
    const { stdout } = await run(`printf 'ü%.0s' $(seq 50000); printf x`);
    expect(stdout.size).toBe(100_001);
    expect(stdout.whole?.length).toBe(100_001);
    expect(stdout.text).toMatch(/^ü+x$/);
    expect(Buffer.byteLength(stdout.text)).toBeLessThanOrEqual(64 * 1024);
  });

  // req D5
  test('never shows a secret, in pieces or whole', async () => {
    const shown: string[] = [];
    const { stdout, failure } = await run('printf tok-123; sleep 0.1; echo 4567; echo tok-1234567 >&2; exit 1', {
      redactor: createRedactor(new Map([['TOKEN', 'tok-1234567']])),
      log: (chunk) => shown.push(chunk),
    });
    expect(stdout.text).toBe('[secret TOKEN]\n');
    expect(failure?.message).toMatch(/\n\[secret TOKEN\]$/);
    expect(shown.join('')).not.toContain('4567');
  });

  test('is streamed as text, never half a character', async () => {
    const shown: string[] = [];
    await run(`printf '\\xc3'; sleep 0.1; printf '\\xbc'`, { log: (chunk, kind) => shown.push(`${kind} ${chunk}`) });
    expect(shown).toEqual(['stdout ü']);
  });
});

// req K12
describe('nothing is left behind', () => {
  test('of a command that ignores being asked, nor of its children', async () => {
    const cancelling = new AbortController();
    const running = run(`trap '' TERM; (trap '' TERM; sleep 60 & echo $!; wait) & wait`, {
      signal: cancelling.signal,
      graceMs: 300,
      log: (chunk) => {
        pids.push(Number(chunk));
        cancelling.abort(new BatonError('CANCELLED', 'The run was cancelled.'));
      },
    });
    const pids: number[] = [];
    expect((await running).failure).toMatchObject({ class: 'cancelled', code: 'CANCELLED' });
    expect(pids.map(alive)).toEqual([false]);
  });

  test('of a command that ends and leaves something running', async () => {
    const { stdout, failure, ms } = await run('sleep 60 & echo $!');
    expect(failure).toBeUndefined();
    expect(ms).toBeLessThan(3000);
    expect(await gone(Number(stdout.text))).toBe(true);
  });

  test('of one whose child moved to a session of its own', async () => {
    const cancelling = new AbortController();
    let pid = 0;
    await run('setsid bash -c "echo \\$\\$; exec sleep 60" & wait', {
      env: { ...env, BATON_ATTEMPT_KEY: `run/${randomUUID()}/1` },
      signal: cancelling.signal,
      graceMs: 300,
      log: (chunk) => {
        pid ||= Number(chunk);
        cancelling.abort(new BatonError('TIMEOUT', 'Too long.'));
      },
    });
    expect(await gone(pid)).toBe(true);
  });

  test('when this process is killed', async () => {
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '-e', OWNER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => owner.stdout.once('data', (chunk) => resolve(Number(chunk))));
    expect(alive(pid)).toBe(true);
    owner.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });
});

const OWNER = `
import { runProcess } from ${JSON.stringify(new URL('../../src/work/processes/process.ts', import.meta.url).pathname)};
await runProcess({ run: 'sleep 60 & echo $!; wait', cwd: '/', env: process.env, log: (pid) => console.log(pid) });
`;

// req K5
test('left-overs of a home are found and ended, and only of that home', async () => {
  const [mine, other] = [randomUUID(), randomUUID()];
  const start = (home: string) =>
    spawn('bash', ['-c', 'setsid sleep 60 & sleep 60'], {
      detached: true,
      stdio: 'ignore',
      env: { ...env, BATON_HOME_ID: home, BATON_ATTEMPT_KEY: 'r/t/1' },
    });
  const [left, kept] = [start(mine), start(other)];
  await sleep(200);
  const ended = await endLeftovers(mine);
  expect(ended.map(({ attempt }) => attempt)).toEqual(['r/t/1', 'r/t/1', 'r/t/1']);
  for (const { pid } of ended) expect(await gone(pid)).toBe(true);
  expect(alive(left.pid ?? 0)).toBe(false);
  expect(alive(kept.pid ?? 0)).toBe(true);
  expect(await endLeftovers(mine)).toEqual([]);
  await endLeftovers(other);
});
