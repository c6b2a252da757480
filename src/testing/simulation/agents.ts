/** Whoever performs in a world: agents, gates and probes that take their time, and what they report late, twice or wrongly. */
import type { AttemptContext, Handlers } from '../../engine/host/host.ts';
import type { HostCommand, Outcome } from '../../engine/kernel/commands.ts';
import { greenOf, reworkMax } from '../../engine/kernel/gate.ts';
import { FAILURE_CLASSES, type Failure } from '../../engine/kernel/plan.ts';
import { BatonError } from '../../errors.ts';
import type { SabotagedHost } from './faults.ts';
import { forest } from './forest.ts';
import type { Script } from './plans.ts';
import type { Flight, Surroundings } from './surroundings.ts';

export class Agents {
  private readonly world: Surroundings;
  private readonly said: { readonly run: string; readonly command: HostCommand }[] = [];
  constructor(world: Surroundings) {
    this.world = world;
  }

  handlers(host: () => SabotagedHost): Handlers {
    const wait = (what: Flight['what'], run: string, task: string, attempt: number, deaf = false) =>
      new Promise<void>((go) => this.world.flights.push({ what, run, task, attempt, host: host(), go, deaf }));
    return {
      attempt: async (owed, context) => {
        try {
          this.world.checker.begins(context.run, owed.task, owed.attempt);
        } catch (error) {
          this.world.fail(error);
        }
        this.world.tell(`performs ${context.attemptKey}`);
        const deaf = this.world.random.chance(0.03);
        if (!deaf)
          context.signal.addEventListener('abort', () =>
            this.world.flights
              .filter((each) => each.run === context.run && each.task === owed.task && each.attempt === owed.attempt)
              .forEach((each) => {
                each.go();
              }),
          );
        if (this.world.random.chance(0.5)) context.onMessage(() => this.world.random.chance(0.7));
        const script = JSON.parse(Buffer.from(context.blobs.get(context.inputs) ?? '{}').toString()) as Script;
        if (this.world.random.chance(0.6)) await context.acknowledge().catch(() => {});
        for (let step = 1; step <= (script.steps ?? 0); step++) {
          await wait('attempt', context.run, owed.task, owed.attempt);
          const problem = await this.step(context, `ask-${step}`);
          if (problem) return { ok: false, failure: problem };
        }
        if (this.world.random.chance(0.1)) await this.askLeave(context);
        await wait('attempt', context.run, owed.task, owed.attempt, deaf);
        if (context.base !== undefined && this.world.random.chance(0.5))
          await context.checkpoint(`checkpoint of ${context.attemptKey}`, 'command', 1).catch(() => {});
        return this.outcome(context);
      },
      gate: async (owed, context) => {
        const { random, coverage } = this.world;
        const given = owed.tree === undefined ? undefined : `gate ${owed.gate % 2} in ${owed.tree}`;
        // Looked up before it takes its time: another one may turn red meanwhile.
        const before = given === undefined ? undefined : greenOf(context.state(), given);
        await wait('gate', context.run, owed.task, owed.attempt);
        if (given !== undefined && before && random.chance(0.8))
          return { verdict: 'pass', evidence: context.blobs.put(`as ${before.evidence}`), given, reuses: before.evidence };
        if (given !== undefined && random.chance(0.03)) {
          coverage.add('fault forged evidence');
          const evidence = context.blobs.put('nothing was run');
          return { verdict: 'pass', evidence, given, reuses: evidence };
        }
        if (given !== undefined && !this.world.closing && random.chance(0.05))
          return { stalled: { class: 'cancelled', code: 'DISK_FULL', message: 'the disk is full' } };
        const record = context.state().tasks.get(owed.task);
        const last = this.world.closing || (record && record.reworks >= reworkMax(record));
        const verdict = random.chance(last ? 0.8 : 0.6) ? 'pass' : random.chance(0.85) ? 'fail' : 'error';
        return {
          verdict,
          evidence: context.blobs.put(`{"gate":${owed.gate},"n":${random.below(1e9)}}`),
          ...(random.chance(0.3) ? { score: random.next() } : {}),
          ...(given === undefined ? {} : { given }),
        };
      },
      probe: async (owed, context) => {
        await wait('probe', context.run, owed.task, owed.attempt);
        const verdict = this.world.random.pick(['happened', 'absent', 'unknown'] as const);
        return verdict === 'happened' ? { verdict, result: context.blobs.put('{"probe":true}') } : { verdict };
      },
      trees: forest(this.world, (what, run) => wait(what, run, '', 0)),
      notify: async () => {},
      admit: (agent) =>
        this.world.closing
          ? true
          : this.world.random.chance(0.02)
            ? false
            : this.world.random.chance(0.01) && agent === 'b'
              ? 'nobody is there'
              : true,
    };
  }

  /** Whatever people say, or if nobody says anything, it goes on. */
  private async askLeave(context: AttemptContext): Promise<void> {
    const rule = { by: [], timeoutMs: 1 + this.world.random.below(20_000) };
    await context.ask(context.blobs.put(`call of ${context.attemptKey}`), rule).catch(() => {});
    this.world.coverage.add('call');
  }

  private async step(context: AttemptContext, key: string): Promise<Failure | undefined> {
    const calls = 1;
    try {
      await context.step(key, { calls, tokens: 50 + this.world.random.below(100) }, async () => {
        this.world.used.set(context.run, (this.world.used.get(context.run) ?? 0) + calls);
        return { output: `${key} of ${context.attemptKey}`, usage: { inputTokens: 20, outputTokens: this.world.random.below(60), calls } };
      });
      if (this.world.fault === 'settled-twice') {
        const output = context.blobs.put('again');
        await this.world.host
          .submit(context.run, {
            type: 'step.record',
            task: context.spec.id,
            attempt: context.attempt,
            step: `${key}-again`,
            output,
            usage: { calls },
          })
          .catch(() => {});
      }
      return undefined;
    } catch (error) {
      const code = error instanceof BatonError ? error.code : 'STEP';
      return { class: code === 'BUDGET_EXCEEDED' ? 'budget' : 'permanent', code, message: 'the step was refused' };
    }
  }

  private outcome(context: AttemptContext): Outcome {
    const { random } = this.world;
    const usage = random.chance(0.2) ? { usage: { inputTokens: 5, outputTokens: 5 } } : {};
    if (random.chance(this.world.closing ? 0.9 : 0.62)) {
      const change = context.base !== undefined && random.chance(0.7) ? { change: `change of ${context.attemptKey}` } : {};
      return { ok: true, result: context.blobs.put(JSON.stringify({ key: context.attemptKey })), ...change, ...usage };
    }
    const passing = random.chance(0.6);
    const kind = passing
      ? random.pick(['transient', 'throttled', 'timeout'] as const)
      : random.pick(
          FAILURE_CLASSES.filter((each) => !['lost', 'gate-failed', 'budget', 'transient', 'throttled', 'timeout'].includes(each)),
        );
    return {
      ok: false,
      failure: {
        class: kind,
        code: 'SIMULATED',
        message: 'chance',
        ...(kind === 'throttled' && random.chance(0.5) ? { retryAfterMs: random.below(5_000) } : {}),
        ...(random.chance(0.25) ? { dispatched: false } : {}),
        ...(!this.world.closing && random.chance(0.05) ? { holds: true } : {}),
      },
      ...usage,
    };
  }

  /** Results that come late, twice, or in another order than they were made. */
  misreport(): void {
    const lost = [...this.world.checker.runs.values()].flatMap((state) =>
      [...state.tasks.values()].flatMap((task) => task.lost.map((attempt) => ({ state, task, attempt }))),
    );
    if (lost.length > 0 && this.world.random.chance(0.6)) {
      const { state, task, attempt } = this.world.random.pick(lost);
      const result = this.world.put(JSON.stringify({ key: `${state.id}/${task.spec.id}/${attempt}` }));
      const into = this.world.fault === 'late-accepted' ? task.attempt : attempt;
      this.world.coverage.add('fault late result');
      this.report(state.id, { type: 'attempt.end', task: task.spec.id, attempt: into, outcome: { ok: true, result } });
    } else if (this.said.length > 0) {
      const { run, command } = this.world.random.pick(this.said);
      this.world.putAgain();
      this.world.coverage.add('fault repeated result');
      this.world.host.submit(run, command).catch(() => {});
    }
  }

  private report(run: string, command: HostCommand): void {
    this.said.push({ run, command });
    this.world.host.submit(run, command).catch(() => {});
  }
}
