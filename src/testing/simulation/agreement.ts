/** Runs a scripted plan on the kernel, in an order that chance gives, and holds the outcome against the model. */
import type { RunCommand } from '../../engine/kernel/commands.ts';
import { violation } from '../../engine/kernel/invariants.ts';
import { decide, evolve, owedBy, settle } from '../../engine/kernel/kernel.ts';
import type { Owed, OwedChange } from '../../engine/kernel/owed.ts';
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import { RUN_TERMINAL, type RunState, TERMINAL } from '../../engine/kernel/state.ts';
import { expectedOf, type Fate, type Ruling, type Scripted } from '../model.ts';
import { Random } from './random.ts';

const ME = { id: 'me', roles: [] };

export function randomScript(random: Random): Scripted[] {
  const plan: Scripted[] = [];
  for (let i = 0, size = 1 + random.below(12); i < size; i++) {
    const gates = random.chance(0.3) ? ['one', 'two'].slice(0, 1 + random.below(2)) : undefined;
    const spec: TaskSpec = {
      id: `t${i}`,
      kind: 'work',
      needs: plan.filter(() => random.chance(0.3)).map((each) => each.spec.id),
      work: 'w',
      agent: 'a',
      idempotent: random.chance(0.5),
      ...(random.chance(0.15) ? { always: true } : {}),
      ...(random.chance(0.15) ? { continueOnError: true } : {}),
      ...(random.chance(0.5) ? { onLost: random.pick(['ask', 'fail', 'retry'] as const) } : {}),
      ...(random.chance(0.4) ? { retry: { attempts: 1 + random.below(4), on: random.chance(0.7) ? ['transient'] : ['throttled'] } } : {}),
      ...(gates ? { gates, ...(random.chance(0.6) ? { reworkMax: random.below(3) } : {}) } : {}),
    };
    const fates = Array.from({ length: 1 + random.below(5) }, (): Fate => {
      const dice = random.next();
      if (dice < 0.2) return { is: 'lost' };
      if (dice < 0.45) return { is: 'fails', with: random.chance(0.75) ? 'transient' : 'permanent', dispatched: random.chance(0.7) };
      return { is: 'brings', gates: (gates ?? []).map(() => random.chance(0.6)) };
    });
    const rulings: Ruling[] = Array.from({ length: 3 }, () => random.pick(['retry', 'committed', 'fail'] as const));
    // Whatever repeats for ever would never end: the last of each settles it.
    plan.push({ spec, fates: [...fates, { is: 'brings', gates: [] }], rulings: [...rulings, 'fail'] });
  }
  return plan;
}

/** What differs between kernel and model, in words; undefined when they agree. */
export function disagreement(seed: number): string | undefined {
  const random = new Random(seed);
  const script = randomScript(random);
  const expected = expectedOf(script);
  const { state, attempts, problem } = perform(script, random);
  if (problem !== undefined) return problem;
  for (const [id, { status, attempts: times }] of expected.tasks) {
    const task = state.tasks.get(id);
    if (task?.status !== status) return `${id} is ${task?.status}, the model says ${status}`;
    if ((attempts.get(id) ?? 0) !== times) return `${id} was attempted ${attempts.get(id) ?? 0} times, the model says ${times}`;
  }
  return state.status === expected.run ? undefined : `the run ${state.status}, the model says ${expected.run}`;
}

function perform(script: readonly Scripted[], random: Random): { state: RunState; attempts: Map<string, number>; problem?: string } {
  const byId = new Map(script.map((each) => [each.spec.id, { ...each, rulings: [...each.rulings] }]));
  const attempts = new Map<string, number>();
  const at = 1_000;
  let state: RunState | undefined;
  let now = at;
  const submit = (command: RunCommand) => {
    const decided = decide(state, command, now);
    if (!Array.isArray(decided)) throw new Error(`${command.type} was refused: ${JSON.stringify(decided)}`);
    const change: OwedChange = { added: [], removed: [] };
    for (const fact of decided) state = evolve(state, fact, now, change, 'r');
    for (let more = state ? settle(state) : []; more.length > 0 && state; more = settle(state))
      for (const fact of more) state = evolve(state, fact, now, change, 'r');
  };
  submit({
    type: 'run.create',
    by: ME,
    plan: { name: 'p', source: 's', limits: { tasks: 99, depth: 1 }, tasks: script.map((each) => each.spec) },
  });
  for (let i = 0; i < 5_000; i++) {
    const live = state as RunState | undefined;
    if (!live) throw new Error('no run');
    const broken = violation(live);
    if (broken) return { state: live, attempts, problem: broken };
    if (RUN_TERMINAL.has(live.status)) return { state: live, attempts };
    const owed = owedBy(live);
    const next = random.pick(owed);
    if (next.type === 'start') {
      const task = live.tasks.get(next.task);
      const early = task?.spec.needs.find((need) => !TERMINAL.has(live.tasks.get(need)?.status ?? 'pending'));
      if (early !== undefined) return { state: live, attempts, problem: `${next.task} starts before ${early} is over` };
      attempts.set(next.task, (attempts.get(next.task) ?? 0) + 1);
    }
    if (next.type === 'timer') now = Math.max(now, next.at);
    const command = answer(next, byId);
    if (command) submit(command);
  }
  return { state: state as unknown as RunState, attempts, problem: 'it never ends' };
}

function answer(owed: Owed, byId: ReadonlyMap<string, Scripted & { rulings: Ruling[] }>): RunCommand | undefined {
  const fateOf = (task: string, attempt: number): Fate => {
    const fates = byId.get(task)?.fates ?? [];
    return fates[Math.min(attempt, fates.length) - 1] ?? { is: 'lost' };
  };
  switch (owed.type) {
    case 'start':
      return { type: 'task.start', task: owed.task, attempt: owed.attempt };
    case 'attempt': {
      const { task, attempt } = owed;
      const fate = fateOf(task, attempt);
      if (fate.is === 'lost') return { type: 'attempt.lose', task, attempt };
      if (fate.is === 'brings') return { type: 'attempt.end', task, attempt, outcome: { ok: true, result: `${task}/${attempt}` } };
      return {
        type: 'attempt.end',
        task,
        attempt,
        outcome: { ok: false, failure: { class: fate.with, code: 'X', message: 'x', dispatched: fate.dispatched } },
      };
    }
    case 'gate': {
      const fate = fateOf(owed.task, owed.attempt);
      const green = fate.is === 'brings' && fate.gates[owed.gate] !== false;
      return { type: 'gate.end', task: owed.task, attempt: owed.attempt, gate: owed.gate, verdict: green ? 'pass' : 'fail', evidence: 'e' };
    }
    case 'timer':
      return { type: 'timer.fire', timer: owed.timer };
    case 'notify': {
      const rulings = byId.get(owed.subject)?.rulings ?? [];
      const decision = (rulings.length > 1 ? rulings.shift() : rulings[0]) ?? 'fail';
      return { type: 'task.decide', by: ME, task: owed.subject, decision, result: 'r' };
    }
    default:
      throw new Error(`a scripted plan owes no ${owed.type}`);
  }
}
