/** Every way in which a model fails, through the whole engine: the class it is given, and the requests it costs. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '../../../src/compose/engine.ts';
import type { Fact, FactOf } from '../../../src/engine/kernel/facts.ts';
import { RUN_TERMINAL } from '../../../src/engine/kernel/state.ts';
import { cut, fail, flood, malformed, say, silence, startModelServer, type Turn, withKey } from '../../agents/support/model-server.ts';
import type { Point } from '../point.ts';

const MIB = 1024 * 1024;
const KEY = 'sk-acceptance-1234567890';
const WELL = say('Written.');

interface Expected {
  readonly turns: readonly Turn[];
  /** Class and code of each failed attempt, in order. */
  readonly failures: readonly string[];
  readonly requests: number;
  readonly ends: 'committed' | 'failed';
}

const CASES: Readonly<Record<string, Expected>> = {
  throttled: { turns: [fail(429, { 'retry-after': '1' }), WELL], failures: ['throttled HTTP_429'], requests: 2, ends: 'committed' },
  broken: { turns: [fail(500), fail(500), WELL], failures: ['transient HTTP_500', 'transient HTTP_500'], requests: 3, ends: 'committed' },
  cut: { turns: [cut, WELL], failures: ['transient UND_ERR_SOCKET'], requests: 2, ends: 'committed' },
  malformed: { turns: [malformed, WELL], failures: ['transient MALFORMED_REPLY'], requests: 2, ends: 'committed' },
  repaired: { turns: [say('{"title": 1}'), say('{"title": "T"}')], failures: [], requests: 2, ends: 'committed' },
  silent: { turns: [silence], failures: ['timeout TIMEOUT', 'timeout TIMEOUT'], requests: 2, ends: 'failed' },
  locked: { turns: [withKey('sk-another', WELL)], failures: ['permanent AUTH'], requests: 1, ends: 'failed' },
  endless: { turns: [flood(40 * MIB)], failures: ['permanent PAYLOAD_TOO_LARGE'], requests: 1, ends: 'failed' },
};

const workflow = (url: string): string =>
  JSON.stringify({
    version: 1,
    name: 'model-failures',
    agents: Object.fromEntries(
      Object.keys(CASES).map((name) => [name, { model: `test/${name}`, baseUrl: url, apiKeyEnv: 'TEST_KEY', timeoutMs: 1000 }]),
    ),
    tasks: Object.fromEntries(
      Object.keys(CASES).map((name) => [
        name,
        {
          agent: name,
          prompt: 'Write.',
          ...(name === 'repaired' ? { schema: { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } } : {}),
        },
      ]),
    ),
  });

const point: Point = {
  id: 'durable-run/model-failures',
  title: 'A scripted model server that misbehaves in eight ways',
  bar: 'each in the right failure class, with the right number of requests counted at the server',
  timeoutMs: 60_000,

  async run() {
    const server = await startModelServer(Object.fromEntries(Object.entries(CASES).map(([name, { turns }]) => [name, turns])));
    const cwd = mkdtempSync(join(tmpdir(), 'baton-model-failures-'));
    const file = join(cwd, 'failures.yaml');
    writeFileSync(file, workflow(server.url));
    const home = await openHome({ home: join(cwd, '.baton'), cwd, env: { PATH: process.env['PATH'], TEST_KEY: KEY } });
    try {
      const facts = await runToTheEnd(home, file, cwd);
      const wrong = Object.entries(CASES).flatMap(([name, expected]) => differences(name, expected, facts, server.requests(name)));
      if (server.sent('endless') > 38 * MIB)
        wrong.push(`endless: ${server.sent('endless')} bytes were read of a reply that is cut off at 32 MiB`);
      if (JSON.stringify(facts).includes(KEY)) wrong.push('the key is in the journal');
      const requests = Object.keys(CASES).reduce((sum, name) => sum + server.requests(name), 0);
      return {
        holds: wrong.length === 0,
        figure: `${Object.keys(CASES).length - new Set(wrong.map((line) => line.split(':')[0])).size} of ${Object.keys(CASES).length} as expected, ${requests} requests`,
        detail: wrong.join('\n'),
      };
    } finally {
      await home.close();
      await server.close();
    }
  },
};
export default point;

const runToTheEnd = async (
  { services, host }: Awaited<ReturnType<typeof openHome>>,
  file: string,
  cwd: string,
): Promise<readonly Fact[]> => {
  const run = 'model-failures';
  const plan = await services.workflows.prepare({ file, cwd });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stop = host.onFacts(() => {
    const state = host.state(run);
    if (state === undefined || RUN_TERMINAL.has(state.status)) resolve();
  });
  const reply = await host.submit(run, { type: 'run.create', plan, by: services.local });
  if (!reply.ok) throw new Error(`${reply.refusal.code}: ${reply.refusal.message}`);
  await ended;
  stop();
  return [...services.journal.read(run)].map(({ fact }) => fact);
};

const differences = (name: string, expected: Expected, facts: readonly Fact[], requests: number): string[] => {
  const failed = facts.filter(
    (fact): fact is FactOf<'attempt.failed'> | FactOf<'task.failed'> =>
      (fact.type === 'attempt.failed' || fact.type === 'task.failed') && fact.task === name,
  );
  const failures = failed.map(({ failure }) => `${failure.class} ${failure.code}`);
  const ends = facts.some((fact) => fact.type === `task.${expected.ends}` && 'task' in fact && fact.task === name);
  return [
    ...(failures.join() === expected.failures.join()
      ? []
      : [`${name}: failures [${failures.join(', ')}] instead of [${expected.failures.join(', ')}]`]),
    ...(requests === expected.requests ? [] : [`${name}: ${requests} requests instead of ${expected.requests}`]),
    ...(ends ? [] : [`${name}: is not ${expected.ends}`]),
  ];
};
