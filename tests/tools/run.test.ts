import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import { call, type Executing, placeIn } from './support/place.ts';

const recorded = (name: string): string => readFileSync(new URL(`../fixtures/tools/${name}`, import.meta.url), 'utf8');
const node = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
const withNode = { env: { PATH: `${dirname(node)}:${process.env['PATH']}` } };
const out = (text: string, whole?: string) => ({
  text,
  size: (whole ?? text).length,
  ...(whole === undefined ? {} : { whole: Buffer.from(whole) }),
});
const exited = (exitCode: number) =>
  exitCode === 0
    ? { exitCode }
    : { exitCode, failure: { class: 'permanent' as const, code: 'EXIT_CODE', message: `It exited with code ${exitCode}.` } };
const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

// req A3, S1
describe('shell.run', () => {
  test('gives what a command printed, and how it ended', async () => {
    const place = placeIn({ files: { 'src/a': '' } });
    expect(await call(place, 'shell.run', { command: 'ls; echo "$WHO" >&2', cwd: 'src', env: { WHO: 'me' } })).toMatchObject({
      ok: true,
      text: 'a\nstderr:\nme',
      data: { stdout: 'a\n', stderr: 'me\n', exitCode: 0, ms: expect.any(Number) },
    });
    expect((await call(place, 'shell.run', { command: ['printf', '%s', '$WHO *'] })).data['stdout']).toBe('$WHO *');
    expect((await call(place, 'shell.run', { command: 'true' })).text).toBe('It printed nothing.');
    const failed = await call(place, 'shell.run', { command: 'echo half; echo no >&2; exit 3' });
    expect(failed).toMatchObject({
      ok: false,
      data: { exitCode: 3, stdout: 'half\n' },
      failure: { class: 'permanent', code: 'EXIT_CODE' },
    });
    expect(failed.text).toBe('Exit code 3.\nhalf\nstderr:\nno');
  });

  test('is over at its time limit', async () => {
    const { failure } = await call(placeIn(), 'shell.run', { command: 'sleep 60', timeoutMs: 50 });
    expect(failure).toMatchObject({ class: 'timeout', code: 'TIMEOUT' });
  });

  test('keeps the whole of a long output, and shows its end', async () => {
    const place = placeIn();
    const { data, text } = await call(place, 'shell.run', { command: 'seq 1 30000' });
    const { sha256, size } = data['stdoutWhole'] as { sha256: string; size: number };
    expect(size).toBe(168_894);
    expect(Buffer.from(place.kept.get(sha256) ?? '').toString()).toMatch(/^1\n2\n/);
    expect(text).toMatch(/characters left out here/);
    expect(text).toMatch(/30000$/);
  });

  test('is refused where there is no sandbox', async () => {
    const place = placeIn({
      exec: () => {
        throw new BatonError('SANDBOX_UNAVAILABLE', 'No sandbox passed its probe.', { hint: 'Install bubblewrap.' });
      },
    });
    expect(await call(place, 'shell.run', { command: 'true' })).toMatchObject({
      ok: false,
      text: 'No sandbox passed its probe. Install bubblewrap.',
      failure: { class: 'permanent', code: 'SANDBOX_UNAVAILABLE' },
    });
    const asked: Executing[] = [];
    await call(placeIn({ exec: (each) => ({ ms: asked.push(each) }) }), 'shell.run', { command: 'curl', network: ['example.com'] });
    expect(asked[0]?.options).toMatchObject({ network: ['example.com'], timeoutMs: 120_000 });
  });

  test.each([
    [{ command: '' }, 'command'],
    [{ command: 'a\0b' }, "can't hold U+0000"],
    [{ command: 'ls', cwd: '../..' }, 'is not in its plain form'],
    [{ command: 'ls', env: { 'A=B': '1' } }, 'must be the name of a variable'],
    [{ command: 'ls', timeoutMs: 1e9 }, 'timeoutMs'],
  ])('refuses %j', async (input, why) => {
    const { failure } = await call(placeIn(), 'shell.run', input);
    expect(failure?.code).toBe('TOOL_INPUT');
    expect(failure?.message).toContain(why);
  });
});

const FOUND: readonly (readonly [string, Record<string, string>, RegExp])[] = [
  ['vitest', { 'package.json': '{"devDependencies":{"vitest":"5"}}' }, /^npx --no-install vitest run --reporter=json --outputFile=\S+$/],
  ['vitest', { 'package.json': '{"devDependencies":{"vitest":"5"}}', 'pnpm-lock.yaml': '' }, /^pnpm exec vitest run /],
  ['vitest', { 'package.json': '{}', 'vitest.config.ts': '' }, /vitest run/],
  ['jest', { 'package.json': '{"scripts":{"test":"jest --ci"}}' }, /^npx --no-install jest --json --outputFile=\S+$/],
  [
    'node',
    { 'package.json': '{"scripts":{"test":"node --import ./x.js --test"}}' },
    /^node --import .\/x.js --test --test-reporter=junit --test-reporter-destination=\S+$/,
  ],
  [
    'node',
    { 'package.json': '{"scripts":{"test":"node --enable-source-maps --test src/*.js"}}' },
    /^node --enable-source-maps --test --test-reporter=junit --test-reporter-destination=\S+ src\/\*\.js$/,
  ],
  ['pnpm', { 'package.json': '{"scripts":{"test":"mocha"},"packageManager":"pnpm@11.0.0"}' }, /^pnpm run --silent test$/],
  ['npm', { 'package.json': '{"scripts":{"test":"mocha"}}' }, /^npm run --silent test$/],
  ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, /^python3 -m pytest -q .* --junitxml=\S+$/],
  ['pytest', { 'requirements.txt': '', 'tests/test_a.py': '' }, /pytest/],
  ['cargo', { 'Cargo.toml': '' }, /^cargo test --no-fail-fast --color=never$/],
  ['go', { 'go.mod': 'module x' }, /^go test -json \.\/\.\.\.$/],
];

// req A3
describe('test.run', () => {
  test.each(FOUND)('finds %s from %j', async (runner, files, command) => {
    const place = placeIn({ files, exec: () => exited(0) });
    const { data, failure } = await call(place, 'test.run');
    const [asked] = place.executed;
    const ran = typeof asked?.command === 'string' ? asked.command : asked?.command.join(' ');
    expect(ran).toMatch(command);
    expect(asked?.options.env).toEqual({ CI: '1', NO_COLOR: '1' });
    if (runner === 'npm' || runner === 'pnpm') expect(data).toMatchObject({ runner, counted: false, failed: 0 });
    else expect(failure).toMatchObject({ code: 'TEST_REPORT_MISSING', message: expect.stringContaining(runner) });
  });

  test('reads the report that the runner left', async () => {
    const place = placeIn({
      files: { 'package.json': '{"devDependencies":{"vitest":"5"}}' },
      exec({ command }, reports) {
        const file = String(command.at(-1)).slice('--outputFile='.length);
        expect(file.startsWith(`${reports}/`)).toBe(true);
        writeFileSync(file, recorded('vitest.json'));
        return { ...exited(1), stdout: out('JSON report written') };
      },
    });
    const { ok, text, data, failure } = await call(place, 'test.run');
    expect(ok).toBe(false);
    expect(data).toMatchObject({ runner: 'vitest', passed: 2, failed: 2, skipped: 2, counted: true, exitCode: 1, ms: 1 });
    expect(failure).toMatchObject({
      class: 'permanent',
      code: 'TESTS_FAILED',
      message: expect.stringMatching(/^vitest: 2 passed, 2 failed, 2 skipped\./),
    });
    expect(text).toContain('tests/math.test.ts:7  sums is wrong');
    expect(await call(place, 'test.run', { mayFail: true })).toMatchObject({ ok: true, data: { failed: 2 } });
  });

  test('reads the whole of a long output', async () => {
    const whole = recorded('go.hand-made.jsonl');
    const place = placeIn({
      files: { 'go.mod': 'module example.com/sample' },
      exec: () => ({ ...exited(1), stdout: out('{"Action":"fail"}', whole) }),
    });
    expect((await call(place, 'test.run', { runner: 'go', only: ['./sums'] })).data).toMatchObject({ passed: 2, failed: 2 });
    expect(place.executed[0]?.command).toEqual(['go', 'test', '-json', './sums']);
  });

  test('is not taken in by a report without failures', async () => {
    const fine = recorded('vitest.json').replaceAll('"status":"failed"', '"status":"passed"');
    const place = placeIn({
      files: { 'package.json': '{"devDependencies":{"vitest":"5"}}' },
      exec({ command }) {
        writeFileSync(String(command.at(-1)).slice('--outputFile='.length), fine);
        return { ...exited(1), stderr: out('Coverage for lines (10%) does not meet the threshold') };
      },
    });
    const { ok, text, failure } = await call(place, 'test.run', { mayFail: true });
    expect(ok).toBe(false);
    expect(failure).toMatchObject({ code: 'EXIT_CODE', message: expect.stringContaining('0 failed') });
    expect(text).toContain('does not meet the threshold');
  });

  test('says what it looked for when it finds nothing, and what it can not do', async () => {
    const { failure } = await call(placeIn({ files: { 'sub/Cargo.toml': '' } }), 'test.run');
    expect(failure).toMatchObject({
      code: 'TEST_RUNNER_NOT_FOUND',
      message: expect.stringContaining('vitest, jest, node, pnpm, npm, pytest, cargo, go'),
    });
    const place = placeIn({ files: { 'sub/Cargo.toml': '' }, exec: () => exited(0) });
    expect((await call(place, 'test.run', { cwd: 'sub', only: ['a.rs'] })).failure).toMatchObject({ code: 'TOOL_INPUT' });
    await call(place, 'test.run', { cwd: 'sub' });
    expect(place.executed[0]?.options.cwd).toBe('sub');
    expect((await call(place, 'test.run', { only: ['--config=evil.js'] })).failure).toMatchObject({ code: 'TOOL_INPUT' });
  });

  test('a script that fails without a report is one failure', async () => {
    const place = placeIn({
      files: { 'package.json': '{"scripts":{"test":"make check"}}' },
      exec: () => ({ ...exited(2), stdout: out('make: *** [check] Error') }),
    });
    const { data, failure } = await call(place, 'test.run');
    expect(data).toMatchObject({
      runner: 'npm',
      failed: 1,
      counted: false,
      failures: [{ name: 'npm test', message: 'make: *** [check] Error' }],
    });
    expect(failure?.code).toBe('EXIT_CODE');
  });

  describe('with the real runner', () => {
    test('node --test', async () => {
      const place = placeIn({
        files: {
          'package.json': '{"type":"module","scripts":{"test":"node --test"}}',
          'test/a.test.js':
            "import test from 'node:test';\nimport assert from 'node:assert';\ntest('good', () => {});\ntest('bad', () => {\n  assert.equal(1, 2);\n});\n",
        },
      });
      const env = {
        ...place,
        exec: (command: Parameters<typeof place.exec>[0], options: Parameters<typeof place.exec>[1]) =>
          place.exec(command, { ...options, env: { ...options.env, ...withNode.env } }),
      };
      expect((await call(env, 'test.run')).data).toMatchObject({
        runner: 'node',
        passed: 1,
        failed: 1,
        failures: [{ name: 'bad', file: 'test/a.test.js', line: 5 }],
      });
      expect((await call(env, 'test.run', { only: ['test/a.test.js'] })).data).toMatchObject({ passed: 1, failed: 1 });
    });

    test.runIf(has('pytest'))('pytest', async () => {
      const place = placeIn({ files: { 'test_a.py': 'def test_good():\n    pass\n\n\ndef test_bad():\n    assert 1 == 2\n' } });
      expect((await call(place, 'test.run')).data).toMatchObject({
        runner: 'pytest',
        passed: 1,
        failed: 1,
        failures: [{ file: 'test_a.py', line: 6 }],
      });
    });
  });
});

// req A3
describe('analysis.run', () => {
  const project = { 'package.json': '{"devDependencies":{"eslint":"10"}}', 'tsconfig.json': '{}' };
  const answers = (byTool: Readonly<Record<string, string>>) =>
    placeIn({
      files: project,
      exec({ command }) {
        const [, stdout = ''] = Object.entries(byTool).find(([name]) => command.includes(name)) ?? [];
        return { ...exited(stdout === '' ? 0 : 1), stdout: out(stdout) };
      },
    });

  test('runs everything a project is set up for', async () => {
    const place = answers({ eslint: recorded('eslint.json'), tsc: recorded('tsc.txt') });
    const { ok, text, data, failure } = await call(place, 'analysis.run', { files: ['src/a.js'] });
    expect(place.executed.map(({ command }) => command)).toEqual([
      ['npx', '--no-install', 'eslint', '--format', 'json', 'src/a.js'],
      ['npx', '--no-install', 'tsc', '--noEmit', '--pretty', 'false'],
    ]);
    expect(ok).toBe(false);
    expect(data).toMatchObject({ tools: ['eslint', 'tsc'], errors: 8, warnings: 1, leftOut: 0 });
    expect(failure).toMatchObject({ code: 'FINDINGS', message: expect.stringMatching(/^eslint, tsc: 8 errors, 1 warnings\./) });
    expect(text).toContain("src/a.js:2:33  error  eqeqeq  Expected '===' and instead saw '=='.");
  });

  test('fails on what it is told to fail on', async () => {
    const warning = JSON.stringify([{ filePath: '/x/a.js', messages: [{ ruleId: 'r', severity: 1, message: 'm', line: 1, column: 1 }] }]);
    const of = async (input: object) => (await call(answers({ eslint: warning }), 'analysis.run', { tools: ['eslint'], ...input })).ok;
    expect([await of({}), await of({ failOn: 'warning' }), await of({ failOn: 'never' })]).toEqual([true, false, true]);
    expect((await call(answers({ eslint: recorded('eslint.json') }), 'analysis.run', { tools: ['eslint'], failOn: 'never' })).ok).toBe(
      true,
    );
  });

  test('never takes silence for praise', async () => {
    const place = placeIn({
      files: project,
      exec: () => ({ ...exited(1), stderr: out('npm error could not determine executable to run') }),
    });
    const { failure } = await call(place, 'analysis.run', { tools: ['eslint'] });
    expect(failure).toMatchObject({ code: 'ANALYSIS_FAILED', message: expect.stringContaining('could not determine executable') });
    expect((await call(place, 'analysis.run', { tools: ['tsc'] })).failure?.code).toBe('ANALYSIS_FAILED');
    expect((await call(placeIn(), 'analysis.run')).failure).toMatchObject({ code: 'ANALYSER_NOT_FOUND' });
  });

  test('with the real Biome', async () => {
    const place = placeIn({ files: { 'biome.json': '{}', 'a.js': 'debugger;\n', 'package.json': '{}' } });
    execFileSync('ln', ['-s', fileURLToPath(new URL('../../node_modules', import.meta.url)), join(place.folder, 'node_modules')]);
    const { data } = await call(place, 'analysis.run', { files: ['a.js'] });
    expect(data).toMatchObject({
      tools: ['biome'],
      errors: 1,
      findings: [{ file: 'a.js', line: 1, column: 1, rule: 'lint/suspicious/noDebugger' }],
    });
  });
});
