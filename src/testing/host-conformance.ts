/**
 * What every host must do, whatever it stores its facts in: a suite of properties for vitest's `describe`, `it` and
 * `expect`, or anything of the same shape. It says nothing of databases, sockets or machines.
 */
import type { Handlers, Host, Resolver } from '../engine/host/host.ts';
import type { Outcome } from '../engine/kernel/commands.ts';
import type { Fact } from '../engine/kernel/facts.ts';
import type { Hash, Plan, Principal, TaskSpec } from '../engine/kernel/plan.ts';
import { BatonError } from '../errors.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A place where hosts live and die; what they stored stays. */
export interface HostWorld {
  readonly clock: VirtualClock;
  /** Starts a host on what is stored, after whoever was there before; resolves when it has recovered. */
  start(options: HostSetup): Promise<Host>;
  /** The present host is gone, as in a power cut: what it was doing never reports. */
  crash(): void;
  put(payload: string): Hash;
  /** Facts of a run, in order. */
  facts(run: string): readonly Fact[];
  /** Makes the next commit fail; undefined where that can't be arranged. */
  readonly failNextCommit?: () => void;
}
export interface HostSetup {
  readonly handlers: Partial<Handlers>;
  readonly resolver?: Resolver;
  readonly slots?: number;
  readonly slotsOf?: (agent: string) => number;
}

interface Check {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  expect(value: unknown, message?: string): Matchers;
}
interface Matchers {
  toBe(expected: unknown): unknown;
  toEqual(expected: unknown): unknown;
  toBeLessThanOrEqual(expected: number): unknown;
  toContain(expected: unknown): unknown;
}

const BY: Principal = { id: 'tester', roles: ['admin'] };

export function hostConformance(name: string, makeWorld: () => HostWorld, { describe, it, expect }: Check): void {
  describe(`${name}: what a host must do`, () => {
    it('runs a chain in order, each step once', async () => {
      const { world, done, plan } = setUp(makeWorld());
      const host = await world.start({ handlers: { attempt: done.attempt } });
      await submit(host, 'r', plan([['a'], ['b', 'a'], ['c', 'b']]));
      await world.clock.settle(20);
      expect(done.order).toEqual(['r/a/1', 'r/b/1', 'r/c/1']);
      expect(host.state('r')?.status).toBe('succeeded');
    });

    it('shows nothing before it is durable', async () => {
      const { world, done, plan } = setUp(makeWorld());
      const host = await world.start({ handlers: { attempt: done.attempt } });
      const early: string[] = [];
      host.onFacts((facts) => {
        for (const { stored } of facts) if (!world.facts(stored.stream)[stored.seq - 1]) early.push(`${stored.stream}#${stored.seq}`);
      });
      await submit(host, 'r', plan([['a'], ['b', 'a']]));
      await world.clock.settle(20);
      expect(early).toEqual([]);
    });

    it('gives out no more slots than there are, in all and for one agent', async () => {
      const { world, plan } = setUp(makeWorld());
      let [now, most, mostX, nowX] = [0, 0, 0, 0];
      const attempt: Handlers['attempt'] = async ({ agent }) => {
        most = Math.max(most, ++now);
        if (agent === 'x') mostX = Math.max(mostX, ++nowX);
        await new Promise<void>((resolve) => world.clock.at(world.clock.now() + 10, resolve));
        now--;
        if (agent === 'x') nowX--;
        return ok(world);
      };
      const host = await world.start({ handlers: { attempt }, slots: 5, slotsOf: (agent) => (agent === 'x' ? 2 : 5) });
      await submit(
        host,
        'r',
        plan(
          Array.from({ length: 20 }, (_, i) => [`t${i}`]),
          (spec, i) => ({ ...spec, agent: i % 2 ? 'x' : 'y' }),
        ),
      );
      await world.clock.advance(500);
      expect(host.state('r')?.status).toBe('succeeded');
      expect(most).toBe(5);
      expect(mostX).toBe(2);
    });

    it('serves equal tasks in the order of submission, and priority first', async () => {
      const { world, done, plan } = setUp(makeWorld());
      const host = await world.start({ handlers: { attempt: done.attempt }, slots: 1 });
      const ids = Array.from({ length: 50 }, (_, i) => `t${i}`);
      await submit(
        host,
        'r',
        plan(
          ids.map((id) => [id]),
          (spec, i) => (i === 40 ? { ...spec, priority: 5 } : spec),
        ),
      );
      await world.clock.settle(200);
      const first = done.order[0];
      expect(first).toBe('r/t40/1');
      expect(done.order.slice(1)).toEqual(ids.filter((id) => id !== 't40').map((id) => `r/${id}/1`));
    });

    it('answers the same command twice with one effect, and refuses its id for another', async () => {
      const { world, done, plan } = setUp(makeWorld());
      const host = await world.start({ handlers: { attempt: done.attempt } });
      const command = { type: 'run.create', plan: plan([['a']]), by: BY, ref: { id: 'c1', args: 'x' } } as const;
      const replies = await Promise.all([host.submit('r', command), host.submit('r', command)]);
      expect(replies.every((reply) => reply.ok)).toBe(true);
      const other = await host.submit('r', { ...command, ref: { id: 'c1', args: 'y' } });
      expect(other.ok ? '' : other.refusal.code).toBe('IDEMPOTENCY_MISMATCH');
      await world.clock.settle(20);
      expect(done.order).toEqual(['r/a/1']);
    });

    it('after a crash repeats what may be repeated, and asks about the rest', async () => {
      const { world, plan } = setUp(makeWorld());
      const stuck: Handlers['attempt'] = () => new Promise(() => {});
      const first = await world.start({ handlers: { attempt: stuck } });
      await submit(
        first,
        'r',
        plan([['safe'], ['unsafe']], (spec) => ({ ...spec, idempotent: spec.id === 'safe' })),
      );
      await world.clock.settle(10);
      world.crash();
      const ran: string[] = [];
      const second = await world.start({ handlers: { attempt: noting(ran, world) } });
      await world.clock.settle(20);
      expect(ran).toEqual(['attempt:safe:2']);
      expect(second.state('r')?.tasks.get('unsafe')?.status).toBe('undecided');
      expect(second.state('r')?.status).toBe('waiting');
      await second.submit('r', { type: 'task.decide', by: BY, task: 'unsafe', decision: 'retry' });
      await world.clock.settle(20);
      expect(second.state('r')?.status).toBe('succeeded');
    });

    it('keeps timers across a restart', async () => {
      const { world, plan } = setUp(makeWorld());
      const fails: Handlers['attempt'] = async () => ({
        ok: false,
        failure: { class: 'transient', code: 'X', message: 'x', retryAfterMs: 60_000 },
      });
      const first = await world.start({ handlers: { attempt: fails } });
      await submit(first, 'r', plan([['a']]));
      await world.clock.settle(20);
      world.crash();
      const ran: string[] = [];
      const second = await world.start({ handlers: { attempt: noting(ran, world) } });
      await world.clock.advance(50_000);
      expect(ran).toEqual([]);
      await world.clock.advance(20_000);
      expect(ran).toEqual(['attempt:a:2']);
      expect(second.state('r')?.status).toBe('succeeded');
    });

    it('ends attempts at their time limit, and gives up those that do not listen', async () => {
      const { world, plan } = setUp(makeWorld());
      const deaf: Handlers['attempt'] = () => new Promise(() => {});
      const listens: Handlers['attempt'] = (_owed, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ ok: false, failure: { class: 'permanent', code: 'ENDED', message: 'ended' } }));
        });
      const host = await world.start({ handlers: { attempt: (owed, context) => (owed.task === 'deaf' ? deaf : listens)(owed, context) } });
      await submit(
        host,
        'r',
        plan([['deaf'], ['listens']], (spec) => ({ ...spec, timeoutMs: 1_000, retry: { attempts: 1, on: ['timeout'] } })),
      );
      await world.clock.advance(1_100);
      expect(host.state('r')?.tasks.get('listens')?.failure?.class).toBe('timeout');
      expect(host.state('r')?.tasks.get('deaf')?.status).toBe('running');
      await world.clock.advance(60_000);
      expect(host.state('r')?.tasks.get('deaf')?.failure?.class).toBe('timeout');
    });

    it('cancels: what runs is ended, results that come later change nothing, always tasks run', async () => {
      const { world, plan } = setUp(makeWorld());
      const ran: string[] = [];
      const attempt: Handlers['attempt'] = async ({ task }, { signal }) => {
        ran.push(task);
        if (task === 'tidy') return ok(world);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return ok(world);
      };
      const host = await world.start({ handlers: { attempt } });
      await submit(
        host,
        'r',
        plan([['work'], ['next', 'work'], ['tidy', 'next']], (spec) => (spec.id === 'tidy' ? { ...spec, always: true } : spec)),
      );
      await world.clock.settle(10);
      await host.submit('r', { type: 'run.cancel', by: BY });
      await world.clock.advance(100);
      expect(ran).toEqual(['work', 'tidy']);
      expect(host.state('r')?.status).toBe('cancelled');
      expect(host.state('r')?.tasks.get('work')?.status).toBe('cancelled');
      expect(world.facts('r').some((fact) => fact.type === 'task.cancelled' && fact.late !== undefined)).toBe(true);
    });

    it('pauses: nothing new starts until it is resumed', async () => {
      const { world, done, plan } = setUp(makeWorld());
      const host = await world.start({ handlers: { attempt: done.attempt }, slots: 1 });
      await submit(host, 'r', plan([['a'], ['b', 'a'], ['c', 'b']]));
      await host.submit('r', { type: 'run.pause', by: BY });
      const before = done.order.length;
      await world.clock.advance(1_000);
      expect(done.order.length - before).toBeLessThanOrEqual(1);
      expect(host.state('r')?.status).toBe('paused');
      await host.submit('r', { type: 'run.resume', by: BY });
      await world.clock.settle(30);
      expect(host.state('r')?.status).toBe('succeeded');
    });

    it('hands messages to the running attempt and keeps its answer', async () => {
      const { world, plan } = setUp(makeWorld());
      const heard: string[] = [];
      const attempt: Handlers['attempt'] = (_owed, context) =>
        new Promise((resolve) => {
          context.onMessage((text) => {
            heard.push(text);
            resolve(ok(world));
            return true;
          });
        });
      const host = await world.start({ handlers: { attempt } });
      await submit(host, 'r', plan([['a']]));
      await world.clock.settle(10);
      await host.submit('r', { type: 'message.send', by: BY, task: 'a', body: world.put('hello') });
      await world.clock.settle(30);
      expect(heard).toEqual(['hello']);
      expect(world.facts('r').map((fact) => fact.type)).toContain('message.acknowledged');
    });

    it('has a person decide about a call of the running attempt, until its time is over or the attempt is', async () => {
      const { world, plan } = setUp(makeWorld());
      const answers: unknown[] = [];
      const rule = { by: [], timeoutMs: 1_000 };
      const attempt: Handlers['attempt'] = async (_owed, context) => {
        for (const what of ['one', 'two', 'three', 'four'])
          answers.push(
            await context.ask(world.put(what), rule).catch((error: Error) => (error instanceof BatonError ? error.code : error)),
          );
        return ok(world);
      };
      const host = await world.start({ handlers: { attempt } });
      await submit(host, 'r', plan([['a']]));
      const decide = async (n: number, what: string, decision: 'approve' | 'reject') => {
        await world.clock.settle(20);
        const about = { approval: `call:a:1:${n}`, binds: world.put(what) };
        await host.submit('r', { type: 'approval.decide', by: BY, ...about, decision });
        await world.clock.settle(20);
      };
      await decide(1, 'one', 'approve');
      await decide(2, 'two', 'reject');
      await world.clock.advance(1_500);
      await host.submit('r', { type: 'run.cancel', by: BY });
      await world.clock.advance(1_500);
      expect(answers).toEqual([{ allowed: true }, { allowed: false, by: BY.id }, { allowed: false, by: 'timeout' }, 'CANCELLED']);
      expect(host.state('r')?.status).toBe('cancelled');
    });

    it('never runs two tasks that claim one path at once, across runs', async () => {
      const { world, plan } = setUp(makeWorld());
      let [now, most] = [0, 0];
      const attempt: Handlers['attempt'] = async () => {
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => world.clock.at(world.clock.now() + 10, resolve));
        now--;
        return ok(world);
      };
      const host = await world.start({ handlers: { attempt } });
      for (const run of ['r1', 'r2', 'r3'])
        await submit(
          host,
          run,
          plan([['a'], ['b']], (spec) => ({ ...spec, claims: ['src/**'] })),
        );
      await world.clock.advance(1_000);
      expect(most).toBe(1);
      expect(['r1', 'r2', 'r3'].map((run) => host.state(run)?.status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    });

    it('records steps, and goes on after the last one that was recorded', async () => {
      const { world, plan } = setUp(makeWorld());
      const performed: string[] = [];
      const steps =
        (hang: boolean): Handlers['attempt'] =>
        async (_owed, context) => {
          const step = (key: string) =>
            context.step(key, {}, async () => {
              performed.push(key);
              return { output: key };
            });
          await step('one');
          if (hang) await new Promise(() => {});
          await step('two');
          return ok(world);
        };
      const first = await world.start({ handlers: { attempt: steps(true) } });
      await submit(first, 'r', plan([['a']]));
      await world.clock.settle(20);
      world.crash();
      const second = await world.start({ handlers: { attempt: steps(false) } });
      await world.clock.settle(40);
      expect(performed).toEqual(['one', 'two']);
      expect(second.state('r')?.status).toBe('succeeded');
    });

    it('loses no result when a commit fails, and lets nothing of it be seen', async () => {
      const { world, done, plan } = setUp(makeWorld());
      if (!world.failNextCommit) {
        console.log(`skipped for ${name}: it can't make a commit fail`);
        return;
      }
      const host = await world.start({ handlers: { attempt: done.attempt } });
      let seen = 0;
      host.onFacts((facts) => {
        seen += facts.length;
      });
      const { failNextCommit } = world;
      host.onFacts((facts) => {
        if (facts.some(({ stored }) => stored.fact.type === 'task.started' && stored.fact.task === 'b')) failNextCommit();
      });
      await submit(host, 'r', plan([['a'], ['b', 'a'], ['c', 'b']]));
      await world.clock.advance(5_000);
      expect(done.order).toEqual(['r/a/1', 'r/b/1', 'r/c/1']);
      expect(host.state('r')?.status).toBe('succeeded');
      expect(seen).toBe(world.facts('r').length);
    });
  });
}

const ok = (world: HostWorld): Outcome => ({
  ok: true,
  result: world.put('{"summary":"","outputs":{},"artifacts":[],"evidence":[],"questions":[]}'),
});

/** Performs anything, and writes down which attempt it was. */
const noting =
  (ran: string[], world: HostWorld): Handlers['attempt'] =>
  async ({ id }) => {
    ran.push(id);
    return ok(world);
  };

async function submit(host: Host, run: string, plan: Plan): Promise<void> {
  const reply = await host.submit(run, { type: 'run.create', plan, by: BY });
  if (!reply.ok) throw new Error(reply.refusal.message);
}

function setUp(world: HostWorld) {
  const order: string[] = [];
  const attempt: Handlers['attempt'] = async (_owed, context) => {
    order.push(context.attemptKey);
    return ok(world);
  };
  /** Tasks as `[id, ...needs]`. */
  const plan = (tasks: readonly (readonly string[])[], change: (spec: TaskSpec, index: number) => TaskSpec = (spec) => spec): Plan => ({
    name: 'plan',
    source: world.put('{}'),
    limits: { tasks: 1_000, depth: 4 },
    tasks: tasks.map(([id = '', ...needs], index) =>
      change({ id, needs, kind: 'work', work: world.put('{}'), agent: 'any', idempotent: true }, index),
    ),
  });
  return { world, plan, done: { order, attempt } };
}
