import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Position, readPosition, type StreamEvent } from '../../src/interfaces/api/events.ts';
import type { BatonClient } from '../../src/interfaces/client/client.ts';
import { BatonClient as Client } from '../../src/interfaces/client/client.ts';
import { fetchTransport } from '../../src/interfaces/client/fetch.ts';
import { sseFrames } from '../../src/interfaces/client/sse.ts';
import { OutputLog } from '../../src/interfaces/server/output-log.ts';
import { type Fake, fakeServices } from '../support/fake-services.ts';

let fake: Fake | undefined;
afterEach(() => fake?.close());

const request = { file: '/plan', cwd: '/' };

/** A run of `count` tasks in a row, each of which prints two lines. */
async function talkative(count: number): Promise<{ made: Fake; run: string }> {
  const made = fakeServices(async (context) => {
    context.log(`${context.spec.id} begins\n`, 'stdout');
    await new Promise(setImmediate);
    context.log(`${context.spec.id} ends\n`, 'stdout');
    return { ok: true, result: context.blobs.put('{}') };
  });
  fake = made;
  made.plans.set(
    '/plan',
    Array.from({ length: count }, (_, i) => made.task(`t${i}`, { needs: i === 0 ? [] : [`t${i - 1}`] })),
  );
  const { run } = await made.client.submit(request);
  return { made, run };
}

const isEnd = (event: StreamEvent): boolean => event.type === 'facts' && event.facts.some(({ fact }) => fact.type === 'run.ended');

/** Everything of a run, reading at most `each` events a connection. */
async function followed(
  client: BatonClient,
  run: string,
  each = Number.POSITIVE_INFINITY,
): Promise<{ seqs: number[]; texts: string[]; connections: number }> {
  const seqs: number[] = [];
  const texts: string[] = [];
  let from: Position = { facts: 0, output: 0 };
  for (let connections = 1; ; connections++) {
    let taken = 0;
    for await (const event of client.follow({ run, output: true, from })) {
      from = event.position;
      if (event.type === 'facts') seqs.push(...event.facts.map(({ seq }) => seq));
      else texts.push(event.output.text);
      if (isEnd(event)) return { seqs, texts, connections };
      if (++taken >= each) break;
    }
  }
}

// req V1
describe('a stream', () => {
  test('gives everything once and in order to whoever comes, early, late, or again and again', async () => {
    const { made, run } = await talkative(30);
    const all = await Promise.all([followed(made.client, run), followed(made.client, run, 1), followed(made.client, run, 3)]);
    all.push(await followed(made.client, run), await followed(made.client, run, 2));
    const facts = [...made.journal.read(run)].length;
    const texts = Array.from({ length: 30 }, (_, i) => [`t${i} begins\n`, `t${i} ends\n`]).flat();
    for (const each of all) {
      expect(each.seqs).toEqual(Array.from({ length: facts }, (_, i) => i + 1));
      expect(each.texts).toEqual(texts);
    }
    expect(all[1]?.connections).toBeGreaterThan(10);
  });

  test('goes on where it was when its connection breaks', async () => {
    const { made, run } = await talkative(30);
    let broken = 0;
    // Every connection is cut in the middle of an event, after some bytes more than the last.
    const fetch = async (asked: Request): Promise<Response> => {
      const response = await made.app.fetch(asked);
      const reader = response.body?.getReader();
      const bytes = 700 + 300 * ++broken;
      let given = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
          if (done || !value) return controller.close();
          given += value.length;
          if (given > bytes) {
            controller.enqueue(value.subarray(0, Math.max(0, value.length - (given - bytes))));
            await reader?.cancel();
            return controller.close();
          }
          controller.enqueue(value);
        },
      });
      return new Response(body, response);
    };
    const seqs: number[] = [];
    for await (const event of new Client({ transport: fetchTransport('http://baton', fetch) }).follow({
      run,
      output: true,
      onBroken: async () => {},
    })) {
      if (event.type === 'facts') seqs.push(...event.facts.map(({ seq }) => seq));
      if (isEnd(event)) break;
    }
    expect(seqs).toEqual([...made.journal.read(run)].map(({ seq }) => seq));
    expect(broken).toBeGreaterThan(3);
  });

  test('of all runs has their facts by position, without those that runs share', async () => {
    const { made, run } = await talkative(3);
    const other = (await made.client.submit(request)).run;
    const ends = new Set<string>();
    const seen: string[] = [];
    for await (const event of made.client.follow({})) {
      if (event.type !== 'facts') continue;
      for (const { stream, seq, fact } of event.facts) {
        seen.push(`${stream}/${seq}`);
        if (fact.type === 'run.ended') ends.add(stream);
      }
      if (ends.size === 2) break;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect([...ends].sort()).toEqual([run, other].sort());
  });

  test('of a home that nobody owns ends after what is stored', async () => {
    const { made, run } = await talkative(3);
    await followed(made.client, run);
    let broken = 0;
    const stop = new AbortController();
    const events: StreamEvent[] = [];
    const onBroken = async () => {
      broken++;
      stop.abort();
    };
    for await (const event of made.reader().follow({ run, signal: stop.signal, onBroken })) events.push(event);
    expect([broken, isEnd(events.at(-1) as StreamEvent)]).toEqual([1, true]);
  });

  test('ends when its reader has enough, also without a connection', async () => {
    const { made, run } = await talkative(3);
    const enough = new AbortController();
    let facts = 0;
    for await (const event of made.client.follow({ run, signal: enough.signal })) {
      facts++;
      if (isEnd(event)) setImmediate(() => enough.abort());
    }
    expect(facts).toBeGreaterThan(0);
  });

  test('refuses what is no position', async () => {
    const { made, run } = await talkative(1);
    const response = await made.app.fetch(new Request(`http://baton/v1/runs/${run}/events`, { headers: { 'last-event-id': '-1' } }));
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'BAD_REQUEST' }]);
    expect([readPosition('12.34'), readPosition('12'), readPosition('x'), readPosition('1.2.3')]).toEqual([
      { facts: 12, output: 34 },
      { facts: 12 },
      undefined,
      undefined,
    ]);
  });

  test('reads frames that come in pieces, with comments between', async () => {
    const text = 'id: 1\nevent: facts\ndata: {"a":\ndata: 1}\n\n:\n\nevent: x\r\ndata: y\r\n\r\n';
    const pieces = [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
    const frames = [];
    for await (const frame of sseFrames(ReadableStream.from(pieces))) frames.push(frame);
    expect(frames).toEqual([
      { event: 'facts', data: '{"a":\n1}', id: '1' },
      { event: 'x', data: 'y' },
    ]);
  });
});

describe('output', () => {
  const chunk = (text: string) => ({ run: 'r', task: 'a', attempt: 1, kind: 'stdout' as const, text });
  const folder = mkdtempSync(join(tmpdir(), 'baton-output-'));
  const file = join(folder, 'r', 'output.ndjson');
  const texts = async (log: OutputLog) => {
    const found = [];
    for await (const { text } of log.all('r')) found.push(text);
    return found;
  };
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('survives a line that a crash cut in two', async () => {
    const before = new OutputLog(folder);
    before.write(chunk('one'), 1);
    await before.settled('r');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"at":2,"task":"a","te`);
    const after = new OutputLog(folder);
    after.write(chunk('three'), 3);
    expect(await texts(after)).toEqual(['one', 'three']);
  });

  test('stops at its limit and says so', async () => {
    const log = new OutputLog(folder, 300);
    for (let i = 0; i < 20; i++) {
      log.write(chunk(`line ${i}`), i);
      await log.settled('r');
    }
    const found = await texts(log);
    expect(found.length).toBeLessThan(8);
    expect(found.at(-1)).toContain('is not kept');
  });

  test('a line longer than a page is read whole', async () => {
    const log = new OutputLog(folder);
    log.write(chunk('x'.repeat(1_000_000)), 1);
    log.write(chunk('short'), 2);
    expect((await texts(log)).map(({ length }) => length)).toEqual([1_000_000, 5]);
  });

  test('a folder that can not be written loses output, never the writer', async () => {
    writeFileSync(folder.concat('-file'), '');
    const log = new OutputLog(`${folder}-file/below`);
    log.write(chunk('lost'), 1);
    await log.settled('r');
    expect(await texts(log)).toEqual([]);
    rmSync(`${folder}-file`);
  });
});
