import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { BatonError } from '../../src/errors.ts';
import { type Permission, ToolCaller } from '../../src/work/tools/call.ts';
import { toolsNamed } from '../../src/work/tools/catalog.ts';
import { toolProblem } from '../../src/work/tools/names.ts';
import { defineTool, done, type Tool } from '../../src/work/tools/tool.ts';
import { call, placeIn } from './support/place.ts';

const ran: unknown[] = [];
const echo = defineTool({
  name: 'test.echo',
  description: 'Says it back.',
  effects: 'read',
  idempotent: true,
  timeoutMs: 100,
  input: z.strictObject({ text: z.string().max(100_000), times: z.int().default(1), now: z.string().optional() }),
  async run({ text, times, now }, { signal }) {
    ran.push(text);
    if (now === 'hang') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (now === 'ignore') await sleep(300);
    if (now === 'fail') throw new BatonError('NO_PAPER', 'The printer has no paper.', { hint: 'Fill it.' });
    if (now === 'break') throw new TypeError('a bug of ours');
    return done(text.repeat(times), { text });
  },
});
const tools: ReadonlyMap<string, Tool> = new Map([[echo.name, echo]]);
const say = (input: object, more: { permit?: () => Permission } = {}) => call(placeIn(), 'test.echo', input, { tools, ...more });

// req A3
describe('every call', () => {
  test('of a tool that is there, with arguments that fit, is made', async () => {
    expect(await say({ text: 'ho', times: 2 })).toEqual({ ok: true, text: 'hoho', data: { text: 'ho' } });
  });

  test('of an unknown tool says which was meant, and which there are', async () => {
    const { ok, failure } = await call(placeIn(), 'test.ehco', {}, { tools });
    expect({ ok, ...failure }).toMatchObject({ ok: false, code: 'UNKNOWN_TOOL', dispatched: false });
    expect(failure?.message).toBe('There is no tool "test.ehco". Did you mean "test.echo"? There are test.echo.');
  });

  test('with wrong arguments says everything that is wrong with them, and calls nothing', async () => {
    ran.length = 0;
    const { ok, text, failure } = await say({ text: 7, times: 1.5, tiems: 2 });
    expect(ok).toBe(false);
    expect(failure).toMatchObject({ class: 'permanent', code: 'TOOL_INPUT' });
    expect(text).toContain('- text: ');
    expect(text).toContain('- times: ');
    expect(text).toContain('- there is no argument "tiems"');
    expect(ran).toEqual([]);
  });

  test.each([
    ['no object', 'x'],
    ['nothing', undefined],
    ['a list', [1]],
  ])('with %s for arguments is refused', async (_, input) => {
    expect((await call(placeIn(), 'test.echo', input, { tools })).failure?.code).toBe('TOOL_INPUT');
  });

  test('asks the policy with arguments that were checked; what it denies or would ask a person for is not made', async () => {
    ran.length = 0;
    const asked: unknown[] = [];
    const caller = (permission: Permission) =>
      new ToolCaller({
        tools,
        place: placeIn(),
        permit: (each) => {
          asked.push(each);
          return permission;
        },
      });
    const denied = await caller({ decision: 'deny', reason: 'not after dark' }).call({ name: 'test.echo', input: { text: 'a' } });
    expect(denied).toMatchObject({
      ok: false,
      text: 'test.echo is not permitted here: not after dark',
      failure: { class: 'policy', code: 'TOOL_DENIED' },
    });
    const wanted = await caller({ decision: 'ask', reason: 'it reads untrusted text' }).call({ name: 'test.echo', input: { text: 'b' } });
    expect(wanted).toMatchObject({ ok: false, failure: { class: 'policy', code: 'TOOL_NEEDS_APPROVAL' } });
    expect(wanted.text).toContain("can't be asked for a single call yet: it reads untrusted text");
    await caller({ decision: 'allow' }).call({ name: 'test.echo', input: { text: 1 } });
    expect(asked).toEqual([
      { tool: 'test.echo', effects: 'read', input: { text: 'a', times: 1 } },
      { tool: 'test.echo', effects: 'read', input: { text: 'b', times: 1 } },
    ]);
    expect(ran).toEqual([]);
  });

  test('that fails is a result with code, message and hint', async () => {
    expect(await say({ text: '', now: 'fail' })).toMatchObject({
      ok: false,
      text: 'The printer has no paper. Fill it.',
      failure: { class: 'permanent', code: 'NO_PAPER' },
    });
  });

  test('that breaks a tool is our bug, and hides behind no result', async () => {
    await expect(say({ text: '', now: 'break' })).rejects.toThrow('a bug of ours');
  });

  test('is over at its time limit', async () => {
    expect(await say({ text: '', now: 'hang' })).toMatchObject({
      ok: false,
      failure: { class: 'timeout', code: 'TIMEOUT', message: 'test.echo was ended after its limit of 100 ms.' },
    });
  });

  test('that finishes after its limit all the same has its result', async () => {
    expect((await say({ text: 'late', now: 'ignore' })).text).toBe('late');
  });

  test('ends with its attempt, and not as a result', async () => {
    const ending = new AbortController();
    const made = call(placeIn({ signal: ending.signal }), 'test.echo', { text: '', now: 'hang' }, { tools });
    ending.abort(new BatonError('CANCELLED', 'Somebody cancelled.'));
    await expect(made).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(call(placeIn({ signal: ending.signal }), 'test.echo', { text: '' }, { tools })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('that says too much is cut in the middle, and says how much is missing', async () => {
    const { text } = await say({ text: `begin${'x'.repeat(50_000)}end` });
    expect(text.length).toBeLessThan(30_200);
    expect(text.startsWith('begin')).toBe(true);
    expect(text.endsWith('end')).toBe(true);
    const [, left, all] = /\[… (\d+) of (\d+) characters left out here/.exec(text) ?? [];
    expect(Number(all)).toBe(50_008);
    expect(Number(left)).toBe(50_008 - 30_000);
  });

  test('is cut between characters', async () => {
    const { text } = await say({ text: `x${'😀'.repeat(40_000)}` });
    expect(text.isWellFormed()).toBe(true);
  });

  test('is recorded: what was recorded is given again, and not made', async () => {
    ran.length = 0;
    const stored = new Map<string, string>();
    const record: NonNullable<ConstructorParameters<typeof ToolCaller>[0]['record']> = async ({ name }, perform) => {
      const before = stored.get(name);
      if (before !== undefined) return JSON.parse(before);
      const result = await perform();
      stored.set(name, JSON.stringify(result));
      return result;
    };
    for (const _ of [1, 2]) {
      const caller = new ToolCaller({ tools, place: placeIn(), record });
      expect((await caller.call({ name: 'test.echo', input: { text: 'once' } })).text).toBe('once');
    }
    expect(ran).toEqual(['once']);
  });
});

// req A6
describe('the same call again and again', () => {
  const caller = () => new ToolCaller({ tools, place: placeIn() });
  const same = { name: 'test.echo', input: { text: 'a', times: 1 } };

  test('is told to stop the fifth time, and ends the attempt the sixth', async () => {
    ran.length = 0;
    const one = caller();
    for (let time = 1; time <= 4; time += 1) expect((await one.call(same)).ok).toBe(true);
    // The order of arguments makes no other call of it.
    const fifth = await one.call({ name: 'test.echo', input: { times: 1, text: 'a' } });
    expect(fifth).toMatchObject({ ok: false, failure: { code: 'TOOL_REPEATED' } });
    expect(fifth.text).toContain('called 5 times in a row with the same arguments (repeatsMax = 5)');
    expect(ran).toHaveLength(4);
    await expect(one.call(same)).rejects.toMatchObject({ code: 'TOOL_LOOP', failureClass: 'permanent' });
  });

  test('is no loop when something else comes between', async () => {
    const one = caller();
    for (let time = 1; time <= 20; time += 1) {
      expect((await one.call(same)).ok).toBe(true);
      if (time % 4 === 0) await one.call({ name: 'test.echo', input: { text: 'b' } });
    }
  });

  test('counts calls that were refused as well', async () => {
    const one = caller();
    const bad = { name: 'no.such', input: {} };
    for (let time = 1; time <= 4; time += 1) expect((await one.call(bad)).failure?.code).toBe('UNKNOWN_TOOL');
    expect((await one.call(bad)).failure?.code).toBe('TOOL_REPEATED');
    await expect(one.call(bad)).rejects.toMatchObject({ code: 'TOOL_LOOP' });
  });
});

// req A3
describe('a list of tools', () => {
  test('names groups and single ones', () => {
    expect([...toolsNamed(['git', 'files.read']).keys()]).toEqual(['files.read', 'git.status', 'git.diff', 'git.log', 'git.show']);
    expect([...toolsNamed([]).keys()]).toEqual([]);
  });

  test('with an unknown name is refused, with a guess', () => {
    expect(toolProblem('fiels')).toBe('there is no tool "fiels". Did you mean "files"?');
    expect(() => toolsNamed(['shell', 'files.raed'])).toThrow('There is no tool "files.raed". Did you mean "files.read"?');
  });
});
