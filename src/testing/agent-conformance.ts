/**
 * What every agent adapter must do, whatever it drives. Give it your adapter and, for each scenario, a configuration
 * that makes the agent behave so; run it under vitest or `node:test`. What an adapter says it can't do is skipped, with
 * the reason in the report.
 */
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent, AgentConfig, AgentOutcome } from '../work/agents/agent.ts';
import { endAttempt } from '../work/processes/leftovers.ts';
import { AttemptInMiniature, type Surround } from './agent-attempt.ts';

/** What an agent is asked to behave like. */
export const AGENT_SCENARIOS = {
  answers: 'ends well, with any text',
  streams: 'shows something in the log, and ends a little later',
  fits: 'gives outputs that fit AGENT_SCHEMA',
  'misses once': 'gives outputs that do not fit, and fitting ones when asked again',
  'misses always': 'never gives outputs that fit',
  hangs: 'shows something in the log, and then works until it is stopped',
  crashes: 'dies in the middle of its work, without a result',
  counts: 'ends well, and reports tokens',
} as const;
export type AgentScenario = keyof typeof AGENT_SCENARIOS;

/** The outputs asked for where the scenario is about their shape. */
export const AGENT_SCHEMA = {
  type: 'object',
  required: ['n'],
  properties: { n: { type: 'number' } },
  additionalProperties: false,
} as const;

export interface AgentSubject {
  readonly name: string;
  readonly agent: Agent;
  readonly kind: AgentConfig['kind'];
  /** The configuration for a scenario, or why there is none. */
  config(scenario: AgentScenario): AgentConfig['config'] | string;
  /** What stands around each attempt. Default: nothing. */
  readonly surround?: Surround;
  /** Longest time from an abort to the end, in milliseconds. Default 5 s. */
  readonly stopMs?: number;
}

/** As much of a test framework as is needed; `skip` may throw or return. */
export interface TestApi {
  describe(name: string, body: () => void): void;
  test(name: string, body: (context: { skip(reason?: string): void }) => Promise<void>): void;
}

const ASKS_MAX = 3;
const STOP_MS = 5000;
const NOT_SHOWN_MS = 1000;

export const agentConformance = ({ describe, test }: TestApi, subject: AgentSubject): void => {
  const { agent, kind } = subject;
  const attemptWith = (config: AgentConfig['config'], folder: string): AttemptInMiniature =>
    new AttemptInMiniature(agent, { name: 'subject', kind, config, capabilities: [], slots: 1 }, folder, ASKS_MAX, subject.surround);

  /** A test of one scenario, skipped where the adapter or the subject can't show it. */
  const scenario = (
    name: string,
    which: AgentScenario,
    needs: keyof Agent['can'] | undefined,
    body: (attempt: AttemptInMiniature) => Promise<void>,
  ): void =>
    test(name, async (context) => {
      const config = subject.config(which);
      if (needs !== undefined && !agent.can[needs]) return context.skip(`${subject.name} says it can't: ${needs}`);
      if (typeof config === 'string') return context.skip(config);
      await body(attemptWith(config, await mkdtemp(join(tmpdir(), 'baton-conformance-'))));
    });

  describe(`agent: ${subject.name}`, () => {
    scenario('ends with one complete result', 'answers', undefined, async (attempt) => {
      const outcome = await attempt.run();
      assert.ok(outcome.ok, said(outcome));
      const { status, summary, outputs, artifacts, evidence, questions, ...more } = outcome.result;
      assert.equal(status, 'done');
      assert.equal(typeof summary, 'string');
      assert.deepEqual(JSON.parse(JSON.stringify({ outputs, artifacts, evidence, questions })), {
        outputs,
        artifacts,
        evidence,
        questions,
      });
      assert.deepEqual(more, {});
    });

    scenario('shows what it does before it ends', 'streams', 'stream', async (attempt) => {
      const outcome = await attempt.run();
      assert.ok(outcome.ok, said(outcome));
      assert.ok(attempt.shownMs < attempt.endedMs - 20, `first output after ${attempt.shownMs} ms, end after ${attempt.endedMs} ms`);
    });

    scenario('reports what it used', 'counts', 'usage', async (attempt) => {
      const outcome = await attempt.run();
      assert.ok(outcome.ok, said(outcome));
      const tokens = [...attempt.usage, outcome.usage ?? {}].reduce(
        (sum, { inputTokens = 0, outputTokens = 0 }) => sum + inputTokens + outputTokens,
        0,
      );
      assert.ok(tokens > 0, 'no tokens were reported');
    });

    for (const [code, failureClass] of [
      ['CANCELLED', 'cancelled'],
      ['TIMEOUT', 'timeout'],
    ] as const) {
      scenario(`stops when its signal says ${code}, and leaves nothing behind`, 'hangs', undefined, async (attempt) => {
        const running = attempt.run();
        await Promise.race([attempt.shown, delay(NOT_SHOWN_MS)]);
        const abortedAt = performance.now();
        attempt.abort(code);
        const outcome = await running;
        assert.ok(!outcome.ok, 'it ended well');
        assert.equal(outcome.failure.class, failureClass);
        const ms = performance.now() - abortedAt;
        assert.ok(ms < (subject.stopMs ?? STOP_MS), `it took ${Math.round(ms)} ms to stop`);
        assert.deepEqual(await endAttempt(attempt.work.attemptKey), []);
      });
    }

    scenario('does nothing when it was stopped before it began', 'answers', undefined, async (attempt) => {
      attempt.abort('CANCELLED');
      const outcome = await attempt.run();
      assert.ok(!outcome.ok, 'it ended well');
      assert.equal(outcome.failure.class, 'cancelled');
    });

    scenario('gives outputs of the shape asked for', 'fits', 'schema', async (attempt) => {
      const outcome = await attempt.run({ schema: AGENT_SCHEMA });
      assert.ok(outcome.ok, said(outcome));
      assert.equal(typeof outcome.result.outputs['n'], 'number');
    });

    scenario('is asked again for outputs that do not fit', 'misses once', 'schema', async (attempt) => {
      const outcome = await attempt.run({ schema: AGENT_SCHEMA });
      assert.ok(outcome.ok, said(outcome));
      assert.equal(typeof outcome.result.outputs['n'], 'number');
    });

    scenario('gives up on outputs that never fit, naming what is wrong', 'misses always', 'schema', async (attempt) => {
      const outcome = await attempt.run({ schema: AGENT_SCHEMA });
      assert.ok(!outcome.ok, 'it ended well');
      assert.equal(outcome.failure.class, 'invalid-output');
      assert.match(outcome.failure.message, new RegExp(`asked ${ASKS_MAX} times`));
    });

    scenario('reports a crash as a failure', 'crashes', undefined, async (attempt) => {
      const outcome = await attempt.run();
      assert.ok(!outcome.ok, 'it ended well');
      assert.match(outcome.failure.code, /^[A-Z0-9_]+$/);
      assert.notEqual(outcome.failure.message, '');
      assert.notEqual(outcome.failure.dispatched, false);
    });

    scenario('goes on after its last recorded step', 'answers', 'resume', async (attempt) => {
      const first = await attempt.run();
      const { performed } = attempt;
      assert.ok(performed > 0, 'it recorded no step');
      assert.deepEqual(await attempt.run({ attempt: 2 }), first);
      assert.equal(attempt.performed, performed);
    });

    scenario('takes messages while it works', 'hangs', 'messages', async (attempt) => {
      const running = attempt.run();
      await attempt.shown;
      assert.equal(await attempt.deliver('Are you there?'), true);
      attempt.abort('CANCELLED');
      await running;
    });

    test('fails with a code when its configuration makes no sense', async () => {
      const outcome = await attemptWith({ nonsense: true }, tmpdir()).run();
      assert.ok(!outcome.ok, 'it ended well');
      assert.equal(outcome.failure.class, 'permanent');
    });
  });
};

const said = (outcome: AgentOutcome): string => (outcome.ok ? 'it ended well' : JSON.stringify(outcome.failure));
