/** Whoever does what is owed: resolvers, agents, gates, probes, timers, the messages between streams; and crashes. */
import type { HostCommand, Outcome } from '../../engine/kernel/commands.ts';
import { GRANTS, globsMeet } from '../../engine/kernel/grants.ts';
import type { Owed, OwedOf, OwedType } from '../../engine/kernel/owed.ts';
import type { RunState, TaskRecord } from '../../engine/kernel/state.ts';
import type { Happening } from '../model.ts';
import type { Diary } from './diary.ts';
import { Broken } from './plain-host.ts';
import { about, overNow, type Stage } from './stage.ts';

const FAILED: Outcome & { readonly ok: false } = { ok: false, failure: { class: 'permanent', code: 'RANDOM', message: 'by chance' } };
type Job<T extends Owed> = { readonly state: RunState; readonly diary: Diary; readonly owed: T };

/** The model says nothing of trees: they are for the world around the real host. */
const nobodys = ({ owed }: Job<Owed>): never => {
  throw new Broken(`${owed.id} is owed by a run without a tree`);
};
const NO_TREES = { snapshot: nobodys, integrate: nobodys, restore: nobodys, promote: nobodys };

export class Performers {
  private readonly stage: Stage;
  /** Attempts that were taken up: a crash forgets them. */
  private readonly busy = new Set<string>();
  /** What attempts report whose host is gone. */
  private zombies: { readonly run: string; readonly command: Extract<HostCommand, { type: 'attempt.end' }> }[] = [];
  /** Claims of running attempts, by run and task. */
  private readonly holding = new Map<string, { readonly scope: string; readonly claims: readonly string[] }>();
  crashes = 0;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  /** Something that is owed is done; timers mostly wait until nothing else can be. */
  act(): void {
    const { host, random } = this.stage;
    const granted = [...host.grants.requests.values()].flatMap((request) => request.owed.filter((owed) => owed.type === 'granted'));
    const all = this.stage.owed();
    const now = all.filter(({ owed }) => owed.type !== 'timer' && owed.type !== 'notify');
    const dice = random.below(granted.length + now.length);
    const told = granted[dice];
    if (told) {
      this.report(told.run, { type: 'grant.received', task: told.task, epoch: told.epoch });
      host.apply(GRANTS, { type: 'grant.acknowledge', request: told.request });
      return;
    }
    const job = now.length > 0 && random.chance(0.95) ? random.pick(now) : all.length > 0 ? random.pick(all) : undefined;
    if (job) this.perform(job.state, job.diary, job.owed);
  }

  private perform(state: RunState, diary: Diary, owed: Owed): void {
    (this.does[owed.type] as (job: Job<Owed>) => void)({ state, diary, owed });
  }

  private readonly does: { readonly [T in OwedType]: (job: Job<OwedOf<T>>) => void } = {
    resolve: (job) => this.resolve(job),
    start: (job) => this.start(job),
    attempt: (job) => this.attempt(job),
    stop: (job) => {
      const usage = { calls: 1, inputTokens: this.stage.random.below(50) };
      this.end(job, this.stage.random.chance(0.5) ? { ok: true, result: 'too late', usage } : FAILED);
    },
    gate: ({ state, diary, owed: { task, attempt, gate } }) => {
      const verdict = this.stage.fate.gate(task, attempt, gate);
      this.report(state.id, { type: 'gate.end', task, attempt, gate, verdict, evidence: `evidence ${gate}` }, () => {
        const happening = diary.attempt(task, attempt);
        happening.gates = [...happening.gates, verdict];
      });
    },
    probe: ({ state, diary, owed: { task, attempt } }) => {
      const verdict = this.stage.fate.probe(task, attempt);
      const result = verdict === 'happened' ? { result: 'found' } : {};
      this.report(state.id, { type: 'probe.end', task, attempt, verdict, ...result }, () => {
        diary.attempt(task, attempt).probe = verdict;
        if (verdict === 'happened') diary.results.set(task, 'found');
      });
    },
    timer: (job) => this.fire(job),
    deliver: ({ state, owed: { message, attempt } }) => {
      this.report(state.id, { type: 'message.end', message, attempt, acknowledged: this.stage.random.chance(0.6) });
    },
    acquire: ({ state, owed: { request, task, scope, claims, key } }) => {
      const { host } = this.stage;
      host.apply(GRANTS, { type: 'grant.request', request, run: state.id, task, scope, claims, key, epoch: host.epoch });
    },
    release: ({ state, owed: { request, task } }) => {
      this.stage.host.apply(GRANTS, { type: 'grant.release', request });
      this.report(state.id, { type: 'grant.returned', task });
    },
    // People look for themselves, and the grants stream is asked in `act`.
    notify: () => {},
    granted: () => {},
    ...NO_TREES,
  };

  /** What was owed can't be refused. */
  private report(run: string, command: HostCommand, then?: () => void): void {
    if (!this.stage.report(run, command, then)) throw new Broken(`${run} owed ${JSON.stringify(command)} and refuses it`);
  }

  private resolve({ state, diary, owed: { task: id, round } }: Job<OwedOf<'resolve'>>): void {
    const { fate } = this.stage;
    const task = state.tasks.get(id);
    if (!task) throw new Broken(`${state.id}/${id} is to be resolved and not there`);
    const answer = (resolution: Extract<HostCommand, { type: 'task.resolve' }>['resolution'], then?: () => void) =>
      this.report(state.id, { type: 'task.resolve', task: id, round, resolution }, then);
    const fail = { to: 'fail', failure: FAILED.failure } as const;
    const fated = round === 0 ? fate.resolving(id) : undefined;
    if (fated) answer(fated === 'skip' ? { to: 'skip' } : fail, () => diary.resolved.set(id, fated));
    else if (task.spec.kind !== 'container') answer({ to: 'inputs', inputs: `inputs of ${id}` });
    else {
      const add = fate.children(task.spec, round, task.depth);
      const bad = task.children?.ids.some((child) => ['failed', 'cancelled'].includes(state.tasks.get(child)?.status ?? ''));
      if (add.length > 0) answer({ to: 'expand', add }, () => (diary.plan = [...diary.plan, ...add]));
      else if (bad && !task.spec.continueOnError) answer(fail);
      else answer({ to: 'commit', result: `all of ${id}` }, () => diary.results.set(id, `all of ${id}`));
    }
  }

  private start({ state, diary, owed: { task, attempt } }: Job<OwedOf<'start'>>): void {
    if (!this.stage.closing && this.stage.random.chance(0.03)) {
      this.report(state.id, { type: 'task.block', task, reason: 'nobody is there' });
      return;
    }
    const at = this.stage.timeOf(state);
    this.report(state.id, { type: 'task.start', task, attempt }, () => {
      diary.begin(task, at);
      this.hold(state, task);
    });
  }

  /** Two that claim one path never run at once. */
  private hold(state: RunState, id: string): void {
    const claims = state.tasks.get(id)?.spec.claims;
    const scope = state.plan.scope ?? '';
    if (!claims) return;
    const own = `${state.id}/${id}`;
    for (const [other, held] of this.holding)
      if (
        !this.stage.shared.has(`${own} ${other}`) &&
        held.scope === scope &&
        held.claims.some((one) => claims.some((two) => globsMeet(one, two)))
      )
        throw new Broken(`${own} runs beside ${other}, and both claim a path`);
    this.holding.set(own, { scope, claims });
  }

  private attempt(job: Job<OwedOf<'attempt'>>): void {
    const { fate, random } = this.stage;
    const { state, owed } = job;
    const { task, attempt } = owed;
    const key = `${state.id} ${owed.id}`;
    const record = state.tasks.get(task);
    if (!record) throw new Broken(`${state.id}/${task} is to be attempted and not there`);
    if (!this.busy.has(key)) {
      this.busy.add(key);
      return;
    }
    const left = Array.from({ length: fate.steps(task) }, (_, i) => `step ${i}`).find((step) => record.steps[step] === undefined);
    // Now and then it breaks off in the middle of a step.
    if (left !== undefined && !(record.reserved[left] !== undefined && random.chance(0.1))) {
      this.step(job, record, left);
      return;
    }
    const end = fate.end(task, attempt);
    const usage = random.chance(0.2) ? { usage: { calls: 1, inputTokens: random.below(50) } } : {};
    if (end === 'brings' || end === 'lost') this.end(job, { ok: true, result: `${state.id}/${task}/${attempt}`, ...usage }, 'brings');
    else {
      const { dispatched, retryAfterMs } = end;
      const more = { ...(dispatched ? {} : { dispatched }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
      const failure = { class: end.class, code: 'RANDOM', message: 'by chance', ...more };
      this.end(job, { ok: false, failure, ...usage }, end);
    }
  }

  /** Sets budget aside, or records what the step brought; without budget the attempt gives up. */
  private step(job: Job<OwedOf<'attempt'>>, record: TaskRecord, step: string): void {
    const { random } = this.stage;
    const { state, diary, owed } = job;
    const { task, attempt } = owed;
    if (record.reserved[step] !== undefined) {
      const usage = { calls: 1, inputTokens: random.below(80), outputTokens: random.below(80) };
      this.report(state.id, { type: 'step.record', task, attempt, step, output: `${task} ${step}`, usage }, () => {
        diary.ledger.record(task, step, usage);
        diary.steps.set(task, [...(diary.steps.get(task) ?? []), step]);
      });
      return;
    }
    const amounts = { calls: 1, tokens: 50 + random.below(100) };
    this.stage.report(state.id, { type: 'step.reserve', task, attempt, step, amounts });
    if (record.reserved[step] === undefined) {
      // What the run's page says when the attempt gives up.
      const excused = state.status === 'paused' && state.pausedBy === 'budget';
      const end = { class: 'budget', dispatched: false, excused } as const;
      this.end(job, { ok: false, failure: { class: 'budget', code: 'BUDGET', message: 'no budget', dispatched: false } }, end);
    } else
      this.stage.after(() => {
        const wrong = diary.ledger.reserve(task, step, amounts);
        if (wrong) throw new Broken(`${state.id}: ${wrong}`);
      });
  }

  private end({ state, diary, owed }: Job<OwedOf<'attempt' | 'stop'>>, outcome: Outcome, end?: Happening['end']): void {
    const { task, attempt } = owed;
    const stopping = state.tasks.get(task)?.stopping === true;
    const at = this.stage.timeOf(state);
    this.report(state.id, { type: 'attempt.end', task, attempt, outcome }, () => {
      if (end !== undefined) diary.end(task, attempt, end, at);
      if (outcome.ok && !stopping) diary.results.set(task, outcome.result);
      this.over(diary, state.id, task, stopping || (!outcome.ok && ['timeout', 'cancelled', 'lost'].includes(outcome.failure.class)));
      if (outcome.usage) diary.ledger.spend(outcome.usage);
    });
  }

  private over(diary: Diary, run: string, task: string, served: boolean): void {
    diary.note('ends', task);
    diary.ledger.close(task, served);
    this.holding.delete(`${run}/${task}`);
  }

  private fire({ state, diary, owed }: Job<OwedOf<'timer'>>): void {
    const { host } = this.stage;
    host.now = Math.max(host.now, owed.at);
    const approval = owed.timer.startsWith('approval:') ? state.approvals.get(owed.timer.slice('approval:'.length)) : undefined;
    const over = overNow(state);
    this.report(state.id, { type: 'timer.fire', timer: owed.timer }, () => {
      if (approval) diary.hear(about(state, approval), { by: 'time' });
      if (owed.timer === 'wallTime') diary.note('pause');
      if (approval?.subject === 'plan' && approval.rule.onTimeout === 'deny') diary.cancel(over);
    });
  }

  // ---- crashes -----------------------------------------------------------------------------------------------

  crash(): void {
    this.stage.tell('crash');
    this.crashes++;
    this.busy.clear();
    this.stage.host.crash();
    for (const { state, diary, owed } of this.stage.owed()) {
      if (owed.type !== 'attempt' && owed.type !== 'stop') continue;
      const { task, attempt } = owed;
      const at = this.stage.timeOf(state);
      this.report(state.id, { type: 'attempt.lose', task, attempt }, () => {
        diary.end(task, attempt, 'lost', at);
        this.over(diary, state.id, task, true);
      });
      const outcome: Outcome = { ok: true, result: 'from the dead' };
      this.zombies.push({ run: state.id, command: { type: 'attempt.end', task, attempt, outcome } });
    }
    this.stage.commit();
  }

  /** A performer that outlived its host reports; nothing may come of it. */
  late(): void {
    const zombie = this.zombies.pop();
    const task = zombie && this.stage.host.runs.get(zombie.run)?.tasks.get(zombie.command.task);
    // The crash may have been told to nobody: then it is no zombie yet.
    if (!zombie || !task?.lost.includes(zombie.command.attempt)) return;
    const plain = () => JSON.stringify({ ...task, lost: [], dirty: false });
    const before = plain();
    this.report(zombie.run, zombie.command);
    if (plain() !== before) throw new Broken(`${zombie.run}/${zombie.command.task}: a late result changed it`);
  }
}
