// req F1
import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/engine/kernel/plan.ts';
import { planOf } from '../../src/work/workflow/plan.ts';
import { MapBlobs } from '../agents/support/context.ts';
import { load, TestRun } from './support/run.ts';

const specs = (text: string): Record<string, TaskSpec> => {
  const run = new TestRun(text);
  return Object.fromEntries([...run.state.tasks].map(([id, { spec }]) => [id, spec]));
};

test('every kind of task becomes what the kernel knows', () => {
  const found = specs(`tasks:
  run: { run: x }
  ask: { agent: writer, prompt: p }
  person: { agent: person, prompt: p }
  yes: { approve: "ok?", by: [lead] }
  all: { foreach: [1], run: x, maxParallel: 2 }
  again: { run: x, until: { when: "true", maxRounds: 2 } }
  fn: { call: fn, with: { a: 1 } }`);
  expect(found['run']).toMatchObject({ kind: 'work', agent: 'command', idempotent: false });
  expect(found['ask']).toMatchObject({ kind: 'work', agent: 'writer', idempotent: true });
  expect(found['person']).toMatchObject({ kind: 'question', agent: 'person' });
  expect(found['yes']).toMatchObject({ kind: 'decision', approval: { at: 'task', by: ['lead'] } });
  expect(found['all']).toMatchObject({ kind: 'container', maxParallel: 2 });
  expect(found['again']).toMatchObject({ kind: 'container' });
  expect(found['fn']).toMatchObject({ kind: 'work', agent: 'function' });
});

test('rules come over whole, durations in milliseconds', () => {
  const { a, b } = specs(`tasks:
  a:
    run: x
    always: true
    continueOnError: true
    idempotent: true
    onLost: retry
    probe: p
    retry: { attempts: 4, on: [transient, lost], backoff: 500ms, backoffMax: 1m30s }
    gate: [{ name: tests, run: npm test, timeout: 2m }, { run: [a, b] }]
    rework: 2
    approval: { at: result, by: [x], quorum: 2, notAuthor: true, timeout: 1d, onTimeout: escalate, escalateTo: [boss] }
    writes: ["src/**"]
    budget: { costUsd: 2, tokens: 10 }
    timeout: 20m
    priority: 3
  b: { needs: a, approve: "ok?", approval: { by: [x], timeout: 1h, onTimeout: deny } }`);
  expect(a).toMatchObject({
    always: true,
    continueOnError: true,
    idempotent: true,
    onLost: 'retry',
    probe: true,
    retry: { attempts: 4, on: ['transient', 'lost'], backoffMs: 500, backoffMaxMs: 90_000 },
    gates: ['tests', 'a b'],
    reworkMax: 2,
    approval: { at: 'result', by: ['x'], quorum: 2, notAuthor: true, timeoutMs: 86_400_000, onTimeout: 'escalate', escalateTo: ['boss'] },
    claims: ['src/**'],
    budget: { costUsd: 2, tokens: 10 },
    timeoutMs: 1_200_000,
    priority: 3,
  });
  expect(b).toMatchObject({ needs: ['a'], approval: { at: 'task', by: ['x'], timeoutMs: 3_600_000, onTimeout: 'deny' } });
});

test('only what waits for a value is resolved', () => {
  const found = specs(`secrets: [S]
tasks:
  plain: { run: x, env: { A: b }, gate: { run: g, env: { A: b } } }
  secret: { run: x, env: { A: "\${{ secrets.S }}" } }
  env: { run: x, env: { A: "\${{ run.id }}" } }
  gate: { run: x, gate: { run: g, env: { A: "\${{ run.id }}" } } }
  when: { run: x, when: "true" }
  prompt: { agent: writer, prompt: "\${{ run.id }}" }
  with: { agent: writer, prompt: p, with: { a: [{ b: "\${{ run.id }}" }] } }
  question: { approve: "\${{ run.id }}" }`);
  expect(Object.entries(found).flatMap(([id, { resolve }]) => (resolve ? [id] : []))).toEqual([
    'env',
    'gate',
    'when',
    'prompt',
    'with',
    'question',
  ]);
});

test('an approval before the start is of the container, one of the result is of each child', () => {
  const run = new TestRun(
    'tasks:\n  a: { foreach: [1], run: x, approval: { at: start } }\n  b: { foreach: [1], run: x, approval: { at: result } }\n',
  );
  expect(run.task('a').spec.approval).toMatchObject({ at: 'start' });
  expect(run.task('b').spec.approval).toBeUndefined();
  run.resolve('b');
  expect(run.task('b[0]').spec.approval).toMatchObject({ at: 'result' });
  expect(run.resolution('a')).toMatchObject({ to: 'expand', add: [expect.not.objectContaining({ approval: expect.anything() })] });
});

test('how often an agent is asked for the right shape follows its retry rule', () => {
  const run = new TestRun(
    'tasks:\n  a: { agent: writer, prompt: p, retry: { attempts: 5, on: [invalid-output] } }\n  b: { agent: writer, prompt: p }\n',
  );
  expect(run.definition('a')).toMatchObject({ asksMax: 5 });
  expect(run.definition('b')).not.toHaveProperty('asksMax');
});

test('the source of a run has all that is needed to look at it later, and no secret', () => {
  const blobs = new MapBlobs();
  const used = { 'u.yaml': 'secrets: [T]\ntasks: { a: { run: x, env: { A: "${{ secrets.T }}" } } }' };
  const text =
    'secrets: [S]\ninputs: { n: { type: integer, default: 1 } }\nlimits: { tasks: 7, wallTime: 5m }\ntasks: { a: { uses: u.yaml } }';
  const limits = { tasks: 1_000, depth: 2, tokens: 500 };
  const plan = planOf(load(text, used), {
    agents: [],
    scope: '/p',
    now: 5,
    put: (payload) => blobs.put(payload),
    inputs: { n: '4' },
    limits,
  });
  expect(plan.limits).toEqual({ tasks: 7, depth: 2, tokens: 500, wallTimeMs: 300_000 });
  expect(blobs.json(plan.source)).toMatchObject({
    main: 'w.yaml',
    files: {
      'w.yaml': { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), text: expect.stringContaining('uses: u.yaml') },
      'u.yaml': { text: expect.any(String) },
    },
    inputs: { n: 4 },
    secrets: ['S', 'T'],
  });
});
