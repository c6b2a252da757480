/** The people of a world: they answer late, wrongly or never, and ask for things at any time. */
import type { AskedCommand } from '../../engine/kernel/commands.ts';
import type { CommandRef } from '../../engine/kernel/facts.ts';
import { GRANTS, meets } from '../../engine/kernel/grants.ts';
import type { Principal } from '../../engine/kernel/plan.ts';
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import { randomPlan, randomTask } from './plans.ts';
import type { Surroundings } from './surroundings.ts';

const ME: Principal = { id: 'me', roles: ['admin'] };
const PEOPLE: readonly Principal[] = [
  { id: 'ann', roles: ['approver', 'admin'] },
  { id: 'bob', roles: ['approver', 'admin'] },
  { id: 'cyd', roles: [] },
  { id: 'dan', roles: ['approver', 'admin'] },
];

export class Crowd {
  /** Runs asked for. */
  runs = 0;
  private readonly world: Surroundings;
  private readonly asked: { readonly run: string; readonly command: AskedCommand & { readonly ref?: CommandRef } }[] = [];
  private commands = 0;
  constructor(world: Surroundings) {
    this.world = world;
  }

  private async ask(run: string, command: AskedCommand): Promise<void> {
    const ref = { id: `c${this.commands++}`, args: JSON.stringify(command) };
    this.asked.push({ run, command: { ...command, ref } });
    this.world.tell(`asks ${run} ${command.type}`);
    this.world.host.submit(run, { ...command, ref }).catch(() => {});
  }

  async newRun(): Promise<void> {
    if (this.runs >= 12) return;
    const run = `r${this.runs++}`;
    await this.ask(run, {
      type: 'run.create',
      plan: randomPlan(this.world.random, (payload) => this.world.put(payload)),
      by: this.world.random.chance(0.7) ? ME : this.world.random.pick(PEOPLE),
    });
  }

  async person(thorough: boolean): Promise<void> {
    const { random } = this.world;
    for (const state of this.world.checker.runs.values()) {
      if (RUN_TERMINAL.has(state.status) || (!thorough && random.chance(0.5))) continue;
      for (const approval of state.approvals.values()) {
        if (approval.status !== 'open') continue;
        for (const by of thorough ? [...PEOPLE, ME] : [random.pick(PEOPLE)]) {
          if (!by) continue;
          const stale = !thorough && random.chance(0.1);
          if (stale) this.world.coverage.add('fault stale approval');
          const decision = random.chance(0.75) || thorough ? 'approve' : 'reject';
          const result = approval.subject === 'task' || random.chance(0.5) ? { result: this.world.put('{"decision":true}') } : {};
          await this.ask(state.id, {
            type: 'approval.decide',
            by,
            approval: approval.id,
            binds: stale ? 'something else' : approval.binds,
            decision,
            ...result,
          });
        }
      }
      for (const task of state.tasks.values()) {
        if (task.status === 'undecided' && !task.probing) {
          const decision = random.pick(['retry', 'committed', 'fail'] as const);
          await this.ask(state.id, {
            type: 'task.decide',
            by: ME,
            task: task.spec.id,
            decision,
            ...(decision === 'committed' ? { result: this.world.put('{"decided":true}') } : {}),
          });
        } else if (task.status === 'running' && task.spec.kind === 'question')
          await this.ask(state.id, { type: 'question.answer', by: ME, task: task.spec.id, result: this.world.put('{"answer":true}') });
        else if (task.status === 'blocked' || task.stalled !== undefined)
          await this.ask(state.id, { type: 'run.retry', by: ME, task: task.spec.id });
      }
      if (state.status === 'paused' && (thorough || random.chance(0.5)))
        await this.ask(state.id, {
          type: 'run.resume',
          by: ME,
          limits: { ...raised(state), ...(state.limits.wallTimeMs === undefined ? {} : { wallTimeMs: state.limits.wallTimeMs * 100 }) },
        });
    }
  }

  async command(): Promise<void> {
    const { random } = this.world;
    const all = [...this.world.checker.runs.values()];
    if (all.length === 0) return;
    const state = random.pick(all);
    const tasks = [...state.tasks.values()];
    const dice = random.next();
    const restorable = tasks.filter((task) => task.status === 'ready' || task.status === 'undecided').filter((task) => task.checkpoint);
    const task = restorable.length > 0 ? random.pick(restorable) : undefined;
    if (dice < 0.04) await this.ask(state.id, { type: 'run.promote', by: ME, ...(random.chance(0.3) ? { branch: 'work' } : {}) });
    else if (dice < 0.07) await this.ask(state.id, { type: 'promotion.undo', by: ME });
    else if (dice < 0.2 && task?.checkpoint !== undefined)
      await this.ask(state.id, {
        type: 'workspace.restore',
        by: ME,
        task: task.spec.id,
        to: task.checkpoint,
        ...(random.chance(0.3) ? { paths: ['a.ts'] } : {}),
      });
    else if (dice < 0.12) await this.share();
    else if (dice < 0.15) await this.ask(state.id, { type: 'run.pause', by: ME });
    else if (dice < 0.3) await this.ask(state.id, { type: 'run.resume', by: ME, ...(random.chance(0.3) ? { limits: raised(state) } : {}) });
    else if (dice < 0.38) await this.ask(state.id, { type: 'run.cancel', by: ME });
    else if (dice < 0.5)
      await this.ask(state.id, {
        type: 'run.retry',
        by: ME,
        ...(random.chance(0.5) && tasks.length > 0 ? { task: random.pick(tasks).spec.id } : {}),
      });
    else if (dice < 0.65 && tasks.length > 0)
      await this.ask(state.id, { type: 'message.send', by: ME, task: random.pick(tasks).spec.id, body: this.world.put('please hurry') });
    else if (dice < 0.8) await this.change(state);
    else if (this.asked.length > 0) {
      const { run, command } = random.pick(this.asked);
      this.world.putAgain();
      const mismatch = random.chance(0.3);
      this.world.coverage.add(mismatch ? 'fault mismatched command' : 'fault repeated command');
      const ref = mismatch && command.ref ? { ref: { ...command.ref, args: 'other' } } : {};
      this.world.host.submit(run, { ...command, ...ref }).catch(() => {});
    }
  }

  /** Lets two tasks overlap that claim one path. */
  private async share(): Promise<void> {
    const { random, checker, host } = this.world;
    const all = [...checker.grants.requests.values()];
    const waiting = all.filter(({ status }) => status === 'waiting');
    if (waiting.length === 0) return;
    const one = random.pick(waiting);
    const meeting = all.filter((each) => each !== one && meets(one, each));
    const other = random.pick(meeting.length > 0 && random.chance(0.8) ? meeting : all);
    const contracts = random.chance(0.2) ? one.claims : [];
    host.submit(GRANTS, { type: 'grant.share', request: one.id, other: other.id, binds: 'seen', contracts, by: ME }).catch(() => {});
  }

  private async change(state: RunState): Promise<void> {
    const { random } = this.world;
    const base = random.chance(0.8) ? state.version : state.version - 1;
    if (base !== state.version) this.world.coverage.add('fault stale plan change');
    const put = (payload: string) => this.world.put(payload);
    const open = [...state.tasks.values()].filter(({ status, children }) => status === 'running' && children && children.open > 0);
    const parent = open.length > 0 && random.chance(0.5) ? random.pick(open).spec.id : undefined;
    const within = parent === undefined ? {} : { parent };
    const tasks = [...state.tasks.values()].filter(({ spec }) => spec.parent === parent);
    const id = parent === undefined ? `x${this.commands}` : `${parent}/x${this.commands}`;
    const needs = tasks.filter(() => random.chance(0.3)).map((task) => task.spec.id);
    const trees = state.plan.tree !== undefined;
    const add = random.chance(0.8) ? [{ ...randomTask(random, put, id, needs, 1, trees), ...within }] : [];
    const idle = tasks.filter(({ status }) => status === 'pending' || status === 'ready' || status === 'blocked');
    const one = () => random.pick(idle).spec;
    const rewire = idle.length > 0 && add.length > 0 && random.chance(0.4) ? { rewire: { [one().id]: [id] } } : {};
    const drop = idle.length > 0 && random.chance(0.3) ? { drop: [one().id] } : {};
    const other = idle.length > 0 && random.chance(0.4) ? one() : undefined;
    const replace = other ? { replace: [{ ...randomTask(random, put, other.id, other.needs, 1, trees), ...within }] } : {};
    await this.ask(state.id, { type: 'plan.change', by: ME, base, add, file: put('{}'), ...within, ...rewire, ...drop, ...replace });
  }
}

const raised = (state: RunState) => ({
  ...(state.limits.calls === undefined ? {} : { calls: state.limits.calls + 20 }),
  ...(state.limits.tokens === undefined ? {} : { tokens: state.limits.tokens + 5_000 }),
});
