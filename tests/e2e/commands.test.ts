import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ASKS, HELD, type Place, place, QUICK, until } from './support/baton.ts';

let at: Place;
afterEach(() => at.close());

interface FactLine {
  readonly type: string;
  readonly seq: number;
  readonly fact: { readonly type: string };
}

// req F5
describe('exit codes', () => {
  test('0 when done, 1 when failed, and what failed is said with its code', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    at.write(
      'fails.yaml',
      'version: 1\nname: fails\ntasks: { one: { run: "echo broken >&2; exit 3" }, two: { needs: [one], run: "true" } }\n',
    );
    const good = await at.baton('run', 'quick.yaml');
    expect([good.code, good.out]).toEqual([0, expect.stringMatching(/one +started[\s\S]*two +done[\s\S]*succeeded in .*: 2 tasks done/)]);
    const bad = await at.baton('run', 'fails.yaml');
    expect([bad.code, bad.out]).toEqual([
      1,
      expect.stringMatching(/one +failed: EXIT_CODE[\s\S]*two +skipped: "one" failed[\s\S]*failed in/),
    ]);
    expect((await at.baton('show', 'last', 'one')).out).toMatch(/EXIT_CODE/);
    expect((await at.baton('logs', 'last', 'one')).out).toBe('broken\n');
  });

  test('2 for what can not be meant, with a guess', async () => {
    at = place();
    at.write('wrong.yaml', 'version: 1\nname: wrong\ntasks:\n  one: { run: "true", needs: [oen] }\n  oen2: { run: "true" }\n');
    const typed = await at.baton('stauts');
    expect([typed.code, typed.err]).toEqual([2, expect.stringContaining('baton status')]);
    expect((await at.baton('list', '--opne')).code).toBe(2);
    expect((await at.baton('show')).code).toBe(2);
    expect((await at.baton('run', 'nothing.yaml')).code).toBe(2);
    expect((await at.baton('show', 'last')).code).toBe(2);
    const wrong = await at.baton('run', 'wrong.yaml');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/wrong\.yaml:4:\d+ {2}UNKNOWN_DEPENDENCY/)]);
    expect((await at.baton('plan', 'wrong.yaml')).code).toBe(2);
    const inputs = await at.baton('run', 'wrong.yaml', '--input', 'novalue');
    expect([inputs.code, inputs.err]).toEqual([2, expect.stringContaining('key=value')]);
  });

  // req H2
  test('3 when a person is waited for, with the command to type, which then works; 4 when refused', async () => {
    at = place();
    at.write('asks.yaml', ASKS);
    const waits = await at.baton('run', 'asks.yaml');
    const run = /baton approve (\w+) review/.exec(waits.out)?.[1] ?? '';
    expect([waits.code, run]).toEqual([3, expect.stringMatching(/^\w{10}$/)]);
    expect(waits.out).toContain('Ship it?');
    expect((await at.baton('inbox')).out).toContain(`baton reject ${run} review`);
    expect((await at.baton('approve', run, 'review')).code).toBe(0);
    expect((await at.baton('follow', run)).code).toBe(0);
    expect((await at.baton('approve', run, 'review')).code).toBe(2);

    await at.baton('run', 'asks.yaml');
    expect((await at.baton('reject', 'last', '-m', 'not today')).code).toBe(0);
    const refused = await at.baton('follow', 'last');
    expect([refused.code, refused.out]).toEqual([4, expect.stringContaining('not today')]);
  });
});

// req F5, F6
describe('output', () => {
  test('--json is facts and output as JSON lines, and a note of who is waited for', async () => {
    at = place();
    at.write('asks.yaml', ASKS);
    const lines = await at.json<FactLine & { text?: string; items?: { command: string }[] }>('run', 'asks.yaml');
    const facts = lines.filter(({ type }) => type === 'fact');
    expect(facts.map(({ seq }) => seq)).toEqual(facts.map((_, i) => i + 1));
    expect(facts.map(({ fact }) => fact.type)).toEqual(expect.arrayContaining(['run.created', 'task.started', 'approval.requested']));
    expect(lines.find(({ type }) => type === 'output')?.text).toBe('ready\n');
    expect(lines.at(-1)).toMatchObject({
      type: 'waiting',
      items: [{ kind: 'approval', command: expect.stringContaining('baton approve') }],
    });
  });

  test('an error with --json is a problem, on stderr', async () => {
    at = place();
    const { code, out, err } = await at.baton('show', 'nothing', '--json');
    expect([code, out, JSON.parse(err)]).toMatchObject([2, '', { code: 'RUN_NOT_FOUND', hint: expect.any(String) }]);
  });

  test('colour in a pipe only when forced, and never with --no-color', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    const colour = '\u001b[';
    expect((await at.baton('list')).out).not.toContain(colour);
    expect((await at.baton('list', '--color')).out).toContain(colour);
    at.env['FORCE_COLOR'] = '1';
    expect((await at.baton('list')).out).toContain(colour);
    expect((await at.baton('list', '--no-color')).out).not.toContain(colour);
    at.env['NO_COLOR'] = '1';
    expect((await at.baton('list')).out).not.toContain(colour);
  });

  test('a reader that closes its pipe early is no error', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    const started = at.start('audit', 'export');
    started.child.stdout?.destroy();
    expect(await started.done).toMatchObject({ code: 0, err: '' });
  });
});

describe('commands', () => {
  // req K12
  test('pause, resume, cancel, retry', async () => {
    at = place();
    at.write('held.yaml', HELD);
    const [{ run } = { run: '' }] = await at.json<{ run: string }>('run', 'held.yaml', '--detach');
    await until(async () => (await at.baton('logs', run)).out.includes('started'));
    expect((await at.baton('pause', run, '-m', 'lunch')).code).toBe(0);
    at.write('gate', '');
    const paused = await at.baton('follow', run);
    expect([paused.code, paused.out]).toEqual([3, expect.stringMatching(/paused[\s\S]*baton resume/)]);
    expect((await at.baton('resume', run)).code).toBe(0);
    expect((await at.baton('retry', run, 'two')).out).toMatch(/two\^2 +done/);

    at.write(
      'forever.yaml',
      'version: 1\nname: forever\ntasks: { one: { run: "sleep 600" }, tidy: { needs: [one], always: true, run: "echo tidied" } }\n',
    );
    const [{ run: other } = { run: '' }] = await at.json<{ run: string }>('run', 'forever.yaml', '--detach');
    await until(async () => (await at.baton('status', other)).out.includes('running'));
    expect((await at.baton('cancel', other, '-m', 'enough')).code).toBe(0);
    const cancelled = await at.baton('follow', other);
    expect([cancelled.code, cancelled.out]).toEqual([1, expect.stringMatching(/tidy +done[\s\S]*cancelled in/)]);
  });

  // req H3
  test('questions of people are answered, with their schema', async () => {
    at = place();
    at.write(
      'question.yaml',
      `version: 1
name: question
agents: { lead: { human: {} } }
tasks:
  name: { agent: lead, prompt: "What is its name?", schema: { type: object, required: [name], properties: { name: { type: string } } } }
  use: { needs: [name], run: 'echo "it is $NAME"', env: { NAME: "\${{ tasks.name.outputs.name }}" }, idempotent: true }
`,
    );
    const waits = await at.baton('run', 'question.yaml');
    expect([waits.code, waits.out]).toEqual([3, expect.stringMatching(/What is its name\?[\s\S]*baton answer \w+ name/)]);
    expect((await at.baton('answer', 'last', 'name', 'Aurora')).err).toContain('INVALID_ANSWER');
    expect((await at.baton('answer', 'last', 'name', '{"nam": 1}')).err).toContain('INVALID_ANSWER');
    expect((await at.baton('answer', 'last', 'name', '{"name": "Aurora"}')).code).toBe(0);
    expect((await at.baton('follow')).code).toBe(0);
    expect((await at.baton('logs', 'last', 'use')).out).toBe('it is Aurora\n');
  });

  // req P11
  test('agents shows what is known of each and where it is from; with --replay what routing would have done', async () => {
    at = place();
    const settings = `agents:
  weak: { scripted: { replies: [{ fail: { class: permanent } }] }, capabilities: [code, text], quality: 0.9, costUsd: 0.1, latency: 1m }
  good: { scripted: { replies: [done] }, capabilities: [code], quality: 0.8, costUsd: 0.1, latency: 1m }
`;
    const tasks = (count: number) =>
      Array.from({ length: count }, (_, i) => `  t${i}: { capability: code, prompt: "part ${i}" }\n`).join('');
    at.write('baton.yaml', settings);
    at.write('work.yaml', `version: 1\nname: work\ntasks:\n${tasks(8)}`);
    const table = /weak +code +80 % assumed +\$0\.10 declared +1m00s declared\n +text +80 % .*\ngood +code +80 % assumed +\$0\.10 declared/;
    expect((await at.baton('agents')).out).toMatch(table);
    expect((await at.baton('agents', '--replay')).out).toContain('no past to replay');

    expect((await at.baton('run', 'work.yaml')).code).toBe(1);
    expect((await at.baton('run', 'work.yaml')).code).toBe(0);
    const known =
      /weak +code +\d+ % of 8 outcomes +\$0\.10 declared +\d+ ms (\(\d+ ms to \d+ ms\) )?outcomes\n +text +80 % assumed .*\ngood +code +(89|9\d) % of 8 outcomes/;
    const byOwner = await at.baton('agents');
    expect(byOwner.out).toMatch(known);
    const replay =
      /^16 tasks of the past[\s\S]* 0 named their agent[\s\S]* \d would have gone to another agent\n[\s\S]*\nmean of 16 tasks +as done +as routed\naccepted +50 % +[6-9]\d %\ncost +unknown +unknown\ntime [\s\S]*\(Brier score, less is better\): 0\.\d{3} learned, 0\.340 assumed\n$/;
    expect((await at.baton('agents', '--replay')).out).toMatch(replay);
    const [replayed] = await at.json<object>('agents', '--replay');
    expect(replayed).toMatchObject({ tasks: 16, learn: true, compared: { done: { success: 0.5 } } });

    await at.end();
    expect((await at.baton('agents')).out).toMatch(known);
    expect(await at.json<object>('agents', '--replay')).toEqual([replayed]);
    at.write('baton.yaml', `${settings}routing: { learn: false }\n`);
    const off = await at.baton('agents');
    expect(off.out).toMatch(table);
    expect(off.out).toContain('Learning is off');
    expect(await at.json<object>('agents')).toMatchObject([{ learn: false, expected: [{ capability: 'code', outcomes: 0 }, {}] }, {}]);
    expect((await at.baton('agents', '--replay')).out).toMatch(/this is what it would do/);
  });

  // req F4
  test('plan shows tasks, limits and whom it will wait for, and runs nothing', async () => {
    at = place();
    at.write('asks.yaml', ASKS);
    const { code, out } = await at.baton('plan', 'asks.yaml');
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(
        /asks[\s\S]*limits[\s\S]*one[\s\S]*review +one +approve[\s\S]*waits for people[\s\S]*review[\s\S]*Nothing was run/,
      ),
    ]);
    expect(existsSync(at.home)).toBe(false);
  });

  test('init writes what is missing, keeps what is there, and its workflow runs', async () => {
    at = place();
    expect((await at.baton('init')).out).toMatch(/wrote {2}baton.yaml\nwrote {2}hello.yaml/);
    at.write('baton.yaml', 'version: 1\nslots: 3\n');
    expect((await at.baton('init')).out).toMatch(/kept {3}baton.yaml/);
    expect(readFileSync(join(at.folder, 'baton.yaml'), 'utf8')).toContain('slots: 3');
    expect((await at.baton('doctor', '--config')).out).toMatch(/slots +"?3"? +.*baton.yaml/);
    expect((await at.baton('run', 'hello.yaml', '-i', 'who=Ann')).code).toBe(0);
    expect((await at.baton('logs', 'last', 'greet')).out).toBe('Hello, Ann.\n');
  });

  // req K8
  test('audit verifies, exports, and holds a kept head against the journal', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    expect((await at.baton('audit', 'verify')).out).toMatch(/every chain holds/);
    at.write('head.ndjson', (await at.baton('audit', 'head', '--json')).out);
    expect((await at.baton('audit', 'verify', '--against', 'head.ndjson')).code).toBe(0);
    at.write(
      'more.txt',
      (await at.baton('audit', 'head')).out.replace(/ (\d+) /, (_, seq) => ` ${Number(seq) + 1} `),
    );
    const cut = await at.baton('audit', 'verify', '--against', 'more.txt');
    expect([cut.code, cut.out]).toEqual([1, expect.stringContaining('broken')]);
    const exported = (await at.baton('audit', 'export')).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { head?: object });
    expect(exported.filter(({ head }) => head)).toHaveLength(1);
    expect((await at.baton('audit', 'verfy')).err).toContain('baton audit verify');
  });

  test('clean shows first, and removes only with --yes', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    expect((await at.baton('clean')).out).toBe('There is nothing to remove.\n');
    expect((await at.baton('clean', '--older-than', '0s')).out).toMatch(/would be removed. Nothing was/);
    expect(await at.json('list')).toHaveLength(1);
    expect((await at.baton('clean', '--older-than', '0s', '--yes')).out).toMatch(/^Removed 1 run: \d+ facts/);
    expect(await at.json('list')).toHaveLength(0);
  });

  test('completion knows commands, runs and tasks', async () => {
    at = place();
    at.write('quick.yaml', QUICK);
    await at.baton('run', 'quick.yaml');
    const [{ run } = { run: '' }] = await at.json<{ run: string }>('list');
    const complete = async (...words: string[]) => (await at.baton('complete', '--', ...words)).out.trimEnd().split('\n');
    expect(await complete('st')).toEqual(['status']);
    expect(await complete('show', '')).toEqual(['last', run]);
    expect(await complete('show', 'last', 't')).toEqual(['two']);
    expect(await complete('run', '--det')).toEqual(['--detach']);
    expect(await complete('run', '')).toEqual(['']);
    for (const shell of ['bash', 'zsh', 'fish']) expect((await at.baton('completion', shell)).out).toContain('baton complete --');
    expect((await at.baton('completion', 'tcsh')).code).toBe(2);
  });

  test('every command has help with examples, and only what is there is listed', async () => {
    at = place();
    const listed = [...(await at.baton('--help')).out.matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name);
    expect(listed).toEqual(
      expect.arrayContaining([
        'run',
        'plan',
        'list',
        'status',
        'show',
        'logs',
        'follow',
        'inbox',
        'approve',
        'reject',
        'answer',
        'send',
        'doctor',
      ]),
    );
    expect(listed).not.toContain('owner');
    const helps = await Promise.all(listed.filter((name) => name !== 'help').map((name) => at.baton(name, '--help')));
    for (const { code, out } of helps) expect([code, out]).toEqual([0, expect.stringMatching(/Usage: baton[\s\S]*Examples:/)]);
  });
});
