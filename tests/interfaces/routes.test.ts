import { afterEach, describe, expect, test } from 'vitest';
import type { BatonError } from '../../src/errors.ts';
import { type Fake, fakeServices, until } from '../support/fake-services.ts';

let fake: Fake;
afterEach(() => fake.close());

const request = { file: '/plan', cwd: '/' };
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: BatonError) => error.code,
  );
const json = (response: Response) => response.json() as Promise<{ code: string }>;
const post = (path: string, body: unknown, headers: Record<string, string> = { 'idempotency-key': 'k1' }) =>
  fake.app.fetch(new Request(`http://baton/v1${path}`, { method: 'POST', body: JSON.stringify(body), headers }));
const ended = (run: string) => until(async () => (await fake.client.run(run)).endedAt !== undefined && fake.client.run(run));

describe('commands', () => {
  // req K7
  test('the same command id twice, also at once, is one run and one reply; with other arguments it is refused', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    fake.plans.set('/other', [fake.task('b')]);
    const [first, second] = await Promise.all([post('/runs', request), post('/runs', request)]);
    const third = await post('/runs', request);
    const replies = await Promise.all([first.json(), second.json(), third.json()]);
    expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
    expect(third.headers.get('idempotent-replayed')).toBe('true');
    expect(await fake.client.runs()).toHaveLength(1);
    const mismatch = await post('/runs', { ...request, file: '/other' });
    expect([mismatch.status, await mismatch.json()]).toMatchObject([422, { code: 'IDEMPOTENCY_MISMATCH' }]);
  });

  // req K7
  test('a repeated submission is answered even when its file is gone', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    const { run } = await fake.client.submit(request, 'mine');
    fake.plans.clear();
    expect((await fake.client.submit(request, 'mine')).run).toBe(run);
  });

  test('a command without an id is refused before anything happens', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    const response = await post('/runs', request, {});
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'COMMAND_ID_MISSING' }]);
    expect(await fake.client.runs()).toEqual([]);
  });

  // req G2
  test('no request, whatever it says, is a verdict: only the engine that ran a gate tells of one', async () => {
    let judge: (verdict: 'fail') => void = () => {};
    fake = fakeServices(undefined, new Promise((resolve) => (judge = resolve)));
    fake.plans.set('/plan', [fake.task('a', { gates: ['tests'], reworkMax: 0 })]);
    const { run } = await fake.client.submit(request);
    await until(async () => (await fake.client.task(run, 'a')).status === 'validating');
    const green = { task: 'a', attempt: 1, gate: 0, verdict: 'pass', evidence: fake.journal.put('{"exitCode":0}') };
    const bodies = [
      { type: 'gate.end', ...green },
      { type: 'gate.judged', ...green },
      { decision: 'committed', outputs: {} },
      { decision: 'approve', binds: 'tests' },
      { task: 'a' },
    ];
    const commands = fake.app.routes.filter(({ method, path }) => method === 'POST' && path.includes(':run') && !path.endsWith('/cancel'));
    expect(commands.length).toBeGreaterThan(8);
    for (const [i, { path }] of commands.entries())
      for (const [j, body] of bodies.entries()) {
        const to = path.replace('/v1', '').replace(':run', run).replace(':task', 'a').replace(':approval', 'result:a:1');
        await post(to, body, { 'idempotency-key': `${i} ${j}` });
      }
    const facts = () => [...fake.journal.read(run)].map(({ fact }) => fact.type);
    expect((await fake.client.task(run, 'a')).status).toBe('validating');
    expect(facts()).not.toContain('gate.judged');
    judge('fail');
    expect(await ended(run)).toMatchObject({ status: 'failed' });
    expect(facts().filter((type) => type === 'gate.judged')).toHaveLength(1);
  });

  // req K12
  test('pause, resume, cancel and retry are facts by who asked', async () => {
    let finish = () => {};
    fake = fakeServices(
      ({ blobs, signal }) =>
        new Promise((resolve) => {
          finish = () => resolve({ ok: true, result: blobs.put('{}') });
          signal.addEventListener('abort', () => resolve({ ok: false, failure: { class: 'cancelled', code: 'C', message: '' } }));
        }),
    );
    fake.plans.set('/plan', [fake.task('a'), fake.task('b', { needs: ['a'] })]);
    const { run } = await fake.client.submit(request);
    await fake.client.pause(run, 'lunch');
    finish();
    await until(async () => (await fake.client.task(run, 'a')).status === 'committed');
    expect((await fake.client.task(run, 'b')).status).toBe('ready');
    await fake.client.resume(run);
    await until(async () => (await fake.client.task(run, 'b')).status === 'running');
    expect(await code(fake.client.resume(run))).toBe('RUN_NOT_PAUSED');
    await fake.client.cancel(run, 'enough');
    await ended(run);
    await fake.client.retry(run, 'b');
    await until(async () => (await fake.client.task(run, 'b')).id === 'b^2');
    const told = [...fake.journal.read(run)].flatMap(({ fact }) =>
      'by' in fact && fact.type.startsWith('run.') ? [[fact.type, fact.by]] : [],
    );
    expect(told.slice(1)).toEqual([
      ['run.paused', 'ann'],
      ['run.resumed', 'ann'],
      ['run.cancelling', 'ann'],
      ['run.reopened', 'ann'],
    ]);
  });

  test('a message to a task is stored and shows what became of it', async () => {
    const heard: string[] = [];
    fake = fakeServices(
      (context) =>
        new Promise((resolve) =>
          context.onMessage((text) => {
            heard.push(text);
            setImmediate(() => resolve({ ok: true, result: context.blobs.put('{}') }));
            return true;
          }),
        ),
    );
    fake.plans.set('/plan', [fake.task('a')]);
    const { run } = await fake.client.submit(request);
    await until(async () => (await fake.client.task(run, 'a')).status === 'running');
    await fake.client.send(run, 'a', 'hello');
    const { messages } = await ended(run);
    expect([heard, messages]).toEqual([['hello'], [expect.objectContaining({ by: 'ann', status: 'acknowledged' })]]);
  });
});

describe('people', () => {
  // req H1
  test('an approval shows what it binds, and is refused for anything else', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('ask', { kind: 'decision', approval: { at: 'task', by: [] } }), fake.task('b', { needs: ['ask'] })]);
    const { run } = await fake.client.submit(request);
    const [item] = await until(async () => {
      const items = await fake.client.inbox();
      return items.length > 0 && items;
    });
    expect(item).toMatchObject({ run, kind: 'approval', task: 'ask', text: { text: 'what ask is' } });
    if (item?.kind !== 'approval') throw new Error('no approval');
    expect(await code(fake.client.decide(run, item.approval, { decision: 'approve', binds: 'f'.repeat(64) }))).toBe('APPROVAL_STALE');
    await fake.client.decide(run, item.approval, { decision: 'approve', binds: item.binds });
    expect((await ended(run)).status).toBe('succeeded');
    expect(await fake.client.inbox()).toEqual([]);
    expect(await code(fake.client.decide(run, item.approval, { decision: 'approve', binds: item.binds }))).toBe('APPROVAL_OVER');
  });

  // req H2
  test('somebody without the role may not decide, and the status says so', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('ask', { kind: 'decision', approval: { at: 'task', by: ['boss'] } })]);
    const { run } = await fake.client.submit(request);
    await until(async () => (await fake.client.inbox()).length > 0);
    const { attention } = await fake.client.run(run);
    const [item] = attention;
    if (item?.kind !== 'approval') throw new Error('no approval');
    const response = await post(`/runs/${run}/approvals/${encodeURIComponent(item.approval)}`, { decision: 'approve', binds: item.binds });
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'APPROVAL_FORBIDDEN', details: { roles: ['boss'] } }]);
  });

  test('questions are answered, undecided tasks decided, also ids that need escaping', async () => {
    let lose = true;
    fake = fakeServices(async ({ blobs }) => {
      if (!lose) return { ok: true, result: blobs.put('{}') };
      lose = false;
      return { ok: false, failure: { class: 'transient', code: 'NET', message: 'cut off', dispatched: true } };
    });
    fake.plans.set('/plan', [
      fake.task('ask', { kind: 'question' }),
      fake.task('publish[0]', { needs: ['ask'], idempotent: false, onLost: 'ask' }),
    ]);
    const { run } = await fake.client.submit(request);
    await until(async () => (await fake.client.inbox()).some(({ kind }) => kind === 'question'));
    await fake.client.answer(run, 'ask', { name: 'Aurora' });
    await until(async () => (await fake.client.inbox()).some(({ kind }) => kind === 'undecided'));
    await fake.client.retry(run, 'publish[0]');
    expect((await ended(run)).status).toBe('succeeded');
    expect((await fake.client.task(run, 'ask')).handoff).toEqual({ answer: { name: 'Aurora' } });
    expect([...fake.journal.read(run)].filter(({ fact }) => fact.type === 'task.decided')).toHaveLength(1);
  });
});

describe('reading', () => {
  test('a run is found by its id, a beginning, or "last"; a mistake gets a guess', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    const first = (await fake.client.submit(request, 'one')).run;
    await ended(first);
    expect((await fake.client.run('last')).run).toBe(first);
    expect((await fake.client.run(first.slice(0, 4))).run).toBe(first);
    const swapped = `${first.slice(0, 3)}${first[4]}${first[3]}${first.slice(5)}`;
    const error = await fake.client.run(swapped).catch((thrown: BatonError) => thrown);
    expect(error).toMatchObject({ code: 'RUN_NOT_FOUND', hint: `Did you mean ${first} (plan)?` });
    await expect(fake.client.task(first, 'aa')).rejects.toMatchObject({ code: 'TASK_NOT_FOUND', hint: 'Did you mean "a"?' });
  });

  test('health, doctor, agents, settings, plan', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    expect(await fake.client.health()).toMatchObject({ ok: true, pid: process.pid, engine: { epoch: 1 } });
    const { well, checks } = await fake.client.doctor();
    expect([well, checks.map(({ part }) => part)]).toEqual([true, ['node', 'disk', 'journal', 'agents']]);
    expect(await fake.client.agents()).toHaveLength(1);
    expect(await fake.client.replay()).toMatchObject({ tasks: 0, learn: true });
    expect(await fake.client.settings()).toEqual([{ name: 'slots', value: 64, source: 'default' }]);
    expect((await fake.client.plan(request)).tasks).toHaveLength(1);
    expect(await fake.client.runs()).toEqual([]);
  });

  // req K8
  test('the journal is verified against heads that were kept', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    await ended((await fake.client.submit(request)).run);
    const heads = await fake.client.auditHeads();
    expect(await fake.client.auditVerify({ heads })).toMatchObject({ whole: true, streams: heads.length, breaks: [] });
    const [head] = heads;
    if (!head) throw new Error('no head');
    const more = [{ ...head, seq: head.seq + 1 }];
    expect((await fake.client.auditVerify({ heads: more })).breaks).toHaveLength(1);
  });

  test('clean shows ended runs only, and removes exactly what it is given', async () => {
    fake = fakeServices(
      ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ ok: false, failure: { class: 'cancelled', code: 'C', message: '' } })),
        ),
    );
    fake.plans.set('/plan', [fake.task('a')]);
    fake.plans.set('/asks', [fake.task('ask', { kind: 'question' })]);
    const over = (await fake.client.submit(request)).run;
    await fake.client.cancel(over);
    await ended(over);
    const open = (await fake.client.submit({ ...request, file: '/asks' })).run;
    expect((await fake.client.cleanable({})).runs.map(({ run }) => run)).toEqual([over]);
    const cleaned = await fake.client.clean([over, open]);
    expect([cleaned.runs.map(({ run }) => run), cleaned.removed?.facts]).toEqual([[over], expect.any(Number)]);
    expect([...fake.journal.heads()].map(({ stream }) => stream)).toEqual([open]);
  });
});

describe('what is refused', () => {
  test('unknown paths, strange bodies, foreign pages, and everything but reading where nobody owns the home', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    const nothing = await fake.app.fetch(new Request('http://baton/v1/nothing'));
    expect([nothing.status, nothing.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    const strange = await (await post('/runs', { file: 'relative', cwd: '/', more: 1 })).json();
    expect(strange).toMatchObject({
      code: 'BAD_REQUEST',
      details: { problems: [expect.stringContaining('file'), expect.stringContaining('more')] },
    });
    const foreign = await post('/runs', request, { 'idempotency-key': 'k', origin: 'https://evil.example' });
    expect([foreign.status, (await json(foreign)).code]).toEqual([403, 'FOREIGN_ORIGIN']);
    const large = await post('/runs', { ...request, inputs: { text: 'x'.repeat(5_000_000) } });
    expect([large.status, (await json(large)).code]).toEqual([413, 'BODY_TOO_LARGE']);
    expect(await code(fake.reader().submit(request))).toBe('READ_ONLY');
    expect(await fake.client.runs()).toEqual([]);
    expect(fake.bugs).toEqual([]);
  });

  // req K15
  test('an error of the disk keeps its code, and a mistake of ours does not show its inside', async () => {
    fake = fakeServices();
    fake.plans.set('/plan', [fake.task('a')]);
    fake.journal.failNext = 1;
    const response = await post('/runs', request);
    expect([response.status, await response.json()]).toMatchObject([507, { code: 'DISK_FULL' }]);
    fake.services.texts = async () => {
      throw new TypeError('secret inside');
    };
    const { run } = await fake.client.submit(request);
    const error = await fake.client.task(run, 'a').catch((thrown: BatonError) => thrown);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(fake.bugs).toHaveLength(1);
  });
});

// req A3
test('what is kept is read by anybody and changed only where the home is owned', async () => {
  fake = fakeServices();
  const { id } = await fake.client.keep({ text: 'Tests need port 5433.', title: 'Tests', tags: ['db'], source: 'docs/testing.md' });
  const reader = fake.reader();
  expect(await reader.knowledge()).toEqual(await fake.client.knowledge({ words: 'port' }));
  expect(await reader.knowledge({ words: 'elephants' })).toEqual([]);
  expect(await reader.knowledgeEntry(id)).toMatchObject({ text: 'Tests need port 5433.', by: { person: 'ann' }, trusted: true });
  expect(await code(reader.keep({ text: 'more' }))).toBe('READ_ONLY');
  expect(await code(reader.forget(id))).toBe('READ_ONLY');
  expect(await code(fake.client.keep({ text: '', title: 'two\nlines' }))).toBe('BAD_REQUEST');
  expect(await fake.client.forget(id)).toEqual({ id, forgotten: true });
  expect(await code(fake.client.forget(id))).toBe('KNOWLEDGE_UNKNOWN');
  expect(await code(reader.knowledgeEntry(id))).toBe('KNOWLEDGE_UNKNOWN');
});
