/** Runs of the pure kernel, made by hand: a file becomes a plan, and tasks end as a test says. */
import type { Outcome } from '../../../src/engine/kernel/commands.ts';
import { decide, evolve, settle } from '../../../src/engine/kernel/kernel.ts';
import type { OwedChange } from '../../../src/engine/kernel/owed.ts';
import type { Hash } from '../../../src/engine/kernel/plan.ts';
import type { RunState } from '../../../src/engine/kernel/state.ts';
import type { AgentConfig } from '../../../src/work/agents/agent.ts';
import type { Definition, HandoffContent } from '../../../src/work/planning/definition.ts';
import { type Loaded, loadWorkflow } from '../../../src/work/workflow/load.ts';
import { planOf } from '../../../src/work/workflow/plan.ts';
import { formatProblem } from '../../../src/work/workflow/problem.ts';
import { createResolver } from '../../../src/work/workflow/resolver.ts';
import { MapBlobs } from '../../agents/support/context.ts';

const writer: AgentConfig = { name: 'writer', kind: 'scripted', config: {}, capabilities: [], slots: 4 };
const person: AgentConfig = { name: 'person', kind: 'human', config: {}, capabilities: [], slots: 4 };
const HEAD = 'version: 1\nname: test\n';

export type Files = Readonly<Record<string, string>>;

/** Loads `w.yaml`, which needs no head of its own. */
export function load(text: string, used: Files = {}): Loaded {
  const known = { agents: new Set(['writer', 'person']), functions: new Set(['fn']) };
  const result = loadWorkflow('w.yaml', Buffer.from(HEAD + text), known, (path) =>
    used[path] === undefined ? undefined : Buffer.from(HEAD + used[path]),
  );
  if (result.ok) return result.loaded;
  throw new Error(result.problems.map(formatProblem).join('\n'));
}

/** `CODE line:column` of every problem of `w.yaml`; its lines are counted without the head. */
export function problems(text: string, used: Files = {}): string[] {
  return messages(text, used).map((each) => each.replace(/^(\S+ \S+).*$/s, '$1'));
}
export function messages(text: string, used: Files = {}): string[] {
  const known = { agents: new Set(['writer', 'person']), functions: new Set(['fn']), limits: { tasks: 100, wallTimeMs: 3_600_000 } };
  const result = loadWorkflow('w.yaml', Buffer.from(HEAD + text), known, (path) =>
    used[path] === undefined ? undefined : Buffer.from(HEAD + used[path]),
  );
  return result.ok
    ? []
    : result.problems.map(
        (each) => `${each.code} ${each.file === 'w.yaml' ? '' : `${each.file}:`}${each.line - 2}:${each.column} ${each.message}`,
      );
}

export class TestRun {
  readonly blobs = new MapBlobs();
  readonly state: RunState;
  private readonly resolver = createResolver();

  constructor(text: string, options: { readonly inputs?: Readonly<Record<string, unknown>>; readonly used?: Files } = {}) {
    const plan = planOf(load(text, options.used), {
      agents: [writer, person],
      scope: '/project',
      now: 1_700_000_000_000,
      put: (payload) => this.blobs.put(payload),
      ...(options.inputs ? { inputs: options.inputs } : {}),
    });
    const facts = decide(undefined, { type: 'run.create', plan, by: { id: 'me', roles: [] } }, 1_700_000_000_000);
    if (!Array.isArray(facts)) throw new Error(JSON.stringify(facts));
    let state: RunState | undefined;
    for (const fact of facts) state = evolve(state, fact, 1_700_000_000_000, this.change, 'r1', undefined);
    if (!state) throw new Error('no state');
    this.state = state;
    this.settle();
  }

  private get change(): OwedChange {
    return { added: [], removed: [] };
  }

  private settle(): void {
    for (let more = settle(this.state); more.length > 0; more = settle(this.state))
      for (const fact of more) evolve(this.state, fact, 1, this.change, 'r1', undefined);
  }

  private ask(command: Parameters<typeof decide>[1]): void {
    const facts = decide(this.state, command, 1);
    if (!Array.isArray(facts)) throw new Error(`${command.type}: ${JSON.stringify(facts)}`);
    for (const fact of facts) evolve(this.state, fact, 1, this.change, 'r1', undefined);
    this.settle();
  }

  task(id: string) {
    const task = this.state.tasks.get(id);
    if (!task) throw new Error(`no task ${id}; there are ${[...this.state.tasks.keys()].join(', ')}`);
    return task;
  }

  resolution(id: string) {
    return this.resolver.resolve(this.state, id, this.blobs);
  }

  /** Resolves a task as the host would; says how that went. */
  resolve(id: string): string {
    const resolution = this.resolution(id);
    const round = this.task(id).children?.round ?? 0;
    this.ask({ type: 'task.resolve', task: id, round, resolution });
    return resolution.to === 'fail' ? `${resolution.failure.code} ${resolution.failure.message}` : resolution.to;
  }

  /** The definition an attempt of the task gets. */
  definition(id: string): Definition {
    const { inputs, spec } = this.task(id);
    return this.blobs.json(inputs ?? spec.work) as Definition;
  }

  /** An attempt of the task that ends like this. */
  end(id: string, content: Partial<HandoffContent> | Outcome): void {
    const attempt = this.task(id).attempt + 1;
    this.ask({ type: 'task.start', task: id, attempt });
    const outcome: Outcome = 'ok' in content ? content : { ok: true, result: this.put(content) };
    this.ask({ type: 'attempt.end', task: id, attempt, outcome });
  }

  fail(id: string): void {
    this.end(id, { ok: false, failure: { class: 'permanent', code: 'NO', message: 'It did not work.' } });
  }

  put(content: Partial<HandoffContent>): Hash {
    return this.blobs.put(JSON.stringify({ summary: '', outputs: {}, artifacts: [], evidence: [], questions: [], ...content }));
  }

  /** What a container was committed with. */
  content(id: string): HandoffContent {
    return this.blobs.json(this.task(id).result) as HandoffContent;
  }
}
