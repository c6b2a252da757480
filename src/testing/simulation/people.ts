/** People, who answer late, wrongly or not at all, and ask for things at any time. */
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import { GRANTS, globsMeet } from '../../engine/kernel/grants.ts';
import type { Principal, TaskSpec } from '../../engine/kernel/plan.ts';
import { type Approval, RUN_TERMINAL, type RunState, type TaskRecord } from '../../engine/kernel/state.ts';
import type { Ending, Voice } from '../model.ts';
import { endingOf } from './audit.ts';
import { Diary } from './diary.ts';
import { PEOPLE, randomPlan, randomTask } from './fate.ts';
import { Broken } from './plain-host.ts';
import { about, overNow, type Stage } from './stage.ts';

const RUNS_MAX = 3;
const SEGMENTS_MAX = 4;

export class People {
  private readonly stage: Stage;
  constructor(stage: Stage) {
    this.stage = stage;
  }
  private get someone(): Principal {
    return this.stage.random.pick(PEOPLE);
  }

  create(): void {
    const { diaries, host, random } = this.stage;
    const run = `r${diaries.size}`;
    if (diaries.size >= RUNS_MAX || host.runs.has(run)) return;
    const [plan, by] = [randomPlan(random), this.someone];
    this.stage.ask(run, { type: 'run.create', plan, by }, () => diaries.set(run, new Diary(plan, by)));
  }

  /** Answers one of the things that wait for a person. */
  answer(): void {
    const { random } = this.stage;
    const open = this.stage.open();
    if (open.length === 0) return;
    const { state, diary } = random.pick(open);
    const waiting: (() => void)[] = [];
    for (const approval of state.approvals.values()) if (approval.status === 'open') waiting.push(() => this.vote(diary, state, approval));
    for (const task of state.tasks.values()) {
      const { id } = task.spec;
      if (task.status === 'undecided' && !task.probing) waiting.push(() => this.decide(diary, state, task));
      else if (task.status === 'running' && task.spec.kind === 'question')
        waiting.push(() =>
          this.must(state, { type: 'question.answer', by: this.someone, task: id, result: 'answer' }, () =>
            diary.results.set(id, 'answer'),
          ),
        );
      else if (task.status === 'blocked') waiting.push(() => this.must(state, { type: 'run.retry', by: this.someone, task: id }));
    }
    if (state.status === 'paused') waiting.push(() => this.resume(diary, state, true));
    if (waiting.length > 0) random.pick(waiting)();
  }

  /** Asks for what nobody has a reason to refuse. */
  private must(state: RunState, command: AskedCommand, then?: () => void): void {
    if (!this.stage.ask(state.id, command, then)) throw new Broken(`${state.id} is ${state.status} and refuses ${command.type}`);
  }

  private resume(diary: Diary, state: RunState, raise: boolean): void {
    const { calls, tokens, wallTimeMs } = state.limits;
    const limits = {
      ...(calls === undefined ? {} : { calls: calls + 20 }),
      ...(tokens === undefined ? {} : { tokens: tokens + 3_000 }),
      ...(wallTimeMs === undefined ? {} : { wallTimeMs: wallTimeMs * 50 }),
    };
    this.stage.ask(state.id, { type: 'run.resume', by: this.someone, ...(raise ? { limits } : {}) }, () => {
      diary.note('resume');
      if (raise) diary.ledger.limits = { ...diary.ledger.limits, ...limits };
    });
  }

  private vote(diary: Diary, state: RunState, approval: Approval): void {
    const { random } = this.stage;
    const by = this.someone;
    const stale = random.chance(0.05);
    const rejects = random.chance(0.2);
    const says = !rejects ? 'approve' : approval.subject === 'result' && random.chance(0.5) ? 'send back' : 'reject';
    const voice: Voice = { by, says, stale };
    const [place, over] = [about(state, approval), overNow(state)];
    this.stage.ask(state.id, {
      type: 'approval.decide',
      by,
      approval: approval.id,
      binds: stale ? 'something else' : approval.binds,
      decision: rejects ? 'reject' : 'approve',
      ...(says === 'send back' || approval.subject === 'task' ? { result: 'said' } : {}),
    });
    // What was said is written down whether it counted or not: that is for the model to say.
    const cancels = approval.subject === 'plan' && approval.status === 'denied';
    this.stage.after(() => {
      diary.hear(place, voice);
      if (approval.subject === 'task' && approval.task !== undefined) diary.results.set(approval.task, 'said');
      if (cancels) diary.cancel(over);
    });
  }

  private decide(diary: Diary, state: RunState, { spec, attempt }: TaskRecord): void {
    const decision = this.stage.random.pick(['retry', 'committed', 'fail'] as const);
    const result = decision === 'committed' ? { result: 'decided' } : {};
    this.must(state, { type: 'task.decide', by: this.someone, task: spec.id, decision, ...result }, () => {
      diary.attempt(spec.id, attempt).ruling = decision;
      if (decision === 'committed') diary.results.set(spec.id, 'decided');
    });
  }

  /** Asks for something of their own accord. */
  command(): void {
    const { random } = this.stage;
    const all = this.stage.open(true);
    if (all.length === 0) return;
    const { state, diary } = random.pick(all);
    const [by, run, dice] = [this.someone, state.id, random.next()];
    const tasks = [...state.tasks.keys()];
    const going = !RUN_TERMINAL.has(state.status) && state.status !== 'cancelling';
    if (dice < 0.2) {
      if (going && state.status !== 'paused' && state.status !== 'awaiting-approval')
        this.must(state, { type: 'run.pause', by }, () => diary.note('pause'));
    } else if (dice < 0.45) this.resume(diary, state, random.chance(0.2));
    else if (dice < 0.5) {
      const over = overNow(state);
      if (going) this.must(state, { type: 'run.cancel', by }, () => diary.cancel(over));
    } else if (dice < 0.6 && tasks.length > 0) this.stage.ask(run, { type: 'message.send', by, task: random.pick(tasks), body: 'hello' });
    else if (dice < 0.75) this.change(diary, state, by);
    else if (dice < 0.88) this.retry(diary, state, by);
    else if (dice < 0.92) this.share(by);
    else this.repeat();
  }

  /** Lets two tasks overlap that claim one path, unless both name a contract. */
  private share(by: Principal): void {
    const { host, random, shared } = this.stage;
    const all = [...host.grants.requests.values()];
    if (all.length < 2) return;
    const [one, two] = [random.pick(all), random.pick(all)];
    const before = one.beside.includes(two.id);
    const contracts = random.chance(0.3) ? [random.pick(one.claims)] : [];
    const reply = host.apply(GRANTS, { type: 'grant.share', request: one.id, other: two.id, binds: 'seen', contracts, by });
    const meet = one !== two && one.scope === two.scope && one.claims.some((a) => two.claims.some((b) => globsMeet(a, b)));
    const isContract = contracts.some((path) => two.claims.includes(path));
    if ((reply === 'done') !== (meet && (!isContract || before)))
      throw new Broken(`${one.id} and ${two.id} may overlap: ${JSON.stringify(reply)}`);
    if (reply === 'done') this.stage.after(() => void shared.add(`${one.id} ${two.id}`).add(`${two.id} ${one.id}`));
  }

  private change(diary: Diary, state: RunState, by: Principal): void {
    const { random } = this.stage;
    const top = diary.plan.filter(({ parent }) => parent === undefined);
    const some = (chance: number) => top.filter(() => random.chance(chance)).map(({ id }) => id);
    const id = `x${this.stage.newId()}`;
    const add = random.chance(0.7) ? [randomTask(random, id, some(0.3), 0)] : [];
    const drop = random.chance(0.3) && top.length > 0 ? [random.pick(top).id] : [];
    const rewire: Record<string, readonly string[]> = {};
    for (const spec of top) {
      if (drop.includes(spec.id)) continue;
      if (random.chance(0.15)) rewire[spec.id] = [...some(0.2), ...(random.chance(0.4) ? add.map((each) => each.id) : [])];
      else if (spec.needs.some((need) => drop.includes(need))) rewire[spec.id] = spec.needs.filter((need) => !drop.includes(need));
    }
    const stale = random.chance(0.1);
    const others = top.filter(({ id }) => !drop.includes(id) && rewire[id] === undefined && random.chance(0.1));
    const replace = others.map((spec) => randomTask(random, spec.id, spec.needs, 0));
    const asked = { type: 'plan.change', by, base: state.version - (stale ? 1 : 0), add, drop, rewire, replace } as const;
    const made = this.stage.ask(state.id, asked, () => {
      const kept = diary.plan.filter((spec) => !drop.includes(spec.id)).map((spec) => replace.find(({ id }) => id === spec.id) ?? spec);
      diary.plan = [...kept, ...add].map((spec) => ({ ...spec, needs: rewire[spec.id] ?? spec.needs }));
    });
    if (made && stale) throw new Broken(`${state.id}: a change was made against another plan`);
  }

  /** A new segment of an ended run: what failed or was cancelled, or one task, and all that comes after. */
  private retry(diary: Diary, state: RunState, by: Principal): void {
    const { random, reopened } = this.stage;
    if (!RUN_TERMINAL.has(state.status) || diary.segment >= SEGMENTS_MAX || diary.plan.length === 0 || reopened.has(state.id)) return;
    const { plan } = diary;
    const top = plan.filter(({ parent }) => parent === undefined);
    const from = random.chance(0.5) ? random.pick(top).id : undefined;
    const ended = new Map([...state.tasks.values()].map((task): [string, Ending] => [task.spec.id, endingOf(task)]));
    const redo = new Set(
      from === undefined ? top.map(({ id }) => id).filter((id) => ['failed', 'cancelled'].includes(ended.get(id) ?? '')) : [from],
    );
    for (let size = -1; size !== redo.size; ) {
      size = redo.size;
      for (const { id, needs } of top) if (needs.some((need) => redo.has(need))) redo.add(id);
    }
    const segment = diary.segment + 1;
    const now = (id: string) => (redo.has(id) ? `${id.replace(/\^\d+$/, '')}^${segment}` : id);
    const rootOf = ({ id, parent }: TaskSpec): string => {
      const around = plan.find((each) => each.id === parent);
      return around ? rootOf(around) : id;
    };
    reopened.add(state.id);
    this.stage.ask(state.id, { type: 'run.retry', by, ...(from === undefined ? {} : { task: from }) }, () => {
      const kept = plan.filter((spec) => !redo.has(rootOf(spec)));
      const again = top.filter(({ id }) => redo.has(id)).map((spec) => ({ ...spec, id: now(spec.id), needs: spec.needs.map(now) }));
      if (again.length === 0) throw new Broken(`${state.id}: nothing was to be retried, and was`);
      diary.reopen([...kept, ...again], new Map(kept.map(({ id }) => [id, ended.get(id) ?? 'cancelled'])));
    });
  }

  /** A command again, or its id with other words: nothing happens. */
  repeat(): void {
    const { random, host, said } = this.stage;
    if (said.length === 0) return;
    const { run, command } = random.pick(said);
    const other = random.chance(0.5);
    const facts = host.facts;
    const reply = host.apply(run, other ? { ...command, ref: { ...command.ref, args: 'other' } } : command);
    const right = other ? typeof reply !== 'string' && reply.code === 'IDEMPOTENCY_MISMATCH' : reply === 'repeated';
    if (!right || facts !== host.facts) throw new Broken(`${command.ref.id} was given again: ${JSON.stringify(reply)}`);
  }
}
