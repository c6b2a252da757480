/** A run in memory, for tests: it is asked one command after the other, and must be sound after each. */
import type { RunCommand } from './commands.ts';
import { violation } from './invariants.ts';
import { decide, evolve, settle } from './kernel.ts';
import type { OwedChange } from './owed.ts';
import type { ApprovalRule, Failure, Limits, Plan, TaskSpec, TreeRule } from './plan.ts';
import type { RunState, TaskRecord } from './state.ts';
import { taskOf } from './task.ts';

export const ME = { id: 'me', roles: ['approver'] };

/** Tasks are `t0`, `t1`, … and idempotent unless they say otherwise. */
export class KernelPlay {
  private current: RunState | undefined;
  at = 1_000;

  constructor(
    tasks: readonly Partial<TaskSpec>[],
    limits: Partial<Limits> = {},
    approval?: ApprovalRule,
    tree?: TreeRule,
    more: Pick<Plan, 'changes'> = {},
  ) {
    const specs = tasks.map(
      (task, i): TaskSpec => ({ id: `t${i}`, kind: 'work', needs: [], work: 'w', agent: 'a', idempotent: true, ...task }),
    );
    this.ask({
      type: 'run.create',
      by: ME,
      plan: {
        name: 'p',
        source: 's',
        limits: { tasks: 100, depth: 3, ...limits },
        tasks: specs,
        ...(approval ? { approval } : {}),
        ...(tree ? { tree } : {}),
        ...more,
      },
    });
  }
  get state(): RunState {
    if (!this.current) throw new Error('no run');
    return this.current;
  }
  task(id = 't0'): TaskRecord {
    return taskOf(this.state, id);
  }
  owed(): string[] {
    return [...this.state.owed, ...[...this.state.tasks.values()].flatMap((task) => task.owed)].map((owed) => owed.id);
  }
  /** The facts a command brought, or the code of its refusal. */
  ask(command: RunCommand): string[] {
    const decided = decide(this.current, command, this.at);
    if (!Array.isArray(decided)) return [(decided as { code: string }).code];
    const types: string[] = [];
    const change: OwedChange = { added: [], removed: [] };
    for (let facts = decided; facts.length > 0; facts = settle(this.state))
      for (const fact of facts) {
        types.push(fact.type);
        this.current = evolve(this.current, fact, this.at, change, 'r');
      }
    const broken = violation(this.state);
    if (broken !== undefined) throw new Error(broken);
    return types;
  }
  start(task = 't0', attempt = 1): string[] {
    return this.ask({ type: 'task.start', task, attempt });
  }
  /** It brings a result, and where it says so a change of its tree. */
  ok(task = 't0', attempt = 1, change?: string): string[] {
    const changed = change === undefined ? {} : { change };
    return this.ask({ type: 'attempt.end', task, attempt, outcome: { ok: true, result: `${task}${attempt}`, ...changed } });
  }
  fail(failure: Partial<Failure>, task = 't0', attempt = 1): string[] {
    return this.ask({
      type: 'attempt.end',
      task,
      attempt,
      outcome: { ok: false, failure: { class: 'permanent', code: 'X', message: 'x', ...failure } },
    });
  }
  lose(task = 't0', attempt = 1): string[] {
    return this.ask({ type: 'attempt.lose', task, attempt });
  }
}
