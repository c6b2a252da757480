/**
 * Baton as a library: open a home, start workflows, follow what happens, decide, close.
 *
 * ```ts
 * const baton = await Baton.open({ functions: { greet: ({ inputs }) => ({ text: `Hello, ${inputs.name}!` }) } });
 * const run = await baton.start({ version: 1, name: 'hello', tasks: { greet: { call: 'greet', with: { name: 'you' } } } });
 * console.log(await run.result('greet'));
 * await baton.close();
 * ```
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type OpenHome, openHome } from './compose/engine.ts';
import { planText } from './compose/workflows.ts';
import { systemClock } from './engine/host/clock.ts';
import type { Host } from './engine/host/host.ts';
import { findHome } from './engine/journal/home.ts';
import type { Plan, Principal } from './engine/kernel/plan.ts';
import type { RunView } from './engine/kernel/view.ts';
import { type BatonFunction, Run } from './run.ts';

export type { Fact, Stored } from './engine/kernel/facts.ts';
export type { FailureClass, Plan, TaskSpec, Usage } from './engine/kernel/plan.ts';
export type { RunStatus, TaskStatus } from './engine/kernel/state.ts';
export type { RunView } from './engine/kernel/view.ts';
export { BatonError } from './errors.ts';
export { type BatonFunction, type FunctionCall, Run, RunFailed } from './run.ts';
export { AttemptError } from './work/processes/failure.ts';

export interface BatonOptions {
  /** Folder of the journal. Default: `BATON_HOME`, or the nearest `.baton` here or above. */
  readonly home?: string;
  /** A home in a temporary folder that `close` removes: for tests and trials. */
  readonly temporary?: boolean;
  /** The project that `in: project` and `baton.yaml` are about. Default: the current folder. */
  readonly cwd?: string;
  /** Functions that tasks may `call`, by name. A run that was interrupted needs them under the same names. */
  readonly functions?: Readonly<Record<string, BatonFunction>>;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of what the engine meets, such as a full disk; it goes on by itself. Must not throw. */
  readonly log?: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface StartOptions {
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly priority?: number;
  /** The same id twice starts one run. */
  readonly commandId?: string;
}

/** A workflow as data: the same keys as in a file. */
export type WorkflowData = { readonly version: 1; readonly name: string; readonly tasks: object } & Readonly<Record<string, unknown>>;

export class Baton {
  /** Runs that were unfinished when the home was opened; they go on by themselves. */
  readonly recovered: { readonly runs: number; readonly lost: number };
  private readonly opened: OpenHome;
  private readonly options: BatonOptions;
  private readonly temporary: string | undefined;

  private constructor(opened: OpenHome, options: BatonOptions, temporary: string | undefined) {
    this.opened = opened;
    this.options = options;
    this.temporary = temporary;
    this.recovered = opened.recovered;
  }

  /**
   * Owns the home in this process and goes on with its unfinished runs.
   * @throws BatonError `HOME_OWNED` naming the process that has it, `WORKFLOW_INVALID` for a `baton.yaml` with mistakes,
   *   or of the journal (`JOURNAL_NEWER`, `JOURNAL_CORRUPT`, `JOURNAL_READONLY`, `DISK_FULL`)
   */
  static async open(options: BatonOptions = {}): Promise<Baton> {
    const cwd = resolve(options.cwd ?? '.');
    const env = options.env ?? process.env;
    const temporary = options.temporary ? mkdtempSync(join(tmpdir(), 'baton-')) : undefined;
    const home = temporary ?? (options.home === undefined ? findHome(cwd, env) : resolve(cwd, options.home));
    const functions = new Map(Object.entries(options.functions ?? {}));
    const opened = await openHome({ home, cwd, env, functions, ...(options.log ? { log: options.log } : {}) });
    return new Baton(opened, { ...options, cwd, env }, temporary);
  }

  /**
   * Starts a workflow given as data, or a file by its path. Resolves when the run is durable.
   * @throws BatonError `WORKFLOW_INVALID` with every problem in `details.problems`, `FILE_NOT_FOUND`, `INPUT_…`,
   *   or the refusal of the kernel (`RUNS_EXCEEDED`, `IDEMPOTENCY_MISMATCH`)
   */
  async start(workflow: WorkflowData | string, options: StartOptions = {}): Promise<Run> {
    const cwd = this.options.cwd ?? '.';
    const request = { file: typeof workflow === 'string' ? workflow : 'workflow', cwd, ...options };
    const { services, staff, owner } = this.opened;
    if (typeof workflow === 'string') return this.startPlan(await services.workflows.prepare(request), options);
    const parts = {
      staff,
      env: this.options.env ?? process.env,
      functions: new Set(Object.keys(this.options.functions ?? {})),
      now: systemClock.now,
      put: (payload: Uint8Array | string) => owner.journal.put(payload),
      get: (hash: string) => owner.journal.get(hash),
      world: this.opened.routing,
    };
    return this.startPlan(await planText(parts, JSON.stringify(workflow), request), options);
  }

  /** Starts a plan that was put together elsewhere. */
  async startPlan(plan: Plan, { commandId }: Pick<StartOptions, 'commandId'> = {}): Promise<Run> {
    const id = commandId === undefined ? systemClock.id() : commandId;
    const ref = commandId === undefined ? {} : { ref: { id: commandId, args: plan.source } };
    const run = new Run(this.opened, id, this.principal);
    await run.command({ type: 'run.create', plan, by: this.principal, ...ref });
    return run;
  }

  /** A run that was started before, also by another process. */
  run(id: string): Run {
    return new Run(this.opened, id, this.principal);
  }

  /** Newest first. */
  list(query: { readonly limit?: number; readonly open?: boolean } = {}): readonly RunView[] {
    return this.opened.services.views.list(query);
  }

  /** Puts a payload into the journal and returns its hash; for plans that are put together by hand. */
  put(payload: Uint8Array | string): string {
    return this.opened.owner.journal.put(payload);
  }

  private get principal(): Principal {
    return this.opened.services.local;
  }

  /** The port below, for those who build upon it. */
  get host(): Host {
    return this.opened.host;
  }

  /** Ends what runs (it is lost, as in a crash, and the next owner decides) and gives the home back. */
  async close(): Promise<void> {
    await this.opened.close();
    if (this.temporary !== undefined) rmSync(this.temporary, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
