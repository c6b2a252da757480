/** Reports and commands that come again, come late or too early, or name what is not there: nothing may come of them. */
import type { HostCommand, RunCommand } from '../../engine/kernel/commands.ts';
import type { Owed } from '../../engine/kernel/owed.ts';
import { RUN_TERMINAL, type RunState } from '../../engine/kernel/state.ts';
import { PEOPLE } from './fate.ts';
import { Broken } from './plain-host.ts';
import type { Stage } from './stage.ts';

type Kind = HostCommand['type'];
/** Those that carry what makes them unique: accepted once, they can never be owed again. */
const ONCE: ReadonlySet<Kind> = new Set(['task.start', 'attempt.end', 'attempt.lose', 'probe.end', 'gate.end', 'step.record']);
const NOBODY = 'nobody';
const ANN = { id: 'ann', roles: ['approver', 'admin'] };

export class Meddler {
  private readonly stage: Stage;
  constructor(stage: Stage) {
    this.stage = stage;
  }

  act(): void {
    const { random, reported } = this.stage;
    if (reported.length === 0) return;
    const { run, command } = random.pick(reported);
    const dice = random.next();
    if (dice < 0.4) this.nearMiss();
    else if (dice < 0.6 && ONCE.has(command.type)) this.expectNothing(run, command);
    else if (dice < 0.8) this.expectNothing(run, elsewhere(command));
    else this.early(run);
  }

  private expectNothing(run: string, command: RunCommand): void {
    const { host } = this.stage;
    const state = host.runs.get(run);
    if (!state) return;
    const facts = host.facts;
    const before = [...state.tasks.values()].map((task) => task.lost.length);
    const reply = host.apply(run, command);
    // That a lost attempt reported after all is written down, and changes nothing.
    const told = command.type === 'attempt.end' && [...state.tasks.values()].some((task, i) => task.lost.length < (before[i] ?? 0)) ? 1 : 0;
    this.stage.tell(`${run} again ${JSON.stringify(command)} ${typeof reply === 'string' ? reply : reply.code}`);
    if (host.facts !== facts + told) throw new Broken(`${run}: ${JSON.stringify(command)} came out of turn and was taken`);
  }

  /** Nearly what is owed: another attempt, gate or round, or a word that is missing. */
  private nearMiss(): void {
    const all = this.stage.owed().flatMap(({ state, owed }) => missesOf(owed).map((command) => ({ run: state.id, command })));
    for (const { state } of this.stage.open())
      for (const { status, spec } of state.tasks.values())
        if (status === 'undecided')
          all.push({ run: state.id, command: { type: 'task.decide', by: ANN, task: spec.id, decision: 'committed' } });
    if (all.length === 0) return;
    const { run, command } = this.stage.random.pick(all);
    this.expectNothing(run, command);
  }

  /** What a task does not owe, at an attempt or round it has not reached, or before its time. */
  private early(run: string): void {
    const { random, host } = this.stage;
    const state = host.runs.get(run);
    const task = state && state.tasks.size > 0 ? random.pick([...state.tasks.values()]) : undefined;
    if (!state || !task) return;
    const { id } = task.spec;
    const next = task.attempt + 1;
    const owes = (type: string) => task.owed.some((owed) => owed.type === type);
    const all: HostCommand[] = [
      { type: 'task.start', task: id, attempt: next + 1 },
      { type: 'attempt.end', task: id, attempt: next, outcome: { ok: true, result: 'too early' } },
      { type: 'attempt.lose', task: id, attempt: next },
      { type: 'gate.end', task: id, attempt: next, gate: 0, verdict: 'pass', evidence: 'none' },
      { type: 'gate.end', task: id, attempt: task.attempt, gate: 9, verdict: 'pass', evidence: 'none' },
      { type: 'probe.end', task: id, attempt: next, verdict: 'absent' },
      { type: 'step.reserve', task: id, attempt: next, step: 'step 0', amounts: { calls: 1 } },
      { type: 'step.record', task: id, attempt: next, step: 'step 0', output: 'none' },
      { type: 'task.resolve', task: id, round: 7, resolution: { to: 'inputs', inputs: 'none' } },
      { type: 'timer.fire', timer: `retry:${id}:${next}` },
      { type: 'grant.returned', task: task.endedAt === undefined ? id : NOBODY },
      ...(owes('start')
        ? []
        : ([
            { type: 'task.start', task: id, attempt: next },
            { type: 'task.block', task: id, reason: 'none' },
          ] as const)),
      ...(owes('resolve') ? [] : ([{ type: 'task.resolve', task: id, round: 0, resolution: { to: 'skip' } }] as const)),
      ...timersAhead(state, host.now).map((timer): HostCommand => ({ type: 'timer.fire', timer })),
    ];
    this.expectNothing(run, random.pick(random.chance(0.7) ? all : this.mistakes(state, id)));
  }
  /** What people may not ask as things are. */
  private mistakes(state: RunState, id: string): readonly RunCommand[] {
    const by = this.stage.random.pick(PEOPLE);
    const task = state.tasks.get(id);
    const closed = [...state.approvals.values()].find((approval) => approval.status !== 'open');
    const ended = RUN_TERMINAL.has(state.status);
    const all: RunCommand[] = [
      { type: 'run.create', by, plan: { name: 'again', source: 'source', tasks: [], limits: state.limits } },
      { type: 'question.answer', by, task: NOBODY, result: 'none' },
      { type: 'plan.change', by, base: state.version, add: [{ id: NOBODY, kind: 'work', needs: [], work: 'none', parent: id }] },
      { type: 'approval.decide', by, approval: closed?.id ?? NOBODY, binds: closed?.binds ?? '', decision: 'approve', result: 'none' },
    ];
    if (task?.status !== 'undecided' || task.probing) all.push({ type: 'task.decide', by, task: id, decision: 'retry' });
    if (task?.status !== 'running' || task.spec.kind !== 'question') all.push({ type: 'question.answer', by, task: id, result: 'none' });
    if (task?.endedAt !== undefined && task.replacedBy === undefined) all.push({ type: 'message.send', by, task: id, body: 'none' });
    if (task?.attempt) all.push({ type: 'plan.change', by, base: state.version, add: [], drop: [id] });
    if (ended) all.push({ type: 'run.cancel', by }, { type: 'run.pause', by }, { type: 'plan.change', by, base: state.version, add: [] });
    else if (task?.status !== 'blocked') all.push({ type: 'run.retry', by, task: id });
    if (state.status !== 'paused') all.push({ type: 'run.resume', by });
    return all;
  }
}

function missesOf(owed: Owed): RunCommand[] {
  switch (owed.type) {
    case 'start':
      return [-1, 1].map((by) => ({ type: 'task.start', task: owed.task, attempt: owed.attempt + by }));
    case 'resolve':
      return [-1, 1].map((by) => ({ type: 'task.resolve', task: owed.task, round: owed.round + by, resolution: { to: 'skip' } }));
    case 'attempt':
    case 'stop': {
      const { task, attempt } = owed;
      return [
        { type: 'attempt.end', task, attempt: attempt + 1, outcome: { ok: true, result: 'none' } },
        { type: 'attempt.lose', task, attempt: attempt - 1 },
        { type: 'attempt.lose', task, attempt: attempt + 1 },
        { type: 'step.reserve', task, attempt: attempt + 1, step: 'none', amounts: {} },
        { type: 'step.record', task, attempt: attempt - 1, step: 'none', output: 'none' },
      ];
    }
    case 'gate': {
      const { task, attempt, gate } = owed;
      const verdict = { type: 'gate.end', task, verdict: 'pass', evidence: 'none' } as const;
      return [
        { ...verdict, attempt: attempt + 1, gate },
        { ...verdict, attempt: attempt - 1, gate },
        { ...verdict, attempt, gate: 9 },
        { ...verdict, attempt, gate, given: 'none', reuses: 'none' },
      ];
    }
    case 'probe': {
      const { task, attempt } = owed;
      return [
        { type: 'probe.end', task, attempt: attempt - 1, verdict: 'absent' },
        { type: 'probe.end', task, attempt: attempt + 1, verdict: 'absent' },
        { type: 'probe.end', task, attempt, verdict: 'happened' },
        { type: 'task.decide', by: ANN, task, decision: 'committed' },
      ];
    }
    default:
      return [];
  }
}

const timersAhead = (state: RunState, now: number): string[] =>
  [...state.tasks.values(), ...state.approvals.values(), state].flatMap((holder) =>
    holder.owed.flatMap((owed) => (owed.type === 'timer' && owed.at > Math.max(now, state.at) ? [owed.timer] : [])),
  );

/** The same of something that is not there. */
function elsewhere(command: HostCommand): HostCommand {
  if (command.type === 'timer.fire') return { ...command, timer: `retry:${NOBODY}:1` };
  if (command.type === 'message.end') return { ...command, message: NOBODY };
  return 'task' in command
    ? { ...command, task: NOBODY }
    : { type: 'promote.end', promotion: NOBODY, outcome: { ok: true, report: 'none' } };
}
