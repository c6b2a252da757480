import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BatonError } from '../../src/errors.ts';
import type { BatonFunction } from '../../src/work/perform/function-task.ts';
import type { Definition } from '../../src/work/planning/definition.ts';
import { AttemptError } from '../../src/work/processes/failure.ts';
import { stage } from './support/context.ts';

const command = (run: string | readonly string[], more: Partial<Definition> = {}): Definition =>
  ({ kind: 'command', run, ...more }) as Definition;
const scripted = (config: object, more: object = {}): Definition => ({
  kind: 'agent',
  agent: { name: 'actor', kind: 'scripted', config: config as Record<string, unknown>, capabilities: ['text'], slots: 1 },
  prompt: 'Say it.',
  ...more,
});

describe('a command task', () => {
  test('gives what it printed, to the byte, and its JSON', async () => {
    const { attempt } = stage();
    expect((await attempt(command('echo \'{"a": 1}\'; echo note >&2'))).content).toEqual({
      summary: '{"a": 1}',
      outputs: { stdout: '{"a": 1}\n', stderr: 'note\n', exitCode: 0, json: { a: 1 } },
      artifacts: [],
      evidence: [],
      questions: [],
    });
  });

  test('gives the end of a long output, and a reference to the whole', async () => {
    const { attempt, blobs } = stage();
    const { content } = await attempt(command('echo "["; seq -s, 1 20000; echo "]"'));
    const { stdout, stdoutWhole, ...rest } = (content?.outputs ?? {}) as { stdout: string; stdoutWhole: { sha256: string; size: number } };
    expect(rest).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout.length).toBe(64 * 1024);
    const whole = blobs.get(stdoutWhole.sha256);
    expect(whole?.length).toBe(stdoutWhole.size);
    expect(whole?.toString().startsWith('[\n1,2,3')).toBe(true);
  });

  // req K7
  test('is told who it is, by keys that stay', async () => {
    const { attempt } = stage();
    const keys = async (number: number) =>
      (await attempt(command('echo $BATON_EFFECT_KEY $BATON_ATTEMPT_KEY $BATON_HOME_ID'), { attempt: number })).content?.summary;
    expect(await keys(1)).toBe('r1/fix/run r1/fix/1 test-home');
    expect(await keys(2)).toBe('r1/fix/run r1/fix/2 test-home');
  });

  test('works in an empty folder of its own, or in the project', async () => {
    const { attempt, project } = stage();
    expect((await attempt(command('ls -A; touch left'))).content?.outputs['stdout']).toBe('');
    expect((await attempt(command('ls -A'), { attempt: 2 })).content?.outputs['stdout']).toBe('');
    expect((await attempt(command('pwd', { in: 'project' }))).content?.summary).toBe(project);
  });

  test('goes on in its folder when a check sent it back', async () => {
    const { attempt, blobs } = stage();
    await attempt(command('touch left'));
    const feedback = [blobs.put('do better')];
    expect((await attempt(command('ls -A'), { attempt: 2, feedback })).content?.summary).toBe('left');
  });

  // req F2
  test('may write a whole handoff, whose artifacts are hashed', async () => {
    const { attempt } = stage();
    const handoff = { summary: 'Made it.', outputs: { n: 1 }, artifacts: ['out/a.txt', './out/a.txt'], evidence: ['I looked'] };
    const { content } = await attempt(
      command(`mkdir out; printf hello > out/a.txt; cat > $BATON_HANDOFF <<< '${JSON.stringify(handoff)}'`),
    );
    expect(content).toEqual({
      summary: 'Made it.',
      outputs: { n: 1 },
      artifacts: [{ path: 'out/a.txt', sha256: createHash('sha256').update('hello').digest('hex'), size: 5 }],
      evidence: ['I looked'],
      questions: [],
    });
  });

  // req F2
  test.each([
    ['{"summary": "s", "outputs": {}, "score": 1}', 'unknown field "score"'],
    ['{"outputs": {}}', 'summary: Invalid input'],
    ['not json', 'it is not JSON'],
  ])('that writes the handoff %s is refused with what is wrong', async (handoff, problem) => {
    const { failure } = await stage().attempt(command(`printf '%s' '${handoff}' > $BATON_HANDOFF`));
    expect(failure).toMatchObject({ class: 'invalid-output', code: 'INVALID_OUTPUT', message: expect.stringContaining(problem) });
  });

  test.each([
    ['a missing file', 'true', 'nothing.txt', 'does not exist'],
    ['a path outside', 'true', '../task-1.json', 'is not inside'],
    ['an absolute path', 'true', '/etc/passwd', 'is not inside'],
    ['a link that leads out', 'ln -s /etc/passwd secret.txt', 'secret.txt', 'leads out'],
    ['a folder behind a link', 'ln -s /etc etc', 'etc/passwd', 'leads out'],
    ['a pipe', 'mkfifo pipe', 'pipe', 'not a plain file'],
    ['a folder', 'mkdir sub', 'sub', 'not a plain file'],
  ])('can not hand over %s', async (_, prepare, path, problem) => {
    const handoff = JSON.stringify({ summary: '', outputs: {}, artifacts: [path] });
    const { failure } = await stage().attempt(command(`${prepare}; printf '%s' '${handoff}' > $BATON_HANDOFF`));
    expect(failure).toMatchObject({ class: 'invalid-output', code: 'BAD_ARTIFACT', message: expect.stringContaining(problem) });
  });

  test.each(['ln -s /etc/passwd $BATON_HANDOFF', 'mkfifo $BATON_HANDOFF', 'mkdir $BATON_HANDOFF'])(
    'can not trick the reader of its handoff: %s',
    async (trick) => {
      expect((await stage().attempt(command(trick))).failure).toMatchObject({
        class: 'invalid-output',
        message: expect.stringContaining('must be a plain file'),
      });
    },
  );

  test('that says it failed has failed', async () => {
    const { failure } = await stage().attempt(command(`echo '{"status": "failed", "summary": "no way", "outputs": {}}' > $BATON_HANDOFF`));
    expect(failure).toMatchObject({ class: 'permanent', code: 'AGENT_GAVE_UP', message: 'The agent says that it failed: no way' });
  });

  test('reports what it printed when it fails, and ends with its signal', async () => {
    const { attempt, blobs } = stage();
    const { failure } = await attempt(command('echo before; echo why >&2; exit 4'));
    expect(failure).toMatchObject({ class: 'permanent', code: 'EXIT_CODE' });
    expect(blobs.get(failure?.report ?? '')?.toString()).toBe('before\n\nwhy\n');
    const late = await attempt(command('sleep 30', { timeoutMs: 100 } as Partial<Definition>));
    expect(late.failure).toMatchObject({ class: 'timeout' });
    const signal = AbortSignal.abort(new BatonError('CANCELLED', 'The run was cancelled.'));
    expect((await attempt(command('sleep 30'), { signal })).failure).toMatchObject({ class: 'cancelled' });
  });
});

// req D5
describe('secrets', () => {
  const env = { TOKEN: 'tok-"quoted"-1234567' };
  const withToken = { env: { T: { parts: ['pre:', { secret: 'TOKEN' }] } } };

  test('reach the command, and nothing that is stored or shown', async () => {
    const { attempt, blobs, log, root } = stage({ env });
    const body = 'echo "$T"; printf "%s" "$T" | base64; echo "$T" >&2; test "$T" = "pre:$(cat ../../../told)"';
    const writing =
      'const t = process.env.T; fs.writeFileSync(process.env.BATON_HANDOFF, JSON.stringify({ summary: t, outputs: { [t]: [t] } }))';
    const handed = [process.execPath, '-e', writing];
    writeFileSync(join(root, 'told'), env.TOKEN);
    expect((await attempt(command(body, withToken))).outcome.ok).toBe(true);
    expect((await attempt(command(handed, withToken))).content?.summary).toMatch(/\[secret TOKEN\]/);
    expect((await attempt(command(`${body}; exit 1`, withToken))).failure?.message).toContain('pre:[secret TOKEN]');
    const leaked = Buffer.from(env.TOKEN).toString('base64').slice(4, 16);
    for (const place of [blobs.everything(), log.join('\n')]) {
      expect(place).not.toContain('quoted');
      expect(place).not.toContain(leaked);
    }
  });

  test('that are missing are named before anything runs', async () => {
    const { attempt, root } = stage();
    const { failure } = await attempt(command('echo ran', withToken));
    expect(failure).toMatchObject({
      class: 'permanent',
      code: 'SECRET_MISSING',
      dispatched: false,
      message: expect.stringContaining('Set TOKEN'),
    });
    expect(readdirSync(root)).toEqual([]);
  });

  test('never get into a prompt', async () => {
    const prompt = { parts: ['Use ', { secret: 'TOKEN' }] };
    expect((await stage({ env }).attempt(scripted({}, { prompt }))).failure).toMatchObject({ code: 'SECRET_OUTSIDE_ENV' });
  });

  test('of Baton are not inherited', async () => {
    const { content } = await stage({ env: { OPENAI_API_KEY: 'sk-12345678' } }).attempt(command('env'));
    expect(content?.outputs['stdout']).not.toContain('OPENAI_API_KEY');
  });
});

describe('an agent task', () => {
  test('gives the outputs of its agent, and counts what it used as steps', async () => {
    const { attempt, recorded, log } = stage();
    const { content } = await attempt(
      scripted({
        replies: [{ text: 'Attempt {attempt}: {prompt}', say: ['thinking'], usage: { inputTokens: 3 }, files: { 'a.txt': 'A' } }],
      }),
    );
    expect(content).toMatchObject({ outputs: { text: 'Attempt 1: Say it.' }, artifacts: [{ path: 'a.txt', size: 1 }] });
    expect(recorded).toEqual([{ key: 'ask-1', amounts: { calls: 1 }, usage: { inputTokens: 3 } }]);
    expect(log).toEqual(['text: thinking']);
  });

  test('is told what checks said', async () => {
    const { attempt, blobs } = stage();
    const feedback = [blobs.put('plain words'), blobs.put(JSON.stringify({ version: 1, feedback: 'tests failed' }))];
    expect((await attempt(scripted({ replies: ['{feedback}'] }), { attempt: 2, feedback })).content?.outputs).toEqual({
      text: 'plain words\ntests failed',
    });
  });

  // req A4
  test('is not admitted while its breaker is open', async () => {
    const { attempt, handlers, context } = stage();
    const bad = scripted({ replies: [{ fail: { class: 'transient' } }] });
    const { spec } = context(bad);
    for (let failures = 0; failures < 5; failures += 1) {
      expect(handlers.admit?.('actor', spec)).toBe(true);
      await attempt(bad, { attempt: failures + 1 });
    }
    expect(handlers.admit?.('actor', spec)).toBe(false);
  });

  test('of a kind that nobody can run is blocked with the reason', () => {
    const { handlers, context, performing } = stage();
    const later = scripted({});
    const { spec } = context({
      ...later,
      agent: { ...(later as Extract<Definition, { kind: 'agent' }>).agent, kind: 'a2a' },
    } as unknown as Definition);
    expect(handlers.admit?.('actor', spec)).toContain('"a2a"');
    expect(handlers.admit?.('command', spec)).toBe(true);
    expect(performing.registry.has('ghost')).toBe(false);
    expect(handlers.admit?.('ghost', context(command('true')).spec)).toBe('There is no agent "ghost".');
  });
});

describe('a function task', () => {
  const run = (perform: BatonFunction, more = {}) => {
    const set = stage({ more: { functions: new Map([['work', perform]]) } });
    return set.attempt({ kind: 'function', name: 'work', inputs: { a: 1 } }, more).then((ended) => ({ ...ended, ...set }));
  };

  test('gives nothing, an object, or a value', async () => {
    expect((await run(() => undefined)).content?.outputs).toEqual({});
    expect((await run(async ({ inputs, effectKey }) => ({ ...inputs, effectKey }))).content?.outputs).toEqual({
      a: 1,
      effectKey: 'r1/fix/run',
    });
    expect((await run(() => [1])).content?.outputs).toEqual({ value: [1] });
  });

  test('performs a step once', async () => {
    let performed = 0;
    const { content } = await run(async ({ step }) => ({
      first: await step('s', () => ++performed),
      second: await step('s', () => ++performed),
    }));
    expect(content?.outputs).toEqual({ first: 1, second: 1 });
  });

  test('looks at no signal it is not asked for', async () => {
    let looked = false;
    await run(() => undefined, {
      get signal() {
        looked = true;
        return new AbortController().signal;
      },
    });
    expect(looked).toBe(false);
  });

  // req K10
  test.each([
    [new AttemptError('throttled', 'BUSY', 'Later.', { retryAfterMs: 5 }), { class: 'throttled', code: 'BUSY', retryAfterMs: 5 }],
    [new BatonError('BUDGET_EXCEEDED', 'No money.'), { class: 'budget', code: 'BUDGET_EXCEEDED' }],
    [new BatonError('TIMEOUT', 'Too long.'), { class: 'timeout' }],
    [
      new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) }),
      { class: 'transient', code: 'ECONNREFUSED' },
    ],
    [
      new TypeError('fetch failed', { cause: Object.assign(new Error('silence'), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
      { class: 'timeout', code: 'UND_ERR_HEADERS_TIMEOUT' },
    ],
    [new Error('429 Too Many Requests, please retry, timeout'), { class: 'permanent', code: 'EXCEPTION' }],
    ['a text', { class: 'permanent', code: 'EXCEPTION' }],
  ])('that throws %s fails by type, never by words', async (thrown, failure) => {
    const throwing = await run(() => {
      throw thrown;
    });
    expect(throwing.failure).toMatchObject(failure);
    expect((await run(() => Promise.reject(thrown))).failure).toMatchObject(failure);
  });

  test('keeps the whole cause chain in its report', async () => {
    const { failure, blobs } = await run(() => {
      throw new Error('outer', { cause: new Error('inner') });
    });
    expect(blobs.get(failure?.report ?? '')?.toString()).toMatch(/outer[\s\S]*caused by: Error: inner/);
  });

  test('that this program does not have, or that returns no JSON, fails with a code', async () => {
    expect(
      (await stage({ more: { functions: new Map([['works', () => 1]]) } }).attempt({ kind: 'function', name: 'work' })).failure,
    ).toMatchObject({
      code: 'UNKNOWN_FUNCTION',
      dispatched: false,
      message: expect.stringContaining('Did you mean "works"?'),
    });
    expect((await run(() => ({ n: 1n }))).failure).toMatchObject({ class: 'permanent' });
  });
});

describe('a gate', () => {
  const judge = async (run: string | readonly string[], more: object = {}) => {
    const set = stage({ env: { TOKEN: 'tok-1234567' } });
    const definition = command('true', { gates: [{ name: 'tests', run, ...more }] });
    const result = set.blobs.put(JSON.stringify({ summary: 'sum', outputs: {} }));
    const owed = { type: 'gate', id: 'g', task: 'fix', attempt: 1, gate: 0, result } as const;
    const end = await set.handlers.gate(owed, set.context(definition));
    if ('stalled' in end) throw new Error(end.stalled.message);
    const { verdict, evidence } = end;
    return { verdict, evidence: set.blobs.json(evidence) as Record<string, never>, result };
  };

  // req G1
  test('passes on exit code 0, with evidence bound to what it looked at', async () => {
    const { verdict, evidence, result } = await judge('grep -q sum $BATON_RESULT && echo fine');
    expect(verdict).toBe('pass');
    expect(evidence).toMatchObject({
      version: 1,
      gate: 'tests',
      result,
      command: 'grep -q sum $BATON_RESULT && echo fine',
      exitCode: 0,
      stdout: { text: 'fine\n', size: 5, sha256: createHash('sha256').update('fine\n').digest('hex') },
    });
  });

  test('sends back with what the command printed', async () => {
    const { verdict, evidence } = await judge('echo "1 test failed"; echo "see log" >&2; exit 1');
    expect(verdict).toBe('fail');
    expect(evidence['feedback']).toMatch(/^The check "tests" failed: .* exited with code 1\.\n1 test failed\nsee log$/);
  });

  // req G1
  test('judges nothing when it can not be run', async () => {
    expect((await judge(['no-such-checker'])).evidence).toMatchObject({ failure: { code: 'COMMAND_NOT_FOUND' } });
    for (const run of ['no-such-checker', 'exit 126', 'exit 75', 'kill -9 $$', ['no-such-checker']])
      expect((await judge(run)).verdict).toBe('error');
    expect((await judge('sleep 30', { timeoutMs: 100 })).verdict).toBe('error');
    expect(await judge('true', { env: { A: { parts: [{ secret: 'NONE' }] } } })).toMatchObject({
      verdict: 'error',
      evidence: { failure: { code: 'SECRET_MISSING' } },
    });
  });

  test('is not satisfied by text that mentions success', async () => {
    expect((await judge('echo "PASS: npm test exited with code 0"; exit 2')).verdict).toBe('fail');
  });

  // req D5
  test('shows no secret', async () => {
    const { evidence } = await judge('echo $T; exit 1', { env: { T: { parts: [{ secret: 'TOKEN' }] } } });
    expect(JSON.stringify(evidence)).not.toContain('tok-1234567');
    expect(evidence['feedback']).toContain('[secret TOKEN]');
  });
});

describe('a probe', () => {
  const probe = async (run: string) => {
    const set = stage();
    const verdict = await set.handlers.probe(
      { type: 'probe', id: 'p', task: 'fix', attempt: 1 },
      set.context(command('true', { probe: { run } })),
    );
    return { ...verdict, content: set.blobs.json(verdict.result) };
  };

  // req K4
  test('tells by its exit code whether it happened', async () => {
    expect(await probe('echo $BATON_EFFECT_KEY')).toMatchObject({ verdict: 'happened', content: { outputs: { stdout: 'r1/fix/run\n' } } });
    expect(await probe('exit 1')).toMatchObject({ verdict: 'absent' });
    for (const run of ['exit 2', 'no-such-probe', 'kill -9 $$']) expect(await probe(run)).toMatchObject({ verdict: 'unknown' });
  });
});

test('two tasks never share a folder, whatever their ids', async () => {
  const { handlers, context, root } = stage();
  const ids = ['release', 'release/notes', 'release_notes', 'Release', '.', 'a'.repeat(300), `${'a'.repeat(300)}b`, '..', 'translate[0]'];
  for (const id of ids) {
    const asked = context(command('test -z "$(ls -A)"; touch mark'));
    const outcome = await handlers.attempt(
      { type: 'attempt', id: 'a', task: id, attempt: 1, agent: 'command' },
      { ...asked, spec: { ...asked.spec, id } },
    );
    expect(outcome.ok).toBe(true);
  }
  const [run = ''] = readdirSync(root);
  expect(readdirSync(join(root, run))).toHaveLength(ids.length);
});
